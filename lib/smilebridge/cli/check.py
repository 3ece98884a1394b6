"""`smilebridge check`: one triple of maturities, from quotes to the verdict."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from .door import Output, numerics, progress

PICTURES = (".png", ".pdf", ".svg")


class Wings(StrEnum):
    """What to do where E[V^2] and the forward variance of the free fits differ."""

    consistent = "consistent"
    basis = "basis"


def check(
    chain: Annotated[str, typer.Argument(metavar="CHAIN", help="File or folder of quotes, or 2023-02-15, calm, normal, stressed.")],
    vix_expiry: Annotated[str | None, typer.Option(metavar="DATE", help="VIX expiry, yyyy-mm-dd; may be left out if only one.")] = None,
    spx_expiry1: Annotated[str | None, typer.Option(metavar="DATE", help="SPX expiry at T1; else the nearest.")] = None,
    spx_expiry2: Annotated[str | None, typer.Option(metavar="DATE", help="SPX expiry at T2; else the nearest to 30 days later.")] = None,
    day: Annotated[str | None, typer.Option(metavar="DATE", help="Which day, where the files hold several.")] = None,
    wings: Annotated[
        Wings, typer.Option(help="consistent: laws move until E[V^2] is the forward variance; basis: a constant takes the difference.")
    ] = Wings.consistent,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Picture to write: .png, .pdf or .svg.")] = None,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="The same as data.")] = None,
):
    """From quotes to three laws: SPX at T1, VIX at T1, SPX at T2. Do they fit the quotes, one identity, and convex order?"""
    picture = Output.at("--plot", plot, suffixes=PICTURES, inputs=_read(chain))
    data = Output.at("--json", json, inputs=[*_read(chain), *([plot] if plot else [])])
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


def _read(chain):
    """Files that the chain may consist of."""
    path = Path(chain)
    return [p for p in path.iterdir() if p.name.lower().endswith((".csv", ".gz", ".parquet"))] if path.is_dir() else [path]
