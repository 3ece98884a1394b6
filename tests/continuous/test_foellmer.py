"""Brownian motion that ends in a given law: closed forms, the heat flow, energy and entropy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smilebridge import marginals
from smilebridge.continuous import Foellmer, heat_flow

X = jnp.linspace(-2.0, 2.0, 9)


def lopsided():
    """Three components, one narrow, mean not zero."""
    return Foellmer.of([0.2, 0.5, 0.3], [-1.4, 0.1, 0.7], [0.9, 0.5, 0.25])


def within(sample, target, sigmas=4.0):
    """Mirrored halves are averaged in pairs first."""
    sample = np.asarray(sample).reshape(2, -1).mean(axis=0)
    assert abs(sample.mean() - target) < sigmas * sample.std(ddof=1) / np.sqrt(sample.size)


@pytest.mark.parametrize(("m", "s"), [(0.0, 1.0), (0.4, 0.7), (-1.0, 1.8)])
def test_a_normal_end_has_the_drift_and_entropy_of_the_formula(m, s):
    one = Foellmer.of(1.0, m, s)
    q = 1 - 0.3 + 0.3 * s**2
    np.testing.assert_allclose(one.drift(0.3, X), (m - (1 - s**2) * X) / q, atol=1e-13)
    assert float(one.entropy()) == pytest.approx(0.5 * (m**2 + s**2 - 1) - np.log(s), abs=1e-12)


def test_h_is_the_heat_flow_of_its_end():
    end = Foellmer.of([0.4, 0.6], [-1.0, 0.5], [0.9, 0.5])  # no component so narrow that the quadrature would miss it
    found = heat_flow(lambda x: jnp.exp(end.log_h(1.0, x)), 0.4, X)
    np.testing.assert_allclose(jnp.log(found), end.log_h(0.4, X), atol=1e-9)


def test_h_solves_the_heat_equation_backwards():
    end = lopsided()
    h = lambda t, x: jnp.exp(end.log_h(t, x))
    along = jax.vmap(jax.grad(h), (None, 0))(0.4, X)
    across = jax.vmap(jax.grad(jax.grad(h, 1), 1), (None, 0))(0.4, X)
    np.testing.assert_allclose(along, -0.5 * across, atol=1e-12)


def test_drift_is_the_slope_of_log_h():
    end = lopsided()
    slope = jax.vmap(jax.grad(end.log_h, 1), (None, 0))(0.6, X)
    np.testing.assert_allclose(end.drift(0.6, X), slope, atol=1e-13)


def test_drift_points_to_the_mean_at_the_start_and_has_no_hole_there():
    end = lopsided()
    np.testing.assert_allclose(end.drift(0.0, jnp.zeros(1)), [end.weight @ end.centre], atol=1e-14)


def test_density_has_mass_one_at_all_times():
    x = jnp.linspace(-12, 12, 4001)
    for t in (0.1, 0.5, 1.0):
        assert float(lopsided().density(t, x).sum() * (x[1] - x[0])) == pytest.approx(1, abs=1e-10)


def test_energy_of_paths_is_the_entropy_of_their_end_and_they_end_there():
    end = lopsided()
    walked, energy = end.paths(20_000, 200, key=jax.random.key(1))
    within(energy, float(end.entropy()))
    m, s = end.centre, end.width
    for power, moment in enumerate((m, m**2 + s**2, m**3 + 3 * m * s**2), start=1):
        within(walked[:, -1] ** power, float(end.weight @ moment))


def test_law_of_a_smile_is_centred_and_scaled():
    law = marginals.Mixture("mu1", *map(jnp.array, ([0.8, 1.05], [0.2, 0.1], [0.2, 0.8], [1.0])))
    end = Foellmer.log_of(law)
    assert float(end.weight @ end.centre) == pytest.approx(0, abs=1e-14)
    assert float(end.weight @ (end.centre**2 + end.width**2)) == pytest.approx(1, abs=1e-14)
    assert float((end.centre[1] - end.centre[0]) / end.width[0]) == pytest.approx((np.log(1.05 / 0.8) - 0.005 + 0.02) / 0.2)


@pytest.mark.parametrize(("weight", "width", "said"), [([0.5, 0.4], [1.0, 1.0], "weight"), ([0.5, 0.5], [1.0, 0.0], "width")])
def test_what_is_no_law_is_refused_by_name(weight, width, said):
    with pytest.raises(ValueError, match=said):
        Foellmer.of(weight, [0.0, 1.0], width)
