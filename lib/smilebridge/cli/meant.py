"""What `replicate` is asked for: exact prices of one Heston model, or quotes of a chain, and the reference from which to depart."""

from dataclasses import dataclass

from .. import arbitrage, semimartingale
from .clock import Clock
from .door import ArbitrageError, UnusableError
from .findings import FAR_DAYS, Question, triple_of
from .posed import in_words

SOURCE = "simulated market of Guo, Loeper, Obloj and Wang (2022)"


@dataclass(frozen=True, slots=True, eq=False)
class Meant:
    """What is to be met, and from where.

    source, notes   in words;  days  of the year in which dates are told
    scale           SPX at T1, VIX, SPX at T2: printed strike per strike of the quotes
    """

    source: str
    notes: tuple[tuple[str, str], ...]
    days: float
    scale: tuple[float, float, float]
    posed: semimartingale.Posed


def of_experiment(asked: semimartingale.Simulated, clock: Clock, tell) -> Meant:
    """From one Heston model to another."""
    tell("pricing the market")
    with clock.stage("market"):
        posed = semimartingale.Posed.of_experiment(asked)
    notes = ("market", in_words(asked.market)), ("reference", in_words(asked.reference))
    return Meant(SOURCE, notes, semimartingale.experiment.DAYS, (1.0, 100.0, 1.0), posed)


def of_chain(asked: Question, clock: Clock, tell) -> Meant:
    """A triple of maturities of a chain; raises QuoteError, InconsistentError, and ArbitrageError where SPX quotes are one."""
    tell(f"reading {asked.chain}")
    with clock.stage("read"):
        snapshot, triple = triple_of(asked)
        if arbitrage.quoted(triple.spx1, triple.spx2):
            what = f"calendar arbitrage at the quoted prices of {triple}"
            raise ArbitrageError(f"{asked.chain}: {what}; `smilebridge check` prints the portfolio")
        if abs(triple.mismatch_t1_days) > FAR_DAYS:
            off = f"SPX settles {triple.mismatch_t1_days:+.1f} days off the VIX options at T1"
            raise UnusableError(f"{asked.chain}: {off} in {triple}; the transport takes both for one date, {FAR_DAYS:g} days apart at most")
    tell("fitting three laws")
    told = lambda model, miss: tell(f"fitting the reference: {miss:.1f} half-spreads off")
    with clock.stage("reference"):
        posed = semimartingale.Posed.of_triple(triple, wings=asked.wings, told=told)
    notes = (("day", str(snapshot.day)), *(("notes", note) for note in snapshot.notes), ("triple", str(triple)))
    basis = f"V^2 is v^2 less {posed.quotes.basis:+.6f}, as in the smiles fitted each alone"
    notes += (("basis", basis),) if posed.quotes.basis else ()
    there = zip(posed.quotes.counts, (triple.spx1, triple.spx2, triple.vix), ("SPX T1", "SPX T2", "VIX"), strict=True)
    notes += (("asked", ", ".join(f"{count} of {len(smile)} {leg}" for count, smile, leg in there) + " quotes, spread over the strikes"),)
    if abs(triple.mismatch_t2_days) > FAR_DAYS:
        notes += (("caution", f"SPX T2 settles {triple.mismatch_t2_days:+.1f} days off the 30 days of the VIX"),)
    notes += (("reference", in_words(posed.reference)),)
    return Meant(snapshot.source, notes, 365.0, (triple.spx1.forward, 100.0, triple.spx2.forward), posed)
