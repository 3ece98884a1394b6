"""Pictures of convex order show what they are given: dips are marked, payoffs masked, one line a triple."""

import matplotlib.pyplot as plt
import numpy as np

from smilebridge import figures, market
from smilebridge.arbitrage import CalendarSpread, necessary
from smilebridge.marginals import Marginal

K = np.linspace(0.8, 1.2, 41)
SPREAD = CalendarSpread(1.0, -0.002)


def test_a_dip_is_marked_in_basis_points(ax):
    figures.call_gap(ax, K, -0.002 + 0.05 * (K - 1) ** 2, spread=SPREAD)
    marked = ax.lines[-1].get_xydata()
    assert np.allclose(marked, [[1.0, -20.0]])


def test_where_the_spread_pays_nothing_the_map_is_blank(ax):
    payoff = SPREAD.payoff(K[:, None], K[None, :])
    figures.calendar_payoff(ax, K, K, payoff, strike=1.0)
    levels = ax.collections[0].levels
    assert levels[0] == 0
    assert levels[-1] >= 100 * payoff.max()


def test_only_pairs_with_mass_are_drawn(ax):
    mass = np.diag([0.25, 0.5, 0.25])
    figures.joint_masses(ax, K[:3], K[:3], mass, span=K[[0, 2]])
    assert len(ax.collections[0].get_offsets()) == 3


def test_ruler_puts_both_opinions_on_one_spot_where_they_agree(ax):
    tau = 30 / 365
    known, coin = Marginal.from_masses("mu1", [1.0], [1.0]), Marginal.from_masses("mu2", [0.94, 1.06], [0.5, 0.5])
    vix = Marginal.from_masses("muV", [float(coin.log_contract(tau)) ** 0.5], [1.0])
    figures.vol_ruler(ax, {"together": (vix, necessary(known, vix, coin, tau))})
    bar, diamond, circle = (line.get_xydata()[0] for line in ax.lines[1:])
    assert np.allclose(bar, diamond)
    assert np.allclose(bar, circle)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["together"]


def test_window_draws_every_quote_of_three_smiles():
    triple = market.load("2023-02-15").triples()[0]
    axes = figures.window(plt.figure(), triple)
    drawn = [len(axes[law].collections[0].get_segments()) for law in ("mu1", "muV", "mu2")]
    assert drawn == [len(triple.spx1), len(triple.vix), len(triple.spx2)]
