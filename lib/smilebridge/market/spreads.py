"""Quotes around a known price: strike ladders, half-spreads and ticks like those of a real day. Used where no raw quotes may be shipped."""

from datetime import timedelta

import jax.numpy as jnp
import numpy as np

from .black import implied_stdev
from .clock import third_friday
from .quotes import Quote, Rejection, Smile

NO_BIDS = 4  # strikes listed beyond the last bid, on either side


def is_monthly(vix_expiry):
    """Whether a VIX option of this date is a monthly one: thirty days before a third Friday."""
    window = vix_expiry + timedelta(30)
    return third_friday(window.year, window.month) == window


def half_spread(premium, *, market, monthly):
    """Half of the bid-ask before rounding, in points: a + b sqrt(premium), fitted by eye to medians of 2023-02-15 by moneyness.

    (a, b) = (0.01, 0.025) for SPX; (0.01, 0.07) for weekly VIX options and (0.005, 0.012) for monthly ones. Rounding to ticks, outwards,
    adds about half a tick.
    """
    a, b = (0.01, 0.025) if market == "SPX" else (0.005, 0.012) if monthly else (0.01, 0.07)
    return a + b * np.sqrt(premium)


def quoted(premium, half, *, market):
    """Bid and ask in points, rounded outwards to ticks: 0.05 below 3 points and 0.10 above for SPX, 0.01 for VIX."""
    ticks = lambda price: 0.01 if market == "VIX" else np.where(price < 3.0, 0.05, 0.10)
    bid, ask = np.maximum(premium - half, 0.0), premium + half
    return ticks(bid) * np.floor(bid / ticks(bid)), ticks(ask) * np.ceil(ask / ticks(ask))


def spx_ladder(spot):
    """SPX strikes of every expiry: steps of 5 near the spot, 25, 50 and 100 further out, from 0.1 to 2 spots."""
    reach = ((5, 0.88, 1.06), (25, 0.6, 1.25), (50, 0.35, 1.5), (100, 0.1, 2.0))
    return np.unique(np.concatenate([step * np.arange(np.ceil(low * spot / step), high * spot // step + 1) for step, low, high in reach]))


def vix_ladder():
    """VIX strikes: steps of 0.5 to 20 points, 1 to 40, 2.5 to 50, 5 to 100, 10 to 300."""
    reach = ((5, 20, 0.5), (20, 40, 1.0), (40, 50, 2.5), (50, 100, 5.0), (100, 301, 10.0))
    return np.concatenate([np.arange(low, high, step) for low, high, step in reach])


def quoted_smile(market, expiry, settlement, years, forward, discount, strikes, otm, *, source):
    """Two-sided quotes around prices `otm` (per forward, undiscounted): those with a bid into the smile, the few beyond into the ledger.

    returns    Smile, and the indices of the strikes that it kept
    """
    k, premium = strikes / forward, discount * forward * np.maximum(otm, 0.0)
    bid, ask = quoted(premium, half_spread(premium, market=market, monthly=is_monthly(expiry)), market=market)
    kept, beyond = _listed(bid, k)
    ledger = tuple(_no_bid(source, market, expiry, strikes[i], "P" if k[i] < 1 else "C", ask[i]) for i in beyond)
    prices = np.stack([bid, ask]) / (discount * forward)
    vols = np.asarray(implied_stdev(jnp.asarray(np.stack([k, k])), jnp.asarray(prices))) / np.sqrt(years)
    return Smile(market, expiry, settlement, years, forward, discount, strikes[kept], *vols[:, kept], *prices[:, kept], ledger), kept


def _listed(bid, k):
    """Indices of the strikes with a bid, outwards from the forward without a gap, and of the few beyond them."""
    centre, dead = np.searchsorted(k, 1.0), np.flatnonzero(bid <= 0)
    low, high = np.max(dead[dead < centre], initial=-1) + 1, np.min(dead[dead >= centre], initial=len(k))
    beyond = np.r_[max(low - NO_BIDS, 0) : low, high : min(high + NO_BIDS, len(k))]
    return np.arange(low, high), beyond


def _no_bid(source, market, expiry, strike, right, ask):
    quote = Quote(market, expiry, float(strike), right, 0.0, float(ask), "points", source)
    return Rejection(quote, "no_bid", f"bid 0, ask {ask:.2f}")
