"""Options that several commands take: which quotes, which triple of maturities."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from .door import UnusableError

NODES = 2000  # along one axis, at most
NUMBERS = {2: "two", 3: "three"}
PICTURES = (".png", ".pdf", ".svg")


class Wings(StrEnum):
    """What to do where E[V^2] and the forward variance of the free fits differ."""

    consistent = "consistent"
    basis = "basis"


Chain = Annotated[str, typer.Argument(metavar="CHAIN", help="File or folder of quotes, or 2023-02-15, calm, normal, stressed.")]
VixExpiry = Annotated[str | None, typer.Option(metavar="DATE", help="VIX expiry, yyyy-mm-dd; may be left out if only one.")]
SpxExpiry1 = Annotated[str | None, typer.Option(metavar="DATE", help="SPX expiry at T1; else the nearest.")]
SpxExpiry2 = Annotated[str | None, typer.Option(metavar="DATE", help="SPX expiry at T2; else the nearest to 30 days later.")]
Day = Annotated[str | None, typer.Option(metavar="DATE", help="Which day, where the files hold several.")]
Json = Annotated[Path | None, typer.Option(metavar="FILE", help="The same as data.")]
Plot = Annotated[Path | None, typer.Option(metavar="FILE", help="Picture to write: .png, .pdf or .svg.")]
Payoff = Annotated[str, typer.Option(metavar="NAME", help="E.g. forward-start-call; a name that is unknown lists those there are.")]
Strike = Annotated[float | None, typer.Option(metavar="K", help="S2/S1 for forward starts, points for VIX options.")]


def read_from(chain):
    """Files that the chain may consist of."""
    path = Path(chain)
    return [p for p in path.iterdir() if p.name.lower().endswith((".csv", ".gz", ".parquet"))] if path.is_dir() else [path]


def counts(option, text, *, example="60,40,80"):
    """As many counts of nodes as in the example, or None."""
    if text is None:
        return None
    parts, n = text.split(","), example.count(",") + 1
    if len(parts) != n or not all(part.strip().isascii() and part.strip().isdigit() for part in parts):
        raise UnusableError(f"{option} {text}: {NUMBERS[n]} counts are needed, e.g. {example}")
    found = tuple(map(int, parts))
    if not all(3 <= count <= NODES for count in found):
        raise UnusableError(f"{option} {text}: each count must lie between 3 and {NODES}")
    return found
