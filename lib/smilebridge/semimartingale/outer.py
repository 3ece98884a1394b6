"""The outer iteration: a calibrated model, smoothed, is what the next calibration departs from."""

from collections.abc import Callable, Iterator

from .calibrated import QUICK, ROUNDS, Calibrated, calibrate
from .grid import Domain
from .reference import SmoothedReference


def turns(
    reference, quotes, dates, v0: float, outer: int, *, levels=QUICK, rough=False, domain=None, told: Callable = lambda *_: None, **options
) -> Iterator[Calibrated]:
    """One `Calibrated` after the other, `outer` + 1 of them; the last is the answer.

    outer    how often a model becomes a reference; a model that broke does not, and is the last
    rough    models on the way are not corrected, and but for the last two only found on the coarsest grid: on real days the first
             departs so far that its covariance jumps between nothing and its bound, and no correction of it comes to an end
    told     called with the turn, and as by `calibrate`
    Everything else as of `calibrate`. Source: Guo, Loeper, Obloj and Wang (2022), who smooth five times.
    """
    options["domain"] = domain or Domain.of(quotes, dates, v0)
    for turn in range(outer + 1):
        way = {"levels": levels[:1] if turn < outer - 1 else levels, "rounds": 0} if rough and turn < outer else {"levels": levels}
        tell = lambda *now, turn=turn: told(turn, *now)
        found = calibrate(reference, quotes, dates, v0, told=tell, **{"rounds": ROUNDS} | options | way)
        yield found
        if found.broken:
            return
        reference = SmoothedReference.of(found.model)
