"""Pictures of duality show the verdicts, portfolios and ranges that they are given, in the units that their axes name."""

from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest

import joints
from smilebridge import figures
from smilebridge.arbitrage import Portfolio


@pytest.fixture
def portfolio():
    """One option bought and one sold on each axis, hedged at random."""
    problem = joints.quoted(*joints.known(0), half=0.02)
    rng = np.random.default_rng(0)
    amounts = rng.normal(size=len(problem.contracts))
    return Portfolio(problem, amounts, -1.0 - abs(amounts).sum(), rng.normal(size=(8, 6)), np.zeros((8, 6)))


def test_verdicts_above_the_bid_ask_are_in_the_losing_band(ax):
    found = [SimpleNamespace(fraction=fraction) for fraction in (2.0, 0.3, np.inf)]
    figures.verdicts(ax, np.array([-1.0, 0.0, 1.0]), found, whole=SimpleNamespace(fraction=0.5))
    assert ax.get_ylim()[1] > 2.0
    assert np.isfinite(ax.get_ylim()[1])
    assert ax.lines[-1].get_xydata().tolist() == [[0.0, 0.5]]


def test_each_option_held_is_one_bar_of_money(portfolio):
    axes = plt.subplots(1, 3)[1]
    figures.holdings(axes, portfolio)
    bars = np.concatenate([[segment[1, 1] for segment in ax.collections[0].get_segments()] for ax in axes])
    assert portfolio.cash + bars.sum() / 100 == pytest.approx(portfolio.price)


def test_maps_name_the_vix_level_drawn(portfolio):
    axes, v = plt.subplots(1, 2)[1], portfolio.problem.axisV.x
    figures.payoff_maps(axes, portfolio, levels=(v[1] + 1e-4, v[4]))
    titles = [ax.get_title(loc="left") or ax.get_title() for ax in axes]
    assert titles == [f"VIX at {100 * v[j]:.0f}" for j in (1, 4)]


def test_bars_of_the_future_end_at_the_bounds(ax):
    figures.futures(ax, {"alone": SimpleNamespace(lower=0.15, upper=0.22), "with": SimpleNamespace(lower=0.2, upper=0.21)}, 0.205)
    spans = {(round(bar.get_x(), 9), round(bar.get_x() + bar.get_width(), 9)) for bar in ax.patches}
    assert spans == {(15.0, 22.0), (20.0, 21.0)}


def test_bands_are_drawn_in_per_cent(ax):
    figures.bands(ax, [0.9, 1.1], {"alone": [(0.1, 0.3), (0.05, 0.25)], "with": [(0.12, 0.28), (0.06, 0.2)]})
    assert np.allclose([line.get_ydata() for line in ax.lines], [[10, 5], [30, 25], [12, 6], [28, 20]])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["alone", "with"]
