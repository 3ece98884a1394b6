"""Cleaning with a ledger: a quote is retained, or set aside by the first rule that it breaks; none is dropped silently."""

import numpy as np
import pandas as pd

from .black import black_otm, implied_stdev, on_host
from .butterfly import misses
from .quotes import QuoteError, Snapshot
from .rows import SERIES

RULES = {
    "other_root": "neither SPX nor VIX",
    "bad_strike": "strike missing, not a number, or not positive",
    "bad_right": "neither call nor put",
    "not_a_number": "bid or ask is text",
    "not_finite": "bid or ask is infinite",
    "negative": "bid or ask below zero",
    "expired": "expiry on or before the quote date",
    "duplicate_strike": "quoted before (same quote: the first is kept; another quote: none is)",
    "crossed": "bid above ask",
    "no_forward": "no forward for the expiry",
    "in_the_money": "the out-of-the-money option of the strike is kept",
    "no_bid": "bid missing or zero",
    "no_ask": "ask missing or zero",
    "locked": "bid equals ask: no width to fit in",
    "wrong_unit": "implied vol out of scale with its neighbours or its market: percent for decimal?",
    "bounds": "premium not between zero and the lesser of strike and forward, or its width lost in rounding",
    "butterfly": "no convex decreasing call price curve meets it and the other quotes",
    "too_few": "fewer than three two-sided quotes in the expiry",
}
PERCENT = {"SPX": 3.0, "VIX": 10.0}  # implied vols near the money above this are no decimals
OUT_OF_SCALE = 20.0  # times the median of the four neighbours
MIN_QUOTES = 3
TOL_WIDTH = 1e-13  # per forward: a narrower bid-ask drowns in the rounding of a call price


def mark(rows: pd.DataFrame, broken, rule: str, detail: str) -> pd.DataFrame:
    """Rows with `rule` on those that break it and no rule before; `detail` is a format string over the row's columns."""
    hit = np.asarray(broken, dtype=bool) & (rows["rule"] == "").to_numpy()
    if not hit.any():
        return rows
    said = [detail.format(**row._asdict()) for row in rows[hit].itertuples(index=False)]
    rows = rows.copy()
    rows.loc[hit, "rule"], rows.loc[hit, "detail"] = rule, said
    return rows


def faults(rows: pd.DataFrame) -> pd.DataFrame:
    """Rules that need nothing but the row and its twins."""
    bid, ask = rows["bid"], rows["ask"]
    rows = mark(rows, ~rows["market"].isin(["SPX", "VIX"]), "other_root", "root {market!r}")
    rows = mark(rows, ~(rows["strike"] > 0) | ~np.isfinite(rows["strike"]), "bad_strike", "strike {strike:g}")
    rows = mark(rows, ~rows["right"].isin(["C", "P"]), "bad_right", "neither call nor put")
    rows = mark(rows, np.isinf(bid) | np.isinf(ask), "not_finite", "bid {bid:g}, ask {ask:g}")
    rows = mark(rows, (bid < 0) | (ask < 0), "negative", "bid {bid:g}, ask {ask:g}")
    rows = mark(rows, rows["years"] <= 0, "expired", "expiry {expiry} on {day}")
    rows = _duplicates(rows)
    return mark(rows, (bid > ask) & (ask > 0), "crossed", "bid {bid:g} above ask {ask:g}")


def _duplicates(rows):
    live = rows[rows["rule"] == ""]
    key = [*SERIES, "strike", "right"]
    twins = live[live.duplicated(key, keep=False)]
    if not len(twins):
        return rows
    quotes = twins[["bid", "ask"]].fillna(-1.0).groupby([twins[name] for name in key])
    same = (quotes.transform("nunique") == 1).all(axis=1)
    repeat = same & twins.duplicated(key)
    rows = mark(rows, rows.index.isin(repeat.index[repeat]), "duplicate_strike", "same quote once more")
    return mark(rows, rows.index.isin(same.index[~same]), "duplicate_strike", "the strike is quoted twice, differently: {bid:g} / {ask:g}")


def sides(rows: pd.DataFrame) -> pd.DataFrame:
    """Rules on the two sides of the out-of-the-money option."""
    bid, ask = rows["bid"], rows["ask"]
    inside = np.where(rows["strike"] < rows["forward"], rows["right"] == "C", rows["right"] == "P")
    rows = mark(rows, inside, "in_the_money", "forward {forward:g}")
    rows = mark(rows, ~(bid > 0), "no_bid", "bid {bid:g}, ask {ask:g}")
    rows = mark(rows, ~(ask > 0), "no_ask", "bid {bid:g}, ask {ask:g}")
    return mark(rows, bid == ask, "locked", "bid and ask {bid:g}")


