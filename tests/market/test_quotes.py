"""Records refuse what they do not mean, and the butterfly rule sets aside exactly what it must."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smilebridge import market
from smilebridge.market.black import on_host
from smilebridge.market.butterfly import TOL_SLACK, convexity, misses, slack
from smilebridge.market.parity import regress


def smile(**changed):
    numbers = {"strikes": [90.0, 100.0, 110.0], "bid_iv": [0.2] * 3, "ask_iv": [0.22] * 3, "bid": [0.01, 0.02, 0.01]}
    fields = {name: np.array(column) for name, column in (numbers | {"ask": [0.02, 0.03, 0.02]}).items()}
    fields |= {"market": "SPX", "expiry": date(2023, 3, 15), "settlement": "pm", "years": 28 / 365, "forward": 100.0, "discount": 0.99}
    given = {name: np.array(value) if isinstance(value, list) else value for name, value in changed.items()}
    return market.Smile(**(fields | given))


def test_smile_copies_and_freezes_its_arrays():
    strikes = np.array([90.0, 100.0, 110.0])
    kept = smile(strikes=strikes)
    strikes[0] = 1.0
    assert kept.strikes[0] == 90.0
    with pytest.raises(ValueError, match="read-only"):
        kept.strikes[0] = 2.0


@pytest.mark.parametrize(
    ("changed", "contract"),
    [
        ({"strikes": [100.0, 90.0, 110.0]}, "increase"),
        ({"strikes": [90.0, 100.0]}, "one shape"),
        ({"bid": [0.01, 0.04, 0.01]}, "0 < bid <= ask"),
        ({"bid": [0.0, 0.02, 0.01]}, "0 < bid <= ask"),
        ({"ask_iv": [0.22, np.nan, 0.22]}, "finite"),
        ({"forward": -100.0}, "positive"),
        ({"years": 0.0}, "positive"),
        ({"settlement": "noon"}, "'am' or 'pm'"),
    ],
)
def test_smile_refuses_by_the_name_of_the_contract(changed, contract):
    with pytest.raises(market.QuoteError, match=f"SPX 2023-03-15.*{contract}"):
        smile(**changed)


def test_calls_follow_from_parity():
    found = smile()
    np.testing.assert_allclose(found.call_ask - found.ask, [0.1, 0.0, 0.0], atol=1e-15)


def test_quote_names_itself_and_its_row():
    quote = market.Quote("VIX", date(2023, 3, 15), 20.0, "C", 1.0, 1.1, "points", "x.csv row 7")
    error = market.QuoteError(quote, "need bid <= ask")
    assert str(error) == "VIX 2023-03-15 C20 (x.csv row 7): need bid <= ask"
    assert error.quote is quote


def convex_calls(k):
    """Prices of a lognormal, per forward."""
    return on_host(market.black_call, k, np.full(len(k), 0.2)).copy()


@given(st.lists(st.floats(0.5, 1.6), min_size=3, max_size=30, unique_by=lambda x: round(x, 3)), st.floats(1e-5, 1e-3))
def test_quotes_around_a_law_are_all_kept(strikes, half):
    k = np.sort(np.array(strikes))
    calls = convex_calls(k)
    assert misses(k, calls - half, calls + half) == {}


@given(st.integers(2, 17), st.floats(3.0, 50.0), st.sampled_from([-1.0, 1.0]))
def test_one_quote_off_by_many_half_spreads_is_the_one_set_aside(i, miss, sign):
    k, half = np.linspace(0.7, 1.4, 20), 2e-5
    calls = convex_calls(k)
    bent = np.abs(np.diff(calls, 2)).max()
    calls[i] += sign * (5 * bent + miss * half)
    found = misses(k, calls - half, calls + half)
    assert list(found) == [i]
    kept = np.delete(np.arange(20), list(found))
    assert slack(k[kept], calls[kept] - half, calls[kept] + half).max() < TOL_SLACK


def test_call_prices_are_arbitrage_free_iff_the_rows_hold():
    k = np.array([0.8, 1.0, 1.2])
    rows, columns, values, floor = convexity(k)
    excess = lambda calls: np.bincount(rows, values * np.array(calls)[columns]) - floor
    assert np.all(excess([0.25, 0.1, 0.04]) >= 0)
    for bad in ([0.19, 0.1, 0.04], [0.25, 0.2, 0.04], [0.25, 0.1, 0.11], [0.25, 0.02, 0.04]):  # intrinsic, convex, increasing, convex
        assert np.any(excess(bad) < -1e-12)


@given(st.floats(0.9, 1.02), st.floats(900.0, 1100.0), st.integers(0, 2**31))
def test_parity_regression_shrugs_off_wild_pairs(discount, forward, seed):
    rng = np.random.default_rng(seed)
    strikes = np.arange(800.0, 1205.0, 5.0)
    gap, width = discount * (forward - strikes), rng.uniform(0.2, 2.0, strikes.size)
    gap[rng.choice(strikes.size, 8, replace=False)] += rng.uniform(-300, 300, 8)
    found = regress(strikes, gap, width, window=0.1)
    assert abs(found.discount - discount) < 1e-9
    assert abs(found.forward - forward) < 1e-6
