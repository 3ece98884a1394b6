"""What `bridge` finds: the process nearest to a reference that meets SPX and VIX quotes, and what its own paths say of it."""

from dataclasses import dataclass, field, replace

import jax
import numpy as np

from .. import continuous
from .clock import Clock
from .door import Code, UnusableError
from .findings import LEGS, Question
from .posed import Posed, of_chain, of_experiment

PATHS = {"quick": 20_000, "medium": 100_000, "full": 400_000}
BATCH = 20_000  # paths at once
SEED = 7
MAX_STEPS = 60  # on each grid
TIMES = 11.5, 2, 12  # nodes of y per time step of the second interval; least and most such steps, the first interval has twice as many
SIGMAS = 3.0  # standard errors from which a Monte Carlo contradicts
APART = 0.01  # share of V^2 by which realised variance may differ in any case
BROKEN = 5.0  # standard errors from which S counts as no martingale
NEAR = {"SPX T1": 5e-4, "VIX T1": 0.0, "SPX T2": 5e-4, "VIX future": 2e-4}  # volatility by which it may differ in any case
ROUNDING = 1e-6  # of a band
BP = 1e4


@dataclass(frozen=True, slots=True)
class Instrument:
    """An option and its implied volatilities, decimals; those of VIX options by the quoted future, the reference's by its own.

    half     largest error that counts as met;  se  standard error of the Monte Carlo, both in units of volatility
    """

    market: str
    strike: float
    target: float
    half: float
    reference: float
    model: float
    mc: float
    se: float


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
    def status(self) -> str:
        """From the answer: "converged" where every error on the own grid is within its band and paths do not contradict."""
        if self.found is None:
            return "arbitrage"
        if not np.isfinite(self.found.error).all() or not np.isfinite(self.found.dual):
            return "nonfinite"
        if not self.found.met:
            return "max_steps" if self.found.steps[-1] >= MAX_STEPS else "stalled"
        return "contradicted" if self.broken else "converged"

    @property
    def broken(self) -> bool:
        """Whether on its paths S is no martingale, or the VIX not the variance that follows, by more than a coarse grid excuses."""
        off = abs(self.verified.dispersion[0]) > APART and abs(self.verified.dispersion_z) > SIGMAS
        return bool(off or abs(self.verified.martingale_z) > BROKEN)

    @property
    def code(self) -> Code:
        """The verdict as an exit code."""
        return {"arbitrage": Code.ARBITRAGE, "converged": Code.DONE}.get(self.status, Code.UNFINISHED)

    @property
    def verdict(self) -> str:
        """The verdict in a sentence."""
        if self.status == "arbitrage":
            return "arbitrage at the quoted prices of the two SPX expiries: no model fits both; the portfolio is above"
        if self.status == "contradicted":
            return "; ".join([f"not converged (contradicted by its paths): {self._met()} but only there", *self.cautions()])
        if self.code == Code.UNFINISHED:
            met = f"{self.inside.sum()} of {self.inside.size} prices are met on {self.taken[-1]} nodes after {sum(self.found.steps)} steps"
            return f"not converged ({self.status}): {met}, the largest error is {BP * np.abs(self.found.error).max():.1f} bp of vol"
        return "; ".join([f"calibrated: {self._met()}", *(f"caution: {said}" for said in self.cautions())])

    @property
    def half(self) -> np.ndarray:
        """(m,) largest error that counts as met, in units of volatility."""
        dates = self.posed.T1, self.posed.T2
        return self.posed.quotes.band(*dates) / self.posed.quotes.units(*dates)

    @property
    def inside(self) -> np.ndarray:
        """(m,) whether the grid's price counts as met."""
        return np.abs(self.found.error) <= (1 + ROUNDING) * self.half

    def _met(self):
        options, off, where = sum(self.posed.quotes.counts), BP * np.abs(self.found.error), f"on {self.taken[-1]} nodes"
        if self.posed.quotes.half is None:
            return f"all {options} options and the future within {off.max():.2f} bp of vol {where}"
        return f"all {options} quotes inside bid-ask and the future within {off[-1]:.2f} bp of vol {where}"

    def cautions(self):
        """Where paths of the model contradict its grid."""
        for leg, off, se in self.misses():
            far = off > np.maximum(SIGMAS * se, NEAR[leg])
            if far.any():
                worst = int(np.argmax(np.where(far, off, 0.0)))
                yield f"by Monte Carlo {leg} is {BP * off[worst]:.1f} bp of vol off (s.e. {BP * se[worst]:.1f})"
        drift, off = self.verified.martingale_z, self.verified.dispersion_z
        if abs(drift) > SIGMAS:
            yield f"by Monte Carlo S is off its forward by {abs(drift):.1f} standard errors"
        if abs(off) > SIGMAS:
            share = f"{100 * self.verified.dispersion[0]:+.2f}%, {abs(off):.1f} standard errors"
            quoted = self.posed.quotes.half is not None and not self.posed.quotes.basis
            cure = "a finer grid" + (", or --wings basis where VIX quotes ask for more variance than SPX quotes grant" if quoted else "")
            yield f"by Monte Carlo realised variance differs from V^2 by {share}; try {cure}"

    def misses(self):
        """(leg, how far the Monte Carlo price leaves what counts as met (n,), its standard error (n,)) in units of volatility."""
        off = np.maximum(np.abs(self.verified.mc) - self.half, 0.0)
        yield from zip((*LEGS, "VIX future"), by_leg(self.posed.quotes, off), by_leg(self.posed.quotes, self.verified.se), strict=True)


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
        verified = _verified(found, paths or PATHS[budget], tell)
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


