"""Tables of premiums with calls and puts: Cboe DataShop end of day, OptionMetrics."""

from pathlib import Path

import numpy as np
import pandas as pd

from .quotes import QuoteError
from .rows import rights, rows
from .settlement import last_trading_day
from .tables import dates, numbers, words

ROOTS = {"SPX": "SPX", "SPXW": "SPX", "VIX": "VIX", "VIXW": "VIX"}
SECIDS = {108105: "SPX", 117801: "VIX"}


def datashop_rows(table: pd.DataFrame, path: Path, day) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Rows of a Cboe DataShop end-of-day file: quotes of 15:45 New York where it has them, else of the close."""
    stamp = "1545" if {"bid_1545", "ask_1545"} <= set(table.columns) else "eod"
    if not {f"bid_{stamp}", f"ask_{stamp}"} <= set(table.columns):
        raise QuoteError(path.name, "bid and ask of one time needed: bid_1545 with ask_1545, or bid_eod with ask_eod")
    root = _roots(table["root"] if "root" in table else table["underlying_symbol"])
    named = "root" in table
    expiry, shifted = _expiries(dates(table["expiration"], path.name))
    found = rows(
        table,
        path.name,
        day=dates(table["quote_date"], path.name),
        expiry=expiry,
        market=root.map(ROOTS).fillna(root).to_numpy(),
        settlement=_by_root(root) if named else "",
        strike=table["strike"],
        right=rights(table["option_type"]),
        bid=table[f"bid_{stamp}"],
        ask=table[f"ask_{stamp}"],
        unit="points",
    )
    _whole_strikes(found, path.name, "points")
    told = "settlement by root (SPX am, SPXW pm)" if named else "no root: settlement by date"
    return found, (f"quotes of {'15:45' if stamp == '1545' else 'the close'}; {told}", *shifted)


def optionmetrics_rows(table: pd.DataFrame, path: Path, day) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Rows of an OptionMetrics table: strikes in thousandths; market by root, symbol, ticker, secid, or the level of the strikes."""
    strike, text = numbers(table["strike_price"])
    strike_points = table["strike_price"].astype(object).where(text, strike / 1000.0)
    root, how, settles = _optionmetrics_roots(table, strike / 1000.0)
    settlement = _by_root(root) if settles else np.full(len(table), "", dtype=object)
    if "am_settlement" in table:
        flag, _ = numbers(table["am_settlement"])
        settlement = np.where(flag == 1, "am", np.where(flag == 0, "pm", settlement))
        how += ", settlement by am_settlement"
    expiry, shifted = _expiries(dates(table["exdate"], path.name))
    market = root.map(ROOTS).fillna(root).to_numpy()
    found = rows(
        table,
        path.name,
        day=dates(table["date"], path.name),
        expiry=expiry,
        market=market,
        settlement=np.where(market == "VIX", "am", settlement),
        strike=strike_points,
        right=rights(table["cp_flag"]),
        bid=table["best_bid"],
        ask=table["best_offer"],
        unit="points",
        forward=numbers(table["forward_price"])[0] if "forward_price" in table else np.nan,
    )
    _whole_strikes(found, path.name, "thousandths of points")
    return found, (f"market by {how}", *shifted)


def _roots(column):
    return words(column).str.upper().str.lstrip("^.")


def _by_root(root):
    """SPX settles in the morning, SPXW at the close, VIX and VIXW in the morning."""
    return np.where(root == "SPXW", "pm", np.where(root.isin(list(ROOTS)), "am", ""))


def _optionmetrics_roots(table, strike):
    """Root of each row, the words for it, and whether it tells SPX from SPXW."""
    for name in ("root", "symbol"):
        if name in table and (column := _roots(table[name])).str.len().gt(0).all():
            return column.str.extract(r"^([A-Z]*)", expand=False), name, True
    if "ticker" in table:
        return _roots(table["ticker"]), "ticker", False
    if "secid" in table:
        secid, _ = numbers(table["secid"])
        return pd.Series(secid, index=table.index).map(SECIDS).fillna("secid " + words(table["secid"])), "secid", False
    market = "VIX" if np.median(strike[np.isfinite(strike)]) < 200 else "SPX"  # an empty column has no median: SPX, and no quote
    return pd.Series(market, index=table.index), f"level of the strikes ({market})", False


def _expiries(found):
    """Expiries; those dated on a Saturday (until 2015) moved to the last day of trading."""
    moved = np.array([last_trading_day(expiry) for expiry in found], dtype=object)
    count = int((moved != found).sum())
    return moved, ((f"{count} rows dated on a Saturday moved to the Friday before",) if count else ())


def _whole_strikes(found, file, unit):
    """QuoteError where the strikes of a market are of the wrong magnitude, for example not in the file's unit."""
    for market, (low, high) in {"SPX": (100.0, 50_000.0), "VIX": (2.0, 500.0)}.items():
        strikes = found.loc[(found["market"] == market) & found["strike"].gt(0), "strike"]
        if len(strikes) and not low <= strikes.median() <= high:
            row = strikes.index[0]
            raise QuoteError(f"{file} row {row}", f"{market} strikes have median {strikes.median():g}: this format gives {unit}")
