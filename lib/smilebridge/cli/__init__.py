"""The command line: a thin door to the stages. `smilebridge COMMAND --help` tells what a command takes.

Exit codes of every command: 0 done, 2 unusable input, 3 the market is arbitrageable, 4 not converged; see door.py.
"""

import sys
from typing import Annotated

import typer

from .bounds import bounds
from .bridge import bridge
from .calibrate import calibrate
from .check import check
from .door import answer
from .price import price
from .replicate import replicate

app = typer.Typer(
    name="smilebridge",
    help="SPX and VIX smiles, one law: from a day's option quotes to the laws they imply.",
    epilog="Exit codes: 0 done, 2 unusable input, 3 the market is arbitrageable (the portfolio is printed), 4 not converged.",
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (check, calibrate, price, bounds, bridge, replicate):
    app.command()(command)


def _version(asked: bool):
    if asked:
        from importlib.metadata import version

        typer.echo(f"smilebridge {version('smilebridge')}")
        raise typer.Exit
    return asked


@app.callback()
def _front(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")] = False,
):
    pass


def main(arguments: list[str] | None = None) -> int:
    """Obeys the arguments (those of the process unless given) and returns the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a file's name may hold letters that the terminal has not
    arguments = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    return answer(lambda: app(arguments, prog_name="smilebridge", standalone_mode=False))
