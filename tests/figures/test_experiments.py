"""Drawings of a bridge at work: what is on them comes from the arrays they are given."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from smilebridge import continuous, figures

S, A = np.array([0.7, 0.9, 1.0, 1.1, 1.3]), np.array([0.05, 0.1, 0.2, 0.4, 0.8])


def states(tilt=1.0):
    return continuous.Surfaces(S, A, np.broadcast_to(A[:, None], (5, 5)), tilt * np.broadcast_to((0.3 - A)[:, None] * 100, (5, 5)))


def cloud(n=2000):
    u = np.linspace(0, 1, n)
    return np.stack([0.85 + 0.3 * u, 0.08 + 0.4 * u], axis=1)


def test_errors_are_in_basis_points_below_their_smiles():
    k, one = np.array([0.8, 1.0, 1.2]), np.ones(3)
    above, below = plt.subplots(2, 2, sharex="col")[1]
    above[0].set_xlabel("strike")
    figures.missed(below, {name: (k, 1e-4 * one, -2e-3 * one, 1e-3 * one) for name in ("SPX", "VIX")})
    bars = np.array(below[0].containers[0].lines[2][0].get_segments())[:, :, 1]
    np.testing.assert_allclose(bars, [[-50.0, 10.0]] * 3)
    np.testing.assert_allclose(below[1].lines[-1].get_ydata(), 1.0)
    assert [ax.get_xlabel() for ax in (above[0], below[0])] == ["", "strike / forward"]


def test_one_wild_wing_does_not_hide_the_other_errors(ax):
    figures.missed([ax], {"SPX": (np.arange(3.0), np.zeros(3), np.zeros(3), np.array([1e-3, 1e-3, 1.0]))})
    assert ax.get_ylim() == pytest.approx((-45.0, 45.0))


def test_decisions_are_shown_where_paths_are():
    axes = plt.subplots(1, 2, sharey=True)[1]
    figures.decided(axes, states(), cloud(), span=40)
    assert axes[0].get_xlim() == axes[1].get_xlim() == (0.9, 1.1)
    assert axes[0].get_ylim() == (10.0, 40.0)
    assert {text.get_text() for text in axes[1].texts} <= {"10", "12", "14", "16", "18", "20", "25", "30", "40"}


def test_each_path_ends_at_the_vix_of_its_own_ink():
    axes = plt.subplots(1, 2)[1]
    days, S_, a = np.linspace(0, 62, 5), np.ones((2, 5)), np.array([np.full(5, 0.3), np.full(5, 0.1)])
    figures.walks(axes, days, S_, a, np.array([0.28, 0.12]))
    walked, met = axes[1].lines[::2], axes[1].lines[1::2]
    assert [dot.get_ydata()[0] for dot in met] == pytest.approx([28.0, 12.0])
    assert [dot.get_color() for dot in met] == [line.get_color() for line in walked] == [line.get_color() for line in axes[0].lines]


def test_broken_promises_are_per_cent_with_three_standard_errors(ax):
    figures.kept_promises(ax, {"bridge": np.array([[0.1, 0.01, 0.002], [0.2, -0.01, 0.001]])})
    bars = np.array(ax.containers[0].lines[2][0].get_segments())
    np.testing.assert_allclose(bars[:, :, 1], [[0.4, 1.6], [-1.3, -0.7]])
    np.testing.assert_allclose(bars[:, 0, 0], [10.0, 20.0])
    assert ax.get_legend() is None


def test_the_first_model_is_solid_and_others_dashed_at_todays_index(ax):
    figures.by_volatility(ax, {"ours": states(), "other": states(2.0)})
    _, ours, other = ax.lines
    assert (ours.get_linestyle(), other.get_linestyle()) == ("-", "--")
    np.testing.assert_allclose(ours.get_xdata(), [10.0, 20.0, 40.0])
    np.testing.assert_allclose(other.get_ydata(), 2 * ours.get_ydata())
