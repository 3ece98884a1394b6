"""Spoilt chains: each gets the named error or the named line of the ledger; nothing else ever comes out of `load`.

Every case is a good chain with one thing done to it. `say` cases must raise QuoteError with these words (file, row, contract);
`rule` cases must load and put exactly so many quotes under the rule.
"""

import gzip
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chains
from smilebridge import market
from spoilt import CASES, COLUMNS, good

CHAINS = [(case, name) for case in CASES for name in case.formats]


def test_at_least_sixty_chains_are_spoilt():
    assert len(CHAINS) >= 60


@pytest.mark.parametrize(("case", "name"), CHAINS, ids=[f"{case.name}-{name}" for case, name in CHAINS])
def test_spoilt_chain_is_named(case, name, tmp_path):
    path = tmp_path / chains.NAMES[name]
    table = good(name) if case.raw else case.spoil(good(name), COLUMNS[name])
    chains.write(table, path)
    if case.raw:
        path.write_bytes(case.spoil(path.read_bytes()))
    if case.say:
        with pytest.raises(market.QuoteError, match=case.say) as caught:
            market.load(path)
        assert re.match(rf"{path.name}|SPX|VIX", str(caught.value)), "the message leads with file, row or quote"
        return
    snapshot = market.load(path)
    counts = market.ledger_counts(snapshot)
    fair = {"retained", "in_the_money", case.rule}
    assert set(counts) <= fair, f"rules broken beside {case.rule}: {set(counts) - fair}"
    assert counts[case.rule].sum() == case.count
    assert counts.to_numpy().sum() == len(table)
    line = next(line for line in snapshot.ledger if line.rule == case.rule)
    assert re.fullmatch(rf"{path.name} row \d+", line.quote.where)
    truthful(snapshot)


def truthful(snapshot):
    """No wrong number: what is retained is two-sided, finite, and within half a vol point of the good chain."""
    for smile in snapshot.smiles:
        assert np.all((smile.bid > 0) & (smile.bid <= smile.ask) & np.isfinite(smile.ask))
        mid = 0.5 * (smile.bid_iv + smile.ask_iv)
        np.testing.assert_allclose(mid, chains.vol(smile.market, smile.expiry, smile.strikes), atol=0.005)


@pytest.mark.parametrize(
    ("name", "content", "say"),
    [
        ("chain.parquet", b"PAR1 not really", "cannot be read as parquet"),
        ("chain.parquet", b"", "cannot be read as parquet"),
        ("chain.csv.gz", b"\x1f\x8b\x08 junk", "cannot be read"),
        ("chain.csv.gz", gzip.compress(b"a,b\n1,2\n" * 500, mtime=0)[:-20], "cannot be read"),
        ("chain.xlsx", b"PK", r"ends in \.csv"),
    ],
)
def test_unreadable_file_is_named(name, content, say, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(market.QuoteError, match=f"{name}: .*{say}"):
        market.load(tmp_path / name)


def test_empty_folder_is_named(tmp_path):
    with pytest.raises(market.QuoteError, match="folder holds no"):
        market.load(tmp_path)


def test_one_bad_file_spoils_its_folder_by_name(tmp_path):
    chains.write(chains.vol_table(), tmp_path / "spx_20230215.csv")
    (tmp_path / "vix_20230215.csv").write_text("")
    with pytest.raises(market.QuoteError, match=r"vix_20230215\.csv: the file is empty"):
        market.load(tmp_path)


@pytest.mark.parametrize("name", ["no/such/file.csv", "clam", "x" * 5000, "nul\0name"])
def test_unknown_name_lists_the_known(name):
    with pytest.raises(market.QuoteError, match="neither a file, nor a folder, nor one of 2023-02-15, calm, normal, stressed"):
        market.load(name)


def test_day_that_is_not_there_lists_the_days(tmp_path):
    with pytest.raises(market.QuoteError, match="no quotes of 2023-02-14; days in it: 2023-02-15"):
        market.load(chains.write(chains.datashop(), tmp_path / "cboe.csv"), day="2023-02-14")


def test_day_that_is_no_date_is_named(tmp_path):
    with pytest.raises(market.QuoteError, match="yyyy-mm-dd"):
        market.load(chains.write(chains.datashop(), tmp_path / "cboe.csv"), day="yesterday")


def test_vol_table_named_for_the_other_market_is_refused(tmp_path):
    with pytest.raises(market.QuoteError, match=r"vix_20230215\.csv row 2: a forward of 41.* is no VIX level"):
        market.load(chains.write(chains.vol_table("SPX"), tmp_path / "vix_20230215.csv"))


def test_missing_vix_expiry_lists_those_there_are(tmp_path):
    snapshot = market.load(chains.write(chains.vol_table("SPX"), tmp_path / "spx_20230215.csv"))
    with pytest.raises(market.QuoteError, match="no VIX expiry 2023-03-15; there are: none"):
        market.select(snapshot, "2023-03-15")
    assert snapshot.triples() == ()


JUNK = st.one_of(
    st.sampled_from(
        ["", "nan", "-1", "0", "inf", "-inf", "1e308", "1e-308", "abc", "18.2", "2023-03-15", "C", "SPX", '"', ",", "\x00", "é", "1e999"]
    ),
    st.floats(allow_nan=True).map(repr),
    st.text(max_size=6),
)


@pytest.mark.parametrize("name", COLUMNS)
@settings(max_examples=40)
@given(data=st.data())
def test_random_corruption_raises_or_leaves_two_sided_quotes(name, data, tmp_path_factory):
    table = good(name).astype(str)
    for _ in range(data.draw(st.integers(1, 6))):
        row, col = data.draw(st.integers(0, len(table) - 1)), data.draw(st.integers(0, table.shape[1] - 1))
        table.iloc[row, col] = data.draw(JUNK)
    path = tmp_path_factory.mktemp("fuzz") / chains.NAMES[name]
    path.write_text(table.to_csv(index=False), encoding="utf-8", errors="replace")
    try:
        snapshot = market.load(path)
    except market.QuoteError:
        return
    for smile in snapshot.smiles:
        assert np.all((smile.bid > 0) & (smile.bid <= smile.ask))
        assert np.all((smile.bid_iv > 0) & (smile.bid_iv <= smile.ask_iv))
    assert sum(map(len, snapshot.smiles)) + len(snapshot.ledger) == len(table)


@pytest.mark.parametrize("name", COLUMNS)
@settings(max_examples=25)
@given(data=st.data())
def test_random_bytes_in_the_file_raise_or_leave_two_sided_quotes(name, data, tmp_path_factory):
    path = chains.write(good(name), tmp_path_factory.mktemp("fuzz") / chains.NAMES[name])
    raw = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at : at + data.draw(st.integers(0, 12))] = data.draw(st.binary(max_size=12))
    path.write_bytes(bytes(raw))
    try:
        snapshot = market.load(path)
    except market.QuoteError:
        return
    assert all(np.all((smile.bid > 0) & (smile.bid <= smile.ask)) for smile in snapshot.smiles)
