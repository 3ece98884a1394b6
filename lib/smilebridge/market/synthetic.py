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
from .quotes import Snapshot
from .spreads import quoted_smile, spx_ladder, vix_ladder

SPOT, RATE, DIVIDEND = 4000.0, 0.04, 0.015
DAY = 1 / 365


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


def forward_points(days):
    """SPX forward in points."""
    return float(SPOT * np.exp((RATE - DIVIDEND) * days * DAY))


def _smile(name, market, days, forward, strikes, otm):
    """Quotes around the model's prices, and the kept indices."""
    expiry, years = CALENDARS[name].day + timedelta(days), days * DAY
    settlement = "am" if market == "VIX" else "pm"
    discount = float(np.exp(-RATE * years))
    return quoted_smile(market, expiry, settlement, years, forward, discount, strikes, otm, source=f"synthetic {name}")


def _spx_smiles(name, model):
    """SPX smiles, and the worst numerical error of a kept price in half-spreads."""
    days = CALENDARS[name].spx
    k = np.stack([spx_ladder(SPOT) / forward_points(day) for day in days])
    prices, errors = models.otm_prices(model, jnp.asarray(k), day=DAY, days=days)
    found = [_smile(name, "SPX", day, forward_points(day), spx_ladder(SPOT), otm) for day, otm in zip(days, prices, strict=True)]
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
