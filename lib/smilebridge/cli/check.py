"""`smilebridge check`: one triple of maturities, from quotes to the verdict."""

from typing import Annotated

import typer

from .door import Output, numerics, progress
from .options import PICTURES, Chain, Day, Json, Plot, SpxExpiry1, SpxExpiry2, VixExpiry, Wings, read_from


def check(
    chain: Chain,
    vix_expiry: VixExpiry = None,
    spx_expiry1: SpxExpiry1 = None,
    spx_expiry2: SpxExpiry2 = None,
    day: Day = None,
    wings: Annotated[
        Wings, typer.Option(help="consistent: laws move until E[V^2] is the forward variance; basis: a constant takes the difference.")
    ] = Wings.consistent,
    plot: Plot = None,
    json: Json = None,
):
    """From quotes to three laws: SPX at T1, VIX at T1, SPX at T2. Do they fit the quotes, one identity, and convex order?"""
    picture = Output.at("--plot", plot, suffixes=PICTURES, inputs=read_from(chain))
    data = Output.at("--json", json, inputs=[*read_from(chain), *([plot] if plot else [])])
    with progress("waking the library") as tell:
        with numerics():
            from . import findings, report

        asked = findings.Question(chain, vix_expiry, spx_expiry1, spx_expiry2, day, str(wings))
        found = findings.examine(asked, tell=tell)
        if data:
            data.write_json(report.as_record(found))
        if picture and found.laws:
            tell("drawing")
            picture.write(lambda part: report.draw(found, part, picture.path.suffix[1:].lower()))
    report.show(found)
    if picture and not found.laws:
        typer.echo(f"no picture: there are no laws to draw; {picture.path.name} was not written", err=True)
    return found.code