def _verified(found, paths, tell):
    """At least so many paths, in equal batches of mirrored pairs."""
    batches = -(-paths // BATCH)
    each = 2 * -(-paths // (2 * batches))
    tell(f"simulating {batches * each} paths")
    told = lambda batch: tell(f"simulating {batches * each} paths: {(batch + 1) * each} done")
    return continuous.verify(found, each, key=jax.random.key(SEED), batches=batches, told=told)


def by_leg(quotes: continuous.Quotes, values) -> list[np.ndarray]:
    """(m,) numbers of all instruments as those of SPX T1, VIX T1, SPX T2, and of the future."""
    one, two, vix = quotes.counts
    first, second, options, future = np.split(np.asarray(values), np.cumsum([one, two, vix]))
    return [first, options, second, future]


def instruments(bridged: Bridged) -> list[Instrument]:
    """Options with implied volatilities inverted from the prices of grid and Monte Carlo."""
    posed, verified = bridged.posed, bridged.verified
    quotes, dates = posed.quotes, (posed.T1, posed.T2)
    unit = quotes.units(*dates)
    smiles = [_vols(quotes, 0 * unit, dates), _vols(quotes, bridged.before * unit, dates, own=True)]
    smiles += [_vols(quotes, error * unit, dates) for error in (bridged.found.error, verified.mc)]
    target, *found_by = (np.concatenate([one, vix, two]) for one, two, vix in smiles)
    half, se = (np.concatenate(by_leg(quotes, value)[:3]) for value in (bridged.half, verified.se))
    strikes = [scale * k for scale, k in zip(posed.scale, (quotes.k1, quotes.kV, quotes.k2), strict=True)]
    names = [leg for leg, k in zip(LEGS, strikes, strict=True) for _ in k]
    rows = zip(names, np.concatenate(strikes), target, half, *found_by, se, strict=True)
    return [Instrument(name, *map(float, row)) for name, *row in rows]


def _vols(quotes, more, dates, *, own=False):
    """Implied volatilities of S1, S2, VIX options whose prices are off by so much; VIX's by the quoted future, or that of the prices."""
    first, options, second, future = by_leg(quotes, more)
    forward = quotes.future + (float(future[0]) if own else 0.0)
    turned = np.where(quotes.kV < quotes.future, forward - quotes.kV, 0.0) - np.maximum(forward - quotes.kV, 0.0)
    prices = {"price1": quotes.price1 + first, "price2": quotes.price2 + second, "priceV": quotes.priceV + options + turned}
    return replace(quotes, future=forward, **prices).vols(*dates)
