"""Formats of quote files, told by their columns; each is translated to the same rows (see rows.py)."""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from .plain import plain_rows
from .price_tables import datashop_rows, optionmetrics_rows
from .quotes import QuoteError
from .rows import ROW
from .vol_table import vol_table_rows


@dataclass(frozen=True, slots=True)
class Format:
    """A known kind of file.

    needs      columns that it must have; "a|b" means one of them
    rows       (table, path, day) -> (rows, notes)
    """

    name: str
    needs: tuple[str, ...]
    rows: Callable

    def lacks(self, columns) -> list[str]:
        return [need for need in self.needs if not any(name in columns for name in need.split("|"))]


FORMATS = (
    Format("implied-vol table", ("expiry", "texp", "strike", "bid", "ask", "fwd"), vol_table_rows),
    Format(
        "Cboe DataShop end of day",
        ("quote_date", "root|underlying_symbol", "expiration", "strike", "option_type", "bid_1545|bid_eod", "ask_1545|ask_eod"),
        datashop_rows,
    ),
    Format("OptionMetrics", ("date", "exdate", "cp_flag", "strike_price", "best_bid", "best_offer"), optionmetrics_rows),
    Format("smilebridge table", ("day", "market", "expiry", "strike", "forward", "bid_iv", "ask_iv"), plain_rows),
)


def recognise(table: pd.DataFrame, file: str) -> Format:
    """The format whose columns the table has; QuoteError lists what was found and what the nearest format lacks."""
    columns = set(table.columns)
    nearest = min(FORMATS, key=lambda known: len(known.lacks(columns)) / len(known.needs))
    if not nearest.lacks(columns):
        return nearest
    shown = ", ".join(name[:20] for name in list(table.columns)[:20])
    known = "; ".join(f"{f.name} ({', '.join(f.needs)})" for f in FORMATS)
    wanting = f"{nearest.name}, which also needs {', '.join(nearest.lacks(columns))}"
    raise QuoteError(file, f"columns of no known format: {shown!r}. Nearest: {wanting}. Known: {known}")


def rows_of(table: pd.DataFrame, path, day) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Rows and notes of one file."""
    known = recognise(table, path.name)
    rows, notes = known.rows(table, path, day)
    counted = f"{path.name}: {known.name}, {len(rows)} rows, {rows['expiry'].nunique()} expiries"
    return rows[list(ROW)], (counted, *(f"{path.name}: {note}" for note in notes))
