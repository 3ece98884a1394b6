"""What `replicate` finds: the diffusion nearest to a Heston model that meets exact prices of another, and what its own paths say of it."""

from dataclasses import dataclass, field, replace

import numpy as np

from .. import semimartingale
from .clock import Clock
from .door import Code
from .judged import BP, MAX_STEPS, Judged, simulated

PATHS = {"quick": 20_000, "full": 80_000}
GIVEN = {"quick": semimartingale.QUICK, "full": semimartingale.FULL}
LEGS = "SPX T1", "VIX TV", "SPX T2", "VIX future"
SCALE = 1.0, 100.0, 1.0
FINER = (1.5, 100), (2.5, 180)  # nodes that prices are measured on per node of x and v, as long as they are no more than so many
SPENT = "the variance realised up to T2 differs from twice today's X2"


@dataclass(frozen=True, slots=True)
class Outer:
    """A calibration from one reference: cost by the dual, nats, and largest error in units of volatility."""

    reference: str
    dual: float
    worst: float


@dataclass(frozen=True, slots=True, eq=False)
class Replicated:
    """The last calibration, its paths, and those before.

    before   (m,) errors of the Heston reference, in units of volatility
    outer    of every reference, the Heston model first; empty where there is no other
    """

    asked: semimartingale.Simulated
    levels: tuple[semimartingale.Level, ...]
    before: np.ndarray
    found: semimartingale.Calibrated
    verified: semimartingale.Verified
    outer: tuple[Outer, ...]
    clock: Clock = field(default_factory=Clock)

    @property
    def judged(self) -> Judged:
        """What was found beside what paths say of it: of the variance after TV, and of all of it, since X2 must end at zero."""
        dates, verified = self.asked.dates, self.verified
        shares = ("realised variance differs from V^2", verified.dispersion), (SPENT, verified.spent)
        asked = self.found.quotes, (dates.T1, dates.T2, dates.TV), LEGS, SCALE
        return Judged(*asked, self.before, self.found, verified, str(self.levels[-1]), "a finer grid", shares)

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
        return self.judged.verdict

    @property
    def cost_z(self) -> float:
        """The cost on paths less the dual, in standard errors."""
        cost, se = self.verified.cost
        return float((cost - self.found.dual) / se)


def solve(budget: str, *, grid=None, outer=0, paths=None, asked=semimartingale.PUBLISHED, tell=lambda what: None) -> Replicated:
    """From the prices of one Heston model and another as reference to a calibrated diffusion, then paths of it.

    grid     nodes of x and v on the last grid, if not the budget's
    outer    how often the model found, smoothed, is the next reference
    """
    clock, levels = Clock(), ladder(GIVEN[budget], grid)
    tell("pricing the market")
    with clock.stage("market"):
        quotes = asked.quotes
        before = departed(asked, quotes)
    with clock.stage("solve"):
        found, seen = _calibrated(asked, quotes, levels, outer, tell)
    with clock.stage("monte_carlo"):
        verified = simulated(semimartingale.verify, found, paths or PATHS[budget], tell)
    return Replicated(asked, levels, before, found, verified, seen, clock)


def departed(asked: semimartingale.Simulated, quotes) -> np.ndarray:
    """(m,) prices of the reference in closed form less the market's, of the same payoffs, in units of volatility."""
    own, F = replace(asked, market=asked.reference).quotes, quotes.future
    parity = np.where((quotes.kV < F) != (quotes.kV < own.future), np.abs(own.future - quotes.kV), 0.0)
    off = own.price1 - quotes.price1, own.price2 - quotes.price2, own.priceV + parity - quotes.priceV, [own.future - F]
    return np.concatenate(off) / quotes.units(asked.dates.T1, asked.dates.T2, asked.dates.TV)


def ladder(levels, grid=None) -> tuple[semimartingale.Level, ...]:
    """Grids from coarse to fine; with a last grid of one's own, those of the budget that are smaller lead to it."""
    if grid is None:
        return levels
    smaller = [level for level in levels if level.nx <= grid[0] and level.nv <= grid[1]]
    if smaller and (smaller[-1].nx, smaller[-1].nv) == grid:
        return tuple(smaller)
    finer = tuple(max(n, min(round(more * n), most)) for n, (more, most) in zip(grid, FINER, strict=True))
    return *smaller, semimartingale.Level(*grid, finer)


def _calibrated(asked, quotes, levels, outer, tell):
    """The last calibration, and one `Outer` of each; a model that broke is no reference."""
    reference, seen = semimartingale.HestonReference(asked.reference), []
    for again in range(outer + 1):
        turn = f"reference {again} of {outer}, " if outer else ""
        tell(f"calibrating: {turn}curvature on {levels[0]} nodes")

        def told(level, standing, error, turn=turn):
            worst = f"largest error {BP * np.abs(error).max():.1f} bp of vol"
            tell(f"calibrating: {turn}on {level} nodes, step {sum(standing.steps)}, {worst}")

        found = semimartingale.calibrate(reference, quotes, asked.dates, asked.v0, levels=levels, max_steps=MAX_STEPS, told=told)
        seen.append(Outer(type(reference).__name__, float(found.dual), float(np.abs(found.error).max())))
        if not (np.isfinite(found.dual) and np.isfinite(found.model.c).all()):
            break
        reference = semimartingale.SmoothedReference.of(found.model) if again < outer else None
    return found, tuple(seen if outer else ())
