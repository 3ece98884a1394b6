"""Markets of the three experiments: exact prices that keep the identity of variance."""

import dataclasses
from functools import cache

import jax.numpy as jnp
import numpy as np
import pytest

from smilebridge import market, models

NAMES = pytest.mark.parametrize("name", models.EXPERIMENTS)


@cache
def quotes(name):
    return models.quoted_market(models.EXPERIMENTS[name])


def vol(k, otm, years):
    return np.asarray(market.implied_stdev(jnp.asarray(k), jnp.asarray(otm))) / np.sqrt(years)


@NAMES
def test_quotes_are_exact_and_meet_the_identity(name):
    found = quotes(name)
    assert max(found.errors) < 2e-11
    assert abs(found.EV2 - found.forward_variance) < 1e-11
    assert found.future < np.sqrt(found.EV2)
    assert [found.k1.size, found.k2.size, found.kV.size] == [15, 15, 11]


@NAMES
def test_strikes_are_rounded_and_prices_are_those_of_options(name):
    found = quotes(name)
    for k, price in ((found.k1, found.price1), (found.k2, found.price2), (found.kV / found.future, found.priceV / found.future)):
        assert np.all(np.diff(k) > 0)
        assert np.all((price > 1e-5) & (price < np.minimum(k, 1)))
        calls = price + np.maximum(1 - k, 0)
        assert np.all(np.diff(np.diff(calls) / np.diff(k)) > 0)
    for k in (found.k1, found.k2, found.kV):
        np.testing.assert_allclose(k / 0.0025, np.round(k / 0.0025), atol=1e-9)


@NAMES
def test_reference_is_bounded_and_the_market_is_not(name):
    experiment = models.EXPERIMENTS[name]
    assert float(experiment.reference.high) == pytest.approx(0.8)
    assert float(dataclasses.replace(experiment, bound=12.0).reference.high) == pytest.approx(2.4)
    wide = models.LognormalVol.of(k=1.5, m=0.2, nu=experiment.nu_market, rho=experiment.rho_market, a0=0.2, low=1e-4, high=400.0)
    laws = [models.VolatilityLaw.of(model, experiment.T1, experiment.tau) for model in (experiment.market, wide)]
    assert abs(laws[0].mean(2) - laws[1].mean(2)) < 1e-10
