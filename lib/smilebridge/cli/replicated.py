"""What `replicate` finds: the diffusion nearest to a reference that meets prices, and what its own paths say of it."""

from dataclasses import dataclass, field

import numpy as np

from .. import semimartingale
from .clock import Clock
from .door import Code
from .findings import Question
from .judged import BP, MAX_STEPS, Judged, simulated
from .meant import Meant, of_chain, of_experiment

PATHS = {"quick": 20_000, "full": 80_000}
LEGS = "SPX T1", "VIX TV", "SPX T2", "VIX future"
FINER = (1.5, 100), (2.5, 180)  # nodes that exact prices are measured on per node of x and v, as long as they are no more than so many
SPENT = "the variance realised up to T2 differs from twice today's X2"


@dataclass(frozen=True, slots=True)
class Outer:
    """A calibration from one reference: its turn, cost by the dual, nats, and largest error in units of volatility."""

    turn: int
    reference: str
    dual: float
    worst: float


@dataclass(frozen=True, slots=True, eq=False)
class Replicated:
    """The last calibration, its paths, and those before.

    outer    of every reference, the one that was asked for first; empty where there is no other
    """

    meant: Meant
    levels: tuple[semimartingale.Level, ...]
    found: semimartingale.Calibrated
    verified: semimartingale.Verified
    outer: tuple[Outer, ...]
    clock: Clock = field(default_factory=Clock)

    @property
    def judged(self) -> Judged:
        """What was found beside what paths say of it: of the variance after TV, and of all of it, since X2 must end at zero."""
        meant, verified = self.meant, self.verified
        dates = meant.posed.dates
        shares = (f"realised variance differs from {self.promise}", verified.dispersion), (SPENT, verified.spent)
        asked = self.found.quotes, (dates.T1, dates.T2, dates.TV), LEGS, meant.scale
        return Judged(*asked, meant.posed.before, self.found, verified, str(self.levels[-1]), "a finer grid", shares)

    @property
    def promise(self) -> str:
        """What variance after TV is on average, given the VIX."""
        return "V^2 and its basis" if self.found.quotes.basis else "V^2"

    @property
    def status(self) -> str:
        """From the answer; see `Judged`."""
        return self.judged.status

    @property
    def code(self) -> Code:
        """The verdict as an exit code."""
        return self.judged.code

    @property
    def verdict(self) -> str:
        """The verdict in a sentence."""
        domain = self.found.model.grid.domain
        low, high = (100 * np.exp(sign * domain.x) for sign in (-1, 1))
        bounds = f"volatility up to {100 * domain.high:.0f}% and an index from {low:.0f}% to {high:.0f}% of its forward"
        refuted = f"; the dual is above what any diffusion with {bounds} costs: none of them meets these quotes"
        cornered = "; caution: v today is at the end of its room, the quotes ask for another variance than SPX at T2"
        return self.judged.verdict + cornered * self.found.cornered + refuted * (self.found.refuted and not self.found.met)

    @property
    def cost_z(self) -> float | None:
        """The cost on paths less the dual, in standard errors; None with bids and asks, within which the dual only bounds it."""
        if self.found.quotes.half is not None:
            return None
        cost, se = self.verified.cost
        return float((cost - self.found.dual) / se)


def solve(asked: Question | semimartingale.Simulated, budget, *, grid=None, outer=None, paths=None, checkpoint=None, tell=lambda _: None):
    """From prices and a reference to a calibrated diffusion, then paths of it: a `Replicated`.

    asked    a chain's question, or an experiment
    grid     nodes of x and v on the last grid, if not the budget's
    outer    how often the model found, smoothed, is the next reference; none for an experiment and five times for a chain unless given
    raises   QuoteError, InconsistentError, CheckpointError; UnusableError
    """
    clock = Clock()
    meant = (of_chain if isinstance(asked, Question) else of_experiment)(asked, clock, tell)
    levels, outer = ladder(meant.posed.ladders[budget], grid), meant.posed.outer if outer is None else outer
    with clock.stage("solve"):
        found, seen = _calibrated(meant.posed, levels, outer, checkpoint, tell)
    with clock.stage("monte_carlo"):
        verified = simulated(semimartingale.verify, found, paths or PATHS[budget], tell)
    return Replicated(meant, levels, found, verified, seen, clock)


def ladder(levels, grid=None) -> tuple[semimartingale.Level, ...]:
    """Grids from coarse to fine; with a last grid of one's own, those of the budget that are smaller lead to it."""
    if grid is None:
        return levels
    smaller = [level for level in levels if level.nx <= grid[0] and level.nv <= grid[1]]
    if smaller and (smaller[-1].nx, smaller[-1].nv) == grid:
        return tuple(smaller)
    finer = tuple(max(n, min(round(more * n), most)) for n, (more, most) in zip(grid, FINER, strict=True))
    return *smaller, semimartingale.Level(*grid, levels[-1].finer and finer)


def _calibrated(posed, levels, outer, checkpoint, tell):
    """The last calibration, and one `Outer` of each that was not found before the checkpoint."""
    seen, at = [], [0]
    tell(f"calibrating: curvature on {levels[0]} nodes")

    def told(turn, level, standing, error):
        at[0] = turn
        worst = f"largest error {BP * np.abs(error).max():.1f} bp of vol"
        which = f"reference {turn} of {outer}, " if outer else ""
        tell(f"calibrating: {which}on {level} nodes, step {sum(standing.steps)}, {worst}")

    for found in posed.turns(outer, levels=levels, max_steps=MAX_STEPS, checkpoint=checkpoint, told=told):
        seen.append(Outer(at[0], type(found.reference).__name__, float(found.dual), float(np.abs(found.error).max())))
    return found, tuple(seen if outer else ())
