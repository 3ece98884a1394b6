"""Settlements, exchange calendar, clocks, and the triples of maturities they make."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chains
from smilebridge import market
from smilebridge.market import clock, settlement

TWO_SIDED = {"2023-02-22": (110, 21, 147), "2023-03-01": (103, 29, 354), "2023-03-15": (59, 34, 94)}
PARTNER = {"2023-02-22": "2023-03-24", "2023-03-01": "2023-03-31", "2023-03-15": "2023-04-14"}


@pytest.fixture
def snapshot(tmp_path):
    return market.load(chains.write(chains.plain(), tmp_path / "plain.csv"))


@pytest.mark.parametrize(
    ("name", "expiry", "settles"),
    [
        ("SPX", date(2023, 3, 17), "am"),
        ("SPX", date(2023, 3, 16), "pm"),
        ("SPX", date(2019, 4, 18), "am"),  # Good Friday
        ("SPX", date(2019, 4, 19), "pm"),
        ("SPX", date(2026, 6, 18), "am"),  # Juneteenth
        ("VIX", date(2023, 3, 7), "am"),
    ],
)
def test_third_fridays_and_vix_settle_in_the_morning(name, expiry, settles):
    assert settlement.infer(name, expiry) == settles


def test_holidays_are_those_the_exchange_published():
    published = {
        2023: "01-02 01-16 02-20 04-07 05-29 06-19 07-04 09-04 11-23 12-25",
        2021: "01-01 01-18 02-15 04-02 05-31 07-05 09-06 11-25 12-24",
        2022: "01-17 02-21 04-15 05-30 06-20 07-04 09-05 11-24 12-26",
    }
    for year, days in published.items():
        assert clock.exchange_holidays(year) == {date.fromisoformat(f"{year}-{day}") for day in days.split()}


@given(st.dates(date(2000, 1, 3), date(2030, 1, 1)), st.sampled_from(clock.CLOCKS), st.sets(st.integers(20, 900), min_size=4, max_size=12))
def test_every_clock_is_recognised_from_its_own_fractions(day, ticks, ahead):
    day -= timedelta(max(0, day.weekday() - 4))
    expiries = [e for e in (day + timedelta(n) for n in ahead) if e.weekday() < 5]
    fractions = {expiry: ticks.days(day, expiry) / ticks.days_a_year for expiry in expiries} or {day + timedelta(30): 30 / 365}
    found, miss = clock.clock_of(day, fractions)
    assert found is not None
    assert miss < 0.02
    again = {expiry: found.days(day, expiry) / found.days_a_year for expiry in fractions}
    np.testing.assert_allclose(list(again.values()), list(fractions.values()), atol=0.02 / 250)


def test_saturday_expiries_trade_until_friday():
    assert settlement.last_trading_day(date(2010, 3, 20)) == date(2010, 3, 19)


def test_mismatch_counts_the_hours_of_the_settlements(snapshot):
    triple = market.select(snapshot, "2023-03-15")
    assert (triple.spx1.expiry, triple.spx2.expiry) == (date(2023, 3, 15), date(2023, 4, 14))
    assert triple.mismatch_t1_days == pytest.approx(6.5 / 24)  # 16:00 against 09:30
    assert triple.mismatch_t2_days == pytest.approx(6.5 / 24)


def test_near_alternatives_are_listed_after_the_nearest(snapshot):
    found = snapshot.triples()
    assert [(t.spx1.expiry.day, t.spx2.expiry.day) for t in found] == [(15, 14), (17, 14)]
    assert found[1].mismatch_t1_days == pytest.approx(2.0)
    assert [str(t) for t in found] == [str(t) for t in market.triples(snapshot)]


def test_basis_is_the_root_of_the_strips_difference_less_the_future(snapshot):
    triple = market.select(snapshot, date(2023, 3, 15))
    w1, w2 = (market.strip(smile, 1.0).total_variance for smile in (triple.spx1, triple.spx2))
    assert triple.forward_variance == pytest.approx((w2 - w1) * 365 / 30, rel=1e-12)
    assert triple.vix_future == pytest.approx(0.2047)
    assert triple.basis_vol_points == pytest.approx(100 * (triple.forward_variance**0.5 - 0.2047))


def first_five(smile):
    return {field: getattr(smile, field)[:5] for field in ("strikes", "bid", "ask", "bid_iv", "ask_iv")}


@pytest.mark.parametrize("order", [1, -1])
def test_nearest_of_equal_mismatches_has_most_vix_quotes(snapshot, order):
    (vix,) = snapshot.vix
    day = replace(snapshot, vix=(vix, replace(vix, **first_five(vix)))[::order])
    assert market.nearest(day).vix is vix


def test_nearest_prefers_less_mismatch_to_more_quotes(snapshot):
    (vix,) = snapshot.vix
    late = replace(vix, expiry=vix.expiry + timedelta(7))
    day = replace(snapshot, vix=(late, replace(vix, **first_five(vix))))
    found = market.nearest(day)
    assert (found.vix.expiry, len(found.vix)) == (vix.expiry, 5)
    assert found.mismatch_days == min(triple.mismatch_days for triple in day.triples())


def test_nearest_of_nothing_lists_what_there_is(snapshot):
    with pytest.raises(market.QuoteError, match="around any VIX expiry; there are: SPX 2023-03-15, .*, 2023-04-14; VIX none"):
        market.nearest(replace(snapshot, vix=()))


def test_legs_may_be_asked_for(snapshot):
    triple = market.select(snapshot, "2023-03-15", "2023-03-17", "2023-04-14")
    assert triple.spx1.settlement == "am"


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (("2023-03-22",), "no VIX expiry 2023-03-22; there are: 2023-03-15"),
        (("15 March",), "yyyy-mm-dd"),
        (("2023-03-15", "2023-03-16"), "no SPX expiry 2023-03-16; there are: 2023-03-15, 2023-03-17"),
        (("2023-03-15", "2023-04-14", "2023-03-17"), "in order"),
    ],
)
def test_select_lists_what_there_is(snapshot, asked, why):
    with pytest.raises(market.QuoteError, match=why):
        market.select(snapshot, *asked)


def test_real_triples_have_their_quotes_and_a_positive_basis(data_day):
    snapshot = market.load(data_day)
    for expiry, counts in TWO_SIDED.items():
        triple = market.select(snapshot, expiry)
        assert str(triple.spx2.expiry) == PARTNER[expiry]
        assert (len(triple.spx1), len(triple.vix), len(triple.spx2)) == counts
        assert triple.basis_vol_points > 0


def test_nearest_of_the_real_day_is_what_its_triples_say(data_day):
    snapshot = market.load(data_day)
    found = market.nearest(snapshot)
    least = min(round(triple.mismatch_days, 3) for triple in snapshot.triples())
    assert round(found.mismatch_days, 3) == least
    assert len(found.vix) == max(len(t.vix) for t in snapshot.triples() if round(t.mismatch_days, 3) == least)
