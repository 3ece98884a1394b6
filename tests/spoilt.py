"""Ways to spoil a good chain, each with what must come of it: `say` are words of the QuoteError, `rule` and `count` lines of the ledger."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

import chains

COLUMNS = {  # strike, bid, ask, expiry
    "vol_table": ("Strike", "Bid", "Ask", "Expiry"),
    "datashop": ("strike", "bid_1545", "ask_1545", "expiration"),
    "optionmetrics": ("strike_price", "best_bid", "best_offer", "exdate"),
    "plain": ("strike", "bid_iv", "ask_iv", "expiry"),
}
PREMIUMS = ("datashop", "optionmetrics")
VOLS = ("vol_table", "plain")
ROW = 20  # the 4000 strike of the first expiry: an out-of-the-money put
LINE = ROW + 2


@dataclass(frozen=True)
class Case:
    """One way to spoil: what is done to the table (or to the bytes of the file), and what must come of it."""

    name: str
    spoil: object
    say: str = ""
    rule: str = ""
    count: int = 1
    formats: tuple = tuple(COLUMNS)
    raw: bool = False


def good(name):
    """The good chain as cells, with the put at `ROW` in premium tables."""
    table = chains.FORMATS[name]().astype(object)
    if name in PREMIUMS:
        right = "option_type" if name == "datashop" else "cp_flag"
        table = table.sort_values(right, ascending=False, kind="stable").reset_index(drop=True)
    return table


def cell(which, value):
    """Spoil one cell of row `ROW`: a value, or a function of the good one."""

    def spoil(table, columns):
        name = columns[which]
        table.loc[ROW, name] = value(table.loc[ROW, name]) if callable(value) else value
        return table

    return spoil


def both(change):
    def spoil(table, columns):
        table.loc[ROW, list(columns[1:3])] = change(table.loc[ROW, list(columns[1:3])].astype(float)).to_numpy()
        return table

    return spoil


def twice(factor):
    def spoil(table, columns):
        twin = table.loc[[ROW]].copy()
        twin[columns[1]] = twin[columns[1]] * factor
        return pd.concat([table, twin])

    return spoil


def column(which, change):
    def spoil(table, columns):
        name = columns[which] if isinstance(which, int) else which
        table[name] = change(table[name])
        return table

    return spoil


def first_expiry(table, columns):
    return table[columns[3]] == table[columns[3]].iloc[0]


def percent_expiry(table, columns):
    mine = first_expiry(table, columns)
    table.loc[mine, list(columns[1:3])] = table.loc[mine, list(columns[1:3])] * 100
    return table


def percent(table, columns):
    table[list(columns[1:3])] = table[list(columns[1:3])] * 100
    return table


def one_expired(table, columns):
    table.loc[first_expiry(table, columns), columns[3]] = "2023-02-15"
    return table


def swapped_dates(table, columns):
    day = {"datashop": "quote_date", "optionmetrics": "date", "plain": "day"}[next(n for n, c in COLUMNS.items() if c == columns)]
    return table[first_expiry(table, columns)].rename(columns={day: columns[3], columns[3]: day})


def calls_only(table, columns):
    right = "option_type" if "option_type" in table else "cp_flag"
    return table[table[right] == "C"]


def forward_of(which):
    return lambda table, columns: table.assign(**{which[0]: np.where(np.arange(len(table)) == ROW, which[1], table[which[0]])})


CASES = [
    Case("bid_nan", cell(1, np.nan), rule="no_bid"),
    Case("bid_zero", cell(1, 0.0), rule="no_bid"),
    Case("ask_nan", cell(2, np.nan), rule="no_ask"),
    Case("ask_zero", cell(2, 0.0), rule="no_ask"),
    Case("bid_negative", cell(1, lambda x: -x), rule="negative"),
    Case("ask_negative", cell(2, -99.99), rule="negative"),
    Case("crossed", cell(1, lambda x: 1.2 * x), rule="crossed"),
    Case("locked", both(lambda x: x * 0 + x.mean()), rule="locked"),
    Case("bid_text", cell(1, "n.q."), rule="not_a_number"),
    Case("ask_text", cell(2, "#REF!"), rule="not_a_number"),
    Case("ask_thousands_separator", cell(2, "1,234.5"), rule="not_a_number"),
    Case("bid_underscored", cell(1, "1_0"), rule="not_a_number"),
    Case("ask_infinite", cell(2, np.inf), rule="not_finite"),
    Case("repeated_row", twice(1.0), rule="duplicate_strike"),
    Case("strike_quoted_twice", twice(0.99), rule="duplicate_strike", count=2),
    Case("strike_blank", cell(0, np.nan), rule="bad_strike"),
    Case("strike_zero", cell(0, 0.0), rule="bad_strike"),
    Case("strike_negative", cell(0, -4000.0), rule="bad_strike"),
    Case("strike_text", cell(0, "ATM"), rule="bad_strike"),
    Case("butterfly_dear", both(lambda x: 1.3 * x), rule="butterfly"),
    Case("butterfly_cheap", both(lambda x: 0.7 * x), rule="butterfly"),
    Case("one_expired", one_expired, rule="expired", formats=("plain",), count=62),
    Case("calls_and_puts_expired", one_expired, rule="expired", formats=PREMIUMS, count=124),
    Case(
        "single_strike_left",
        lambda t, c: pd.concat([t[~first_expiry(t, c)], t[first_expiry(t, c)].iloc[[20]]]),
        rule="too_few",
        formats=VOLS,
    ),
    Case("percent_quote", both(lambda x: 100 * x), rule="wrong_unit", formats=VOLS),
    Case("percent_expiry", percent_expiry, rule="wrong_unit", count=39, formats=("vol_table",)),
    Case("premium_above_strike", both(lambda x: 1e4 + x), rule="bounds", formats=PREMIUMS),
    Case(
        "unknown_right",
        lambda t, c: t.assign(option_type=np.where(np.arange(len(t)) == ROW, "X", t["option_type"])),
        rule="bad_right",
        formats=("datashop",),
    ),
    Case(
        "unknown_root",
        lambda t, c: t.assign(root=np.where(np.arange(len(t)) == ROW, "XSP", t["root"])),
        rule="other_root",
        formats=("datashop",),
    ),
    Case(
        "unknown_flag",
        lambda t, c: t.assign(cp_flag=np.where(np.arange(len(t)) == ROW, "", t["cp_flag"])),
        rule="bad_right",
        formats=("optionmetrics",),
    ),
    Case(
        "unknown_secid",
        lambda t, c: t.assign(secid=np.where(np.arange(len(t)) == ROW, 101594, t["secid"])),
        rule="other_root",
        formats=("optionmetrics",),
    ),
    Case("percent_everywhere", percent, say="row 2: SPX implied vols near the money exceed 3: percent", formats=VOLS),
    Case("no_strike_column", lambda t, c: t.drop(columns=c[0]), say="columns of no known format.*also needs strike"),
    Case(
        "no_ask_column",
        lambda t, c: t.drop(columns=[c[2], *(["ask_eod"] if "ask_eod" in t else [])]),
        say="columns of no known format.*also needs",
    ),
    Case(
        "strange_columns", lambda t, c: t.set_axis([f"c{i}" for i in range(t.shape[1])], axis=1), say="columns of no known format: 'c0, c1"
    ),
    Case("columns_named_twice", lambda t, c: t.assign(**{c[1].upper() + " ": 1.0}), say="columns named twice"),
    Case("header_only", lambda t, c: t.iloc[:0], say="no rows below the header"),
    Case("expiry_text", cell(3, "next month"), say=f"row {LINE}: .*is 'next month'; write dates as yyyy-mm-dd"),
    Case("expiry_day_first", column(3, lambda x: "15/03/2023"), say="row 2: .*'15/03/2023'; write dates"),
    Case("expiry_impossible", cell(3, "2023-02-30"), say=f"row {LINE}: .*2023-02-30"),
    Case("expiry_blank", cell(3, ""), say=f"row {LINE}: .*is ''"),
    Case("dates_swapped", swapped_dates, say="no usable quote: expired .*first: .* row 2, expired", formats=("plain", *PREMIUMS)),
    Case(
        "single_strike", lambda t, c: t.iloc[[ROW]], say="no usable smile|no expiry with three two-sided quotes: .*(too_few|no_forward) 1"
    ),
    Case("no_bids_at_all", column(1, lambda x: 0.0), say="no expiry with three two-sided quotes: "),
    Case("all_text", column(1, lambda x: "x"), say="no usable quote: not_a_number"),
    Case("calls_only", calls_only, say="no_forward .*first: .*no forward by put-call parity", formats=PREMIUMS),
    Case("premiums_in_cents", percent, say="discount by put-call parity is 99.*one unit", formats=PREMIUMS),
    Case(
        "strikes_in_points",
        column(0, lambda x: x.astype(float) / 1000),
        say="strikes have median .*thousandths",
        formats=("optionmetrics",),
    ),
    Case("strikes_in_thousandths", column(0, lambda x: x.astype(float) * 1000), say="strikes have median .*points", formats=("datashop",)),
    Case("only_other_roots", lambda t, c: t.assign(root="XSP"), say="no usable quote: other_root 358", formats=("datashop",)),
    Case(
        "forward_negative",
        column("Fwd", lambda x: -x.astype(float)),
        say="row 2: a forward of -4.* is no SPX level",
        formats=("vol_table",),
    ),
    Case("forward_normalised", column("Fwd", lambda x: 1.0), say="row 2: a forward of 1 is no SPX level", formats=("vol_table",)),
    Case("forward_text", forward_of(("Fwd", "spot")), say=f"row {LINE}: fwd is 'spot', a number is needed", formats=("vol_table",)),
    Case("two_forwards", forward_of(("Fwd", 4200.0)), say=f"row {LINE}: Fwd of expiry 2023-03-15 is 4200", formats=("vol_table",)),
    Case("plain_forward_negative", column("forward", lambda x: -x.astype(float)), say="row 2: a forward of -4", formats=("plain",)),
    Case("plain_two_forwards", forward_of(("forward", 4200.0)), say=f"row {LINE}: forward of expiry", formats=("plain",)),
    Case(
        "vix_forward_decimal",
        lambda t, c: t.assign(forward=t["forward"].where(t["market"] == "SPX", 0.2047)),
        say="0.2047 is no VIX level",
        formats=("plain",),
    ),
    Case("texp_blank", forward_of(("Texp", "")), say=f"row {LINE}: texp is '', a number is needed", formats=("vol_table",)),
    Case("texp_negative", column("Texp", lambda x: -x.astype(float)), say="Texp of expiry .* is -0.07.*positive", formats=("vol_table",)),
    Case("two_texps", forward_of(("Texp", 0.5)), say=f"row {LINE}: Texp of expiry", formats=("vol_table",)),
    Case(
        "texp_of_another_day",
        column("Texp", lambda x: x.astype(float) + 10 / 365.25),
        say="2023-02-15 by name, but Texp counts from 2023-02-05",
        formats=("vol_table",),
    ),
    Case("years_negative", column("years", lambda x: -x.astype(float)), say="row 2: years is -0.07", formats=("plain",)),
    Case("settlement_noon", forward_of(("settlement", "noon")), say=f"row {LINE}: settlement is 'noon'", formats=("plain",)),
    Case("rule_unknown", lambda t, c: t.assign(rule="looks_odd"), say="row 2: rule is 'looks_odd'", formats=("plain",)),
    Case(
        "several_days",
        lambda t, c: pd.concat([t, t.assign(quote_date="2023-02-16")]),
        say="holds 2 days .2023-02-15, 2023-02-16.: choose one",
        formats=("datashop",),
    ),
    Case("cut_short", lambda raw: raw[: raw[: len(raw) // 2].rfind(b",")], say=r"line \d+ has \d+ of \d+ fields: cut short", raw=True),
    Case("empty", lambda raw: b"", say="the file is empty", raw=True),
    Case("blank_lines", lambda raw: b"\n\n \n", say="the file is empty", raw=True),
    Case("binary_junk", lambda raw: bytes(range(256)) * 40, say="not text in UTF-8|NUL", raw=True),
    Case("nul_bytes", lambda raw: raw[:200] + b"\0" * 50 + raw[250:], say="NUL bytes", raw=True),
    Case("utf16", lambda raw: raw.decode().encode("utf-16"), say="not text in UTF-8|NUL", raw=True),
    Case("stray_quote", lambda raw: raw.replace(b"\n", b'\n"', 1), say="cannot be read as csv", raw=True),
    Case("swallowed_rows", lambda raw: b'"'.join([raw[:300], raw[300:600], raw[600:]]).replace(b'"', b',"', 1), say="csv|rows", raw=True),
    Case("field_too_many", lambda raw: raw[:-1] + b",1,2,3\n", say="cannot be read as csv|more fields", raw=True),
    Case("semicolons", lambda raw: raw.replace(b",", b";"), say="columns of no known format", raw=True),
    Case("prose", lambda raw: b"Dear reader,\nthis is a letter, not a table.\n", say="columns of no known format|csv", raw=True),
]
