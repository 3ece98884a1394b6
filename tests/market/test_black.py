"""Black-76 against QuantLib, against itself, and in its limits."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import QuantLib as ql  # noqa: N813
from hypothesis import given
from hypothesis import strategies as st

from smilebridge import market

STDEVS = (0.001, 0.01, 0.05, 0.1, 0.3, 0.6, 1.0, 2.0)
SDS = np.linspace(-3.0, 3.0, 25)  # log strike in standard deviations
TOL_VARIANCE = 1e-12  # total variance, within three standard deviations
TOL_WING = 1e-8  # the same, wherever the price still has digits

stdevs = st.floats(0.01, 2.0)
sds = st.floats(-3.0, 3.0)


def nodes(sd=SDS):
    s, z = (a.ravel() for a in np.meshgrid(STDEVS, sd, indexing="ij"))
    return jnp.asarray(np.exp(z * s)), jnp.asarray(s)


def peer(k, s):
    right = ql.Option.Call if k >= 1 else ql.Option.Put
    return ql.blackFormula(right, float(k), 1.0, float(s))


def test_prices_agree_with_quantlib():
    k, s = nodes()
    assert np.max(np.abs(market.black_otm(k, s) - np.array([peer(*node) for node in zip(k, s, strict=True)]))) < 1e-14


def test_total_variance_comes_back_from_quantlibs_prices_to_1e_12():
    k, s = nodes()
    found = market.implied_stdev(k, jnp.asarray([peer(*node) for node in zip(k, s, strict=True)]))
    assert np.max(np.abs(found**2 - s**2)) < TOL_VARIANCE


def test_quantlibs_implied_stdev_agrees():
    for k, s in ((0.9, 0.2), (1.0, 0.05), (1.2, 0.3), (0.5, 0.8)):
        right = ql.Option.Call if k >= 1 else ql.Option.Put
        theirs = ql.blackFormulaImpliedStdDev(right, k, 1.0, peer(k, s), 1.0, 0.0, ql.nullDouble(), 1e-14, 1000)
        assert abs(float(market.implied_stdev(jnp.array(k), jnp.array(peer(k, s)))) - theirs) < 1e-11


def test_far_wings_keep_total_variance_to_1e_8():
    k, s = nodes(np.linspace(-36.0, 36.0, 145))
    price = market.black_otm(k, s)
    digits = np.asarray(price) > 1e-300
    assert digits.mean() > 0.9
    assert np.max(np.abs(market.implied_stdev(k, price) ** 2 - s**2)[digits]) < TOL_WING


@given(sds, stdevs)
def test_call_minus_put_is_forward_minus_strike(z, s):
    k, s = jnp.exp(jnp.array(z * s)), jnp.array(s)
    assert abs(float(market.black_call(k, s) - market.black_put(k, s) - (1 - k))) < 1e-15 * max(1.0, float(k)) * 4


@given(sds, stdevs)
def test_put_is_the_mirrored_call(z, s):
    k, s = jnp.exp(jnp.array(z * s)), jnp.array(s)
    put, call = market.black_put(k, s), market.black_call(1 / k, s)
    assert float(put) == pytest.approx(float(k * call), rel=1e-12, abs=1e-15)


@given(sds, stdevs, st.floats(1.0001, 2.0))
def test_price_increases_with_volatility_and_vega_is_its_slope(z, s, factor):
    k, s = jnp.exp(jnp.array(z * s)), jnp.array(s)
    assert market.black_otm(k, factor * s) > market.black_otm(k, s)
    step = 1e-5 * s
    slope = (market.black_otm(k, s + step) - market.black_otm(k, s - step)) / (2 * step)
    assert float(market.black_vega(k, s)) == pytest.approx(float(slope), rel=1e-6)


@given(st.floats(-8.0, 8.0), stdevs)
def test_implied_stdev_inverts_the_price(z, s):
    k, s = jnp.exp(jnp.array(z * s)), jnp.array(s)
    assert float(market.implied_stdev(k, market.black_otm(k, s))) == pytest.approx(float(s), rel=1e-11)


@given(sds, stdevs)
def test_gradient_of_implied_stdev_is_one_over_vega(z, s):
    k, s = jnp.exp(jnp.array(z * s)), jnp.array(s)
    slope = jax.grad(market.implied_stdev, argnums=1)(k, market.black_otm(k, s))
    assert float(slope * market.black_vega(k, s)) == pytest.approx(1.0, rel=1e-9)


def test_gradient_in_strike_agrees_with_central_differences():
    k, price, step = jnp.array(1.1), jnp.array(0.02), 1e-6
    slope = jax.grad(market.implied_stdev)(k, price)
    moved = (market.implied_stdev(k + step, price) - market.implied_stdev(k - step, price)) / (2 * step)
    assert float(slope) == pytest.approx(float(moved), rel=1e-8)


def test_eager_jit_and_vmap_agree():
    k, s = nodes()
    price = market.black_otm(k, s)
    rows = jax.vmap(market.implied_stdev)(k, price)
    np.testing.assert_allclose(rows, jax.jit(market.implied_stdev)(k, price), rtol=1e-13)


def test_limits_of_volatility():
    k, zero, large = jnp.array([0.8, 1.0, 1.3]), jnp.zeros(3), jnp.full(3, 60.0)
    assert np.all(market.black_otm(k, zero) == 0)
    np.testing.assert_allclose(market.black_otm(k, large), np.minimum(k, 1.0), rtol=1e-12)
    assert np.all(market.implied_stdev(k, zero) == 0)


def test_prices_that_no_volatility_gives_are_nan():
    k = jnp.array([0.8, 1.0, 1.3, 0.8])
    assert np.all(np.isnan(market.implied_stdev(k, jnp.array([0.8, 1.0, 1.2, -0.01]))))
