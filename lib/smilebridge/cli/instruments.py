"""Options that a model was asked to meet, one by one: prices and implied volatilities of quotes, reference, model and paths."""

from dataclasses import dataclass, replace

import numpy as np

from .. import continuous


@dataclass(frozen=True, slots=True)
class Instrument:
    """An option and its implied volatilities, decimals; those of VIX options by the quoted future, the reference's by its own.

    half     largest error that counts as met;  se  standard error of the Monte Carlo, both in units of volatility
    prices   of quote, reference, model and Monte Carlo, and the standard error of the last; in the unit of the strike
    """

    market: str
    strike: float
    target: float
    half: float
    reference: float
    model: float
    mc: float
    se: float
    prices: tuple[float, float, float, float, float]


def by_leg(quotes: continuous.Quotes, values) -> list[np.ndarray]:
    """(m,) numbers of all instruments as those of SPX T1, VIX, SPX T2, and of the future."""
    one, two, vix = quotes.counts
    first, second, options, future = np.split(np.asarray(values), np.cumsum([one, two, vix]))
    return [first, options, second, future]


def vols(quotes, more, dates, *, own=False):
    """Implied volatilities of S1, S2, VIX options whose prices are off by so much; VIX's by the quoted future, or that of the prices.

    more    (m,); where it is not finite there is no volatility either
    dates   years to S1, S2 and, if not S1's, to VIX options
    """
    first, options, second, future = by_leg(quotes, np.nan_to_num(more, nan=0.0, posinf=0.0, neginf=0.0))
    forward = quotes.future + (float(future[0]) if own else 0.0)
    turned = np.where(quotes.kV < quotes.future, forward - quotes.kV, 0.0) - np.maximum(forward - quotes.kV, 0.0)
    prices = {"price1": quotes.price1 + first, "price2": quotes.price2 + second, "priceV": quotes.priceV + options + turned}
    one, vix, two, _ = by_leg(quotes, np.isfinite(more))
    smiles = replace(quotes, future=forward, **prices).vols(*dates)
    return [np.where(known, smile, np.nan) for known, smile in zip((one, two, vix), smiles, strict=True)]


def instruments(judged) -> list[Instrument]:
    """Options of a `Judged`, with implied volatilities inverted from prices."""
    quotes, dates, legs = judged.quotes, judged.dates, judged.legs[:-1]
    unit = quotes.units(*dates)
    off = judged.before * unit, judged.found.error * unit, judged.verified.mc * unit
    smiles = [vols(quotes, 0 * unit, dates), vols(quotes, off[0], dates, own=True), *(vols(quotes, more, dates) for more in off[1:])]
    target, *found_by = (np.concatenate([one, vix, two]) for one, two, vix in smiles)
    options = lambda values: by_leg(quotes, values)[:3]
    half, se = (np.concatenate(options(value)) for value in (judged.half, judged.verified.se))
    columns = quotes.prices, *(quotes.prices + more for more in off), judged.verified.se * unit
    prices = (np.concatenate([scale * part for scale, part in zip(judged.scale, options(column), strict=True)]) for column in columns)
    strikes = [scale * k for scale, k in zip(judged.scale, (quotes.k1, quotes.kV, quotes.k2), strict=True)]
    names = [leg for leg, k in zip(legs, strikes, strict=True) for _ in k]
    rows = zip(names, np.concatenate(strikes), target, half, *found_by, se, np.stack(list(prices), axis=1), strict=True)
    return [Instrument(name, *map(float, row), tuple(map(float, five))) for name, *row, five in rows]
