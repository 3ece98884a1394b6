"""What `bridge` found, three times: tables for the eye, a record for machines, a picture."""

from collections.abc import Iterator

import numpy as np

from . import page, report
from .bridged import Bridged
from .findings import LEGS
from .instruments import by_leg, instruments
from .joint_report import arbitrage_record
from .judged_report import as_row, future, verdict, worst
from .page import lines
from .posed import in_words, parameters

SPLIT = "up_to_T1", "after_T1", "draw_of_V"
CAPTION = "model minus market: of the reference, of the bridge on its grid, on its paths"
UNITS = {
    "strike": "points; of an experiment's SPX strike / forward; prices likewise",
    "vix_future": "points",
    "basis": "annual variance",
    "dispersion": "realised variance less V^2 and the basis, over E[V^2]",
    "grids": "nodes of log S, volatility, multiplier, time steps up to T1 and after it",
}


def show(found: Bridged):
    """Prints to stdout; see `page.show`."""
    page.show([_posed(found), *_smiles(found), *_model(found), *report.spread_table(found.posed.spread), verdict(found)])


def _posed(found):
    posed = found.posed
    pairs = [("source", posed.source), *posed.notes, ("dates", f"T1 {365 * posed.T1:.2f} days, T2 {365 * (posed.T2 - posed.T1):.2f} later")]
    if posed.reference is not None:
        low, high = (100 * float(bound) for bound in (posed.reference.low, posed.reference.high))
        bound = f"its volatility is reflected at {low:.2f}% and {high:.2f}%: a part of the model, the same on every grid"
        pairs += [("reference", in_words(posed.reference)), ("bounds", bound)]
    return lines(pairs)


def _smiles(found) -> Iterator:
    if found.found:
        yield worst(found.judged, by_leg(found.posed.quotes, found.before), CAPTION)


def _model(found) -> Iterator:
    if not found.found:
        return
    calibrated, verified = found.found, found.verified
    quoted, model, paths, error = future(found.judged).values()
    before, after, draw = verified.split
    off, se = 100 * verified.dispersion
    other = "V^2 plus the basis" if found.posed.quotes.basis else "V^2"
    off = f"realised variance differs from {other} by {off:+.2f}% ± {se:.2f}%: {verified.dispersion_z:+.2f} standard errors"
    steps, used = sum(calibrated.steps), ", ".join(map(str, calibrated.evaluations))
    grids = ", ".join(map(str, found.taken))
    pairs = [
        ("grids", f"{grids} nodes of log S, volatility, multiplier; {steps} steps, evaluations {used}"),
        ("VIX future", f"quoted {quoted:.4f}, grid {model:.4f}, paths {paths:.4f} ± {error:.4f} points"),
        ("dual", f"{calibrated.dual:.6f} nats"),
        ("entropy", f"{verified.entropy:.6f} ± {verified.entropy_se:.6f} nats, of {verified.n_paths} paths"),
        ("entropy", f"{before:.4f} spent up to T1, {after:.4f} after it, {draw:.4f} on the draw of V around its best value"),
        ("martingale", f"E[S] is off the forward by {verified.martingale_z:.2f} standard errors"),
        ("dispersion", off),
    ]
    yield lines(pairs)


def as_record(found: Bridged) -> dict:
    """The findings as JSON's own types; what was not reached is null."""
    posed, calibrated, verified, last = found.posed, found.found, found.verified, found.taken[-1]
    return {
        "source": posed.source,
        "notes": [f"{head}: {said}" for head, said in posed.notes],
        "status": found.status,
        "seconds": {"compile": None, "solve": None, "monte_carlo": None} | found.clock.seconds,
        "compile_seconds": found.clock.compiled,
        "grid": [last.nx, last.ny, last.nd],
        "grids": [[level.nx, level.ny, level.nd, *level.steps] for level in found.taken],
        "steps": sum(calibrated.steps) if calibrated else 0,
        "evaluations": list(calibrated.evaluations) if calibrated else [],
        "T1": posed.T1,
        "tau": posed.T2 - posed.T1,
        "reference": {"kind": type(posed.reference).__name__} | parameters(posed.reference) if posed.reference is not None else None,
        "instruments": [as_row(option) for option in instruments(found.judged)] if calibrated else [],
        "basis": posed.quotes.basis,
        "vix_future": future(found.judged) if calibrated else None,
        "dual": calibrated.dual if calibrated else None,
        "entropy": {"value": verified.entropy, "se": verified.entropy_se} if verified else None,
        "entropy_split": dict(zip(SPLIT, map(float, verified.split), strict=True)) if verified else None,
        "martingale_z": verified.martingale_z if verified else None,
        "dispersion_z": verified.dispersion_z if verified else None,
        "dispersion": dict(zip(("value", "se"), map(float, verified.dispersion), strict=True)) if verified else None,
        "paths": verified.n_paths if verified else 0,
        "arbitrage": arbitrage_record(posed.spread, None),
        "units": UNITS,
        "verdict": {"code": int(found.code), "says": found.verdict},
    }


def draw(found: Bridged, output):
    """The picture, on white, in the format of the file's suffix."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    from .. import figures

    terms = ("strike", "target", "half", "reference", "model", "mc", "se")
    rows = instruments(found.judged)
    smiles = {leg: np.array([[getattr(row, term) for row in rows if row.market == leg] for term in terms]) for leg in LEGS}
    with rc_context():
        figures.use_style()
        figure = figures.bridged(Figure(figsize=(11.0, 6.2), layout="constrained"), smiles)
        figure.suptitle(f"{found.posed.source}\n{found.verdict.split(';')[0]}", x=0.01, ha="left", fontsize=12)
        output.write(lambda part: figure.savefig(part, format=output.path.suffix[1:].lower(), facecolor="white", dpi=150))
