"""The embedded real day: our fits turned back into quotes."""

import numpy as np
import pytest

from smilebridge import marginals, market


@pytest.fixture(scope="module")
def snapshot():
    return market.load("2023-02-15")


def test_embedded_day_says_that_it_is_reconstructed(snapshot):
    assert "reconstructed" in snapshot.source
    assert any("not the day's raw quotes" in note for note in snapshot.notes)


def test_embedded_day_has_three_whole_triples_and_three_windows_end_to_end(snapshot):
    whole = [market.select(snapshot, vix.expiry) for vix in snapshot.vix[:3]]
    assert max(max(abs(t.mismatch_t1_days), abs(t.mismatch_t2_days)) for t in whole) < 1
    windows = market.successive(snapshot, 3)
    assert [str(t.vix.expiry) for t in windows] == ["2023-02-22", "2023-03-22", "2023-04-19"]
    for triple in windows:
        days = market.window_clock(snapshot, triple) * 365
        assert 25 < days < 32


def test_quotes_stay_inside_the_range_that_was_quoted(snapshot):
    fits = marginals.shipped.fits()
    for smile in snapshot.smiles:
        row = fits[(fits.market == smile.market) & (fits.expiry == str(smile.expiry))].iloc[0]
        assert row.lowest_strike <= smile.strikes[0]
        assert smile.strikes[-1] <= row.highest_strike


def test_components_keep_the_forward():
    laws = market.shipped_table("2023-02-15", "laws")
    for _, law in laws.groupby(["market", "expiry"]):
        np.testing.assert_allclose([law.weight.sum(), law.weight @ law["mean"]], 1.0, atol=1e-12)


def test_shipped_fits_meet_every_quote_they_count():
    fits = marginals.shipped.fits()
    assert (fits.inside == fits.quotes).all()
    assert (fits.worst_error_half_spreads <= 1).all()


def test_shipped_fits_agree_with_the_raw_quotes(data_day):
    raw = market.load(data_day)
    embedded = market.load("2023-02-15")
    for smile in embedded.smiles:
        quoted = next(s for s in raw.smiles if (s.market, s.expiry) == (smile.market, smile.expiry))
        inside = (smile.k > quoted.k[0]) & (smile.k < quoted.k[-1])
        model = 0.5 * (smile.bid_iv + smile.ask_iv)[inside]
        bid, ask = (np.interp(smile.k[inside], quoted.k, side) for side in (quoted.bid_iv, quoted.ask_iv))
        room = 0.01 if smile.market == "SPX" else 0.05  # between quoted strikes a law need not follow straight lines
        assert np.all((model > bid - room) & (model < ask + room))
