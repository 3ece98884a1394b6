"""`smilebridge bounds`: what quotes alone say a named payoff may cost."""

from enum import StrEnum
from typing import Annotated

import typer

from .door import Output, UnusableError, numerics, progress
from .options import Chain, Day, Json, Payoff, SpxExpiry1, SpxExpiry2, Strike, VixExpiry, counts, read_from

POINTS = (30, 20, 40)  # of S1, V, S2 beside the strikes


class Vix(StrEnum):
    """What is known of the VIX."""

    quoted = "quoted"
    free = "free"
    none = "none"


def bounds(
    chain: Chain,
    payoff: Payoff,
    strike: Strike = None,
    vix_expiry: VixExpiry = None,
    spx_expiry1: SpxExpiry1 = None,
    spx_expiry2: SpxExpiry2 = None,
    day: Day = None,
    vix: Annotated[Vix, typer.Option(help="quoted: all quotes; free: SPX quotes alone; none: there is no VIX.")] = Vix.quoted,
    quotes: Annotated[int | None, typer.Option(min=3, help="Quotes a smile, at most, evenly chosen: faster and wider; else all.")] = None,
    grid: Annotated[str | None, typer.Option(metavar="N1,NV,N2", help="Points beside the strikes; 30,20,40 unless given.")] = None,
    support: Annotated[
        str | None, typer.Option(metavar="A,B,C,D,E,F", help="S1 in A to B, V in C to D points, S2 in E to F; else wide.")
    ] = None,
    json: Json = None,
):
    """The least and the greatest price of a payoff over all joint laws that meet the quotes, with the portfolios that enforce them."""
    points, span = counts("--grid", grid) or POINTS, ends(support)
    data = Output.at("--json", json, inputs=read_from(chain))
    with progress("waking the library") as tell:
        with numerics():
            from . import findings, ranges

        asked = findings.Question(chain, vix_expiry, spx_expiry1, spx_expiry2, day)
        found = ranges.bound(asked, payoff, strike, vix=str(vix), quotes=quotes, points=points, span=span, tell=tell)
        if data:
            data.write_json(ranges.as_record(found))
    ranges.show(found)
    return found.code


def ends(text):
    """((low, high), ...) of S1, V, S2 in the library's units, or None."""
    if text is None:
        return None
    try:
        a, b, c, d, e, f = map(float, text.split(","))
    except ValueError:
        raise UnusableError(f"--support {text}: six numbers are needed, e.g. 0.5,1.5,9,90,0.3,1.8") from None
    if not (0 < a < 1 < b < 100 and 0 < c < d < 1e4 and 0 < e < 1 < f < 100):
        raise UnusableError(f"--support {text}: S1 and S2 per forward around 1, V in points, each from low to high")
    return (a, b), (c / 100, d / 100), (e, f)
