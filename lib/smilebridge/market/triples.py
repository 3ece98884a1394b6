"""Triples of maturities: SPX at T1, VIX at T1, SPX at T2 = T1 + 30 days, with what they miss and the basis they show."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from .quotes import QuoteError, Smile, Snapshot
from .settlement import days_between, moment
from .tables import as_day
from .vix_index import YEAR_DAYS, days_ahead, strip

WINDOW = timedelta(days=30)
NEAR_DAYS = 3.0  # legs that miss by no more are listed beside the nearest


@dataclass(frozen=True, slots=True, eq=False)
class Triple:
    """Two SPX smiles around the 30-day window of a VIX smile.

    mismatch_t1_days  SPX settlement at T1 minus that of the VIX option, days (am 09:30, pm 16:00 New York)
    mismatch_t2_days  SPX settlement at T2 minus that of the VIX option and 30 days
    forward_variance  difference of the two strips over the time between them, a year; quoted strikes only (Cboe's sum)
    vix_future        decimal
    """

    spx1: Smile
    vix: Smile
    spx2: Smile
    mismatch_t1_days: float
    mismatch_t2_days: float
    forward_variance: float
    vix_future: float

    @property
    def mismatch_days(self):
        """Sum of both mismatches."""
        return abs(self.mismatch_t1_days) + abs(self.mismatch_t2_days)

    @property
    def basis_vol_points(self):
        """sqrt(forward variance) - VIX future in vol points: the room that Jensen leaves; negative smells of arbitrage, NaN has no root."""
        return 100.0 * (float(np.sqrt(self.forward_variance)) - self.vix_future) if self.forward_variance > 0 else float("nan")

    def __str__(self):
        return f"SPX {self.spx1.expiry} {self.spx1.settlement}, VIX {self.vix.expiry}, SPX {self.spx2.expiry} {self.spx2.settlement}"


def triples(snapshot: Snapshot) -> tuple[Triple, ...]:
    """All combinations by VIX expiry, the least mismatch first: on each leg the nearest SPX smile and those within 3 days."""
    return tuple(triple for vix in snapshot.vix for triple in _triples_of(snapshot, vix))


def select(snapshot: Snapshot, vix_expiry, spx_expiry1=None, spx_expiry2=None) -> Triple:
    """The triple of a VIX expiry with the least mismatch, or with the SPX expiries asked for.

    vix_expiry, spx_expiry1, spx_expiry2   date or "yyyy-mm-dd"
    raises     QuoteError listing what there is
    """
    asked = as_day(vix_expiry)
    found = [vix for vix in snapshot.vix if vix.expiry == asked]
    if not found:
        raise QuoteError(snapshot.source, f"no VIX expiry {vix_expiry}; there are: {_listed(snapshot.vix)}")
    legs = [None if expiry is None else _leg(snapshot, expiry) for expiry in (spx_expiry1, spx_expiry2)]
    combos = [triple for vix in found for triple in _triples_of(snapshot, vix, *legs)]
    if not combos:
        raise QuoteError(snapshot.source, f"no two SPX expiries in order around VIX {asked}; there are: {_listed(snapshot.spx)}")
    return combos[0]


def nearest(snapshot: Snapshot) -> Triple:
    """The triple with the least mismatch of all VIX expiries; among equals (to a minute or two) the one with most VIX quotes.

    raises     QuoteError where there is none
    """
    found = triples(snapshot)
    if not found:
        there = f"SPX {_listed(snapshot.spx)}; VIX {_listed(snapshot.vix)}"
        raise QuoteError(snapshot.source, f"no two SPX expiries in order around any VIX expiry; there are: {there}")
    return min(found, key=lambda triple: (round(triple.mismatch_days, 3), -len(triple.vix)))


def successive(snapshot: Snapshot, n_windows: int, *, vix_expiry=None) -> tuple[Triple, ...]:
    """Triples end to end: each starts with the SPX smile that ends the one before, at the VIX expiry nearest to it.

    vix_expiry   of the first, date or "yyyy-mm-dd"; that of the least mismatch in all windows unless given
    raises       QuoteError where no VIX expiry within `NEAR_DAYS` or no late SPX smile goes on
    """
    if vix_expiry:
        return _onwards(snapshot, select(snapshot, vix_expiry), n_windows)
    found, said = [], QuoteError(snapshot.source, f"no two SPX expiries in order around any VIX expiry; VIX {_listed(snapshot.vix)}")
    for vix in snapshot.vix:
        try:
            found.append(_onwards(snapshot, select(snapshot, vix.expiry), n_windows))
        except QuoteError as error:
            said = error
    if not found:
        raise said
    return min(found, key=lambda windows: sum(triple.mismatch_days for triple in windows))


def _onwards(snapshot, triple, n_windows):
    found = [triple]
    while len(found) < n_windows:
        late = found[-1].spx2
        miss = lambda vix, late=late: abs(days_between(moment(late.expiry, late.settlement), moment(vix.expiry, vix.settlement)))
        near = min(snapshot.vix, key=miss)
        combos = _triples_of(snapshot, near, [late]) if miss(near) <= NEAR_DAYS else []
        if not combos:
            there = f"there are: VIX {_listed(snapshot.vix)}; SPX {_listed(snapshot.spx)}"
            raise QuoteError(snapshot.source, f"window {len(found) + 1}: no VIX expiry near {late} with a later SPX smile; {there}")
        found.append(combos[0])
    return tuple(found)


def window_variance(snapshot: Snapshot, vix: Smile) -> float:
    """Forward variance a year over the thirty days of a VIX smile, to the minute: SPX strips, total variance linear in time between them.

    NaN where the SPX smiles end before the window does.
    """
    ends = days_ahead(vix, snapshot.day, "minutes") + np.array([0.0, WINDOW.days])
    strips = [strip(smile, days_ahead(smile, snapshot.day, "minutes")) for smile in snapshot.spx]
    days, total = np.array(sorted((found.days, found.total_variance) for found in strips)).T
    early, late = np.interp(ends, np.r_[0.0, days], np.r_[0.0, total], right=np.nan)
    return float(late - early) * YEAR_DAYS / WINDOW.days


def window_clock(snapshot: Snapshot, triple: Triple) -> float:
    """Years of VIX variance between the two SPX expiries of a triple: their forward variance over that of the VIX's own thirty days.

    So a VIX at the forward volatility of the thirty days stands for the variance that the SPX strips give the window.
    raises     QuoteError where the SPX smiles do not cover the thirty days
    """
    days = days_between(moment(triple.spx1.expiry, triple.spx1.settlement), moment(triple.spx2.expiry, triple.spx2.settlement))
    exact = window_variance(snapshot, triple.vix)
    if not (exact > 0 and triple.forward_variance > 0):
        raise QuoteError(triple.vix, f"no forward variance over its thirty days from the SPX smiles: {_listed(snapshot.spx)}")
    return triple.forward_variance / exact * days / YEAR_DAYS


def _listed(smiles):
    return ", ".join(str(smile.expiry) for smile in smiles) or "none"


def _leg(snapshot, asked):
    smiles = [smile for smile in snapshot.spx if smile.expiry == as_day(asked)]
    if not smiles:
        raise QuoteError(snapshot.source, f"no SPX expiry {asked}; there are: {_listed(snapshot.spx)}")
    return smiles


def _triples_of(snapshot, vix, leg1=None, leg2=None):
    """Triples of one VIX smile, the least mismatch first; legs given replace the search."""
    start = moment(vix.expiry, vix.settlement)
    first = _near(leg1 or snapshot.spx, start, everything=leg1)
    second = _near(leg2 or snapshot.spx, start + WINDOW, everything=leg2)
    pairs = [(a, b) for a in first for b in second if moment(a[0].expiry, a[0].settlement) < moment(b[0].expiry, b[0].settlement)]
    strips = {smile: strip(smile, days_ahead(smile, snapshot.day, "minutes")) for pair in pairs for smile, _ in pair}
    found = [_triple(vix, *one, *two, strips[one[0]], strips[two[0]]) for one, two in pairs]
    return sorted(found, key=lambda triple: triple.mismatch_days)


def _near(smiles, target, *, everything):
    """(smile, mismatch in days) of the nearest smile and of all within `NEAR_DAYS`."""
    misses = [(smile, days_between(target, moment(smile.expiry, smile.settlement))) for smile in smiles]
    least = min((abs(miss) for _, miss in misses), default=0.0)
    return misses if everything else [pair for pair in misses if abs(pair[1]) <= max(NEAR_DAYS, least)]


def _triple(vix, spx1, miss1, spx2, miss2, strip1, strip2):
    variance = (strip2.total_variance - strip1.total_variance) * YEAR_DAYS / (strip2.days - strip1.days)
    return Triple(spx1, vix, spx2, miss1, miss2, variance, vix.forward / 100.0)
