"""Our own table: one quote a row, CSV (also .csv.gz) or Parquet; what `to_csv` writes and `load` reads back.

| column | meaning | if absent or blank |
|---|---|---|
| day | quote date, yyyy-mm-dd | needed |
| market | SPX or VIX | needed |
| expiry | yyyy-mm-dd | needed |
| settlement | am or pm | inferred from market and date |
| years | ACT/365 from day to expiry; may carry the settlement's part of a day | from the dates |
| forward | points; the VIX future for VIX | needed |
| discount | price today of 1 paid at expiry | 1 |
| strike | points | needed |
| bid_iv, ask_iv | Black-76 implied volatilities of the out-of-the-money option, on the clock `years`, decimals | one-sided: `no_bid` |
| rule, detail | why a quote was set aside; blank for the others | not set aside |
| right, quote_bid, quote_ask, unit, where | of a quote set aside: C or P, as quoted, "points" or "iv", file and row | |
"""

import os
import tempfile
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from .clean import RULES
from .quotes import QuoteError, Smile, Snapshot
from .rows import LEVELS, level, one_value, rows
from .tables import SUFFIXES, dates, exact_numbers, numbers

SMILE = ("market", "expiry", "settlement", "years", "forward", "discount")
QUOTE = ("strike", "bid_iv", "ask_iv", "rule", "detail", "right", "quote_bid", "quote_ask", "unit", "where")


def to_csv(snapshot: Snapshot, path) -> Path:
    """Write a snapshot with its ledger; the file appears whole or not at all. `load` gives the same numbers back."""
    path = Path(path)
    if not path.name.lower().endswith(SUFFIXES):
        raise QuoteError(path.name, f"write to a name that ends in {', '.join(SUFFIXES)}")
    lines = [line for smile in snapshot.smiles for line in _smile_lines(smile)]
    blank = {"settlement": "", "years": np.nan, "forward": np.nan, "discount": np.nan}
    lines += [_rejected(line, blank | {"market": line.quote.market, "expiry": line.quote.expiry}) for line in snapshot.set_aside]
    table = pd.DataFrame(lines, columns=["day", *SMILE, *QUOTE]).assign(day=snapshot.day.isoformat())
    table["expiry"] = [expiry.isoformat() for expiry in table["expiry"]]
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=path.name)
    os.close(handle)
    try:
        if path.name.lower().endswith(".parquet"):
            table.to_parquet(temporary, index=False)
        else:
            table.to_csv(temporary, index=False)
        os.replace(temporary, path)
    finally:
        Path(temporary).unlink(missing_ok=True)
    return path


def _smile_lines(smile: Smile):
    head = {name: getattr(smile, name) for name in SMILE}
    quotes = zip(smile.strikes, smile.bid_iv, smile.ask_iv, strict=True)
    kept = [head | {"strike": float(k), "bid_iv": float(b), "ask_iv": float(a), "rule": ""} for k, b, a in quotes]
    return kept + [_rejected(line, head) for line in smile.ledger]


def _rejected(line, head):
    q = line.quote
    told = {"rule": line.rule, "detail": line.detail, "right": q.right, "unit": q.unit, "where": q.where}
    return head | told | {"strike": q.strike, "quote_bid": q.bid, "quote_ask": q.ask}


def plain_rows(table: pd.DataFrame, path: Path, day: date | None) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Rows of our own table; quotes that were set aside before keep their rule."""
    table = _with_blanks(table)
    past = (table["rule"].astype(str).str.strip() != "").to_numpy()
    parts = [part(table[mask], path.name) for part, mask in ((_live_rows, ~past), (_past_rows, past)) if mask.any()]
    return pd.concat(parts), ((f"{int(past.sum())} quotes keep the rule by which they were set aside",) if past.any() else ())


def _with_blanks(table):
    absent = [name for name in (*SMILE, *QUOTE) if name not in table]
    table = table.assign(**dict.fromkeys(absent, ""))
    text = ["market", "settlement", "rule", "detail", "right", "unit", "where"]
    return table.assign(**{name: table[name].astype(object).where(table[name].notna(), "").astype(str) for name in text})


def _heads(table, file):
    """Columns that a live and a past row read alike."""
    market, settlement = table["market"].str.strip().str.upper(), table["settlement"].str.strip().str.lower()
    unknown = ~settlement.isin(["", "am", "pm"])
    if unknown.any():
        row = table.index[int(np.argmax(unknown))]
        raise QuoteError(f"{file} row {row}", f"settlement is {settlement.loc[row]!r}; am, pm or blank")
    return {
        "day": dates(table["day"], file),
        "expiry": dates(table["expiry"], file),
        "market": market.to_numpy(),
        "settlement": settlement.to_numpy(),
        "strike": table["strike"],
    }


def _live_rows(table, file):
    heads = _heads(table, file)
    forward = exact_numbers(table["forward"], file)
    for market, where, value in zip(heads["market"], table.index, forward, strict=True):
        if market in LEVELS:
            level(market, value, f"{file} row {where}")
    discount, _ = numbers(table["discount"])
    found = rows(
        *(table, file),
        **(heads | {"bid": table["bid_iv"], "ask": table["ask_iv"], "unit": "iv", "forward": forward}),
        discount=np.where(np.isnan(discount), 1.0, discount),
    )
    clock_years, _ = numbers(table["years"])
    bad = ~(np.isnan(clock_years) | ((clock_years > 0) & (clock_years < 100)))
    if bad.any():
        row = int(np.argmax(bad))
        raise QuoteError(found["where"].iloc[row], f"years is {clock_years[row]:g}: a positive year fraction needed")
    clock_years = np.where(np.isnan(clock_years), found["years"], clock_years)
    near = np.abs(clock_years - found["years"]) * 365.0 <= 1.0 + 1e-9
    found = found.assign(clock_years=clock_years, years=np.where(near, clock_years, found["years"]))
    found["right"] = np.where(found["strike"] < found["forward"], "P", "C")
    for column in ("forward", "discount", "clock_years"):
        one_value(found, column, by=["day", "market", "expiry", "settlement"])
    return found


def _past_rows(table, file):
    found = rows(*(table, file), **(_heads(table, file) | {"bid": table["quote_bid"], "ask": table["quote_ask"], "unit": table["unit"]}))
    told = {name: table[name].str.strip() for name in ("right", "rule", "detail")}
    unknown = ~told["rule"].isin(list(RULES))
    if unknown.any():
        row = int(np.argmax(unknown))
        raise QuoteError(f"{file} row {table.index[row]}", f"rule is {told['rule'].iloc[row][:40]!r}; known: {', '.join(RULES)}")
    where = table["where"].where(table["where"] != "", found["where"])
    return found.assign(where=where, **told)
