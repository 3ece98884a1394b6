"""The choice of V at T1 against brute force: the transform in delta, the soft maximum in v."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from smilebridge import continuous

DELTA = continuous.multipliers(24, 400.0, 60.0)
VARIANCE, BEND = 0.04, 3e-4


def w(delta):
    """Convex, with a slope that climbs from one level to another as where the volatility escapes to its bound."""
    return VARIANCE * delta + BEND * 400 * jnp.logaddexp(0.0, (delta - 20) / 8) * 8 + 0.5 * 2e-5 * delta**2


def meeting(softness=0.02, delta=DELTA):
    return continuous.Meeting.of([0.15, 0.2, 0.3], (0.05, 0.8), delta, softness)


def columns(delta):
    """(1, d, 1) values and slopes."""
    return w(jnp.asarray(delta))[None, :, None], jax.vmap(jax.grad(w))(jnp.asarray(delta))[None, :, None]


@pytest.mark.parametrize(("n", "tol"), [(16, 4e-2), (32, 6e-3), (64, 8e-4)])
def test_transform_in_delta_is_that_of_the_function_and_sharpens_with_nodes(n, tol):
    delta = continuous.multipliers(n, 400.0, 60.0)
    found = meeting(delta=delta)
    score, at = found._scores(*columns(delta), jnp.zeros(found.v.size))
    G = score[0, :, 0] * found.softness - found.softness * jnp.log(found.weight)
    for v, value, place in zip(found.v, G, at[0, :, 0], strict=True):
        best = minimize_scalar(lambda d, v=v: float(w(d) - d * v**2), bounds=(-400, 60), method="bounded", options={"xatol": 1e-9})
        assert abs(float(value) - best.fun) < tol
        assert -400 <= float(place) <= 60
    assert bool((jnp.diff(at[0, :, 0]) >= 0).all())


def test_beyond_the_multipliers_the_transform_goes_on_along_its_tangent():
    found = meeting()
    score, at = found._scores(*columns(DELTA), jnp.zeros(found.v.size))
    G = score[0, :, 0] * found.softness - found.softness * jnp.log(found.weight)
    high = at[0, :, 0] == 60.0
    assert int(high.sum()) > 3
    np.testing.assert_allclose(jnp.diff(G[high]) / jnp.diff(found.v[high] ** 2), -60.0, rtol=1e-9)


def test_a_basis_moves_the_variance_that_goes_with_a_vix():
    found = meeting()
    moved = continuous.Meeting.of([0.15, 0.2, 0.3], (0.05, 0.8), DELTA, 0.02, basis=-0.002)
    as_far = eqx.tree_at(lambda z: z.v, found, jnp.sqrt(found.v**2 - 0.002))
    for law, expected in zip(*(z.law(*columns(DELTA), jnp.zeros(z.v.size)) for z in (moved, as_far)), strict=True):
        np.testing.assert_allclose(law, expected, atol=1e-9)


def test_value_is_the_best_mean_less_the_entropy_of_a_law():
    found, uV = meeting(), jnp.asarray(np.random.default_rng(1).normal(size=meeting().v.size)) * 0.05
    value = float(found(*columns(DELTA), uV)[0, 0])
    law, _ = found.law(*columns(DELTA), uV)
    score, _ = found._scores(*columns(DELTA), uV)
    p, gain = law[0, :, 0], score[0, :, 0] * found.softness - found.softness * jnp.log(found.weight)
    assert float(p.sum()) == pytest.approx(1.0)
    value_of = lambda q: float(q @ gain - found.softness * (q * jnp.log(jnp.maximum(q, 1e-300) / found.weight)).sum())
    assert value_of(p) == pytest.approx(value, abs=1e-12)
    for seed in range(20):
        other = p * jnp.exp(0.3 * jax.random.normal(jax.random.key(seed), p.shape))
        assert value_of(other / other.sum()) < value


def test_with_less_softness_v_settles_on_the_best():
    sharp = meeting(softness=1e-6)
    law, _ = sharp.law(*columns(DELTA), jnp.zeros(sharp.v.size))
    natural = float(jax.grad(w)(0.0)) ** 0.5
    assert float(law[0, :, 0] @ sharp.v) == pytest.approx(natural, rel=0.02)
