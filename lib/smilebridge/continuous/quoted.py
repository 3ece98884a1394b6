"""Which of a smile's many quotes the bridge is asked to meet: a few, spread evenly over the smile, wings included."""

import numpy as np

from ..market import QuoteError, Smile
from .grid import PLAIN, REACH

LEAST = 3  # quotes that make a smile
ROOM = 2.0  # times the furthest log strike: up to there payoffs are themselves; at 1.5 the wings of S2 are off by 100 bp
WIDTHS = 10.0  # standard deviations of log S2 that payoffs are themselves, at least: few strikes do not make a narrow law
RUN = 3.8  # standard deviations of ln S over a window at the bound of volatility that payoffs are themselves; at 2.3 wings were 30 bp off
DEVIATION = 2.5  # standard deviations of log S in a price at the money
WITHIN = 2.5  # standard deviations from the forward, each quote's own, up to which quotes are asked for


def chosen(smile: Smile, n: int, *, within: float = WITHIN, lowest: float = 0.0) -> np.ndarray:
    """Indices of at most n quotes, evenly spread in z = ln k over the standard deviation that the quote itself implies; the ends stay.

    z grows with the strike where the smile is free of arbitrage, and gives wings their share: even steps of the list would leave nearly
    all quotes near the money, even steps of ln k nearly none.
    smile      its quotes out of the money
    within     largest |z|
    lowest     strike per forward, at least
    refuses    a smile with fewer than three quotes in reach: QuoteError naming it
    """
    vol = 0.5 * (smile.bid_iv + smile.ask_iv)
    z = np.log(smile.k) / (vol * np.sqrt(smile.years))
    inside = np.flatnonzero((smile.k >= lowest) & (np.abs(z) <= within))
    if min(len(inside), n) < LEAST:
        reach = f"within {within:g} standard deviations and from {lowest:.3f} forwards"
        raise QuoteError(smile, f"need {LEAST} quotes, got {len(inside)} {reach}, and {n} asked for")
    wanted = np.linspace(z[inside].min(), z[inside].max(), min(n, len(inside)))
    return np.unique(inside[np.abs(z[inside][:, None] - wanted[None, :]).argmin(axis=0)])


def mids(smile: Smile, where: np.ndarray, unit: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Strikes, mid prices and half-spreads of the quotes at some places, in multiples of `unit` (1 for S, the VIX future for V)."""
    bid, ask = smile.bid[where], smile.ask[where]
    return unit * smile.k[where], 0.5 * unit * (bid + ask), 0.5 * unit * (ask - bid)


def reach(quotes, highest: float, tau) -> dict[str, float]:
    """How far the grid of x = ln S must go, as `calibrate` takes it: {"reach": ..., "plain": ...}.

    A month's smile at a low volatility is a third as wide as an experiment's: on the same nodes its law would fall between them, and what
    a grid cannot see it takes for arbitrage. But the bridge may run to the bound of volatility, and such runs carry the wings of real days:
    where payoffs bend in reach of a run that lasts a window, they are priced as if it came back.
    highest   the bound of volatility
    tau       T2 - T1, years
    """
    furthest = max(np.abs(np.log(k)).max() for k in (quotes.k1, quotes.k2))
    run = RUN * highest * np.sqrt(tau)
    plain = min(max(PLAIN, run), max(ROOM * float(furthest), WIDTHS * DEVIATION * float(quotes.price2.max()), run))
    return {"reach": REACH * plain / PLAIN, "plain": plain}