def scale(rows: pd.DataFrame) -> pd.DataFrame:
    """Implied vols in percent: QuoteError where all of a file's market is, ledger lines for an expiry or a quote."""
    live = rows[(rows["rule"] == "") & (rows["unit"] == "iv")]
    if not len(live):
        return rows
    parts = [group.sort_values("strike") for _, group in live.groupby(SERIES, sort=False)]
    whole, single = pd.Series(False, index=rows.index), pd.Series(False, index=rows.index)
    for part in parts:
        nearest = part.iloc[np.argsort(np.abs(np.log(part["strike"] / part["forward"])).to_numpy(), kind="stable")[:5]]
        whole[part.index] = nearest["ask"].median() > PERCENT[part["market"].iloc[0]]
        single[part.index] = _out_of_scale(part["bid"].to_numpy()) | _out_of_scale(part["ask"].to_numpy())
    for (_, market), group in live.groupby(["file", "market"]):
        if whole[group.index].all():
            first = group.iloc[0]
            raise QuoteError(first["where"], f"{market} implied vols near the money exceed {PERCENT[market]:g}: percent for decimals?")
    rows = mark(rows, whole, "wrong_unit", "implied vols of the whole expiry look like percent: {bid:g} / {ask:g}")
    return mark(rows, single, "wrong_unit", "implied vol {bid:g} / {ask:g} is out of scale with its neighbours")


def _out_of_scale(vols):
    """(n,) whether each exceeds its four neighbours' median by the factor `OUT_OF_SCALE`."""
    if len(vols) < 4:
        return np.zeros(len(vols), dtype=bool)
    padded = np.pad(vols, 2, constant_values=np.nan)
    neighbours = np.stack([padded[j : j + len(vols)] for j in (0, 1, 3, 4)])
    return vols > OUT_OF_SCALE * np.nanmedian(neighbours, axis=0)


def priced(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows with `k`, implied vols on ACT/365 (`bid_iv`, `ask_iv`) and out-of-the-money prices per forward (`bid_otm`, `ask_otm`)."""
    rows = rows.assign(k=rows["strike"] / rows["forward"], bid_iv=np.nan, ask_iv=np.nan, bid_otm=np.nan, ask_otm=np.nan)
    live = rows["rule"] == ""
    for unit, fill in (("iv", _from_vols), ("points", _from_points)):
        mine = live & (rows["unit"] == unit)
        if mine.any():
            rows.loc[mine, ["bid_iv", "ask_iv", "bid_otm", "ask_otm"]] = fill(rows[mine])
    numbers = np.isfinite(rows[["bid_iv", "ask_iv", "bid_otm", "ask_otm"]]).all(axis=1)
    width = rows["ask_otm"] - rows["bid_otm"]
    within = (rows["bid_iv"] > 0) & (rows["bid_otm"] > 0) & (width > TOL_WIDTH) & (rows["ask_otm"] < np.minimum(rows["k"], 1.0))
    return mark(rows, ~(numbers & within), "bounds", "{bid:g} / {ask:g} against strike {strike:g} and forward {forward:g}")


def _from_vols(rows):
    k = np.tile(rows["k"], 2)
    stretch = np.sqrt(rows["clock_years"] / rows["years"]).to_numpy()
    vols = np.r_[rows["bid"] * stretch, rows["ask"] * stretch]
    prices = on_host(black_otm, k, vols * np.tile(np.sqrt(rows["years"]), 2))
    return np.stack([*np.split(vols, 2), *np.split(prices, 2)], axis=1)


def _from_points(rows):
    unit = (rows["forward"] * rows["discount"]).to_numpy()
    prices = np.r_[rows["bid"] / unit, rows["ask"] / unit]
    vols = on_host(implied_stdev, np.tile(rows["k"], 2), prices) / np.tile(np.sqrt(rows["years"]), 2)
    return np.stack([*np.split(vols, 2), *np.split(prices, 2)], axis=1)


def convex(rows: pd.DataFrame) -> pd.DataFrame:
    """The butterfly rule, and `too_few` for what is left of an expiry with fewer than three quotes."""
    missed = pd.Series(0.0, index=rows.index)
    for _, group in rows[rows["rule"] == ""].groupby(SERIES, sort=False):
        group = group.sort_values("strike")
        k = group["k"].to_numpy()
        intrinsic = np.maximum(1.0 - k, 0.0)
        for i, excess in misses(k, group["bid_otm"].to_numpy() + intrinsic, group["ask_otm"].to_numpy() + intrinsic).items():
            missed[group.index[i]] = excess
    rows = mark(rows.assign(missed=missed), missed > 0, "butterfly", "{missed:.3g} half-spreads outside what the other quotes allow")
    left = (rows["rule"] == "").groupby([rows[name] for name in SERIES]).transform("sum")
    return mark(rows, left < MIN_QUOTES, "too_few", "one of fewer than three two-sided quotes")


def ledger_counts(snapshot: Snapshot) -> pd.DataFrame:
    """Quotes retained and set aside by rule, per (market, expiry, settlement); settlement is "" for expiries without a smile."""
    lines = [(s.market, s.expiry, s.settlement, line.rule) for s in snapshot.smiles for line in s.ledger]
    lines += [(line.quote.market, line.quote.expiry, "", line.rule) for line in snapshot.set_aside]
    lines += [(s.market, s.expiry, s.settlement, "retained") for s in snapshot.smiles for _ in range(len(s))]
    counted = pd.DataFrame(lines, columns=[*SERIES, "rule"]).groupby([*SERIES, "rule"]).size().unstack(fill_value=0)
    order = [name for name in ("retained", *RULES) if name in counted]
    return counted[order + [name for name in counted if name not in order]].rename_axis(columns="rule")
