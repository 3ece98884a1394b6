"""The VIX index of a snapshot by the Cboe rule: a strip of out-of-the-money options at two expiries around 30 days."""

from dataclasses import dataclass
from datetime import date, datetime

import numpy as np

from .quotes import QuoteError, Smile, Snapshot
from .settlement import CLOSE, days_between, moment

WINDOW_DAYS = (23.0, 37.0)  # the rule's expiries, for a 30-day index
YEAR_DAYS = 365.0
ZERO_BIDS = 2  # in a row: no strike beyond them is used


@dataclass(frozen=True, slots=True)
class Strip:
    """Variance that the quoted out-of-the-money options of one expiry replicate, no wings added.

    days            from the quote date to the expiry, on the clock that was asked for
    total_variance  2 sum dK/K^2 Q - (F/K0 - 1)^2, per forward, undiscounted
    k0              strike at or below the forward, points
    n_strikes, lowest, highest  strikes used, points
    """

    expiry: date
    settlement: str
    days: float
    total_variance: float
    forward: float
    k0: float
    n_strikes: int
    lowest: float
    highest: float

    @property
    def variance(self):
        """Annual variance, days over 365."""
        return self.total_variance * YEAR_DAYS / self.days


@dataclass(frozen=True, slots=True)
class VixIndex:
    """The index in points, the clock it counts by, the two expiries that it stands on, and what is to be said about them."""

    value: float
    clock: str
    near: Strip
    next: Strip
    notes: tuple[str, ...] = ()


def days_ahead(smile: Smile, day: date, clock: str) -> float:
    """Days to the expiry: by "days", the library's own count (years * 365); by "minutes", from the close to the settlement in New York."""
    if clock not in ("days", "minutes"):
        raise QuoteError(clock, "the clock counts 'days' or 'minutes'")
    if clock == "days":
        return round(smile.years * YEAR_DAYS, 9)
    return days_between(datetime.combine(day, CLOSE), moment(smile.expiry, smile.settlement))


def strip(smile: Smile, days: float) -> Strip:
    """The Cboe sum over one expiry.

    From K0 outwards, mid prices of out-of-the-money options, until two zero bids in a row; at K0 the mean of put and call.
    Quotes that the ledger holds for another rule than `no_bid` are neither used nor counted as zero bids.
    """
    below = smile.strikes[smile.strikes <= smile.forward]
    if not len(below) or len(smile) < 2:
        raise QuoteError(smile, "no strike at or below the forward: the VIX sum has no K0")
    k0 = float(below[-1])
    zeros = np.array([line.quote.strike for line in smile.ledger if line.rule == "no_bid"])
    puts = _until_zero_bids(smile.strikes[smile.strikes < k0], zeros[zeros < k0], down=True)
    calls = _until_zero_bids(smile.strikes[smile.strikes > k0], zeros[zeros > k0], down=False)
    strikes = np.r_[puts[::-1], k0, calls]
    price = np.interp(strikes, smile.strikes, 0.5 * (smile.bid + smile.ask))  # at nodes: looks the prices up
    price[len(puts)] = _at_the_money(smile, k0, price[len(puts)])
    k, f = strikes / smile.forward, smile.forward
    width = np.gradient(k) if len(k) > 1 else np.zeros(1)
    width[1:-1] = 0.5 * (k[2:] - k[:-2])
    total = 2.0 * float(np.sum(width / k**2 * price)) - (f / k0 - 1.0) ** 2
    return Strip(smile.expiry, smile.settlement, days, total, f, k0, len(k), float(strikes[0]), float(strikes[-1]))


def _until_zero_bids(quoted, zeros, *, down):
    """Quoted strikes, outwards, up to the first run of `ZERO_BIDS` strikes without a bid."""
    steps = sorted([(k, True) for k in quoted] + [(k, False) for k in set(zeros)], reverse=down)
    kept, run = [], 0
    for strike, bid in steps:
        run = 0 if bid else run + 1
        if run == ZERO_BIDS:
            break
        if bid:
            kept.append(strike)
    return np.array(kept, dtype=float)


def _at_the_money(smile, k0, otm):
    """Mean of put and call at K0, per forward: the call from the ledger where it was quoted, else by parity."""
    unit = smile.forward * smile.discount
    for line in smile.ledger:
        q = line.quote
        if line.rule == "in_the_money" and q.strike == k0 and q.unit == "points" and 0 < q.bid <= q.ask:
            return 0.5 * (otm + 0.5 * (q.bid + q.ask) / unit)
    return otm + 0.5 * abs(1.0 - k0 / smile.forward)


def vix_index(snapshot: Snapshot, *, days: float = 30.0, clock: str = "days") -> VixIndex:
    """The VIX index from the SPX smiles.

    100 sqrt(365/30 [w1 (N2 - 30) + w2 (30 - N1)] / (N2 - N1)), w the total variance of the strips, N their days
    days       horizon; 30 for the VIX
    clock      "days": whole days, the clock of every smile, for sources that do not tell the minute of their quotes;
               "minutes": from the close to the settlement (am 09:30, pm 16:00), as in the exchange's real-time index
    raises     QuoteError where no two expiries lie around the horizon
    see        Cboe, Volatility Index Methodology: VIX
    """
    value, near, far, notes = _index(snapshot, days, clock)
    other = "minutes" if clock == "days" else "days"
    return VixIndex(value, clock, near, far, (*notes, *_by_other_clock(snapshot, days, other)))


def _index(snapshot, days, clock):
    (near, far), notes = _around(snapshot, days, clock)
    share = (far.days - days) / (far.days - near.days)
    total = near.total_variance * share + far.total_variance * (1.0 - share)
    if not total > 0:
        raise QuoteError(snapshot.source, f"the strips of {near.expiry} and {far.expiry} give a variance of {total:g}")
    return 100.0 * float(np.sqrt(total * YEAR_DAYS / days)), near, far, notes


def _by_other_clock(snapshot, days, clock):
    try:
        value, near, far, _ = _index(snapshot, days, clock)
    except QuoteError:
        return ()
    return (f"counted in {clock}: {value:.2f} from {near.expiry} ({near.days:.2f} d) and {far.expiry} ({far.days:.2f} d)",)


def _around(snapshot, days, clock):
    """Strips of the two expiries around the horizon: Fridays of the rule's window, else any of the window, else the nearest."""
    ahead = {smile: days_ahead(smile, snapshot.day, clock) for smile in snapshot.spx}
    low, high = (days + edge - 30.0 for edge in WINDOW_DAYS)
    window = {smile: n for smile, n in ahead.items() if low < n <= high}
    fridays = {smile: n for smile, n in window.items() if smile.expiry.weekday() == 4}
    weekday = "no two Fridays in the window: another weekday is used"
    wide = f"no two expiries from {low:g} to {high:g} days: wider ones are used"
    for candidates, note in ((fridays, ()), (window, (weekday,)), (ahead, (wide,))):
        near = [smile for smile, n in candidates.items() if n <= days]
        far = [smile for smile, n in candidates.items() if n > days]
        if near and far:
            chosen = max(near, key=ahead.get), min(far, key=ahead.get)
            return [strip(smile, ahead[smile]) for smile in chosen], note
    listed = ", ".join(f"{smile.expiry} ({n:.1f} d)" for smile, n in ahead.items()) or "none"
    raise QuoteError(snapshot.source, f"the VIX index needs SPX expiries on both sides of {days:g} days; there are: {listed}")
