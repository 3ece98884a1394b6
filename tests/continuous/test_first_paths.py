"""A bridge to SPX smiles alone: its energy is the dual, its noise the prior's, and its VIX the variance that follows."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smilebridge import models
from smilebridge.continuous import Drift, Hedges, Level, Quotes, added_drift, calibrate, first_paths, simulate
from smilebridge.continuous.simulate import stepped

T1, T2 = 0.17, 0.25
K1, K2 = np.array([0.9, 1.0, 1.1]), np.array([0.88, 1.0, 1.12])
LEVELS = (Level(64, 48, 1, (16, 8)),)  # paths read the drift linearly in time: fewer steps, less energy
N = 20_000


@pytest.fixture(scope="module")
def found():
    """A prior with too little correlation, calibrated to three strikes of each smile."""
    model = lambda rho: models.LognormalVol.of(k=1.5, m=0.2, nu=0.8, rho=rho, a0=0.2, low=0.05, high=0.8)
    prices = [models.spx_otm(model(-0.5), T, k)[0] for T, k in ((T1, K1), (T2, K2))]
    return calibrate(model(-0.3), Quotes(K1, prices[0], K2, prices[1]), T1, T2, levels=LEVELS)


@pytest.fixture(scope="module")
def drift(found):
    return Drift.of(found.bridge, jnp.asarray(found.theta), found.grid)


@pytest.fixture(scope="module")
def run(found, drift):
    theta = jnp.asarray(found.theta)
    hedges = Hedges.of(found.bridge, theta, found.grid, found.quotes)
    return simulate(found.model, found.bridge, theta, drift, hedges, N, key=jax.random.key(3))


def within(sample, target, sigmas=4.0):
    sample = np.asarray(sample).reshape(2, -1).mean(axis=0)
    assert abs(sample.mean() - target) < sigmas * sample.std(ddof=1) / np.sqrt(sample.size)


def test_quotes_are_met_without_a_vix(found):
    assert found.met
    assert found.quotes.future is None


def test_energy_of_paths_is_the_dual(found, run):
    within(run.entropy.sum(axis=0), found.dual)
    assert found.dual > 0.01


def test_index_is_a_martingale_on_both_intervals(run):
    within(jnp.exp(run.x1), 1.0)
    within(jnp.exp(run.x2) - jnp.exp(run.x1), 0.0)


def test_vix_is_the_variance_that_follows(found, run):
    within(run.variance2 / found.grid.tau - run.V**2, 0.0)
    np.testing.assert_array_equal(run.delta, 0.0)


def test_options_cost_what_paths_pay(found, run):
    paid = jnp.maximum(K1[None, :] - jnp.exp(run.x1)[:, None], 0.0)
    within(paid[:, 0], found.quotes.price1[0])


def test_noise_of_a_step_is_the_priors(found, drift):
    z = first_paths(found.model, drift, T1, N, key=jax.random.key(4))
    dW, dy = np.diff(z.x) / np.exp(np.asarray(z.y)[:, :-1]), np.diff(z.y)
    assert np.corrcoef(dW.ravel(), dy.ravel())[0, 1] == pytest.approx(-0.3, abs=0.01)
    assert dy.std() / np.sqrt(z.times[1]) == pytest.approx(0.8, rel=0.01)
    assert np.corrcoef(z.x[:, -1], z.y[:, -1])[0, 1] < -0.35


def test_no_tilt_is_the_prior(found, drift):
    z = first_paths(found.model, drift, T1, N, key=jax.random.key(5), tilt=jnp.array(0.0))
    assert np.corrcoef(z.x[:, -1], z.y[:, -1])[0, 1] == pytest.approx(-0.3, abs=0.04)
    assert z.x.shape == z.y.shape == (N, len(z.times))


def test_added_drift_is_shown_where_paths_are(found, drift):
    z = first_paths(found.model, drift, T1, N, key=jax.random.key(4))
    change = added_drift(found.model, drift, z, 0.5)
    assert change.added.shape == (change.a.size, change.s.size)
    low, high = np.exp(np.quantile(z.x[:, -1], [1e-3, 0.999]))
    assert low <= change.s[0] < change.s[-1] <= high
    low, high = change.added[:, change.s < 0.95].mean(), change.added[:, change.s > 1.05].mean()
    assert low > high


def test_index_is_a_martingale_where_volatility_is_reflected_all_the_time():
    model = models.LognormalVol.of(k=0.0, m=0.2, nu=2.0, rho=-0.9, a0=0.2, low=0.18, high=0.25)
    steps, still = 50, lambda ahead, y, x: jnp.zeros_like(y)

    def step(state, key):
        z = jax.random.normal(key, (2, N))
        x, y, *_ = stepped(model, still, *state, jnp.concatenate([z, -z], axis=1), T1 / steps)
        return (x, y), None

    begin = jnp.zeros(2 * N), jnp.full(2 * N, model.start)
    (x, y), _ = jax.lax.scan(step, begin, jax.random.split(jax.random.key(6), steps))
    assert (y <= model.edges[1]).all()
    within(jnp.exp(x), 1.0, sigmas=3.0)
