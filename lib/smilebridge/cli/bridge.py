"""`smilebridge bridge`: the continuous-time model nearest to a reference that meets SPX and VIX quotes, and its paths."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from .door import Code, Output, UnusableError, numerics, progress, writable
from .options import PICTURES, Day, Json, Plot, SpxExpiry1, SpxExpiry2, VixExpiry, Wings, counts, read_from

FEWEST = 100  # paths
FEWEST_NODES = 8  # of log S and of volatility


class Experiment(StrEnum):
    """Of Guyon's slides."""

    i = "i"
    ii = "ii"
    iii = "iii"


class Family(StrEnum):
    """Of stochastic volatilities."""

    lognormal = "lognormal"
    square_root = "square-root"
    bergomi = "bergomi"


class Budget(StrEnum):
    """Grids, from coarse to fine."""

    quick = "quick"
    medium = "medium"
    full = "full"


def bridge(
    chain: Annotated[
        str | None, typer.Argument(metavar="CHAIN", help="File or folder of quotes, or 2023-02-15, calm, normal, stressed.")
    ] = None,
    vix_expiry: VixExpiry = None,
    spx_expiry1: SpxExpiry1 = None,
    spx_expiry2: SpxExpiry2 = None,
    day: Day = None,
    wings: Annotated[
        Wings, typer.Option(help="consistent: V^2 is the variance that follows; basis: a constant takes the difference.")
    ] = Wings.consistent,
    experiment: Annotated[Experiment | None, typer.Option(help="Instead of a chain: quotes of a model, exact.")] = None,
    reference: Annotated[
        Family, typer.Option(help="Whose drift of volatility may change; fitted to the quotes, but an experiment brings its own.")
    ] = Family.lognormal,
    budget: Annotated[
        Budget, typer.Option(help="Up to 64 x 48 x 16, 128 x 96 x 32, or 256 x 192 x 64 nodes; more of S for a chain.")
    ] = Budget.quick,
    grid: Annotated[
        str | None, typer.Option(metavar="NX,NY,ND", help="Nodes of log S (even), volatility, variance's multiplier, on the last grid.")
    ] = None,
    paths: Annotated[int | None, typer.Option(min=FEWEST, metavar="N", help="Of the Monte Carlo; else what the budget allows.")] = None,
    json: Json = None,
    plot: Plot = None,
    checkpoint: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Keeps every step there; the same command then goes on where it was cut off.")
    ] = None,
):
    """From quotes to the nearest continuous model that meets them: only the drift of its volatility differs from the reference's."""
    apart = None if wings == Wings.consistent else wings
    _one_market(chain, experiment, vix_expiry=vix_expiry, spx_expiry1=spx_expiry1, spx_expiry2=spx_expiry2, day=day, wings=apart)
    nodes, inputs = _grid(grid), read_from(chain) if chain else []
    picture = Output.at("--plot", plot, suffixes=PICTURES, inputs=inputs)
    data = Output.at("--json", json, inputs=[*inputs, *filter(None, [plot])])
    kept = writable("--checkpoint", checkpoint)
    with progress("waking the library") as tell:
        with numerics():
            from . import bridge_report, bridged, findings

        asked = findings.Question(chain, vix_expiry, spx_expiry1, spx_expiry2, day, str(wings)) if chain else str(experiment)
        found = bridged.solve(asked, str(reference), budget=str(budget), grid=nodes, paths=paths, checkpoint=kept, tell=tell)
        if data:
            data.write_json(bridge_report.as_record(found))
        drawn = picture and found.code == Code.DONE
        if drawn:
            tell(f"drawing {picture.path.name}")
            bridge_report.draw(found, picture)
    bridge_report.show(found)
    if picture and not drawn:
        typer.echo(f"there is no calibrated model: {picture.path.name} not written", err=True)
    return found.code


def _grid(text):
    """Three counts of nodes, or None; refused before anything is fitted."""
    nodes = counts("--grid", text)
    if nodes and (nodes[0] % 2 or min(nodes[:2]) < FEWEST_NODES):
        raise UnusableError(f"--grid {text}: need an even number of nodes of log S, and {FEWEST_NODES} at least of it and of volatility")
    return nodes


def _one_market(chain, experiment, **of_chain):
    """Refuses two markets, none, and options of a chain where there is none."""
    if (chain is None) == (experiment is None):
        raise UnusableError("bridge: either a CHAIN of quotes or --experiment i, ii or iii is needed" + (", not both" if chain else ""))
    idle = [name for name, value in of_chain.items() if value is not None]
    if experiment and idle:
        raise UnusableError(f"--{idle[0].replace('_', '-')}: an experiment has dates of its own, and meets the identity")
