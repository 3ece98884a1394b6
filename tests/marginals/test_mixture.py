"""Mixtures of lognormals: closed forms against quadrature, against Black, and their transformations."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr

import smiles
from smilebridge import market
from smilebridge.marginals import Mixture

TOL_MASS = 1e-12  # probability; also prices and means per mean, and log moments
SCORES = np.linspace(-9.5, 9.5, 20)  # ends of the pieces of the quadrature, in widths of each component
GAUSS = np.polynomial.legendre.leggauss(16)
PROBABILITIES = jnp.array([1e-9, 1e-4, 0.01, 0.25, 0.5, 0.75, 0.99, 1 - 1e-4, 1 - 1e-9])

scores = st.floats(-3.0, 3.0)


def quadrature(law, *, above=0.0):
    """Points and masses of the law beyond `above`, by a composite Gauss rule in log x that knows nothing of the closed forms."""
    width = np.asarray(law.widths)
    cuts = np.log(law.means)[:, None] - 0.5 * width[:, None] ** 2 + width[:, None] * SCORES
    cuts = np.unique(cuts) if above == 0 else np.unique(np.r_[cuts[cuts > np.log(above)], np.log(above)])
    half, centre = 0.5 * np.diff(cuts), 0.5 * (cuts[1:] + cuts[:-1])
    x = np.exp(centre[:, None] + half[:, None] * GAUSS[0]).ravel()
    return x, np.asarray(law.density(jnp.asarray(x))) * x * (half[:, None] * GAUSS[1]).ravel()


def strike(law, score):
    """(1,) a strike within a few widths of the whole law."""
    stdev = np.sqrt(np.log(float(law.second_moment())))
    return jnp.exp(jnp.array([score * stdev]))


@given(smiles.mixtures(), scores)
def test_density_integrates_to_one_and_cdf_is_its_integral(law, score):
    k = strike(law, score)
    x, p = quadrature(law)
    beyond = quadrature(law, above=float(k[0]))[1].sum()
    assert abs(p.sum() - 1) < TOL_MASS
    assert abs(float(law.survival(k)[0]) - beyond) < TOL_MASS
    assert abs(float(law.cdf(k)[0]) + beyond - 1) < TOL_MASS


@given(smiles.mixtures())
def test_moments_are_their_integrals(law):
    x, p = quadrature(law)
    assert abs(float(law.mean()) - 1) < TOL_MASS
    assert abs(p @ x - 1) < TOL_MASS
    assert abs(float(law.second_moment()) / (p @ x**2) - 1) < TOL_MASS
    assert abs(float(law.log_contract(0.1)) + 20 * p @ np.log(x)) < 20 * TOL_MASS


@given(smiles.mixtures(), scores)
def test_call_is_the_integral_of_its_payoff_and_of_survival(law, score):
    k = strike(law, score)
    x, p = quadrature(law, above=float(k[0]))
    assert abs(float(law.call(k)[0]) - p @ (x - float(k[0]))) < TOL_MASS
    slope = jax.grad(lambda strike: law.call(strike)[0])(k)
    assert abs(float(slope[0] + law.survival(k)[0])) < TOL_MASS


def test_slopes_are_probabilities_even_at_the_kinks_of_the_formula():
    """At k = 1 the put of one component meets its call; half of a jump in a modulus would be a wrong delta."""
    for law in (smiles.lognormal(0.2), smiles.skewed()):
        for k in (jnp.array([1.0]), law.means[:1], jnp.array([0.97])):
            assert float(jax.grad(lambda strike, law=law: law.call(strike)[0])(k)[0]) == pytest.approx(
                -float(law.survival(k)[0]), abs=1e-12
            )
            assert float(jax.grad(lambda strike, law=law: law.put(strike)[0])(k)[0]) == pytest.approx(float(law.cdf(k)[0]), abs=1e-12)
    assert float(jax.grad(market.black_call)(jnp.array(1.0), jnp.array(0.2))) == pytest.approx(-ndtr(-0.1), abs=1e-12)


@given(smiles.mixtures(), scores)
def test_call_minus_put_is_mean_minus_strike(law, score):
    k = strike(law, score)
    assert abs(float((law.call(k) - law.put(k) - (law.mean() - k))[0])) < 1e-15 * (1 + float(k[0])) * 4
    assert float(law.otm(k)[0]) == pytest.approx(float(jnp.minimum(law.call(k), law.put(k))[0]), rel=1e-9, abs=1e-15)


@given(smiles.mixtures())
def test_quantile_inverts_the_distribution_function(law):
    x = law.quantile(PROBABILITIES)
    assert np.all(np.diff(x) > 0)
    np.testing.assert_allclose(law.cdf(x), PROBABILITIES, rtol=0, atol=TOL_MASS)


@given(smiles.mixtures())
def test_calls_are_positive_decreasing_and_convex(law):
    k = jnp.exp(jnp.linspace(-3, 3, 61) * jnp.sqrt(jnp.log(law.second_moment())))
    calls = np.asarray(law.call(k))
    slopes = np.diff(calls) / np.diff(k)
    assert np.all(law.otm(k) >= 0)
    assert np.all((slopes <= 1e-12) & (slopes >= -1 - 1e-12))
    assert np.all(np.diff(slopes) >= -1e-9)


@given(smiles.mixtures(), scores, st.floats(0.01, 100.0))
def test_law_scales_with_its_unit(law, score, unit):
    scaled = Mixture("muV", unit * law.means, law.widths, law.weights, law.strikes)
    k = strike(law, score)
    assert float(scaled.otm(unit * k)[0]) == pytest.approx(unit * float(law.otm(k)[0]), rel=1e-9)
    assert float(scaled.density(unit * k)[0]) == pytest.approx(float(law.density(k)[0]) / unit, rel=1e-9)
    assert float(scaled.implied_stdev(unit * k)[0]) == pytest.approx(float(law.implied_stdev(k)[0]), rel=1e-9)
    assert float(scaled.second_moment()) == pytest.approx(unit**2 * float(law.second_moment()), rel=1e-12)


@pytest.mark.parametrize("stdev", [1e-3, 0.05, 0.5, 2.0])
def test_one_component_is_black(stdev):
    law, k = smiles.lognormal(stdev), jnp.exp(stdev * jnp.linspace(-4, 4, 33))
    np.testing.assert_allclose(law.otm(k), market.black_otm(k, jnp.full(33, stdev)), rtol=2e-11)
    np.testing.assert_allclose(law.implied_stdev(k), stdev, rtol=1e-10)
    assert float(law.second_moment()) == pytest.approx(np.exp(stdev**2), rel=1e-14)
    assert float(law.log_contract(0.25)) == pytest.approx(stdev**2 / 0.25, rel=1e-12)


def test_survival_keeps_its_digits_in_the_upper_tail():
    law, score = smiles.lognormal(0.1), np.array([5.0, 8.0, 20.0])
    x = jnp.exp(jnp.asarray(0.1 * score - 0.005))
    np.testing.assert_allclose(law.survival(x), ndtr(-score), rtol=1e-12)


def test_support_holds_all_but_1e_18_of_the_mass():
    law = smiles.skewed()
    low, high = law.support()
    assert float(law.cdf(low[None])[0]) < 1e-18
    assert float(law.survival(high[None])[0]) < 1e-18


def test_eager_jit_and_vmap_agree():
    one, other = smiles.skewed(), smiles.mixture([0.9, 1.0, 1.2], [0.02, 0.1, 0.2], [0.2, 0.5, 0.3])
    k, u = jnp.linspace(0.6, 1.4, 9), jnp.linspace(0.05, 0.95, 9)
    both = jax.tree.map(lambda a, b: jnp.stack([a, b]), one, other)
    numbers = lambda law: (law.call(k), law.put(k), law.density(k), law.cdf(k), law.survival(k), law.second_moment(), law.log_contract(0.1))
    with jax.disable_jit():
        eager = numbers(one)
    searched = lambda law: (law.quantile(u), law.implied_stdev(k))
    for plain, rows in zip(searched(one), eqx.filter_vmap(searched)(both), strict=True):
        np.testing.assert_allclose(rows[0], plain, rtol=1e-12)
    for plain, fast, rows in zip(eager, eqx.filter_jit(numbers)(one), eqx.filter_vmap(numbers)(both), strict=True):
        np.testing.assert_allclose(fast, plain, rtol=1e-12)
        np.testing.assert_allclose(rows[0], plain, rtol=1e-12)


def test_laws_of_one_size_share_one_compilation():
    k = jnp.linspace(0.8, 1.2, 5)
    price = eqx.filter_jit(eqx.debug.assert_max_traces(lambda law, k: law.call(k), max_traces=1))
    for width in (0.01, 0.1, 1.0):
        price(smiles.lognormal(width), k)


def test_single_precision_is_refused():
    parts = (jnp.ones(2), jnp.full(2, 0.1), jnp.full(2, 0.5), jnp.ones(1))
    with pytest.raises(TypeError, match="muV: float64 needed, got float32; set jax_enable_x64"):
        Mixture("muV", *(part.astype(jnp.float32) for part in parts))
