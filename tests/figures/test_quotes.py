"""Drawings of quotes show what they are given, in the units of their labels, and return their axes."""

from datetime import date

import numpy as np
import pytest

from smilebridge import figures, market


def smile(name, expiry, settlement, forward):
    k, vols = np.array([0.9, 1.0, 1.1]), np.array([0.25, 0.2, 0.22])
    price = np.array([0.01, 0.03, 0.01])
    return market.Smile(name, expiry, settlement, 0.1, forward, 1.0, forward * k, vols, vols + 0.02, price, price + 0.001)


@pytest.fixture
def triple():
    early, late = date(2023, 3, 15), date(2023, 4, 14)
    legs = (smile("SPX", early, "pm", 4000.0), smile("VIX", early, "am", 20.0), smile("SPX", late, "pm", 4010.0))
    return market.Triple(*legs, 0.27, -1.5, 0.045, 0.2)


def test_smile_is_drawn_in_percent_from_bid_to_ask(ax, triple):
    assert figures.quoted_smile(ax, triple.spx1) is ax
    bars = np.array(ax.collections[0].get_segments())
    np.testing.assert_allclose(bars[:, :, 1], 100 * np.stack([triple.spx1.bid_iv, triple.spx1.ask_iv], axis=1))
    assert "%" in ax.get_ylabel()


def test_strip_bars_lie_at_the_strikes(ax, triple):
    k = triple.spx1.k
    assert figures.strip_by_strike(ax, k, k - 0.1, k + 0.1) is ax
    bars = np.array(ax.collections[-1].get_segments())
    np.testing.assert_allclose(bars[:, 0, 0], k)


def test_mismatch_shows_both_legs(ax, triple):
    assert figures.mismatch(ax, [triple]) is ax
    assert [float(line.get_xdata()[0]) for line in ax.lines[:2]] == [0.27, -1.5]


def test_roads_are_drawn_in_points(ax, triple):
    bands = np.array([[0.19, 0.2, 0.21]])
    assert figures.three_roads(ax, [triple], bands, bands + 0.01) is ax
    ends = [tuple(np.array(found.get_segments())[0][:, 0].round(9)) for found in ax.collections]
    assert ends == [(19.0, 21.0), (20.0, 22.0)]
    assert float(ax.lines[-1].get_xdata()[0]) == 20.0
