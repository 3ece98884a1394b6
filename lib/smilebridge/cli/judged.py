"""A calibration beside its own paths: whether quotes are met, and whether paths contradict that."""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import numpy as np

from .. import continuous, semimartingale
from .door import Code
from .instruments import by_leg

BATCH = 20_000  # paths at once
SEED = 7
MAX_STEPS = 60  # on each grid
SIGMAS = 3.0  # standard errors from which a Monte Carlo contradicts
APART = 0.01  # share of a variance by which the one that is realised may differ in any case
BROKEN = 5.0  # standard errors from which S counts as no martingale
NEAR = 5e-4, 0.0, 5e-4, 2e-4  # volatility by which S1, VIX, S2 options and the future may differ in any case
ROUNDING = 1e-6  # of a band
BP = 1e4


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """What was asked, what was found, and what paths say.

    dates    years to S1, S2 and, if not S1's, to VIX options
    legs     names of S1, VIX, S2 options and of the future;  scale  printed strike per strike of the quotes, of the first three
    before   (m,) errors of the reference, in units of volatility
    where    grid on which it was solved, in words;  cure  what to try where variances differ
    shares   what each realised variance should be, in words, and (2,) by which share it differs, with standard error
    """

    quotes: continuous.Quotes
    dates: tuple[float, ...]
    legs: tuple[str, str, str, str]
    scale: tuple[float, float, float]
    before: np.ndarray
    found: continuous.Calibrated | semimartingale.Calibrated
    verified: continuous.Verified | semimartingale.Verified
    where: str
    cure: str
    shares: tuple[tuple[str, np.ndarray], ...]

    @property
    def status(self) -> str:
        """From the answer: "converged" where every error on the own grid is within its band and paths do not contradict."""
        if not np.isfinite(self.found.error).all() or not np.isfinite(self.found.dual):
            return "nonfinite"
        if not self.found.met:
            return "max_steps" if self.found.steps[-1] >= MAX_STEPS else "stalled"
        return "contradicted" if self.broken else "converged"

    @property
    def code(self) -> Code:
        """The status as an exit code."""
        return Code.DONE if self.status == "converged" else Code.UNFINISHED

    @property
    def broken(self) -> bool:
        """Whether on its paths S is no martingale, or variance not what it should be, by more than a coarse grid excuses."""
        off = any(abs(mean) > APART and abs(mean) > SIGMAS * se for _, (mean, se) in self.shares)
        return bool(off or abs(self.verified.martingale_z) > BROKEN)

    @property
    def verdict(self) -> str:
        """The status in a sentence."""
        if self.status == "contradicted":
            return "; ".join([f"not converged (contradicted by its paths): {self._met()} but only there", *self.cautions()])
        if self.code == Code.UNFINISHED:
            met = f"{self.inside.sum()} of {self.inside.size} prices are met on {self.where} nodes after {sum(self.found.steps)} steps"
            return f"not converged ({self.status}): {met}, the largest error is {BP * np.abs(self.found.error).max():.1f} bp of vol"
        return "; ".join([f"calibrated: {self._met()}", *(f"caution: {said}" for said in self.cautions())])

    @property
    def half(self) -> np.ndarray:
        """(m,) largest error that counts as met, in units of volatility."""
        return self.quotes.band(*self.dates) / self.quotes.units(*self.dates)

    @property
    def inside(self) -> np.ndarray:
        """(m,) whether the grid's price counts as met."""
        return np.abs(self.found.error) <= (1 + ROUNDING) * self.half

    def _met(self):
        options, off, where = sum(self.quotes.counts), BP * np.abs(self.found.error), f"on {self.where} nodes"
        if self.quotes.half is None:
            return f"all {options} options and the future within {off.max():.2f} bp of vol {where}"
        return f"all {options} quotes inside bid-ask and the future within {off[-1]:.2f} bp of vol {where}"

    def cautions(self):
        """Where paths of the model contradict its grid."""
        for leg, off, se, near in self.misses():
            far = off > np.maximum(SIGMAS * se, near)
            if far.any():
                worst = int(np.argmax(np.where(far, off, 0.0)))
                yield f"by Monte Carlo {leg} is {BP * off[worst]:.1f} bp of vol off (s.e. {BP * se[worst]:.1f})"
        drift = self.verified.martingale_z
        if abs(drift) > SIGMAS:
            yield f"by Monte Carlo S is off its forward by {abs(drift):.1f} standard errors"
        for what, (mean, se) in self.shares:
            if abs(mean) > SIGMAS * se:
                yield f"by Monte Carlo {what} by {100 * mean:+.2f}%, {abs(mean / se):.1f} standard errors; try {self.cure}"

    def misses(self):
        """(leg, how far the Monte Carlo price leaves what counts as met (n,), its standard error (n,), what is near) in volatility."""
        off = np.maximum(np.abs(self.verified.mc) - self.half, 0.0)
        yield from zip(self.legs, by_leg(self.quotes, off), by_leg(self.quotes, self.verified.se), NEAR, strict=True)


def simulated(verify: Callable, found, paths: int, tell):
    """What `verify` says of at least so many paths, in equal batches of mirrored pairs."""
    batches = -(-paths // BATCH)
    each = 2 * -(-paths // (2 * batches))
    tell(f"simulating {batches * each} paths")
    told = lambda batch: tell(f"simulating {batches * each} paths: {(batch + 1) * each} done")
    return verify(found, each, key=jax.random.key(SEED), batches=batches, told=told)
