"""What `check` finds, stage by stage, until there is no law to speak of."""

import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial

from .. import arbitrage, marginals, market
from .door import Code

LEGS = ("SPX T1", "VIX T1", "SPX T2")
FAR_DAYS = 3.0  # mismatch of an SPX leg beyond which the verdict carries a caution
FAR_BP = 200.0  # move of a law beyond which it does


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked: options as typed."""

    chain: str
    vix_expiry: str | None = None
    spx_expiry1: str | None = None
    spx_expiry2: str | None = None
    day: str | None = None
    wings: str = "consistent"


@dataclass(frozen=True, slots=True)
class Findings:
    """As far as the stages went; None for what was not reached.

    index       the VIX index, None where the chain has no SPX expiries around 30 days (`index_note` says so)
    spread      calendar arbitrage at the quoted prices
    laws        where no laws meet the identity (treatment "refused") the free fits, refitted if need be for convex order alone
    refusal     why none do, with the gap of those same laws
    seconds     {stage: wall-clock seconds}
    """

    snapshot: market.Snapshot
    triple: market.Triple
    index: market.VixIndex | None = None
    index_note: str = ""
    spread: arbitrage.QuotedSpread | None = None
    laws: marginals.Laws | None = None
    necessary: arbitrage.Necessary | None = None
    refusal: Exception | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def portfolio(self):
        """The portfolio that wins, from quotes or from laws; None where there is none."""
        return self.spread or (self.necessary.order.spread if self.necessary else None)

    @property
    def failures(self) -> tuple[str, ...]:
        """Necessary conditions that the laws fail; the variance identity is none of them where a basis was asked for."""
        necessary = replace(self.necessary, variance_gap=0.0) if self.modelled else self.necessary
        return necessary.failures

    @property
    def modelled(self) -> str:
        """What stands for the variance identity where a basis was asked for, else nothing."""
        basis = self.laws and self.laws.identity.treatment == "basis"
        return f"variance identity: modelled as a basis of {self.laws.identity.basis:+.6f} in variance" if basis else ""

    @property
    def code(self) -> Code:
        """The verdict as an exit code."""
        if self.portfolio:
            return Code.ARBITRAGE
        usable = not self.refusal and (self.necessary.holds or self.laws.identity.treatment == "basis")
        return Code.DONE if usable else Code.UNFINISHED

    @property
    def verdict(self) -> str:
        """The verdict in a sentence."""
        if self.spread:
            return "arbitrage at the quoted prices of the two SPX expiries: no law fits both; the portfolio is above"
        if self.portfolio:
            return "arbitrage between the fitted laws: SPX at T1 does not precede SPX at T2; the portfolio is above"
        if self.refusal:
            return "refused: " + str(self.refusal).replace('wings="basis"', "--wings basis")
        if self.code == Code.UNFINISHED:
            return f"not converged: {'; '.join(self.failures)}"
        return "; ".join([self._success(), *self._cautions()])

    def _cautions(self):
        """What a reader of a good verdict should still know."""
        moved = self.laws.identity.moved_bp
        yield from self.late()
        if moved > FAR_BP:
            yield f"caution: a law moved by {moved:.0f} bp of vol at 1- or 5-delta"

    def late(self):
        """A caution where an SPX leg misses the window."""
        missed = max(abs(self.triple.mismatch_t1_days), abs(self.triple.mismatch_t2_days))
        if missed > FAR_DAYS:
            yield f"caution: SPX settles up to {missed:.1f} days off the VIX window"

    def _success(self):
        fits = self.laws.smiles
        quotes, inside = sum(fit.quotes for fit in fits), sum(fit.inside for fit in fits)
        met = f"all {quotes} quotes inside bid-ask" if inside == quotes else f"{inside} of {quotes} quotes inside bid-ask"
        if self.laws.identity.treatment == "basis":
            jensen = "" if self.necessary.jensen_slack >= 0 else "; the VIX future exceeds sqrt(forward variance) by the basis"
            return f"three laws, {met}, convex order holds, basis {self.laws.identity.basis:+.6f} in variance{jensen}"
        return f"three laws on one identity, {met}, convex order holds"


def examine(asked: Question, *, tell=lambda what: None) -> Findings:
    """Reads, chooses the triple, tests the raw quotes, fits, tests the laws; stops where there is nothing left to test.

    tell       is told what is going on
    raises     QuoteError
    """
    seconds = {}
    tell(f"reading {asked.chain}")
    with timed(seconds, "read"):
        snapshot, triple = triple_of(asked)
        index, note = _index(snapshot)
        spread = arbitrage.quoted(triple.spx1, triple.spx2)
    found = Findings(snapshot, triple, index, note, spread, seconds=seconds)
    return found if spread else _fitted(found, asked, tell)


def triple_of(asked: Question) -> tuple[market.Snapshot, market.Triple]:
    """The day's quotes, and the three smiles that were asked for; raises QuoteError."""
    snapshot = market.load(asked.chain, day=asked.day)
    return snapshot, market.select(snapshot, _vix_expiry(snapshot, asked.vix_expiry), asked.spx_expiry1, asked.spx_expiry2)


def _fitted(found, asked, tell):
    tell("fitting three laws")
    with timed(found.seconds, "fit"):
        laws, refusal = _laws(found.snapshot, found.triple, asked)
    tell("testing the laws")
    with timed(found.seconds, "test"):
        return replace(found, laws=laws, refusal=refusal, necessary=arbitrage.necessary(*laws, laws.tau))


def _laws(snapshot, triple, asked):
    """The laws and None; or, where no laws meet the identity, those of a basis model and why, told by their own gap."""
    fit = partial(marginals.from_quotes, snapshot, triple.vix.expiry, spx_expiry1=asked.spx_expiry1, spx_expiry2=asked.spx_expiry2)
    try:
        return fit(wings=asked.wings), None
    except marginals.InconsistentError as error:
        laws = fit(wings="basis")
        told = marginals.InconsistentError(triple, laws.identity.gap, error.gap)
        return replace(laws, identity=replace(laws.identity, treatment="refused", basis=0.0)), told


def _vix_expiry(snapshot, asked):
    """The VIX expiry asked for, or the only one."""
    if asked is not None:
        return asked
    expiries = sorted({smile.expiry for smile in snapshot.vix})
    if len(expiries) == 1:
        return expiries[0]
    there = f"choose --vix-expiry from {', '.join(map(str, expiries))}" if expiries else "no VIX expiry with enough quotes"
    raise market.QuoteError(snapshot.source, there)


def _index(snapshot):
    try:
        return market.vix_index(snapshot), ""
    except market.QuoteError as error:
        return None, str(error)


@contextmanager
def timed(seconds: dict[str, float], stage: str):
    """Writes wall-clock seconds under the name of the stage."""
    start = time.perf_counter()
    try:
        yield
    finally:
        seconds[stage] = time.perf_counter() - start
