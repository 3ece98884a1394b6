"""What `replicate` is asked for: exact prices of one Heston model, or quotes of a chain, and the reference from which to depart."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from .. import arbitrage, continuous, marginals, semimartingale
from .clock import Clock
from .door import ArbitrageError
from .findings import Question, triple_of
from .posed import in_words

BUDGETS = "quick", "full"
GIVEN = dict(zip(BUDGETS, (semimartingale.QUICK, semimartingale.FULL), strict=True))
QUOTED = dict(zip(BUDGETS, (semimartingale.QUOTED_QUICK, semimartingale.QUOTED_FULL), strict=True))
SOURCE = "simulated market of Guo, Loeper, Obloj and Wang (2022)"
FEW, WITHIN = (8, 9, 8), 1.8  # quotes of S1, S2 and VIX, and how many of their own standard deviations out: kinks must not share a node
ROOM = 0.02  # standard deviation of what is not known of v0, relative


@dataclass(frozen=True, slots=True, eq=False)
class Meant:
    """What is to be met, and from where.

    source, notes   in words;  days  of the year in which dates are told
    scale           SPX at T1, VIX, SPX at T2: printed strike per strike of the quotes
    v0, room        root of the variance expected until T2, and what is not known of it
    before          (m,) errors of the reference, in units of volatility
    ladders         {budget: grids from coarse to fine};  outer  how often the model becomes the reference, unless told
    options         of `semimartingale.turns`
    """

    source: str
    notes: tuple[tuple[str, str], ...]
    days: float
    quotes: continuous.Quotes
    dates: semimartingale.Dates
    scale: tuple[float, float, float]
    v0: float
    room: float
    reference: semimartingale.HestonReference | semimartingale.AffineReference
    before: np.ndarray
    ladders: Mapping[str, tuple[semimartingale.Level, ...]]
    outer: int
    options: Mapping[str, object]


def of_experiment(asked: semimartingale.Simulated, clock: Clock, tell) -> Meant:
    """From one Heston model to another."""
    tell("pricing the market")
    with clock.stage("market"):
        quotes = asked.quotes
        before = departed(asked, quotes)
    notes = ("market", in_words(asked.market)), ("reference", in_words(asked.reference))
    reference, scale = semimartingale.HestonReference(asked.reference), (1.0, 100.0, 1.0)
    days = semimartingale.experiment.DAYS
    return Meant(SOURCE, notes, days, quotes, asked.dates, scale, asked.v0, 0.0, reference, before, GIVEN, 0, {})


def departed(asked: semimartingale.Simulated, quotes) -> np.ndarray:
    """(m,) prices of the reference in closed form less the market's, of the same payoffs, in units of volatility."""
    own, F = replace(asked, market=asked.reference).quotes, quotes.future
    parity = np.where((quotes.kV < F) != (quotes.kV < own.future), np.abs(own.future - quotes.kV), 0.0)
    off = own.price1 - quotes.price1, own.price2 - quotes.price2, own.priceV + parity - quotes.priceV, [own.future - F]
    return np.concatenate(off) / quotes.units(asked.dates.T1, asked.dates.T2, asked.dates.TV)


def of_chain(asked: Question, clock: Clock, tell) -> Meant:
    """A triple of maturities of a chain; raises QuoteError, InconsistentError, and ArbitrageError where SPX quotes are one."""
    tell(f"reading {asked.chain}")
    with clock.stage("read"):
        snapshot, triple = triple_of(asked)
        if arbitrage.quoted(triple.spx1, triple.spx2):
            what = f"calendar arbitrage at the quoted prices of {triple}"
            raise ArbitrageError(f"{asked.chain}: {what}; `smilebridge check` prints the portfolio")
        tell("fitting three laws")
        laws = marginals.from_triple(triple, wings=asked.wings)
        quotes = continuous.Quotes.of_triple(triple, n=FEW, within=WITHIN, basis=laws.identity.basis)
    T1, T2 = triple.spx1.years, triple.spx2.years
    dates, v0 = semimartingale.Dates(T1, T1, T2), float(np.sqrt(laws.mu2.log_contract(T2)))
    told = lambda model, miss: tell(f"fitting the reference: {miss:.1f} half-spreads off")
    with clock.stage("reference"):
        reference = semimartingale.fit(quotes, dates, v0, pace=semimartingale.QUOTED, told=told)
        before = semimartingale.mispriced(reference, quotes, dates, v0, pace=semimartingale.QUOTED)
    notes = (("day", str(snapshot.day)), *(("notes", note) for note in snapshot.notes), ("triple", str(triple)))
    notes += (("basis", f"V^2 is v^2 less {quotes.basis:+.6f}, as in the smiles fitted each alone"),) if quotes.basis else ()
    scale, options = (triple.spx1.forward, 100.0, triple.spx2.forward), {"rough": True, "pace": semimartingale.QUOTED}
    room = ROOM * v0
    notes += (("reference", in_words(reference)),)
    return Meant(snapshot.source, notes, 365.0, quotes, dates, scale, v0, room, reference, before, QUOTED, 2, options)
