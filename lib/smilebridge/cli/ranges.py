"""What `bounds` finds: a range of prices and the portfolios at its ends, as tables and as a record."""

from dataclasses import dataclass, replace

from .. import arbitrage
from . import findings, page, report
from .claims import Claim, claim
from .door import Code, UnusableError
from .findings import Findings, Question
from .joint_report import arbitrage_record, portfolio, support
from .thinned import thinned


@dataclass(frozen=True, slots=True)
class Range:
    """The bounds of one claim; None where calendar arbitrage at the quoted prices ends the question.

    problem    lattice: nodes and instruments of the linear programmes
    """

    found: Findings
    claim: Claim
    problem: arbitrage.JointProblem | None = None
    bounds: arbitrage.Bounds | None = None
    seconds: dict[str, float] | None = None

    @property
    def exists(self) -> bool:
        """Whether a law meets the quotes."""
        return self.bounds is not None and self.bounds.low is not None

    @property
    def code(self) -> Code:
        """The verdict as an exit code."""
        if self.exists:
            return Code.DONE
        return Code.ARBITRAGE if self.found.spread or self.bounds.existence.decided else Code.UNFINISHED

    @property
    def ends(self):
        """(lower, upper) in printed units."""
        return self.claim.scale * self.bounds.lower, self.claim.scale * self.bounds.upper

    @property
    def vols(self):
        """Volatilities of both ends, decimals; None where the claim has none."""
        vix, tau = self.found.triple.vix, self.found.laws.tau
        return [self.claim.vol(end, tau=tau, future=vix.forward / 100, years=vix.years) for end in self.ends]

    @property
    def verdict(self) -> str:
        """In a sentence."""
        if self.found.spread:
            return "arbitrage at the quoted prices of the two SPX expiries: no law fits both; the portfolio is above"
        if not self.exists:
            return str(self.bounds.existence)
        lower, upper = self.ends
        return f"{self.claim} costs between {lower:.8f} and {upper:.8f} {self.claim.unit} on the support above, VIX {self.bounds.vix}"


def bound(asked: Question, payoff, strike, *, vix, quotes, points, span, tell=lambda what: None) -> Range:
    """From quotes to the range.

    quotes     of each smile at most, None for all
    points     of the lattice beside the strikes
    span       stated support of S1, V, S2, None for where options are worth nothing
    raises     QuoteError, UnusableError
    """
    named = claim(payoff, strike)
    found = findings.examine(replace(asked, wings="basis"), tell=tell)
    if found.spread:
        return Range(found, named, seconds=found.seconds)
    tell(f"bounding {named}")
    with findings.timed(found.seconds, "bounds"):
        try:
            problem = arbitrage.lattice(arbitrage.JointProblem.from_quotes(found.laws), n=points, span=span)
            problem = thinned(problem, quotes) if quotes else problem
            limits = arbitrage.bounds(problem, named.payoff(found.triple.vix.forward / 100), vix=vix)
        except ValueError as error:
            raise UnusableError(str(error)) from None
    return Range(found, named, problem, limits, found.seconds)


def show(found: Range):
    """Prints to stdout; see `page.show`."""
    blocks = [report.source(found.found), page.lines([("triple", found.found.triple), ("claim", found.claim)])]
    page.show([*blocks, *report.spread_table(found.found.spread), *_range(found), *_legs(found), _verdict(found)])


def _range(found):
    if not found.bounds:
        return
    shape, m = " x ".join(map(str, found.problem.shape)), len(found.problem.contracts)
    pairs = [("support", support(found.problem)), ("nodes", f"{shape}, {m} instruments, every strike a node"), ("VIX", found.bounds.vix)]
    yield page.lines(pairs)
    if found.exists:
        vol = ["-" if vol is None else f"{100 * vol:.2f}" for vol in found.vols]
        sides = (found.bounds.low, found.bounds.high)
        rows = [
            [name, f"{end:.8f}", vol, f"{found.claim.scale * side.gap:.1e}", f"{side.worst_excess:+.1e}"]
            for name, end, vol, side in zip(("lower", "upper"), found.ends, vol, sides, strict=True)
        ]
        caption = "gap: to the law that attains it; excess: least payoff beyond the claim over every node, remeasured"
        yield page.table(f"Price, {found.claim.unit}", ["", "bound", "vol %", "gap", "excess"], rows, caption)


def _legs(found):
    if not found.bounds:
        return
    if found.exists:
        yield from portfolio(found.bounds.high.portfolio, "Superhedge, pays the claim or more")
        yield from portfolio(found.bounds.low.portfolio, "Subhedge, pays minus the claim or more")
    elif found.bounds.existence.portfolio:
        verdict = found.bounds.existence
        yield from portfolio(verdict.portfolio, f"Portfolio, price {verdict.price:.3e} forwards")


def _verdict(found):
    return page.lines([("verdict", found.verdict), ("seconds", page.spent(found.seconds))])


def as_record(found: Range) -> dict:
    """The same as JSON's own types; what was not reached is null."""
    lower, upper = found.ends if found.exists else (None, None)
    vols = found.vols if found.exists else (None, None)
    return {
        "source": found.found.snapshot.source,
        "day": str(found.found.snapshot.day),
        "payoff": found.claim.name,
        "strike": found.claim.strike,
        "vix": found.bounds.vix if found.bounds else None,
        "lower": lower,
        "upper": upper,
        "unit": found.claim.unit,
        "lower_vol": vols[0],
        "upper_vol": vols[1],
        "gap": found.bounds.gap if found.exists else None,
        "support": dict(zip(("S1", "V", "S2"), map(list, found.bounds.support), strict=True)) if found.bounds else None,
        "grid": list(found.problem.shape) if found.problem else None,
        "superhedge": _portfolio_record(found.bounds.high.portfolio) if found.exists else None,
        "subhedge": _portfolio_record(found.bounds.low.portfolio) if found.exists else None,
        "arbitrage": arbitrage_record(found.found.spread, found.bounds and found.bounds.existence),
        "verdict": {"code": int(found.code), "says": found.verdict},
        "seconds": found.seconds,
    }


def _portfolio_record(held):
    legs = [{"contract": name, "amount": amount} for name, amount in held.legs]
    return {"price": held.price, "cash": float(held.cash), "legs": legs}
