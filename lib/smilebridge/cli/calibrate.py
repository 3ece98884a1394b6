"""`smilebridge calibrate`: one triple of maturities, from quotes to one joint law."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from .door import Code, Output, numerics, progress
from .options import PICTURES, Chain, Day, Json, Plot, SpxExpiry1, SpxExpiry2, VixExpiry, Wings, counts, read_from


class Solver(StrEnum):
    """Functions of `discrete`."""

    newton = "newton"
    newton_sinkhorn = "newton_sinkhorn"
    sinkhorn = "sinkhorn"


def calibrate(
    chain: Chain,
    vix_expiry: VixExpiry = None,
    spx_expiry1: SpxExpiry1 = None,
    spx_expiry2: SpxExpiry2 = None,
    day: Day = None,
    wings: Annotated[
        Wings, typer.Option(help="Of the prior and the nodes; the joint law has its own. basis: each smile fitted alone.")
    ] = Wings.consistent,
    solver: Annotated[Solver, typer.Option(help="On the same dual, with the same stopping test.")] = Solver.newton,
    grid: Annotated[str | None, typer.Option(metavar="N1,NV,N2", help="Nodes of S1, V, S2; else what the quotes need.")] = None,
    bounds: Annotated[bool, typer.Option(help="Model-free bounds of the forward-start prices.")] = True,
    json: Json = None,
    save: Annotated[Path | None, typer.Option(metavar="FILE", help="The law, .npz, for `smilebridge price`.")] = None,
    plot: Plot = None,
):
    """From quotes to one joint law of (S1, V, S2) that meets all of them, or the portfolio that proves that there is none."""
    nodes = counts("--grid", grid)
    picture = Output.at("--plot", plot, suffixes=PICTURES, inputs=read_from(chain))
    kept = Output.at("--save", save, suffixes=(".npz",), inputs=[*read_from(chain), *filter(None, [plot])])
    data = Output.at("--json", json, inputs=[*read_from(chain), *filter(None, [plot, save])])
    with progress("waking the library") as tell:
        with numerics():
            from . import findings, joint, joint_report

        asked = findings.Question(chain, vix_expiry, spx_expiry1, spx_expiry2, day, str(wings))
        found = joint.calibrate(asked, solver=str(solver), grid=nodes, bounded=bounds, tell=tell)
        if data:
            data.write_json(joint_report.as_record(found))
        done = found.code == Code.DONE
        for output, put in ((kept, joint_report.save), (picture, joint_report.draw)):
            if output and done:
                tell(f"writing {output.path.name}")
                put(found, output)
    joint_report.show(found)
    if not done and (unwritten := [output.path.name for output in (kept, picture) if output]):
        typer.echo(f"there is no calibrated law: {', '.join(unwritten)} not written", err=True)
    return found.code
