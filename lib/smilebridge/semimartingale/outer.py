"""The outer iteration: a calibrated model, smoothed, is what the next calibration departs from."""

from collections.abc import Callable, Iterator
from pathlib import Path

from ..continuous.checkpoint import Checkpoint, named
from .calibrated import QUICK, ROUNDS, Calibrated, calibrate
from .grid import USUAL, Domain, Pace
from .reference import SmoothedReference

SURFACES = "s", "x", "v", "c"  # of a `SmoothedReference`


def turns(
    reference,
    quotes,
    dates,
    v0: float,
    outer: int,
    *,
    levels=QUICK,
    rough: bool = False,
    domain: Domain | None = None,
    room: float = 0.0,
    pace: Pace = USUAL,
    checkpoint: Path | str | None = None,
    told: Callable = lambda *_: None,
    **options,
) -> Iterator[Calibrated]:
    """One `Calibrated` after the other, `outer` + 1 of them; the last is the answer.

    outer       how often a model becomes a reference; a model that broke does not, and is the last
    rough       models on the way are not corrected, and but for the last two only found on the coarsest grid: on real days the first
                departs so far that its covariance jumps between nothing and its bound, and no correction of it comes to an end
    checkpoint  folder where each model that becomes a reference is kept: turns that were cut off go on after it, and end the same.
                The first reference must be one of a few numbers
    told        called with the turn, and as by `calibrate`
    raises      CheckpointError: the folder holds another problem
    Everything else as of `calibrate`. Source: Guo, Loeper, Obloj and Wang (2022), who smooth five times.
    """
    domain = domain or Domain.of(quotes, dates, v0)
    asked = {"levels": levels, "room": room, "domain": domain, "pace": pace}
    kept = Checkpoint(None, {})
    if checkpoint is not None:
        numbers = getattr(reference, "model", reference)
        kept = Checkpoint.of(checkpoint, named(numbers, quotes, dates=dates, v0=v0, outer=outer, rough=rough, **asked, **options))
    first, reference = _gone(kept) or (0, reference)
    for turn in range(first, outer + 1):
        way = {"levels": levels[:1] if turn < outer - 1 else levels, "rounds": 0} if rough and turn < outer else {}
        tell = lambda *now, turn=turn: told(turn, *now)
        found = calibrate(reference, quotes, dates, v0, told=tell, **{"rounds": ROUNDS} | asked | options | way)
        if turn < outer and not found.broken:
            reference = SmoothedReference.of(found.model)
            kept.put({"turn": turn + 1} | {name: getattr(reference, name) for name in SURFACES})
        yield found
        if found.broken:
            return


def _gone(kept: Checkpoint):
    """The turn that comes next, and its reference; None where there is nothing yet."""
    parts = kept.get(("turn", *SURFACES))
    return parts and (int(parts["turn"]), SmoothedReference(*(parts[name] for name in SURFACES)))
