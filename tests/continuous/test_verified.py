"""Paths of a calibrated bridge: their bias at no tilt, what hedges may and may not do, and what `verify` says."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smilebridge import models
from smilebridge.continuous import Drift, Hedges, Level, Quotes, calibrate, simulate, verify
from smilebridge.continuous.calibrated import ends, natural, paced, posed

LEVELS = (Level(48, 32, 8, (6, 3)),)
N = 10_000
EXPERIMENT = models.EXPERIMENTS["ii"]


@pytest.fixture(scope="module")
def found():
    """A bridge to a few quotes of all three smiles, on a coarse grid."""
    quotes = Quotes.of_market(models.quoted_market(EXPERIMENT, n=(5, 5, 4)))
    return calibrate(EXPERIMENT.reference, quotes, EXPERIMENT.T1, EXPERIMENT.T2, levels=LEVELS)


@pytest.fixture(scope="module")
def said(found):
    return verify(found, N, key=jax.random.key(1), batches=2)


@pytest.fixture(scope="module")
def run(found):
    theta = jnp.asarray(found.theta)
    drift, hedges = Drift.of(found.bridge, theta, found.grid), Hedges.of(found.bridge, theta, found.grid, found.quotes)
    return jax.tree.map(np.asarray, simulate(found.model, found.bridge, theta, drift, hedges, N, key=jax.random.key(2)))


def test_without_tilt_paths_price_as_the_transform_does(found):
    q, T1, T2 = found.quotes, EXPERIMENT.T1, EXPERIMENT.T2
    said = verify(found, N, key=jax.random.key(0), batches=2, tilt=jnp.array(0.0))
    exact = [models.spx_otm(found.model, T, k)[0] - price for T, k, price in ((T1, q.k1, q.price1), (T2, q.k2, q.price2))]
    m = len(q.k1) + len(q.k2)
    off = said.mc[:m] - np.concatenate(exact) / q.units(T1, T2)[:m]
    assert (np.abs(off) < 4 * said.se[:m] + 2e-5).all()
    assert said.split[:2].sum() == 0.0


def test_multipliers_scale_with_the_noise_that_may_be_tilted_and_with_the_future():
    quotes = Quotes.of_market(models.quoted_market(EXPERIMENT, n=(3, 3, 3)))
    tau, without = EXPERIMENT.tau, replace(EXPERIMENT, k=0.0)
    model = without.reference
    first = natural(model, quotes, tau)
    assert natural(model, replace(quotes, future=2 * quotes.future), tau) == pytest.approx(first / 4)
    assert natural(model, quotes, tau / 3) == pytest.approx(3 * first)
    calmer = replace(without, nu_reference=EXPERIMENT.nu_reference / 2).reference
    assert natural(calmer, quotes, tau) == pytest.approx(4 * first)
    assert ends(model, quotes, tau, 16)[0] < ends(model, quotes, tau, 32)[0]


def test_multipliers_make_up_for_what_reversion_forgets():
    quotes = Quotes.of_market(models.quoted_market(EXPERIMENT, n=(3, 3, 3)))
    tau, without, fast = EXPERIMENT.tau, *(replace(EXPERIMENT, k=k).reference for k in (0.0, 20.0))
    speed = 20.0 * EXPERIMENT.m / quotes.future
    at = np.linspace(0.0, tau, 2001)
    left = 2 / tau**2 * np.trapezoid((1 - np.exp(-speed * at)) / speed, at)
    assert natural(fast, quotes, tau) == pytest.approx(natural(without, quotes, tau) / left, rel=1e-6)


def test_little_free_noise_takes_more_cells():
    quotes, dates = Quotes.of_market(models.quoted_market(EXPERIMENT, n=(3, 3, 3))), (EXPERIMENT.T1, EXPERIMENT.T2)
    level = Level(32, 16, 8, (16, 8))
    assert posed(EXPERIMENT.reference, quotes, *dates, Level(32, 32, 8, (6, 3)))[1].shape == (32, 32)
    for rho, k in ((-0.97, 1.5), (-0.9, 20.0)):
        bound = replace(EXPERIMENT, rho_reference=rho, k=k).reference
        assert posed(bound, quotes, *dates, level)[1].shape[1] > 16


def test_a_nervous_reference_takes_more_steps_and_a_calm_one_those_of_the_level():
    level, (T1, T2) = Level(64, 48, 16, (8, 4)), (EXPERIMENT.T1, EXPERIMENT.T2)
    assert paced(EXPERIMENT.reference, T1, T2, level) == level.steps
    nervous = replace(EXPERIMENT, nu_reference=4.0).reference
    assert min(paced(nervous, T1, T2, level)) > 20


def test_prices_on_paths_are_those_of_the_grid(found, said):
    elsewhere = np.abs(found.elsewhere(Level(64, 48, 16, (8, 4))))
    assert (np.abs(said.mc) < 4 * said.se + 2 * elsewhere + 5e-4).all()
    assert said.n_paths == 2 * N


def test_index_is_a_martingale_and_vix_the_variance_that_follows(said):
    assert said.martingale_z < 4
    assert abs(said.dispersion[0]) < 0.01 + 4 * said.dispersion[1]
    assert (np.diff(said.by_vix[:, 0]) > 0).all()


def test_entropy_of_paths_is_near_the_dual(found, said):
    assert said.entropy == pytest.approx(found.dual, rel=0.05)
    assert said.split.sum() == pytest.approx(said.entropy, rel=0.05)
    assert (said.split > 0).all()


def test_hedges_gain_nothing_on_average(run):
    pairs = lambda gain: gain.reshape(2, -1, gain.shape[1]).mean(axis=0)
    for gain in (pairs(run.hedge1), pairs(run.hedge2)):
        z = gain.mean(axis=0) / (gain.std(axis=0, ddof=1) / np.sqrt(len(gain)))
        assert np.abs(z).max() < 4.5


def test_hedges_take_most_of_the_noise(found, run):
    m1, m2, _ = found.quotes.counts
    gain = run.hedge1[:, 1 + m1 + m2 :]
    left = (run.vix - gain).std(axis=0) / run.vix.std(axis=0)
    assert left.max() < 0.6  # of the wing
    assert left[-1] < 0.1  # of the future


def test_vix_drawn_is_on_average_the_vix_expected(run):
    pulled = run.V - run.vix[:, -1]
    assert abs(pulled.mean()) < 4 * pulled.std() / np.sqrt(len(pulled))
