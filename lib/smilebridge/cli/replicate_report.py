"""What `replicate` found, twice: tables for the eye, a record for machines."""

from collections.abc import Iterator

import numpy as np

from . import page
from .instruments import by_leg, instruments
from .judged import BP
from .judged_report import POINTS, as_row, future, verdict, worst
from .page import lines, table
from .posed import parameters
from .replicated import LEGS, Replicated

CAPTION = "model minus market: of the reference, of the model on its grid, on its paths"
ROWS = "prices in the unit of the strike, volatilities in %, errors of the model in bp of vol"
UNITS = {
    "strike": "SPX strike / forward, VIX points; prices likewise",
    "vix_future": "points",
    "dispersion": "realised variance from TV to T2 less V^2, and less its basis, over E[V^2]",
    "spent": "realised variance up to T2 over twice today's X2, less one",
    "grids": "nodes of log S and volatility, then those that prices are measured on: one grid, or two to extrapolate from",
    "outer": "dual in nats, worst in bp of vol; a run that goes on lists the turns that it took itself",
}


def show(found: Replicated):
    """Prints to stdout; see `page.show`."""
    page.show([_asked(found), *_smiles(found), _worst(found), *_outer(found), _model(found), verdict(found)])


def _asked(found):
    meant, v0 = found.meant, found.found.model.v0
    dates, year = meant.posed.dates, meant.days
    days = ", ".join(f"{name} {year * years:g}" for name, years in (("T1", dates.T1), ("TV", dates.TV), ("T2", dates.T2)))
    freed = f"; {meant.posed.v0:.6f} ± {meant.posed.room:.6f} expected" if meant.posed.room else ""
    freed += ", at the end of its room" * found.found.cornered
    pairs = ("dates", f"{days} days of a year of {year:g}"), ("today", f"X2 {_x2(found):.6f}, v {v0:.6f}{freed}")
    return lines([("source", meant.source), *meant.notes, *pairs])


def _x2(found):
    return 0.5 * found.found.model.v0**2 * found.meant.posed.dates.T2


def _smiles(found) -> Iterator:
    judged, options = found.judged, instruments(found.judged)
    errors = [by_leg(judged.quotes, values) for values in (judged.found.error, judged.verified.mc, judged.verified.se)]
    for leg, *parts in zip(LEGS[:-1], *errors, strict=False):
        digits, strike = (5, "{:.2f}") if leg.startswith("SPX") else (4, "{:.4g}")
        cells = lambda option, *off, digits=digits, strike=strike: [
            strike.format(option.strike), *(f"{price:.{digits}f}" for price in option.prices[:2]),
            *(f"{100 * vol:.3f}" for vol in (option.target, option.reference)), *_errors(*off),
        ]  # fmt: skip
        rows = [cells(*row) for row in zip([option for option in options if option.market == leg], *parts, strict=True)]
        if leg.startswith("VIX"):
            rows.append(_future_row(found, [part[0] for part in (column[-1] for column in errors)]))
        yield table(leg, ["strike", "price", "reference", "vol", "reference", "grid", "paths", "s.e."], rows, ROWS)


def _worst(found):
    """Of the reference the difference of implied volatilities, since a vega says little so far from the market."""
    options = instruments(found.judged)
    apart = [np.array([option.reference - option.target for option in options if option.market == leg]) for leg in LEGS[:-1]]
    return worst(found.judged, [*apart, found.meant.posed.before[-1:]], CAPTION)


def _errors(grid, paths, se):
    return f"{BP * grid:+.2f}", f"{BP * paths:+.2f}", f"{BP * se:.2f}"


def _future_row(found, off):
    target = found.found.quotes.future
    return ["future", *(f"{POINTS * (target + more):.4f}" for more in (0.0, found.meant.posed.before[-1])), "", "", *_errors(*off)]


