"""The scheme: its transpose and its gradient, linear prices against closed form, order, and growth that is told."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from simulated_market import DATES, MARKET, REFERENCE, V0, grid, quoted
from smilebridge import semimartingale
from smilebridge.semimartingale import calibrated
from smilebridge.semimartingale.diffusion import model_prices
from smilebridge.semimartingale.reference import sampled
from smilebridge.semimartingale.transport import legendre

ADJOINT = 1e-8  # relative: the gradient is exact, the difference of fourth order is not
WORTH = 0.005  # price of a unit of volatility below which a VIX option is no test


def posed(model, on, *, free=True):
    """The dual for a Heston reference, the market's quotes."""
    return semimartingale.Transport.of(on, quoted(MARKET), sampled(semimartingale.HestonReference(model), on), V0, free=free)


def misprice(model, nx, nv, **pace):
    """Errors of linear prices of a Heston model, bp of volatility."""
    q = quoted(model)
    price = model_prices(posed(model, grid(nx, nv, **pace), free=False))
    unit = q.units(DATES.T1, DATES.T2, DATES.TV)
    exact = np.concatenate([q.price1, q.price2, quoted(model).priceV, [q.future]])
    market = quoted(MARKET)
    same = (market.kV < market.future) == (q.kV < q.future)
    worth = np.r_[np.ones(14, bool), same & (unit[14:-1] > WORTH), True]
    return (1e4 * (price - exact) / unit)[worth]


def test_transpose_is_exact(key):
    on = grid(14, 12)
    stencil = on.stencil
    one, *four = jax.random.normal(key, (5, *on.shape))
    there = sum((a * b).sum() for a, b in zip(stencil.derivatives(one), four, strict=True))
    back = (one * stencil.transposed(*four)).sum()
    assert float(there) == pytest.approx(float(back), rel=1e-13)


def test_derivatives_are_of_fourth_order():
    def worst(n):
        on = grid(n, n)
        x, v = np.meshgrid(on.x.at, on.v.at, indexing="ij")
        found = on.stencil.derivatives(jnp.asarray(np.sin(3 * x) * np.cos(4 * v)))
        exact = (
            0.5 * (-9 * np.sin(3 * x) - 3 * np.cos(3 * x)) * np.cos(4 * v),
            -4 * np.sin(3 * x) * np.sin(4 * v),
            -16 * np.sin(3 * x) * np.cos(4 * v),
            -12 * np.cos(3 * x) * np.sin(4 * v),
        )
        inside = np.s_[n // 4 : -(n // 4), n // 4 : -(n // 4)]
        return np.array([np.abs(np.asarray(a) - b)[inside].max() for a, b in zip(found, exact, strict=True)])

    order = np.log2(worst(40) / worst(80))
    assert (order > 3.7).all()


def test_steps_in_time_are_of_second_order():
    rate = jnp.array([-1.0, -5.0])
    off = lambda n: jnp.abs(_marched(rate, n) - jnp.exp(rate))
    order = np.log2(np.asarray(off(64) / off(128)))
    np.testing.assert_allclose(order, 2.0, atol=0.15)


def _marched(rate, n):
    return jax.lax.fori_loop(0, n, lambda _, u: legendre(lambda u: rate * u, u, 1 / n, 5), jnp.ones(2))


def test_gradient_is_that_of_the_scheme(key):
    transport = posed(REFERENCE, grid(20, 20))
    theta, along = 3 * jax.random.normal(key, (2, 20))
    loss = eqx.filter_jit(lambda theta: transport.loss(theta))
    at = lambda step: float(loss(theta + step * along))
    h = 1e-4
    difference = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)
    slope = float(eqx.filter_jit(lambda theta: jax.grad(transport.loss)(theta))(theta) @ along)
    assert slope == pytest.approx(difference, rel=ADJOINT)


def test_at_zero_weights_prices_are_those_of_the_reference():
    on = grid(20, 20)
    np.testing.assert_allclose(model_prices(posed(REFERENCE, on)), model_prices(posed(REFERENCE, on, free=False)), atol=1e-14)


def test_loss_is_convex_along_a_line(key):
    transport = posed(REFERENCE, grid(20, 20))
    theta, along = jax.random.normal(key, (2, 20))
    value = eqx.filter_jit(lambda t: transport.loss(theta + t * along))
    values = np.array([float(value(t)) for t in np.linspace(-2.0, 2.0, 9)])
    assert (np.diff(values, 2) > 0).all()


def test_linear_prices_are_heston_s():
    assert np.abs(misprice(MARKET, 40, 40)).max() < 1.0


def test_a_reference_that_dwells_at_zero_variance_is_priced_as_well():
    assert np.abs(misprice(REFERENCE, 60, 80)).max() < 1.0


def test_linear_prices_converge_fast():
    coarse, fine = (np.abs(misprice(MARKET, n, n)).max() for n in (24, 48))
    assert fine < coarse / 8


def test_growth_is_told_and_is_not_nan():
    model = lambda on: semimartingale.Diffusion.of(posed(REFERENCE, on), 5.0 * np.ones(20), on)
    assert model(grid(24, 24)).growth <= 1.0
    broken = model(grid(60, 60, stable=1e6))
    assert broken.growth > calibrated.GROWN
    assert not np.isnan(broken.growth)


def test_dates_out_of_order_are_refused():
    with pytest.raises(ValueError, match="dates: need 0 < T1 <= TV < T2"):
        semimartingale.Dates(0.2, 0.1, 0.3)
