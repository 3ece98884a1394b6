"""Calendar arbitrage at quoted prices: found when there is one, and only then; the portfolio wins without the solver's word."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

import chains
from smilebridge import arbitrage, market

EXPIRIES = (date(2023, 3, 15), date(2023, 4, 14))


def smile(expiry, k, stdev, half):
    """SPX smile of a lognormal law: calls within `half` of their price, per forward."""
    k = np.asarray(k, float)
    otm = chains.black(k, 1.0, stdev, True) - np.maximum(1.0 - k, 0.0)
    bid, ask = np.maximum(otm - half, 1e-9), otm + half
    vols = np.full_like(k, stdev)
    return market.Smile("SPX", expiry, "pm", (expiry - chains.DAY).days / 365, 4000.0, 1.0, 4000 * k, vols, vols, bid, ask)


def pair(stdev1, stdev2, *, half=1e-4, k1=(0.9, 0.97, 1.0, 1.05), k2=(0.88, 0.95, 1.02, 1.1)):
    return smile(EXPIRIES[0], k1, stdev1, half), smile(EXPIRIES[1], k2, stdev2, half)


def test_wider_late_law_shows_no_arbitrage():
    assert arbitrage.quoted(*pair(0.05, 0.08)) is None


def test_portfolio_pays_to_enter_and_never_loses():
    spread = arbitrage.quoted(*pair(0.08, 0.05))
    s1, s2 = np.meshgrid(np.geomspace(0.2, 5, 500), np.geomspace(0.2, 5, 500))
    assert spread.price < -1e-3
    assert spread.payoff(s1, s2).min() >= -1e-12
    assert spread.worst_payoff >= -1e-12


def test_payoff_is_the_calls_and_the_hedge_and_nothing_else():
    spread = arbitrage.quoted(*pair(0.08, 0.05))
    sold, *bought = spread.legs
    by_hand = -max(1.3 - sold.strike, 0.0)
    by_hand += sum(leg.amount * (max(0.7 - leg.strike, 0.0) + (leg.strike < 1.3) * (1.3 - 0.7)) for leg in bought)
    assert float(spread.payoff(1.3, 0.7)) == pytest.approx(by_hand, abs=1e-15)


def test_legs_are_quoted_contracts_at_their_side_of_the_market():
    early, late = pair(0.08, 0.05)
    sold, *bought = arbitrage.quoted(early, late).legs
    assert sold.price in early.call_bid
    assert sold.amount == -1.0
    assert sum(leg.amount for leg in bought) == pytest.approx(1.0, abs=1e-15)
    assert all(leg.price in late.call_ask for leg in bought)
    assert all(leg.contract.startswith("SPX 2023-04-14 C") for leg in bought)


def test_the_forward_stands_in_for_a_missing_low_strike():
    spread = arbitrage.quoted(*pair(0.3, 0.05, k1=(0.9, 0.95, 1.0), k2=(1.02, 1.1, 1.2), half=1e-5))
    assert "SPX 2023-04-14 forward" in [leg.contract for leg in spread.legs]
    assert spread.worst_payoff >= -1e-12


def test_beyond_the_last_strike_one_call_is_enough():
    spread = arbitrage.quoted(*pair(0.2, 0.05, k1=(0.9, 1.0, 1.3), k2=(0.9, 1.0, 1.1), half=1e-7))
    assert spread is not None
    assert spread.price < 0


def test_a_crafted_chain_is_caught_and_named(tmp_path):
    table = chains.plain()
    late = (table["market"] == "SPX") & (table["expiry"] == "2023-04-14")
    table.loc[late, ["bid_iv", "ask_iv"]] *= 0.6
    triple = market.select(market.load(chains.write(table, tmp_path / "late.csv")), "2023-03-15")
    said = str(arbitrage.quoted(triple.spx1, triple.spx2))
    assert "sell SPX 2023-03-15 C4100" in said
    assert "SPX 2023-04-14 C4100" in said


def ordered_laws_exist(early, late):
    """By linear programme: convex decreasing curves f1 <= f2 from 1 at strike 0, each between its bids and asks."""
    k = np.unique(np.r_[0.0, early.k, late.k])
    n, pace = len(k), np.diff(np.eye(len(k)), axis=0) / np.diff(k)[:, None]
    shape = np.vstack([-np.diff(pace, axis=0), pace[-1:], -pace[:1]])  # slopes increase, end below 0, start above -1
    bound = np.r_[np.zeros(n - 2), 0.0, 1.0]
    zero = np.zeros_like(shape)
    rows = np.vstack([np.hstack([shape, zero]), np.hstack([zero, shape]), np.hstack([np.eye(n), -np.eye(n)])])
    limits = [[0.0, 1.0] for _ in range(2 * n)]
    limits[0], limits[n] = [1.0, 1.0], [1.0, 1.0]
    for shift, one in ((0, early), (n, late)):
        for strike, bid, ask in zip(one.k, one.call_bid, one.call_ask, strict=True):
            limits[shift + int(np.searchsorted(k, strike))] = [bid, ask]
    return linprog(np.zeros(2 * n), A_ub=rows, b_ub=np.r_[bound, bound, np.zeros(n)], bounds=limits).status == 0


ladder = st.lists(st.integers(75, 130), min_size=3, max_size=7, unique=True).map(lambda k: np.sort(k) / 100)


@settings(max_examples=60)
@given(ladder, ladder, st.floats(0.04, 0.12), st.floats(0.85, 1.15), st.floats(1e-4, 3e-3))
def test_arbitrage_is_found_exactly_where_no_ordered_laws_exist(k1, k2, stdev, ratio, half):
    early, late = pair(stdev, stdev * ratio, half=half, k1=k1, k2=k2)
    spread = arbitrage.quoted(early, late)
    if spread is None or spread.price < -1e-6:  # within the programme's own tolerance neither is wrong
        assert (spread is None) == ordered_laws_exist(early, late)
