"""What `bridge` finds: the process nearest to a reference that meets SPX and VIX quotes, and what its own paths say of it."""

from dataclasses import dataclass, field, replace

import numpy as np

from .. import continuous
from .clock import Clock
from .door import Code, UnusableError
from .findings import LEGS, Question
from .judged import BP, MAX_STEPS, Judged, simulated
from .posed import Posed, of_chain, of_experiment

PATHS = {"quick": 20_000, "medium": 100_000, "full": 400_000}
TIMES = 11.5, 2, 12  # nodes of y per time step of the second interval; least and most such steps, the first interval has twice as many
BASIS = ", or --wings basis where VIX quotes ask for more variance than SPX quotes grant"


@dataclass(frozen=True, slots=True, eq=False)
class Bridged:
    """As far as the stages went; None for what was not reached.

    before    (m,) errors of the reference, in units of volatility
    """

    posed: Posed
    levels: tuple[continuous.Level, ...]
    before: np.ndarray | None = None
    found: continuous.Calibrated | None = None
    verified: continuous.Verified | None = None
    clock: Clock = field(default_factory=Clock)

    @property
    def taken(self) -> tuple[continuous.Level, ...]:
        """The levels with the cells and time steps that the reference needed: what was solved on."""
        posed = self.posed
        if posed.reference is None:
            return self.levels
        return tuple(continuous.taken(posed.reference, posed.T1, posed.T2, level) for level in self.levels)

    @property
    def judged(self) -> Judged:
        """What was found beside what paths say of it; only where a model was found."""
        posed, quotes = self.posed, self.posed.quotes
        cure = "a finer grid" + (BASIS if quotes.half is not None and not quotes.basis else "")
        shares = (("realised variance differs from V^2", self.verified.dispersion),)
        asked = quotes, (posed.T1, posed.T2), (*LEGS, "VIX future"), posed.scale
        return Judged(*asked, self.before, self.found, self.verified, str(self.taken[-1]), cure, shares)

    @property
    def status(self) -> str:
        """From the answer; see `Judged`."""
        return "arbitrage" if self.found is None else self.judged.status

    @property
    def code(self) -> Code:
        """The verdict as an exit code."""
        return Code.ARBITRAGE if self.found is None else self.judged.code

    @property
    def verdict(self) -> str:
        """The verdict in a sentence."""
        if self.found is None:
            return "arbitrage at the quoted prices of the two SPX expiries: no model fits both; the portfolio is above"
        return self.judged.verdict


def solve(asked: Question | str, reference: str, *, budget: str, grid=None, paths=None, checkpoint=None, tell=lambda what: None) -> Bridged:
    """From quotes to the nearest model that meets them, then paths of it.

    asked      a chain's question, or the name of an experiment
    grid       nodes of x, y, delta on the last grid, if not the budget's
    raises     QuoteError, CheckpointError; UnusableError for a grid that cannot be
    """
    clock = Clock()
    posed = (of_chain if isinstance(asked, Question) else of_experiment)(asked, reference, clock, tell)
    bridged = Bridged(posed, ladder(posed.ladders[budget], grid), clock=clock)
    if posed.spread:
        return bridged
    if grid:
        _possible(posed, bridged.levels[-1])
    with clock.stage("reference"):
        before = continuous.mispriced(posed.reference, posed.quotes, posed.T1, posed.T2)
    with clock.stage("solve"):
        found = _calibrated(bridged, checkpoint, tell)
    with clock.stage("monte_carlo"):
        verified = simulated(continuous.verify, found, paths or PATHS[budget], tell)
    return replace(bridged, before=before, found=found, verified=verified)


def ladder(levels, grid=None) -> tuple[continuous.Level, ...]:
    """Grids from coarse to fine; with a last grid of one's own, those of the budget that are smaller lead to it."""
    if grid is None:
        return levels
    per_step, least, most = TIMES
    steps = min(max(round(grid[1] / per_step), least), most)
    last = continuous.Level(*grid, (2 * steps, steps))
    sizes = lambda level: (level.nx, level.ny, level.nd)
    smaller = [level for level in levels if sizes(level) != grid and all(np.less_equal(sizes(level), grid))]
    return *smaller, last


def _possible(posed, level):
    """Refuses a grid on which no step can be made, by the library's own words."""
    try:
        continuous.posed(posed.reference, posed.quotes, posed.T1, posed.T2, level)
    except ValueError as error:
        raise UnusableError(f"--grid {level.nx},{level.ny},{level.nd}: {error}") from None


def _calibrated(bridged, checkpoint, tell):
    posed = bridged.posed
    tell(f"calibrating: curvature on {bridged.levels[0]} nodes")

    def told(level, standing, error):
        worst = f"largest error {BP * np.abs(error).max():.1f} bp of vol"
        tell(f"calibrating on {level} nodes: step {standing.steps[-1]}, evaluation {standing.evaluations[-1]}, {worst}")

    options = {"levels": bridged.levels, "max_steps": MAX_STEPS, "checkpoint": checkpoint, "told": told}
    return continuous.calibrate(posed.reference, posed.quotes, posed.T1, posed.T2, **options)
