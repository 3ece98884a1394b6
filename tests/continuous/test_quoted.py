"""Real quotes: which are asked for, what counts as met, the bridge inside bid and ask."""

from dataclasses import replace
from functools import cache

import jax.numpy as jnp
import numpy as np
import pytest

from smilebridge import continuous, market, models
from smilebridge.continuous.quoted import WITHIN, chosen

COARSE = (continuous.Level(48, 32, 8, (6, 3)),)
CLOSE = 1e-12


@cache
def triple():
    return market.select(market.load("2023-02-15"), "2023-03-15")


@cache
def experiment():
    """An experiment, its quotes with a bid-ask of 40 bp of volatility."""
    found = models.EXPERIMENTS["i"]
    quotes = continuous.Quotes.of_market(models.quoted_market(found, n=(7, 7, 6)))
    unit = quotes.units(found.T1, found.T2)
    half = np.append(20e-4 * unit[:-1], 0.0)
    return found, quotes, replace(quotes, half=half)


def standardised(smile):
    return np.log(smile.k) / (0.5 * (smile.bid_iv + smile.ask_iv) * np.sqrt(smile.years))


@pytest.mark.parametrize("leg", ["spx1", "vix", "spx2"])
def test_quotes_chosen_are_few_spread_evenly_and_reach_into_both_wings(leg):
    smile = getattr(triple(), leg)
    where = chosen(smile, 12)
    z, kept = standardised(smile), standardised(smile)[where]
    inside = z[np.abs(z) <= WITHIN]
    assert len(where) <= 12
    assert (np.diff(where) > 0).all()
    assert kept[0] == inside.min()
    assert kept[-1] == inside.max()
    spacing = max((kept[-1] - kept[0]) / 11, np.diff(inside).max())
    assert np.diff(kept).max() < 2.0 * spacing


def test_a_smile_with_too_few_quotes_is_refused_by_name():
    with pytest.raises(market.QuoteError, match="SPX 2023-03-15 pm"):
        chosen(triple().spx1, 12, within=1e-4)
    with pytest.raises(market.QuoteError, match="VIX 2023-03-15 am"):
        continuous.Quotes.of_triple(triple(), n=(12, 12, 2))


def test_mids_lie_in_the_bid_ask_and_the_future_is_exact():
    quotes, at = continuous.Quotes.of_triple(triple(), n=(15, 12, 9)), triple()
    assert all(count <= n for count, n in zip(quotes.counts, (15, 12, 9), strict=True))
    assert quotes.future == pytest.approx(at.vix.forward / 100, rel=CLOSE)
    assert quotes.half[-1] == 0.0
    assert min(quotes.k1.min(), quotes.k2.min()) > np.exp(-0.9)
    parts = np.split(quotes.half[:-1], np.cumsum(quotes.counts)[:-1])
    smiles = (
        (at.spx1, quotes.k1, quotes.price1, 1.0),
        (at.spx2, quotes.k2, quotes.price2, 1.0),
        (at.vix, quotes.kV, quotes.priceV, quotes.future),
    )
    for (smile, k, price, unit), half in zip(smiles, parts, strict=True):
        where = np.searchsorted(smile.k, k / unit * (1 - CLOSE))
        np.testing.assert_allclose(smile.strikes[where] / smile.forward, k / unit, rtol=CLOSE)
        np.testing.assert_allclose(unit * smile.bid[where], price - half, atol=1e-15)
        np.testing.assert_allclose(unit * smile.ask[where], price + half, atol=1e-15)


def test_a_price_without_bid_and_ask_must_be_met_to_half_a_basis_point():
    found, exact, quoted = experiment()
    unit = exact.units(found.T1, found.T2)
    np.testing.assert_allclose(exact.band(found.T1, found.T2), 0.5e-4 * unit, rtol=CLOSE)
    np.testing.assert_allclose(quoted.band(found.T1, found.T2)[:-1], 20e-4 * unit[:-1], rtol=CLOSE)
    assert quoted.band(found.T1, found.T2)[-1] == pytest.approx(0.5e-4, rel=CLOSE)


def test_bids_and_asks_are_met_and_cost_less_entropy_than_mids():
    found, exact, quoted = experiment()
    dear, cheap = (continuous.calibrate(found.reference, q, found.T1, found.T2, levels=COARSE) for q in (exact, quoted))
    assert dear.met
    assert cheap.met
    assert cheap.dual < dear.dual
    loss, _ = continuous.loss_and_errors(cheap.bridge, jnp.asarray(cheap.theta))
    assert cheap.dual == pytest.approx(-float(loss) - quoted.half @ np.abs(cheap.theta), rel=CLOSE)
    outside = np.abs(cheap.error) > 0.5e-4
    assert outside.sum() > 5  # not by meeting mids after all
    assert not replace(cheap, quotes=exact).met


def test_smiles_that_contradict_each_other_beyond_their_spreads_are_not_called_met():
    found, _, quoted = experiment()
    dearer = replace(quoted, future=1.3 * quoted.future, priceV=quoted.priceV + np.where(quoted.kV < quoted.future, 0, 0.3 * quoted.future))
    answer = continuous.calibrate(found.reference, dearer, found.T1, found.T2, levels=COARSE, max_steps=12)
    assert not answer.met
    assert np.isfinite(answer.error).all()


def test_the_grid_reaches_beyond_the_furthest_strike_and_no_further_than_usual():
    quotes, calm, tau = continuous.Quotes.of_triple(triple()), 0.3, 28 / 365
    narrow = replace(quotes, k1=quotes.k1**0.5, k2=quotes.k2**0.5)
    span = continuous.reach(narrow, calm, tau)
    assert -np.log(narrow.k2.min()) < span["plain"] < 0.9
    assert span["reach"] / span["plain"] == pytest.approx(1.1 / 0.9, rel=CLOSE)
    assert continuous.reach(replace(quotes, k2=quotes.k2**2), calm, tau) == {"reach": 1.1, "plain": 0.9}


def test_the_grid_reaches_as_far_as_a_window_at_the_bound_of_volatility():
    quotes, tau = continuous.Quotes.of_triple(triple()), 28 / 365
    plain = lambda highest: continuous.reach(quotes, highest, tau)["plain"]
    assert plain(1.4) > 3 * 1.4 * np.sqrt(tau)
    assert plain(2.8) == pytest.approx(2 * plain(1.4), rel=CLOSE)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "expiry"), [("2023-02-15", "2023-03-15"), ("normal", "2025-10-22")])
def test_a_real_triple_is_met_inside_bid_and_ask(name, expiry):
    at = market.select(market.load(name), expiry)
    quotes, dates = continuous.Quotes.of_triple(at), (at.spx1.years, at.spx2.years)
    model = continuous.fit("lognormal", quotes, *dates)
    found = continuous.calibrate(model, quotes, *dates, levels=continuous.QUOTED_QUICK, max_steps=40)
    assert found.met
    assert np.abs(found.error[: len(quotes.k1)]).max() < np.abs(continuous.mispriced(model, quotes, *dates)[: len(quotes.k1)]).max()
