"""`smilebridge replicate`: the published simulated experiment of semimartingale transport, calibrated, and then verified by paths."""

from enum import StrEnum
from typing import Annotated

import typer

from .door import Output, UnusableError, numerics, progress
from .options import Json, counts

FEWEST = 100  # paths
FEWEST_NODES = 12  # of log S and of volatility


class Budget(StrEnum):
    """Grids, from coarse to fine."""

    quick = "quick"
    full = "full"


def replicate(
    budget: Annotated[Budget, typer.Option(help="Up to 40 x 40 or 100 x 100 nodes of log S and volatility.")] = Budget.quick,
    grid: Annotated[str | None, typer.Option(metavar="NX,NV", help="Nodes of log S and volatility, on the last grid.")] = None,
    outer: Annotated[int, typer.Option(min=0, max=20, metavar="N", help="How often the model, smoothed, becomes the reference.")] = 0,
    paths: Annotated[int | None, typer.Option(min=FEWEST, metavar="N", help="Of the Monte Carlo; else what the budget allows.")] = None,
    json: Json = None,
):
    """The simulated experiment of Guo, Loeper, Obloj and Wang: exact prices of one Heston model, met from another."""
    nodes = _grid(grid)
    data = Output.at("--json", json)
    with progress("waking the library") as tell:
        with numerics():
            from . import replicate_report, replicated

        found = replicated.solve(str(budget), grid=nodes, outer=outer, paths=paths, tell=tell)
        if data:
            data.write_json(replicate_report.as_record(found))
    replicate_report.show(found)
    return found.code


def _grid(text):
    """Two counts of nodes, or None."""
    nodes = counts("--grid", text, example="40,40")
    if nodes and min(nodes) < FEWEST_NODES:
        raise UnusableError(f"--grid {text}: need {FEWEST_NODES} nodes at least of log S and of volatility")
    return nodes
