"""What `calibrate` finds: the joint law that meets every quote, or the portfolio against it, or how far the solver came."""

from dataclasses import dataclass, field, replace

import jax
import jax.numpy as jnp
import numpy as np

from .. import arbitrage, discrete
from . import findings
from .claims import call_vol
from .door import Code, UnusableError
from .findings import Findings, Question, timed
from .remeasured import Measured, measured
from .thinned import thinned

STATUSES = ("converged", "max_steps", "infeasible", "stalled", "nonfinite")
BOUND_QUOTES = 15  # of each smile, at most, that bounds are asked to meet: more would narrow them a little and take minutes
WIDTHS = (-2.0, -1.0, 0.0, 1.0, 2.0)  # forward-start strikes: this many standard deviations of the window from the money
BOUNDED = 1.5  # of them from the money within which bounds are asked for: two linear programmes a strike
STEP = 0.005  # to which they are rounded
FINER = 1.4  # factor of the nodes where those of the solver carry no law and nodes at every strike do


@dataclass(frozen=True, slots=True)
class ForwardStart:
    """Call on S2/S1, per forward, and what bounds leave it; volatilities over the window, decimals.

    lower, upper   over all laws on the nodes that meet up to `BOUND_QUOTES` quotes a smile; None beyond `BOUNDED` and where not asked for
    """

    strike: float
    price: float
    implied_vol: float
    lower: float | None = None
    upper: float | None = None
    lower_vol: float | None = None
    upper_vol: float | None = None


@dataclass(frozen=True, slots=True)
class Joint:
    """As far as the stages went; None for what was not reached.

    found       what `check` finds of the same quotes: their triple, their laws, which are the prior here
    existence   verdict of the linear programme, asked where the solver met no law
    seconds     {stage: wall-clock seconds}; compile is tracing and compiling ahead of the run, or reading it from the cache
    """

    found: Findings
    solver: str
    problem: arbitrage.JointProblem | None = None
    solution: discrete.Solution | None = None
    measured: Measured | None = None
    forward_start: tuple[ForwardStart, ...] = ()
    existence: arbitrage.Existence | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """The solver's, by name; "arbitrage" where the quotes alone decide."""
        if self.solution is None:
            return "arbitrage"
        return next(name for name in STATUSES if bool(self.solution.status == getattr(discrete.Status, name)))

    @property
    def advice(self) -> str:
        """What the status means."""
        return discrete.Status[self.solution.status] if self.solution else ""

    @property
    def code(self) -> Code:
        """The verdict as an exit code."""
        if self.found.spread or (self.existence and not self.existence.exists and self.existence.decided):
            return Code.ARBITRAGE
        return Code.DONE if self.measured and self.status == "converged" and self.measured.holds else Code.UNFINISHED

    @property
    def verdict(self) -> str:
        """The verdict in a sentence."""
        if self.found.spread:
            return "arbitrage at the quoted prices of the two SPX expiries: no law fits both; the portfolio is above"
        if self.code == Code.ARBITRAGE:
            return "arbitrage: no joint law meets the quotes on the support above; the portfolio that wins is above"
        if self.code == Code.UNFINISHED:
            return f"not converged ({self.status}): {self._unfinished()}"
        return "; ".join([f"calibrated: one law of (S1, V, S2), {self.measured}", *self.found.late()])

    def _unfinished(self):
        if self.existence:
            told = self.existence if self.existence.exists else "neither a law nor a portfolio that wins was found"
            return f"on nodes at every strike {told}; {self.advice}"
        return "; ".join(filter(None, [self.advice, str(self.measured) if self.measured else ""]))


def calibrate(asked: Question, *, solver: str, grid=None, bounded: bool = True, tell=lambda what: None) -> Joint:
    """From quotes to one joint law; where the solver finds none, to the verdict of the linear programme.

    solver     name in `discrete`
    grid       nodes of s1, v, s2; as many as the quotes need unless given
    bounded    whether forward-start prices are given their model-free bounds
    raises     QuoteError, UnusableError for nodes that cannot carry the quotes
    """
    found = findings.examine(asked, tell=tell)
    joint = Joint(found, solver, seconds=found.seconds)
    if found.spread:
        return joint
    joint = _solved(replace(joint, problem=_problem(found.laws, grid)), tell)
    if joint.status != "converged":
        joint = _judged(joint, tell)
        if grid is None and joint.existence.exists:
            finer = [int(np.ceil(FINER * count)) for count in joint.problem.shape]
            joint = _solved(replace(joint, problem=_problem(found.laws, finer)), tell)
    if joint.status != "converged":
        return joint
    return replace(joint, forward_start=_forward_starts(joint, bounded, tell))


def _judged(joint, tell):
    """Whether a law exists on nodes at every strike: by the solver's own weights if they win, else by the linear programme."""
    tell("asking whether a law exists on nodes at every strike")
    with timed(joint.seconds, "existence"):
        lattice, amounts = arbitrage.lattice(joint.problem), np.asarray(joint.solution.amounts)
        return replace(joint, existence=arbitrage.existence(lattice, amounts=amounts, sharp=False))


def _problem(laws, grid):
    try:
        return arbitrage.JointProblem.from_quotes(laws, n=grid)
    except ValueError as error:
        raise UnusableError(f"--grid {','.join(map(str, grid))}: {error}" if grid else str(error)) from None


def _solved(joint, tell):
    problem = jax.block_until_ready(discrete.Schrodinger.of(joint.problem))
    solve, seconds = getattr(discrete, joint.solver), joint.seconds
    tell(f"compiling {joint.solver}")
    with timed(seconds, "compile"):
        solve = solve.lower(problem).compile()
    tell(f"solving on {' x '.join(map(str, joint.problem.shape))} nodes")
    with timed(seconds, "solve"):
        solution = jax.block_until_ready(solve(problem))
    tell("remeasuring the law")
    triple = joint.found.triple
    return replace(joint, solution=solution, measured=measured(joint.problem, solution.law, (triple.spx1, triple.vix, triple.spx2)))


def _forward_starts(joint, bounded, tell):
    law, laws = joint.solution.law, joint.found.laws
    width = float(laws.muV.mean()) * laws.tau**0.5
    strikes = np.unique(np.round(np.exp(np.array(WIDTHS) * width) / STEP) * STEP).round(6)
    prices, vols = law.forward_start(jnp.asarray(strikes)), law.forward_start_iv(jnp.asarray(strikes))
    starts = [ForwardStart(*map(float, row)) for row in zip(strikes, prices, vols, strict=True)]
    if not bounded:
        return tuple(starts)
    near = [s for s in starts if abs(np.log(s.strike)) < BOUNDED * width]
    tell(f"bounding the forward-start calls from {near[0].strike:g} to {near[-1].strike:g}")
    claims = [arbitrage.PAYOFFS["forward-start-call"](s.strike) for s in near]
    with timed(joint.seconds, "bounds"):
        found = arbitrage.bounds_of(thinned(joint.problem, BOUND_QUOTES), claims)
    told = {s.strike: _bounded(s, limits, joint.problem.tau) for s, limits in zip(near, found, strict=True)}
    return tuple(told.get(s.strike, s) for s in starts)


def _bounded(start, found, tau):
    ends = np.maximum([found.lower, found.upper], max(1 - start.strike, 0.0))  # Jensen
    vols = call_vol(np.full(2, start.strike), ends, tau)
    return replace(start, lower=float(ends[0]), upper=float(ends[1]), lower_vol=float(vols[0]), upper_vol=float(vols[1]))
