"""Implied-vol tables: Expiry, Texp, Strike, Bid, Ask, Fwd (and CallMid), one file a market, no quote date inside."""

import re
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from . import clock
from .quotes import QuoteError
from .rows import LEVELS, level, one_value, rows
from .tables import dates, exact_numbers

DAY_IN_NAME = re.compile(r"(?<!\d)((?:19|20)\d\d)-?(\d\d)-?(\d\d)(?!\d)")


def vol_table_rows(table: pd.DataFrame, path: Path, day: date | None) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Rows of an implied-vol table, and what was found: market, quote date, clock of `Texp`.

    Bid, Ask are implied volatilities on the clock of Texp: iv^2 * Texp is what counts, whatever the clock.
    """
    forward = exact_numbers(table["fwd"], path.name)
    texp, expiry = exact_numbers(table["texp"], path.name), dates(table["expiry"], path.name)
    market, how = _market(path, forward, table.index)
    per_expiry = pd.DataFrame({"where": _places(path, table), "expiry": expiry, "Fwd": forward, "Texp": texp})
    for column in ("Fwd", "Texp"):
        one_value(per_expiry, column, by=["expiry"])
    fractions = dict(zip(expiry, texp, strict=True))
    today, dated = _day(path, day, fractions)
    _live_fractions(fractions, today, path.name)
    ticks, miss = clock.clock_of(today, fractions)
    clocked = f"Texp is {ticks.name}" if ticks else f"Texp matches no known clock (off by {miss:.2g} days)"
    found = rows(
        table,
        path.name,
        day=today,
        expiry=expiry,
        market=market,
        strike=table["strike"],
        bid=table["bid"],
        ask=table["ask"],
        unit="iv",
        forward=forward,
        discount=1.0,
        clock_years=texp,
    )
    found["right"] = np.where(found["strike"] < found["forward"], "P", "C")
    notes = (f"{market} by {how}; quote date {today} {dated}", f"{clocked}; implied vols restated on ACT/365 with iv^2 * Texp kept")
    return found, (*notes, "no discounts in the file: set to 1 (quotes are undiscounted)")


def _places(path, table):
    return [f"{path.name} row {line}" for line in table.index]


def _market(path, forward, lines):
    """Market by level of the forward, which the file's name may confirm but not contradict."""
    name = path.name.lower()
    named = [market for market in LEVELS if market.lower() in name]
    by_level = [market for market, (low, high) in LEVELS.items() if low <= np.median(forward) <= high]
    market = named[0] if len(named) == 1 else (by_level or ["SPX"])[0]
    worst = int(np.argmax((forward < LEVELS[market][0]) | (forward > LEVELS[market][1])))
    level(market, forward[worst], f"{path.name} row {lines[worst]}")
    return market, "file name and level of the forward" if len(named) == 1 else "level of the forward"


def _day(path, day, fractions):
    """Quote date: asked for, in the file's or folder's name, or the one date at which a clock gives every Texp."""
    matches = [m for text in (path.name, path.resolve().parent.name) for m in [DAY_IN_NAME.search(text)] if m]
    named = None
    for match in matches:
        try:
            named = named or date(*map(int, match.groups()))
        except ValueError:
            continue
    ticking = clock.day_of(fractions)
    told = named or (day if ticking is None else None)
    if told is None and ticking is None:
        raise QuoteError(path.name, "no quote date: not in the name, and Texp fits none; pass day=")
    if told is None:
        return ticking, "by Texp"
    if ticking not in (None, told) and len(fractions) >= 3 and clock.clock_of(told, fractions)[0] is None:
        raise QuoteError(path.name, f"quote date {told} by name, but Texp counts from {ticking}")
    return told, "by name" if named else "as asked"


def _live_fractions(fractions, today, file):
    bad = [(expiry, t) for expiry, t in fractions.items() if expiry > today and t <= 0]
    if bad:
        raise QuoteError(file, f"Texp of expiry {bad[0][0]} is {bad[0][1]:g}: positive year fraction needed")
