"""The VIX index: the published close, markets with known variance, the rule's stops, and a round trip."""

from dataclasses import replace
from datetime import date

import jax.numpy as jnp
import numpy as np
import pytest

import chains
from smilebridge import market

PUBLISHED = 18.23  # Cboe's close of 15 February 2023, points
TOL_INDEX = 0.05  # points: quotes of the day's end, not of the exchange's last second


def flat(expiry, settlement, vol=0.2, *, day=date(2023, 2, 15), step=5.0):
    """A dense SPX smile of one implied vol, wide enough for the whole variance."""
    years, strikes = (expiry - day).days / 365, np.arange(1500.0, 9000.0, step)
    price = np.array(market.black_otm(jnp.asarray(strikes / 4000.0), jnp.full(strikes.size, vol * years**0.5)))
    real = price > 1e-14
    vols = np.full(int(real.sum()), vol)
    return market.Smile("SPX", expiry, settlement, years, 4000.0, 0.99, strikes[real], vols, vols, price[real], price[real])


def day_of(*smiles):
    return market.Snapshot(date(2023, 2, 15), "flat", smiles, ())


@pytest.fixture
def two_fridays():
    return day_of(flat(date(2023, 3, 17), "am"), flat(date(2023, 3, 24), "pm"))


def test_published_close_of_2023_02_15(data_day):
    index = market.vix_index(market.load(data_day))
    assert abs(index.value - PUBLISHED) < TOL_INDEX
    assert (str(index.near.expiry), str(index.next.expiry)) == ("2023-03-17", "2023-03-24")
    assert index.near.days == 30.0


def test_flat_volatility_is_its_own_index(two_fridays):
    assert market.vix_index(two_fridays).value == pytest.approx(20.0, abs=0.002)


def test_index_is_the_root_of_interpolated_total_variance():
    near, far = flat(date(2023, 3, 10), "pm", 0.15), flat(date(2023, 3, 24), "pm", 0.25)
    total = (0.15**2 * 23 * 7 + 0.25**2 * 37 * 7) / 14 / 30
    index = market.vix_index(day_of(near, far))
    assert index.value == pytest.approx(100 * total**0.5, abs=0.003)
    assert "from 23 to 37 days" in index.notes[0]


def test_minutes_count_the_morning_settlement(two_fridays):
    index = market.vix_index(two_fridays, clock="minutes")
    assert index.near.days == pytest.approx(30 - 6.5 / 24)
    assert index.value > market.vix_index(two_fridays).value
    assert "counted in days: 20.00" in index.notes[-1]


def test_the_morning_series_goes_first_on_third_fridays():
    snapshot = day_of(flat(date(2023, 3, 17), "am"), flat(date(2023, 3, 17), "pm", 0.3), flat(date(2023, 3, 24), "pm"))
    assert market.vix_index(snapshot).near.settlement == "am"


@pytest.mark.parametrize(("strikes", "lowest"), [((3000.0, 2995.0), 3005.0), ((3000.0, 2990.0), 1500.0)])
def test_two_zero_bids_in_a_row_end_the_strip(strikes, lowest):
    smile = flat(date(2023, 3, 17), "am", 0.6)
    kept = ~np.isin(smile.strikes, strikes)
    quotes = [market.Quote("SPX", smile.expiry, k, "P", 0.0, 0.05, "points", "row 1") for k in strikes]
    columns = {name: getattr(smile, name)[kept] for name in ("strikes", "bid_iv", "ask_iv", "bid", "ask")}
    thinned = replace(smile, ledger=tuple(market.Rejection(q, "no_bid", "") for q in quotes), **columns)
    assert market.strip(thinned, 30.0).lowest == lowest


def test_index_survives_a_round_trip(tmp_path):
    snapshot = market.load(chains.write(chains.datashop(tick=0.05), tmp_path / "cboe.csv"))
    again = market.load(market.to_csv(snapshot, tmp_path / "ours.csv"))
    assert market.vix_index(again).value == pytest.approx(market.vix_index(snapshot).value, abs=1e-12)


def test_put_and_call_are_averaged_at_k0(tmp_path):
    snapshot = market.load(chains.write(chains.datashop(), tmp_path / "cboe.csv"))
    by_parity = tuple(replace(smile, ledger=()) for smile in snapshot.spx)
    quoted, parity = market.vix_index(snapshot), market.vix_index(replace(snapshot, spx=by_parity))
    assert quoted.value == pytest.approx(parity.value, abs=1e-9)


@pytest.mark.parametrize("smiles", [(), (flat(date(2023, 3, 10), "pm"),), (flat(date(2023, 4, 14), "pm"),)])
def test_no_bracket_is_an_error_that_lists_the_expiries(smiles):
    with pytest.raises(market.QuoteError, match="both sides of 30 days; there are: " + (str(smiles[0].expiry) if smiles else "none")):
        market.vix_index(day_of(*smiles))


def test_unknown_clock_is_refused(two_fridays):
    with pytest.raises(market.QuoteError, match="'days' or 'minutes'"):
        market.vix_index(two_fridays, clock="business")
