"""Rows: the table that every format is translated to, one quoted option a row.

file, where         where it stands: name, and name with row
day, expiry         dates
market, settlement  "SPX", "VIX", or another root; "am", "pm" or "" where the file does not tell
strike, right       points; "C", "P" or ""
bid, ask, unit      in "points" of premium or as "iv" on the clock `clock_years`; NaN where there is none
forward, discount   NaN where the file gives none
clock_years         year fraction by which the implied volatilities of the row are annualised; NaN for premiums
years               ACT/365 from `day` to `expiry`
rule, detail        why the quote is set aside; "" while it is not
"""

import numpy as np
import pandas as pd

from . import clock, settlement
from .quotes import Quote, QuoteError, Rejection
from .tables import numbers, words

ROW = (
    *("file", "where", "day", "expiry", "market", "settlement", "strike", "right", "bid", "ask", "unit"),
    *("forward", "discount", "clock_years", "years", "rule", "detail"),
)
RIGHTS = {"c": "C", "call": "C", "p": "P", "put": "P"}
LEVELS = {"SPX": (150.0, 50_000.0), "VIX": (5.0, 150.0)}  # points between which a forward of the market lies
SERIES = ["market", "expiry", "settlement"]  # one smile


def rows(table: pd.DataFrame, file: str, **columns) -> pd.DataFrame:
    """Rows from a table's own index (lines) and the given columns; cells that are no numbers get their rule here.

    strike, bid, ask   Series of the table, still as text
    others             arrays or scalars; `right`, `settlement`, `forward`, `discount`, `clock_years` may be left out
    """
    found = pd.DataFrame({"file": file, "where": [f"{file} row {line}" for line in table.index]}, index=table.index)
    found = found.assign(rule="", detail="", right="", settlement="", forward=np.nan, discount=np.nan, clock_years=np.nan)
    for name in ("bid", "ask", "strike"):
        cells = columns.pop(name)
        values, text = numbers(cells)
        found[name] = values
        found.loc[text, "rule"] = "bad_strike" if name == "strike" else "not_a_number"
        found.loc[text, "detail"] = [f"{cells.name} is {str(cell)[:40]!r}" for cell in cells[text]]
    found = found.assign(**columns)
    spans = {(d, e): clock.years(d, e) for d, e in set(zip(found["day"], found["expiry"], strict=True))}
    found["years"] = [spans[pair] for pair in zip(found["day"], found["expiry"], strict=True)]
    return found[list(ROW)]


def rights(column: pd.Series) -> np.ndarray:
    """ "C", "P", or "" where the cell is neither."""
    return words(column).str.lower().map(RIGHTS).fillna("").to_numpy(dtype=object)


def settled(found: pd.DataFrame) -> pd.DataFrame:
    """Rows with every settlement filled in: the file's own, else inferred from market and date."""
    known = {pair: settlement.infer(*pair) for pair in set(zip(found["market"], found["expiry"], strict=True))}
    inferred = [known[pair] for pair in zip(found["market"], found["expiry"], strict=True)]
    return found.assign(settlement=np.where(found["settlement"] == "", inferred, found["settlement"]))


def one_value(found: pd.DataFrame, column: str, *, by: list[str]) -> None:
    """QuoteError where `column` takes two values within a group: a forward, a year fraction belong to the whole expiry."""
    counts = found.groupby(by, sort=False)[column].transform("nunique")
    if (counts > 1).any():
        odd = found[counts > 1]
        first = odd[odd[column] != odd[column].iloc[0]].iloc[0]
        one, two = odd[column].iloc[0], first[column]
        raise QuoteError(first["where"], f"{column} of expiry {first['expiry']} is {two:g}, but {one:g} above")


def level(market: str, forward: float, where: str) -> None:
    """QuoteError where a forward lies outside the range of its market: a wrong unit or a wrong market."""
    low, high = LEVELS[market]
    if not low <= forward <= high:
        raise QuoteError(where, f"a forward of {forward:g} is no {market} level: index points between {low:g} and {high:g} needed")


def quote(row) -> Quote:
    """The quote of a row (a named tuple of `itertuples`)."""
    return Quote(row.market, row.expiry, row.strike, row.right, row.bid, row.ask, row.unit, row.where)


def rejections(found: pd.DataFrame) -> tuple[Rejection, ...]:
    """The ledger lines of all rows that have a rule."""
    return tuple(Rejection(quote(row), row.rule, row.detail) for row in found[found["rule"] != ""].itertuples(index=False))
