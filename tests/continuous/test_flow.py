"""A step back in time against what it must be: linear prices of the reference, exponential moments in closed form, second order."""

import jax.numpy as jnp
import numpy as np
import pytest

from smilebridge import continuous, models
from smilebridge.market import black_otm, implied_stdev

T1, T2 = 0.17, 0.17 + 30 / 365
MODELS = {
    "lognormal": models.LognormalVol.of(k=1.5, m=0.2, nu=1.0, rho=-0.7, a0=0.2, low=0.05, high=0.8),
    "uncorrelated": models.LognormalVol.of(k=1.5, m=0.2, nu=0.5, rho=0.0, a0=0.2, low=0.05, high=0.8),
    "square root": models.SquareRootVol.of(kappa=2.0, theta=0.04, xi=0.3, rho=-0.6, a0=0.2, low=0.02, high=0.6),
    "Bergomi": models.BergomiVol.of(k=2.0, level=0.2, omega=0.8, rho=-0.5, a0=0.2, low=0.05, high=0.8),
}
K1, K2 = np.array([0.85, 0.95, 1.0, 1.04, 1.1]), np.array([0.8, 0.9, 1.0, 1.06, 1.15])


def bridge(model, *, nx=64, ny=48, steps=(8, 4)):
    """Without VIX; its prices are zero, so its errors are its model's prices."""
    grid = continuous.Grid.of(model, T1, T2, nx=nx, ny=ny, steps=steps)
    return continuous.Bridge.of(model, continuous.Quotes(K1, 0 * K1, K2, 0 * K2), grid)


@pytest.mark.parametrize("name", MODELS)
def test_at_zero_weights_prices_are_those_of_the_reference_by_its_transform(name):
    model = MODELS[name]
    _, found = continuous.loss_and_errors(bridge(model, ny=64, steps=(12, 6)), jnp.zeros(10))
    for k, T, prices in ((K1, T1, found[:5]), (K2, T2, found[5:])):
        exact, _ = models.spx_otm(model, T, k)
        vols = [np.asarray(implied_stdev(jnp.asarray(k), jnp.asarray(p))) / np.sqrt(T) for p in (prices, exact)]
        assert np.abs(vols[0] - vols[1]).max() < 1e-4


def test_the_tilted_noise_has_the_exponential_moments_of_an_ornstein_uhlenbeck_process():
    """log E exp(c y) of y, without correlation: Cole and Hopf exactly, whatever the number of steps."""
    model = models.BergomiVol.of(k=2.0, level=0.2, omega=0.8, rho=0.0, a0=0.2, low=0.2 * np.exp(-4), high=0.2 * np.exp(4))
    grid = continuous.Grid.of(model, T1, T2, nx=8, ny=160, steps=(3, 2))
    flow = continuous.Flow.of(model, grid, T1, 3)
    for c in (-3.0, 5.0):
        u = flow.back(jnp.broadcast_to(c * jnp.asarray(grid.y)[:, None, None, None], (160, 1, 1, 8)))
        mean, variance = 0.0, 0.8**2 * (1 - np.exp(-4 * T1)) / 4
        assert float(grid.start @ u[:, 0, 0, 0]) == pytest.approx(c * mean + c**2 * variance / 2, abs=1e-6)


def test_the_derivative_by_delta_travels_with_u():
    model = MODELS["lognormal"]
    grid = continuous.Grid.of(model, T1, T2, nx=16, ny=32, steps=(4, 4))
    flow = continuous.Flow.of(model, grid, T2 - T1, 4)

    def back(delta):
        u = jnp.zeros((32, 2, 1, 16))
        return flow.back(u, jnp.array([[delta], [1.0]]))

    step = 1e-3
    there, up, down = (back(d) for d in (20.0, 20.0 + step, 20.0 - step))
    np.testing.assert_allclose(there[:, 1], (up[:, 0] - down[:, 0]) / (2 * step), rtol=1e-7)
    assert bool((there[:, 1, 0, 0] > 0.05**2).all())
    assert bool((there[:, 1, 0, 0] < 0.8**2).all())


def test_steps_are_of_second_order():
    model, theta = MODELS["lognormal"], jnp.asarray(np.random.default_rng(0).normal(size=10))
    value = lambda n: float(continuous.loss_and_errors(bridge(model, ny=128, steps=(2 * n, n)), theta)[0])
    coarse, middle, fine = (value(n) for n in (2, 4, 8))
    assert 3.0 < (coarse - middle) / (middle - fine) < 5.5


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"nx": 63}, "nx even"),
        ({"ny": 16, "steps": (200, 100)}, "take fewer steps or more nodes of y"),
        ({"steps": (0, 4)}, "at least one step"),
    ],
)
def test_grids_that_cannot_work_are_refused(change, told):
    with pytest.raises(ValueError, match=told):
        bridge(MODELS["lognormal"], **change)


def test_options_between_nodes_are_as_accurate_as_on_them():
    grid = continuous.Grid.of(MODELS["lognormal"], T1, T2, nx=64, ny=32, steps=(4, 4))
    k = np.array([0.93, 0.94, 0.95, 1.005, 1.02])
    payoff, amount = grid.options(k)
    s = 0.1
    density = np.exp(-0.5 * ((grid.x + s**2 / 2) / s) ** 2)
    price = payoff @ density / density.sum() + amount
    np.testing.assert_allclose(price, black_otm(jnp.asarray(k), jnp.full(5, s)), atol=2e-6)
