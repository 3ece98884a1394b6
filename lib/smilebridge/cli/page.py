"""What all reports are made of: headed lines and tables, as wide as the terminal, plain and 80 columns wide where there is none."""

import sys

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

WIDTH = 80  # columns where stdout is no terminal


def show(blocks):
    """Prints to stdout, without escape codes where that is no terminal."""
    console = Console(highlight=False, soft_wrap=False, width=None if sys.stdout.isatty() else WIDTH)
    for block in blocks:
        console.print(block)


def lines(pairs):
    """Headed lines; a head is given once."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    last = None
    for head, line in pairs:
        grid.add_row("" if head == last else head, Text(str(line)))
        last = head
    return Padding(grid, (0, 0, 1, 0))


def table(title, headings, rows, caption=None):
    """First column flush left, numbers flush right."""
    look = {"box": box.SIMPLE_HEAD, "show_edge": False, "pad_edge": False, "collapse_padding": True}
    drawn = Table(title=title, title_justify="left", title_style="bold", caption=caption, caption_justify="left", **look)
    for i, heading in enumerate(headings):
        drawn.add_column(heading, justify="left" if i == 0 else "right", no_wrap=True)
    for row in rows:
        drawn.add_row(*(Text(cell) for cell in row))
    return Padding(drawn, (0, 0, 1, 0))


def spent(seconds):
    """{stage: seconds} in a line."""
    return ", ".join(f"{stage} {value:.1f} s" for stage, value in seconds.items())
