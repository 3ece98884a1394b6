"""Markets with a known answer: a day of SPX and VIX quotes made by the quintic Ornstein-Uhlenbeck model, for readers without data.

Invented: the model's parameters at "stressed", the calendar, the spot, the rates, the spreads. Computed: every price, by quadrature, with a
stated error. Nothing is random.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

import jax.numpy as jnp
import numpy as np

from .. import models
from .black import implied_stdev
from .quotes import Quote, Rejection, Smile, Snapshot

SPOT, RATE, DIVIDEND = 4000.0, 0.04, 0.015
DAY = 1 / 365
NO_BIDS = 4  # strikes listed beyond the last bid, on either side


@dataclass(frozen=True, slots=True)
class Calendar:
    """Quote date and expiries in calendar days from it; SPX also expires 30 days after each VIX expiry, and brackets 30 days from today."""

    day: date
    vix: tuple[int, ...]
    spx: tuple[int, ...]


# VIX expiries are Wednesdays; thirty days later is a Friday. Both names and dates are ours: no such quotes were ever shown.
CALENDARS = {
    "calm": Calendar(date(2025, 9, 8), (9, 37), (9, 25, 32, 37, 39, 67)),
    "normal": Calendar(date(2025, 9, 24), (28, 56), (28, 35, 56, 58, 86)),
    "stressed": Calendar(date(2025, 9, 29), (23, 51), (23, 25, 32, 51, 53, 81)),
}
SYNTHETIC = tuple(CALENDARS)


def third_friday(day):
    """Whether the date is the third Friday of its month (standard SPX expiry; 30 days before it the monthly VIX expiry)."""
    return day.weekday() == 4 and 15 <= day.day <= 21


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


def spx_ladder():
    """SPX strikes of every expiry: steps of 5 near the spot, 25, 50 and 100 further out, from 0.1 to 2 spots."""
    reach = ((5, 0.88, 1.06), (25, 0.6, 1.25), (50, 0.35, 1.5), (100, 0.1, 2.0))
    return np.unique(np.concatenate([step * np.arange(np.ceil(low * SPOT / step), high * SPOT // step + 1) for step, low, high in reach]))


def vix_ladder():
    """VIX strikes: steps of 0.5 to 20 points, 1 to 40, 2.5 to 50, 5 to 100, 10 to 300."""
    reach = ((5, 20, 0.5), (20, 40, 1.0), (40, 50, 2.5), (50, 100, 5.0), (100, 301, 10.0))
    return np.concatenate([np.arange(low, high, step) for low, high, step in reach])


def forward_points(days):
    """SPX forward in points."""
    return float(SPOT * np.exp((RATE - DIVIDEND) * days * DAY))


def _listed(bid, k):
    """Indices of the strikes with a bid, outwards from the forward without a gap, and of the few beyond them."""
    centre, dead = np.searchsorted(k, 1.0), np.flatnonzero(bid <= 0)
    low, high = np.max(dead[dead < centre], initial=-1) + 1, np.min(dead[dead >= centre], initial=len(k))
    beyond = np.r_[max(low - NO_BIDS, 0) : low, high : min(high + NO_BIDS, len(k))]
    return np.arange(low, high), beyond


def _smile(name, market, days, forward, strikes, otm):
    """Quotes around the model's prices: two-sided ones into the smile, the few beyond them into the ledger; and the kept indices."""
    expiry, years = CALENDARS[name].day + timedelta(days), days * DAY
    discount, k = float(np.exp(-RATE * years)), strikes / forward
    premium = discount * forward * np.maximum(otm, 0.0)
    monthly = third_friday(expiry + timedelta(30))
    bid, ask = quoted(premium, half_spread(premium, market=market, monthly=monthly), market=market)
    kept, beyond = _listed(bid, k)
    ledger = tuple(_no_bid(name, market, expiry, strikes[i], "P" if k[i] < 1 else "C", ask[i]) for i in beyond)
    prices = np.stack([bid, ask]) / (discount * forward)
    vols = np.asarray(implied_stdev(jnp.asarray(np.stack([k, k])), jnp.asarray(prices))) / np.sqrt(years)
    settlement = "am" if market == "VIX" else "pm"
    return Smile(market, expiry, settlement, years, forward, discount, strikes[kept], *vols[:, kept], *prices[:, kept], ledger), kept


def _no_bid(name, market, expiry, strike, right, ask):
    quote = Quote(market, expiry, float(strike), right, 0.0, float(ask), "points", f"synthetic {name}")
    return Rejection(quote, "no_bid", f"bid 0, ask {ask:.2f}")


def _spx_smiles(name, model):
    """SPX smiles, and the worst numerical error of a kept price in half-spreads."""
    days = CALENDARS[name].spx
    k = np.stack([spx_ladder() / forward_points(day) for day in days])
    prices, errors = models.otm_prices(model, jnp.asarray(k), day=DAY, days=days)
    found = [_smile(name, "SPX", day, forward_points(day), spx_ladder(), otm) for day, otm in zip(days, prices, strict=True)]
    worst = [np.max(2 * error[kept] / (smile.ask - smile.bid)) for (smile, kept), error in zip(found, errors, strict=True)]
    return tuple(smile for smile, _ in found), float(max(worst))


def _vix_smile(name, model, days):
    """VIX smile: the future is E[V], options are priced by quadrature."""
    law, strikes = models.VixLaw.of(model, days * DAY), vix_ladder()
    future = law.mean()
    otm = np.where(strikes < 100 * future, law.puts(strikes / 100), law.calls(strikes / 100)) / future
    return _smile(name, "VIX", days, 100 * future, strikes, otm)[0]


@cache
def synthetic(name: str) -> Snapshot:
    """The day "calm", "normal" or "stressed": SPX and VIX smiles of the quintic model with bid-ask spreads like the real file's.

    The model's price of every listed option lies within its bid and ask. VIX prices are exact to 1e-12, SPX prices to the error stated in
    the notes. SPX and VIX of one date expire at the same instant here: years count whole days. The answer is `market.truth(name)`.

    >>> synthetic("normal").vix[1].strikes[:3]
    array([ 9.5, 10. , 10.5])
    """
    model = _model(name)
    spx, worst = _spx_smiles(name, model)
    vix = tuple(_vix_smile(name, model, days) for days in CALENDARS[name].vix)
    return Snapshot(CALENDARS[name].day, f"synthetic market {name!r}, no real quotes", spx, vix, _notes(name, worst))


def _model(name):
    if name not in CALENDARS:
        raise ValueError(f"no synthetic market {name!r}: choose from {', '.join(SYNTHETIC)}")
    return models.QuinticOU.named(name)


def _notes(name, worst):
    parameters = ", ".join(f"{key} {value}" for key, value in models.PARAMETERS[name].items())
    steps = ", ".join(f"1/{n}" for n in models.LEVELS)
    return (
        f"quintic Ornstein-Uhlenbeck model, {parameters}, eps 1/52",
        f"SPX by transform and quadrature, steps of {steps} day extrapolated, no random numbers",
        f"SPX prices: worst numerical error {worst:.1e} half-spreads",
        "VIX law by one-dimensional quadrature",
        f"spot {SPOT:g}, rate {RATE:g}, dividend yield {DIVIDEND:g}; quote date {CALENDARS[name].day} and calendar invented",
        "clock: whole calendar days / 365; SPX and VIX options of one date expire at the same instant",
    )
