"""A calibrated diffusion: it meets its quotes, also where it was not asked, and its paths agree."""

from functools import cache

import jax
import numpy as np
import pytest

from simulated_market import DATES, MARKET, REFERENCE, V0, quoted
from smilebridge import semimartingale
from smilebridge.semimartingale.calibrated import mixed
from smilebridge.semimartingale.measure import Measure
from smilebridge.semimartingale.reference import sampled

LEVELS = (semimartingale.Level(24, 24, (40, 60)),)
EXACT = 0.05e-4  # in units of volatility
N = 8_000


@cache
def found():
    """The published experiment on a coarse grid."""
    return semimartingale.calibrate(semimartingale.HestonReference(REFERENCE), quoted(MARKET), DATES, V0, levels=LEVELS)


@cache
def said():
    return semimartingale.verify(found(), N, key=jax.random.key(1), batches=2, longest=0.15 / 365.25)


def test_every_quote_is_met_from_zero_weights():
    assert found().met
    assert np.abs(found().error).max() < EXACT
    assert np.isfinite(found().theta).all()
    assert found().model.growth <= 1.0


def test_errors_are_those_of_the_model_measured_again():
    again = found().elsewhere(*LEVELS[0].finer)
    np.testing.assert_allclose(again, found().error, atol=1e-9)
    elsewhere = np.abs(found().elsewhere(64, 96)) * found().units
    assert (elsewhere[:14] / found().units[:14] < 8e-4).all()
    assert (elsewhere[14:] / found().units[14:] < 60e-4).all()


def test_what_the_scheme_s_own_grid_hides_is_taken_out():
    assert 5e-4 < np.abs(found().own).max() < 0.05
    assert np.abs(found().error).max() < 0.01 * np.abs(found().own).max()


def test_covariances_are_admissible_everywhere():
    c11, c12, c22 = np.moveaxis(found().model.c, 1, 0)
    assert (c11 >= 0).all()
    assert (c11 * c22 - c12**2 > -1e-12).all()
    grid = found().model.grid
    domain, v = grid.domain, grid.v.at
    ceiling = v[None, :] ** 2 * (1 + domain.fall * grid.s[:, None])
    assert (c11[..., 1:-1] <= ceiling[:, None, 1:-1] + 1e-12).all()
    assert np.abs(found().model.c[:, 1:, :, [0, -1]]).max() == 0.0


def test_a_market_that_is_the_reference_needs_no_weights():
    q = quoted(MARKET)
    alone = semimartingale.calibrate(semimartingale.HestonReference(MARKET), q, DATES, V0, levels=LEVELS)
    assert abs(alone.dual) < 1e-3 * found().dual
    off = alone.model.c - np.broadcast_to(alone.cbar, alone.model.c.shape)
    assert np.sqrt((off**2).mean()) < 0.05 * np.sqrt((alone.model.c**2).mean())


def test_a_calm_market_is_met_on_a_domain_of_its_own():
    market = semimartingale.Heston(kappa=1.0, theta=0.02, xi=0.3, rho=-0.7)
    q = quoted(market, v0=0.12, k=np.array([0.91, 0.95, 1.0, 1.03]), kv=np.array([0.07, 0.11, 0.17]))
    calm = semimartingale.calibrate(
        semimartingale.HestonReference(semimartingale.Heston(kappa=2.0, theta=0.02, xi=0.3, rho=-0.2)), q, DATES, 0.12, levels=LEVELS
    )
    assert calm.met
    assert calm.model.grid.domain.high == pytest.approx(2.8 * 0.12)


def test_prices_on_paths_are_those_of_the_model():
    elsewhere = np.abs(found().elsewhere(64, 96))
    assert (np.abs(said().mc) < 4 * said().se + 2 * elsewhere + 10e-4).all()
    assert abs(said().mc[-1]) < 4 * said().se[-1] + 2e-4
    assert said().n_paths == 2 * N


def test_index_is_a_martingale_and_vix_the_variance_that_follows():
    assert said().martingale_z < 4
    assert abs(said().dispersion_z) < 4
    assert abs(said().spent[0]) < 4 * said().spent[1]
    assert (np.diff(said().by_vix[:, 0]) > 0).all()
    assert said().floored < 1e-3


def test_cost_on_paths_is_nearly_the_dual():
    coarse = 0.04 * found().dual  # of 24 nodes: 1% with 40, from above, since the distance is convex and read between nodes
    assert abs(said().cost[0] - found().dual) < 4 * said().cost[1] + coarse


def test_a_smoothed_model_is_a_nearer_reference():
    reference = semimartingale.SmoothedReference.of(found().model)
    again = semimartingale.calibrate(reference, quoted(MARKET), DATES, V0, levels=LEVELS)
    assert again.met
    assert again.dual < 0.1 * found().dual
    rough = lambda model: np.square(np.diff(model.c, axis=0)).mean()
    assert rough(again.model) < 0.7 * rough(found().model)


def test_a_smoothed_model_is_a_mean_of_covariances():
    c = sampled(semimartingale.SmoothedReference.of(found().model), found().model.grid)
    assert (c[:, 0] * c[:, 2] - c[:, 1] ** 2 > -1e-12).all()


@pytest.mark.parametrize("wrong", [{"vol": -0.1}, {"noise": -1.0}, {"rho": 1.5}])
def test_a_constant_reference_out_of_order_is_refused(wrong):
    with pytest.raises(ValueError, match="constant reference: need"):
        semimartingale.ConstantReference(**{"vol": 0.3, "noise": 0.5, "rho": -0.3} | wrong)


def test_a_budget_that_is_too_small_is_told():
    short = semimartingale.calibrate(
        semimartingale.HestonReference(REFERENCE), quoted(MARKET), DATES, V0, levels=LEVELS, max_steps=1
    )
    assert not short.met
    assert np.isfinite(short.error).all()


def test_anderson_s_step_closes_a_linear_gap_in_as_many_steps_as_it_has_directions(key):
    """x = x + gap(x), gap(x) = b - A x with eigenvalues beyond two: taken whole it would run away."""
    A = np.diag([3.0, -1.5, 0.2]) + 0.1 * np.asarray(jax.random.normal(key, (3, 3)))
    b, shifts, gaps = np.array([1.0, -2.0, 0.5]), [np.zeros(3)], []
    for _ in range(4):
        gaps.append(b - A @ shifts[-1])
        shifts.append(mixed(shifts, gaps, 0.5))
    np.testing.assert_allclose(A @ shifts[-1], b, atol=1e-9)


def test_prices_are_measured_on_one_grid_or_extrapolated_from_two():
    model, quotes = found().model, found().quotes
    assert semimartingale.Level(24, 24).measured == ((47, 47), (70, 70))
    one, two = (Measure.of(model, quotes, semimartingale.Level(24, 24, finer)) for finer in ((47, 47), None))
    there = [model.prices(quotes, *nodes) for nodes in ((47, 47), (70, 70))]
    np.testing.assert_allclose(one.prices(model), there[0], rtol=1e-12)
    np.testing.assert_allclose(two.prices(model), 3 * there[1] - 2 * there[0], rtol=1e-9, atol=1e-15)
