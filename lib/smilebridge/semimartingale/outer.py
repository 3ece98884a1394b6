"""The outer iteration: a calibrated model, smoothed, is what the next calibration departs from."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from ..continuous.checkpoint import Checkpoint, named
from .calibrated import QUICK, ROUNDS, Calibrated, calibrate
from .grid import USUAL, Domain, Pace
from .reference import SmoothedReference

SURFACES = "s", "x", "v", "c"  # of a `SmoothedReference`
BOUNDS = "x", "high", "cap"  # of a `Domain`, which the first turn may move
WIDENED = 3  # times at most


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
    domain      `Domain.of` the quotes unless given; where it leaves v today cornered in the first turn, it is widened up to `WIDENED` times
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
    first, reference, domain = _gone(kept, domain) or (0, reference, domain)
    for turn in range(first, outer + 1):
        way = {"levels": levels[:1] if turn < outer - 1 else levels, "rounds": 0} if rough and turn < outer else {}
        tell = lambda *now, turn=turn: told(turn, *now)
        solve = partial(calibrate, reference, quotes, dates, v0, **{"rounds": ROUNDS, "told": tell} | asked | options | way)
        found, domain = _spending(solve, domain, dates) if turn == 0 else (solve(domain=domain), domain)
        if turn < outer and not found.broken:
            reference = SmoothedReference.of(found.model)
            bounds = {"bounds": np.array([getattr(domain, name) for name in BOUNDS])}
            kept.put({"turn": turn + 1} | bounds | {name: getattr(reference, name) for name in SURFACES})
        yield found
        if found.broken:
            return


def _spending(solve: Callable, domain: Domain, dates):
    """What is found on a domain, or on a wider one that can spend the variance that quotes ask for; and that domain."""
    found = solve(domain=domain)
    for _ in range(WIDENED):
        if not found.cornered:
            break
        domain = domain.wider(dates)
        found = solve(domain=domain)
    return found, domain


def _gone(kept: Checkpoint, domain: Domain):
    """The turn that comes next, its reference and its domain; None where there is nothing yet."""
    parts = kept.get(("turn", "bounds", *SURFACES))
    if not parts:
        return None
    domain = replace(domain, **dict(zip(BOUNDS, map(float, parts["bounds"]), strict=True)))
    return int(parts["turn"]), SmoothedReference(*(parts[name] for name in SURFACES)), domain
