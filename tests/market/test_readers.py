"""Readers give back what the generators put in, say what they found, and lose no row."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

import chains
from smilebridge import market
from smilebridge.market import clock

TICK = 0.05
TOL_FORWARD = 1e-6  # points, from exact premiums
TOL_FORWARD_TICK = 0.02  # points: mids rounded to a tick are off by up to half of it, averaged over 17 pairs
EXACT = ("datashop", "optionmetrics", "plain")


def quotes_in_and_out(snapshot):
    return sum(len(smile) for smile in snapshot.smiles) + len(snapshot.ledger)


def loaded(name, tmp_path, **how):
    return market.load(chains.write(chains.FORMATS[name](**how), tmp_path / chains.NAMES[name]))


@pytest.mark.parametrize("name", chains.FORMATS)
@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".parquet"])
def test_every_format_gives_its_vols_and_forwards_back(name, suffix, tmp_path):
    table = chains.FORMATS[name]()
    snapshot = market.load(chains.write(table, tmp_path / chains.NAMES[name].replace(".csv", suffix)))
    assert snapshot.day == chains.DAY
    assert quotes_in_and_out(snapshot) == len(table)
    assert [s.settlement for s in snapshot.spx] == ["pm", "am", "pm", "pm"]
    for smile in snapshot.smiles:
        mid = 0.5 * (smile.bid_iv + smile.ask_iv)
        assert smile.forward == pytest.approx(chains.forward(smile.market, smile.expiry), abs=TOL_FORWARD)
        assert smile.years == pytest.approx(chains.years(smile.expiry), abs=1e-15)
        np.testing.assert_array_equal(smile.strikes, chains.strikes(smile.market))
        np.testing.assert_allclose(mid, chains.vol(smile.market, smile.expiry, smile.strikes), atol=1e-8)
    assert name not in EXACT or all(abs(s.discount - chains.discount(s.expiry)) < 1e-9 for s in snapshot.smiles)


@pytest.mark.parametrize("name", ["datashop", "optionmetrics"])
def test_premiums_rounded_to_ticks_still_tell_the_forward(name, tmp_path):
    snapshot = loaded(name, tmp_path, tick=TICK)
    for smile in snapshot.smiles:
        assert smile.forward == pytest.approx(chains.forward(smile.market, smile.expiry), abs=TOL_FORWARD_TICK)
        assert smile.discount == pytest.approx(chains.discount(smile.expiry), abs=2e-4)
        inside = chains.vol(smile.market, smile.expiry, smile.strikes)
        assert np.mean((smile.bid_iv <= inside) & (inside <= smile.ask_iv)) > 0.9
    assert market.ledger_counts(snapshot)["butterfly"].sum() == 0 if "butterfly" in market.ledger_counts(snapshot) else True


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("vol_table", "SPX by file name and level of the forward; quote date 2023-02-15 by name"),
        ("vol_table", "Texp is calendar days/365.25; implied vols restated on ACT/365"),
        ("datashop", "Cboe DataShop end of day, 358 rows, 5 expiries|quotes of 15:45; settlement by root"),
        ("optionmetrics", "market by secid"),
        ("optionmetrics", "inferred from the dates: third Fridays am"),
        ("optionmetrics", "SPX forwards by put-call parity: 4 series"),
    ],
)
def test_notes_say_what_was_found(name, said, tmp_path):
    assert any(part in note for note in loaded(name, tmp_path).notes for part in said.split("|"))


@pytest.mark.parametrize("ticks", clock.CLOCKS, ids=lambda c: c.name)
def test_total_variance_is_kept_whatever_the_clock_of_texp(ticks, tmp_path):
    table = chains.vol_table()
    expiries = [date.fromisoformat(f"{e[:4]}-{e[4:6]}-{e[6:]}") for e in table["Expiry"]]
    texp = np.array([ticks.days(chains.DAY, e) / ticks.days_a_year for e in expiries])
    stretch = np.sqrt(table["Texp"] / texp)
    table = table.assign(Texp=texp, Bid=table["Bid"] * stretch, Ask=table["Ask"] * stretch)
    snapshot = market.load(chains.write(table, tmp_path / "spx_20230215.csv"))
    truth = market.load(chains.write(chains.vol_table(), tmp_path / "b_spx_20230215.csv"))
    for one, two in zip(snapshot.spx, truth.spx, strict=True):
        np.testing.assert_allclose(one.bid_iv, two.bid_iv, rtol=1e-13)
    assert any("Texp is" in note for note in snapshot.notes)


def test_a_clock_that_nobody_knows_is_said_and_total_variance_kept(tmp_path):
    table = chains.vol_table()
    snapshot = market.load(chains.write(table.assign(Texp=table["Texp"] * 1.07), tmp_path / "spx_20230215.csv"))
    assert any("matches no known clock" in note for note in snapshot.notes)
    assert snapshot.spx[0].bid_iv[0] == pytest.approx(table["Bid"][0] * np.sqrt(table["Texp"][0] * 1.07 / snapshot.spx[0].years), rel=1e-13)


def test_quote_date_is_read_off_texp_where_no_name_tells(tmp_path):
    snapshot = market.load(chains.write(chains.vol_table(), tmp_path / "table.csv"))
    assert snapshot.day == chains.DAY
    assert any("by Texp" in note for note in snapshot.notes)
    assert any("SPX by level of the forward" in note for note in snapshot.notes)


def test_a_folder_joins_its_files(tmp_path):
    for name in ("SPX", "VIX"):
        chains.write(chains.vol_table(name), tmp_path / f"{name.lower()}_20230215.csv")
    (tmp_path / "LICENSE").write_text("not a quote file")
    snapshot = market.load(tmp_path)
    assert (len(snapshot.spx), len(snapshot.vix)) == (4, 1)
    assert snapshot.vix_futures == {date(2023, 3, 15): 20.47}


def test_morning_and_close_series_of_one_day_are_two_smiles(tmp_path):
    table = chains.datashop()
    twin = table[table["expiration"] == "2023-03-17"].assign(root="SPXW")
    snapshot = market.load(chains.write(pd.concat([table, twin]), tmp_path / "cboe.csv"))
    assert [(s.expiry.day, s.settlement) for s in snapshot.spx[1:3]] == [(17, "am"), (17, "pm")]


def test_day_selects_one_of_several(tmp_path):
    table = chains.datashop()
    path = chains.write(pd.concat([table, table.assign(quote_date="2023-02-16")]), tmp_path / "cboe.csv")
    assert market.load(path, day="2023-02-16").day == date(2023, 2, 16)
    assert market.load(path, day=chains.DAY).day == chains.DAY


def test_close_is_read_where_there_is_no_1545(tmp_path):
    table = chains.datashop().drop(columns=["bid_1545", "ask_1545"])
    snapshot = market.load(chains.write(table.rename(columns=str.upper), tmp_path / "cboe.csv"))
    assert any("quotes of the close" in note for note in snapshot.notes)


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ({"am_settlement": 1}, "settlement by am_settlement"),
        ({"ticker": "SPX"}, "market by ticker"),
        ({"symbol": "SPXW 230315C3000000"}, "market by symbol"),
    ],
)
def test_optionmetrics_market_and_settlement_by_the_best_column(extra, said, tmp_path):
    table = chains.optionmetrics()
    table = table[table["secid"] == 108105].assign(**extra)
    snapshot = market.load(chains.write(table, tmp_path / "om.csv"))
    assert any(said in note for note in snapshot.notes)
    settled = {s.settlement for s in snapshot.spx}
    assert settled == ({"am"} if "am_settlement" in extra else {"pm"} if "symbol" in extra else {"am", "pm"})


def test_optionmetrics_without_names_goes_by_the_level_of_strikes(tmp_path):
    table = chains.optionmetrics()
    snapshot = market.load(chains.write(table[table["secid"] == 117801].drop(columns="secid"), tmp_path / "om.csv"))
    assert (len(snapshot.spx), len(snapshot.vix)) == (0, 1)


def test_a_forward_in_the_file_is_taken(tmp_path):
    table = chains.optionmetrics().assign(forward_price=lambda t: np.where(t["secid"] == 108105, 4150.0, 20.5))
    snapshot = market.load(chains.write(table, tmp_path / "om.csv"))
    assert {s.forward for s in snapshot.smiles} == {4150.0, 20.5}


def test_one_wild_premium_does_not_move_the_forward(tmp_path):
    table = chains.datashop()
    row = table.index[(table["strike"] == 4150) & (table["option_type"] == "P")][0]
    table.loc[row, ["bid_1545", "ask_1545"]] *= 1.5
    snapshot = market.load(chains.write(table, tmp_path / "cboe.csv"))
    assert snapshot.spx[0].forward == pytest.approx(chains.forward("SPX", snapshot.spx[0].expiry), abs=TOL_FORWARD)
    assert [line.rule for line in snapshot.spx[0].ledger if line.rule != "in_the_money"] == ["butterfly"]


def test_an_expiry_with_one_pair_borrows_its_discount(tmp_path):
    table = chains.datashop()
    lonely = (table["expiration"] == "2023-03-24") & (table["option_type"] == "C") & (table["strike"] < 4150)
    far = (table["expiration"] == "2023-03-24") & (table["option_type"] == "P") & (table["strike"] > 4150)
    snapshot = market.load(chains.write(table[~lonely & ~far], tmp_path / "cboe.csv"))
    smile = snapshot.spx[2]
    assert smile.discount == pytest.approx(chains.discount(smile.expiry), abs=1e-5)
    assert any("interpolated from other series" in note for note in snapshot.notes)


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".parquet"])
def test_round_trip_is_exact_and_keeps_the_ledger(suffix, tmp_path):
    table = chains.datashop(tick=TICK)
    table.loc[3, "bid_1545"] = -1.0
    table["ask_1545"] = table["ask_1545"].astype(object)
    table.loc[4, "ask_1545"] = 'so, "what"'
    other = table.iloc[:2].assign(root="XSP")
    snapshot = market.load(chains.write(pd.concat([table, other]), tmp_path / "cboe.csv"))
    again = market.load(market.to_csv(snapshot, tmp_path / f"ours{suffix}"))
    assert len(again.ledger) == len(snapshot.ledger)
    assert sorted(map(repr, again.ledger)) == sorted(map(repr, snapshot.ledger))
    for one, two in zip(snapshot.smiles, again.smiles, strict=True):
        assert all(getattr(one, name) == getattr(two, name) for name in ("market", "expiry", "settlement", "years", "forward", "discount"))
        for name in ("strikes", "bid_iv", "ask_iv", "bid", "ask"):
            np.testing.assert_allclose(getattr(one, name), getattr(two, name), rtol=0, atol=1e-14)
    pd.testing.assert_frame_equal(market.ledger_counts(again), market.ledger_counts(snapshot))


def test_a_failed_write_leaves_nothing_behind(tmp_path):
    snapshot = loaded("plain", tmp_path)
    with pytest.raises(market.QuoteError, match=r"\.parquet"):
        market.to_csv(snapshot, tmp_path / "ours.xlsx")
    assert [p.name for p in tmp_path.iterdir()] == ["plain.csv"]


def test_the_least_plain_table_needs_seven_columns(tmp_path):
    columns = ["day", "market", "expiry", "strike", "forward", "bid_iv", "ask_iv"]
    snapshot = market.load(chains.write(chains.plain()[columns], tmp_path / "plain.csv"))
    assert [s.settlement for s in snapshot.spx] == ["pm", "am", "pm", "pm"]
    assert {s.discount for s in snapshot.smiles} == {1.0}


def test_every_row_of_the_real_day_is_retained_or_in_the_ledger(data_day):
    rows = sum(len(pd.read_csv(path)) for path in data_day.glob("*.csv"))
    snapshot = market.load(data_day)
    counts = market.ledger_counts(snapshot)
    assert counts.to_numpy().sum() == quotes_in_and_out(snapshot) == rows == 8060
    assert (len(snapshot.spx), len(snapshot.vix)) == (48, 12)
    assert set(counts) == {"retained", "no_bid"}
    assert counts["retained"].sum() == 7264


def test_the_real_day_survives_a_round_trip(data_day, tmp_path):
    snapshot = market.load(data_day)
    again = market.load(market.to_csv(snapshot, tmp_path / "ours.parquet"))
    assert market.vix_index(again).value == market.vix_index(snapshot).value
    assert all(np.array_equal(one.bid, two.bid) for one, two in zip(snapshot.smiles, again.smiles, strict=True))


def test_typed_parquet_with_dates_and_missing_cells_reads_like_text(tmp_path):
    table = chains.optionmetrics()
    truth = market.load(chains.write(table, tmp_path / "om.csv"))
    typed = table.assign(date=pd.to_datetime(table["date"]), exdate=pd.to_datetime(table["exdate"]), am_settlement=None)
    found = market.load(chains.write(typed, tmp_path / "om.parquet"))
    assert [s.expiry for s in found.smiles] == [s.expiry for s in truth.smiles]
    np.testing.assert_array_equal(found.spx[0].bid, truth.spx[0].bid)


def test_widths_lost_in_rounding_are_set_aside_by_name(tmp_path):
    """Vols so low that the far calls differ from parity by less than rounding: in the ledger, not a division by zero."""
    table = chains.plain()
    late = (table["market"] == "SPX") & (table["expiry"].astype(str) == "2023-04-14")
    table.loc[late, ["bid_iv", "ask_iv"]] *= 0.4
    path = tmp_path / "low.csv"
    table.to_csv(path, index=False)
    snapshot = market.load(path)
    assert "bounds" in {line.rule for line in snapshot.ledger if str(line.quote.expiry) == "2023-04-14"}
