"""The dual and its calibration: gradient, convexity, the experiments at quick, what cannot be met."""

from dataclasses import replace
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smilebridge import continuous, models
from smilebridge.continuous.calibrated import posed

COARSE = continuous.Level(32, 32, 8, (6, 3))


@cache
def market(name):
    """An experiment, its quotes."""
    experiment = models.EXPERIMENTS[name]
    return experiment, continuous.Quotes.of_market(models.quoted_market(experiment))


@pytest.fixture(scope="module")
def coarse():
    """A small dual with all its parts."""
    experiment, quotes = market("iii")
    return posed(experiment.reference, quotes, experiment.T1, experiment.T2, COARSE)[0]


def test_gradient_is_that_of_the_value(coarse):
    rng = np.random.default_rng(0)
    theta, along = (jnp.asarray(rng.normal(size=coarse.target.size) * size) for size in (0.2, 0.01))
    value = lambda t: float(continuous.loss_and_errors(coarse, t)[0])
    _, error = continuous.loss_and_errors(coarse, theta)
    slope = lambda h: (value(theta + h * along) - value(theta - h * along)) / (2 * h)
    seen = (4 * slope(0.01) - slope(0.02)) / 3
    assert float(error @ along) == pytest.approx(seen, abs=1e-8 * float(jnp.linalg.norm(along)))


def test_minus_the_dual_is_convex_along_lines(coarse):
    for seed in range(4):
        a, b = 0.5 * jax.random.normal(jax.random.key(seed), (2, coarse.target.size))
        ends = sum(float(continuous.loss_and_errors(coarse, t)[0]) for t in (a, b))
        assert float(continuous.loss_and_errors(coarse, (a + b) / 2)[0]) < ends / 2


@pytest.mark.slow  # chapter 14 solves two of them in any case
@pytest.mark.parametrize("name", ["i", "ii", "iii"])
def test_an_experiment_is_met_at_quick_and_holds_on_a_finer_grid(name):
    experiment, quotes = market(name)
    found = continuous.calibrate(experiment.reference, quotes, experiment.T1, experiment.T2)
    assert found.met
    assert np.abs(found.error).max() < 0.5e-4
    assert found.dual > 0
    assert np.abs(found.elsewhere(continuous.MEDIUM[-1])).max() < 20e-4


def test_errors_are_those_of_the_weights_on_the_own_grid():
    experiment, quotes = market("iii")
    found = continuous.calibrate(experiment.reference, quotes, experiment.T1, experiment.T2, levels=(COARSE,), max_steps=3)
    np.testing.assert_allclose(found.elsewhere(COARSE), found.error, atol=1e-9)
    assert len(found.error) == sum(quotes.counts) + 1


def test_a_market_that_no_model_meets_is_not_called_met():
    experiment, quotes = market("iii")
    dearer = np.where(quotes.kV < quotes.future, 0.0, 0.25 * quotes.future)
    unfair = replace(quotes, future=1.25 * quotes.future, priceV=quotes.priceV + dearer)
    found = continuous.calibrate(experiment.reference, unfair, experiment.T1, experiment.T2, levels=(COARSE,), max_steps=15)
    assert not found.met
    assert np.isfinite(found.error).all()
    assert np.isfinite(found.theta).all()


def test_curvature_is_finite_where_a_tilt_outruns_the_kernel():
    experiment = models.EXPERIMENTS["iii"]
    quotes = continuous.Quotes.of_market(models.quoted_market(experiment, n=(3, 3, 3)))
    model = models.SquareRootVol.of(kappa=3.7, theta=0.052, xi=0.54, rho=-0.45, a0=0.2, low=0.05, high=0.88)
    far, _ = posed(model, quotes, experiment.T1, experiment.T2, continuous.QUICK[0], delta=(4000.0, 2000.0))
    nothing = jnp.zeros(far.target.size)
    assert bool(jnp.isfinite(continuous.curvature(far, nothing, nothing)).all())


def test_quotes_without_a_price_and_dates_out_of_order_are_refused():
    experiment, quotes = market("iii")
    with pytest.raises(ValueError, match="S2 quotes: need a finite price"):
        replace(quotes, price2=quotes.price2[:-1])
    with pytest.raises(ValueError, match="VIX future"):
        replace(quotes, future=-0.2)
    with pytest.raises(ValueError, match="0 < T1 < T2"):
        continuous.calibrate(experiment.reference, quotes, experiment.T2, experiment.T1)
