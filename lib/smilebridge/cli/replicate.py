"""`smilebridge replicate`: semimartingale transport of the published simulated experiment or of a chain, verified by its own paths."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from .door import Output, UnusableError, numerics, progress, writable
from .options import Day, Json, SpxExpiry1, SpxExpiry2, VixExpiry, Wings, counts, read_from

SIMULATED = "simulated"

FEWEST = 100  # paths
FEWEST_NODES = 12  # of log S and of volatility


class Budget(StrEnum):
    """Grids, from coarse to fine."""

    quick = "quick"
    full = "full"


def replicate(
    data: Annotated[
        str, typer.Option(metavar="CHAIN", help="simulated, or quotes: file or folder, or 2023-02-15, calm, normal, stressed.")
    ] = SIMULATED,
    vix_expiry: VixExpiry = None,
    spx_expiry1: SpxExpiry1 = None,
    spx_expiry2: SpxExpiry2 = None,
    day: Day = None,
    wings: Annotated[
        Wings | None, typer.Option(help="basis (default): a constant between v^2 and VIX^2; consistent: none.")
    ] = None,
    budget: Annotated[
        Budget, typer.Option(help="Up to 40 x 40 or 100 x 100 nodes of log S and volatility; 112 x 48 or 128 x 96 for a chain.")
    ] = Budget.quick,
    grid: Annotated[str | None, typer.Option(metavar="NX,NV", help="Nodes of log S and volatility, on the last grid.")] = None,
    outer: Annotated[
        int | None,
        typer.Option(min=0, max=20, metavar="N", help="How often the model, smoothed, becomes the reference; else 0, 5 for a chain."),
    ] = None,
    paths: Annotated[int | None, typer.Option(min=FEWEST, metavar="N", help="Of the Monte Carlo; else what the budget allows.")] = None,
    json: Json = None,
    checkpoint: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Keeps every reference there; the same command then goes on where it was cut off.")
    ] = None,
):
    """Guo, Loeper, Obloj and Wang's transport: their experiment, prices of one Heston model met from another, or a real triple."""
    _of_a_chain(data, vix_expiry=vix_expiry, spx_expiry1=spx_expiry1, spx_expiry2=spx_expiry2, day=day, wings=wings)
    nodes, inputs = _grid(grid), [] if data == SIMULATED else read_from(data)
    record = Output.at("--json", json, inputs=inputs)
    kept = writable("--checkpoint", checkpoint)
    with progress("waking the library") as tell:
        with numerics():
            from .. import semimartingale
            from . import findings, replicate_report, replicated

        asked = semimartingale.PUBLISHED
        if data != SIMULATED:
            asked = findings.Question(data, vix_expiry, spx_expiry1, spx_expiry2, day, str(wings or Wings.basis))
        found = replicated.solve(asked, str(budget), grid=nodes, outer=outer, paths=paths, checkpoint=kept, tell=tell)
        if record:
            record.write_json(replicate_report.as_record(found))
    replicate_report.show(found)
    return found.code


def _grid(text):
    """Two counts of nodes, or None."""
    nodes = counts("--grid", text, example="40,40")
    if nodes and min(nodes) < FEWEST_NODES:
        raise UnusableError(f"--grid {text}: need {FEWEST_NODES} nodes at least of log S and of volatility")
    return nodes


def _of_a_chain(data, **options):
    """Refuses options of a chain where there is none."""
    idle = [name for name, value in options.items() if value is not None]
    if data == SIMULATED and idle:
        raise UnusableError(f"--{idle[0].replace('_', '-')}: needs --data CHAIN; the simulated experiment has dates of its own")
