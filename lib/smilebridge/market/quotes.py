"""Immutable records of one day's quotes: Quote, Smile (one expiry), Snapshot (one day)."""

from dataclasses import dataclass
from datetime import date

import numpy as np


@dataclass(frozen=True, slots=True)
class Quote:
    """One quoted option as it stood in its source.

    market     "SPX" or "VIX"
    strike     index points (SPX) or VIX points
    right      "C" or "P"
    bid, ask   in `unit`: "points" of premium, or "iv" (implied volatility, decimal); NaN where there is no quote
    where      file and row, for messages
    """

    market: str
    expiry: date
    strike: float
    right: str
    bid: float
    ask: float
    unit: str
    where: str

    def __str__(self):
        return f"{self.market} {self.expiry} {self.right}{self.strike:g} ({self.where})"


class QuoteError(ValueError):
    """Unusable input. The message leads with the file, row or quote; `.quote` carries the quote where there is one."""

    def __init__(self, subject, why):
        super().__init__(f"{subject}: {why}")
        self.quote = subject if isinstance(subject, Quote) else None


@dataclass(frozen=True, slots=True)
class Rejection:
    """A line of the ledger: the quote that was set aside, the rule it broke, and by how much."""

    quote: Quote
    rule: str
    detail: str


@dataclass(frozen=True, slots=True, eq=False)
class Smile:
    """The retained two-sided quotes of one expiry, sorted by strike; its arrays are copies and read-only.

    years       ACT/365 calendar years from the quote date
    settlement  "am" (morning auction) or "pm" (close)
    forward     points; for VIX options the VIX future of that expiry
    discount    price today of 1 paid at expiry
    strikes     (n,) points
    bid_iv, ask_iv  (n,) Black-76 implied volatilities on the clock `years`, decimals
    bid, ask    (n,) undiscounted prices per forward of the out-of-the-money option (put for k < 1, call for k >= 1)
    """

    market: str
    expiry: date
    settlement: str
    years: float
    forward: float
    discount: float
    strikes: np.ndarray
    bid_iv: np.ndarray
    ask_iv: np.ndarray
    bid: np.ndarray
    ask: np.ndarray
    ledger: tuple[Rejection, ...] = ()

    def __post_init__(self):
        for name in ("strikes", "bid_iv", "ask_iv", "bid", "ask"):
            column = np.array(getattr(self, name), dtype=float)
            column.setflags(write=False)
            object.__setattr__(self, name, column)
        broken = self._broken_contract()
        if broken:
            raise QuoteError(self, broken)

    def _broken_contract(self):
        """The first contract that the numbers break, in words; empty where all hold."""
        columns = (self.strikes, self.bid_iv, self.ask_iv, self.bid, self.ask)
        if any(column.shape != (self.strikes.size,) for column in columns):
            return f"one shape (n,) needed, got {[column.shape for column in columns]}"
        if not (self.forward > 0 and self.discount > 0 and self.years > 0):
            return f"forward, discount, years must be positive, got {self.forward}, {self.discount}, {self.years}"
        if self.settlement not in ("am", "pm"):
            return f"settlement is 'am' or 'pm', not {self.settlement!r}"
        if not all(np.isfinite(column).all() for column in columns):
            return "finite strikes and quotes needed"
        if not (np.all(np.diff(self.strikes) > 0) and np.all(self.strikes > 0)):
            return "strikes must be positive and increase"
        if not (np.all(self.bid > 0) and np.all(self.bid <= self.ask) and np.all(self.bid_iv <= self.ask_iv)):
            return "need 0 < bid <= ask at every strike"
        return ""

    def __str__(self):
        return f"{self.market} {self.expiry} {self.settlement}"

    @property
    def k(self):
        """(n,) strikes / forward."""
        return self.strikes / self.forward

    @property
    def call_bid(self):
        """(n,) bid of the call at each strike, per forward (put-call parity)."""
        return self.bid + np.maximum(1.0 - self.k, 0.0)

    @property
    def call_ask(self):
        """(n,) ask of the call at each strike, per forward (put-call parity)."""
        return self.ask + np.maximum(1.0 - self.k, 0.0)

    def __len__(self):
        return len(self.strikes)


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """One day: SPX and VIX smiles by expiry, and what the reader found.

    source     where the quotes come from, in words
    notes      what was inferred: format, clock, settlements, forwards
    set_aside  rejected quotes that belong to no smile: expired, unknown root, expiries with too few quotes
    """

    day: date
    source: str
    spx: tuple[Smile, ...]
    vix: tuple[Smile, ...]
    notes: tuple[str, ...] = ()
    set_aside: tuple[Rejection, ...] = ()

    @property
    def smiles(self):
        """SPX smiles, then VIX smiles."""
        return (*self.spx, *self.vix)

    @property
    def vix_futures(self):
        """{expiry: VIX future in points}: the forward of each VIX smile."""
        return {smile.expiry: smile.forward for smile in self.vix}

    @property
    def ledger(self):
        """All rejected quotes of the day."""
        return (*(line for smile in self.smiles for line in smile.ledger), *self.set_aside)

    def triples(self):
        """All (T1 SPX, VIX, T2 SPX) combinations, nearest first; see `market.triples`."""
        from .triples import triples  # triples.py needs the records above

        return triples(self)
