"""What any calibration says of its instruments: the largest errors in a table, rows and the VIX future for a record."""

import numpy as np

from .instruments import Instrument, by_leg
from .judged import BP, Judged
from .page import lines, spent, table

POINTS = 100.0  # VIX points per decimal


def worst(judged: Judged, before: list[np.ndarray], caption: str):
    """Table of the largest error of each smile: of the reference, `before` by leg, of the model on its grid, on paths."""
    verified = judged.verified
    columns = [before, *(by_leg(judged.quotes, values) for values in (judged.found.error, verified.mc, verified.se))]
    rows = []
    for name, met, *parts in zip(judged.legs, by_leg(judged.quotes, judged.inside), *columns, strict=True):
        at = [int(np.abs(part).argmax()) for part in parts[:3]]
        cells = [part[i] for part, i in zip(parts, [*at, at[2]], strict=True)]
        rows.append([name, f"{len(met)}", f"{met.sum()}", *(f"{BP * cell:+.2f}" for cell in cells[:3]), f"{BP * cells[3]:.2f}"])
    return table("Largest errors, bp of vol", ["smile", "quotes", "met", "reference", "grid", "paths", "s.e."], rows, caption)


def future(judged: Judged) -> dict[str, float]:
    """The VIX future: quoted, on the grid, on paths, with standard error; points."""
    target, found, verified = judged.quotes.future, judged.found, judged.verified
    points = [POINTS * (target + float(error)) for error in (0.0, found.error[-1], verified.mc[-1])]
    return dict(zip(("target", "model", "mc"), points, strict=True)) | {"mc_se": POINTS * float(verified.se[-1])}


def as_row(option: Instrument) -> dict:
    """Volatilities in decimals; `half_iv` is the error with which a quote counts as met."""
    said = {"target_iv": option.target, "half_iv": option.half, "reference_iv": option.reference}
    said |= {"model_iv": option.model, "mc_iv": option.mc, "mc_se": option.se}
    prices = ("target_price", "reference_price", "model_price", "mc_price", "mc_price_se")
    return {"market": option.market, "strike": option.strike} | said | dict(zip(prices, option.prices, strict=True))


def verdict(found):
    """The verdict, seconds by stage and what of them was compilation."""
    seconds = spent(found.clock.seconds)
    compiled = spent({stage: value for stage, value in found.clock.compiled.items() if value >= 0.05})
    return lines([("verdict", found.verdict), ("seconds", seconds), ("compile", compiled or "nothing")])
