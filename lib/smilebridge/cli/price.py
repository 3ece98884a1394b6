"""`smilebridge price`: what a calibrated law says a named payoff is worth."""

from pathlib import Path
from typing import Annotated

import typer

from .door import Output, numerics, progress
from .options import Json, Payoff, Strike


def price(
    law: Annotated[Path, typer.Argument(metavar="LAW", help="File that `smilebridge calibrate --save` wrote.")],
    payoff: Payoff,
    strike: Strike = None,
    json: Json = None,
):
    """The price of a payoff under a calibrated law, and its implied volatility where it has one."""
    data = Output.at("--json", json, inputs=[law])
    with progress("waking the library") as tell:
        with numerics():
            from .. import discrete
            from .claims import claim

        asked = claim(payoff, strike)
        tell(f"reading {law.name}")
        found, header = discrete.opened(law)
        future = float(found.expect(lambda s1, v, s2: v))
        value = asked.scale * float(found.expect(asked.payoff(future)))
    vol = asked.vol(value, tau=float(found.tau), future=future, years=header.years)
    record = {
        "source": header.source,
        "day": header.day,
        "payoff": asked.name,
        "strike": asked.strike,
        "price": value,
        "unit": asked.unit,
        "implied_vol": vol,
        "vix_future": 100 * future,
        "inputs": header.inputs,
    }
    if data:
        data.write_json(record)
    _show(record, asked)


def _show(record, asked):
    from . import page

    vol = record["implied_vol"]
    said = [("implied vol", f"{100 * vol:.4f}%")] if vol is not None else []
    head = [("law", record["source"]), ("day", record["day"]), ("inputs", f"SHA-256 {record['inputs'][:16]}")]
    page.show([page.lines([*head, ("payoff", asked), ("price", f"{record['price']:.8f} {asked.unit}"), *said])])