def _outer(found) -> Iterator:
    if found.outer:
        rows = [[f"{one.turn}", one.reference, f"{one.dual:.6f}", f"{BP * one.worst:.3f}"] for one in found.outer]
        yield table("References", ["turn", "reference", "dual", "largest error"], rows, "dual in nats, errors in bp of vol")


def _model(found):
    calibrated, verified = found.found, found.verified
    quoted, model, paths, error = future(found.judged).values()
    more = verified.cost[0] + calibrated.distance - calibrated.dual
    apart = f"with v's distance of {calibrated.distance:.6f} it is {more:+.6f} from the dual, which bounds it from below"
    beside = apart if found.cost_z is None else f"{found.cost_z:+.2f} standard errors"
    share = lambda pair: f"{100 * pair[0]:+.3f}% ± {100 * pair[1]:.3f}%: {pair[0] / pair[1]:+.2f} standard errors"
    grids = ", ".join(f"{level} (prices on {_finer(level)})" for level in found.levels)
    work = f"{sum(calibrated.steps)} steps, {sum(calibrated.evaluations)} evaluations of the dual"
    pairs = [
        ("grids", f"{grids} nodes of log S and volatility; {work}"),
        ("VIX future", f"quoted {quoted:.4f}, grid {model:.4f}, paths {paths:.4f} ± {error:.4f} points"),
        ("dual", f"{calibrated.dual:.6f} nats"),
        ("cost", f"{verified.cost[0]:.6f} ± {verified.cost[1]:.6f} nats, of {verified.n_paths} paths: {beside}"),
        ("martingale", f"E[S] is off the forward by {verified.martingale_z:.2f} standard errors"),
        ("dispersion", f"realised variance differs from {found.promise} by {share(verified.dispersion)}"),
        ("X2 at T2", f"realised variance up to T2 differs from twice today's X2 by {share(verified.spent)}"),
    ]
    return lines(pairs)


def _finer(level):
    nodes = " and ".join(f"{nx} x {nv}" for nx, nv in level.measured)
    return nodes if level.finer else f"{nodes}, extrapolated"


def as_record(found: Replicated) -> dict:
    """The findings as JSON's own types."""
    meant, calibrated, verified, last = found.meant, found.found, found.verified, found.levels[-1]
    named = lambda model: {"kind": type(model).__name__} | parameters(model)
    pair = lambda values: dict(zip(("value", "se"), map(float, values), strict=True))
    return {
        "source": meant.source,
        "notes": [list(note) for note in meant.notes],
        "status": found.status,
        "seconds": found.clock.seconds,
        "compile_seconds": found.clock.compiled,
        "grid": [last.nx, last.nv],
        "grids": [[[level.nx, level.nv], *map(list, level.measured)] for level in found.levels],
        "steps": sum(calibrated.steps),
        "evaluations": list(calibrated.evaluations),
        "T1": meant.posed.dates.T1,
        "TV": meant.posed.dates.TV,
        "tau": meant.posed.dates.tau,
        "X2": _x2(found),
        "v0": {"expected": meant.posed.v0, "room": meant.posed.room, "model": calibrated.model.v0, "cornered": calibrated.cornered},
        "reference": named(getattr(meant.posed.reference, "model", meant.posed.reference)),
        "instruments": [as_row(option) for option in instruments(found.judged)],
        "vix_future": future(found.judged),
        "dual": calibrated.dual,
        "refuted": calibrated.refuted,
        "entropy": None,
        "cost": pair(verified.cost),
        "cost_z": found.cost_z,
        "martingale_z": verified.martingale_z,
        "dispersion_z": verified.dispersion_z,
        "dispersion": pair(verified.dispersion),
        "spent": pair(verified.spent),
        "paths": verified.n_paths,
        "outer": [{"turn": one.turn, "reference": one.reference, "dual": one.dual, "worst": BP * one.worst} for one in found.outer],
        "units": UNITS,
        "verdict": {"code": int(found.code), "says": found.verdict},
    }
