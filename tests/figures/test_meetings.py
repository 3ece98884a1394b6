"""Drawings of the meeting at T1: what is on them comes from the arrays they are given."""

import matplotlib.pyplot as plt
import numpy as np

from smilebridge import figures


def test_the_least_of_each_promise_is_a_dot(ax):
    delta = np.linspace(-10, 10, 21)
    left = {v: 0.5 * delta**2 + (3 - v) * delta for v in (1.0, 2.0)}
    figures.promises(ax, delta, left)
    dots = [(line.get_xdata()[0], line.get_ydata()[0]) for line in ax.lines[1::2]]
    np.testing.assert_allclose(dots, [(-2, -2), (-1, -0.5)])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["V = 100%", "V = 200%"]


def test_the_best_v_is_at_zero_and_only_rivals_and_their_strikes_are_shown(ax):
    v = np.linspace(0.1, 0.4, 31)
    gain = 5 - 100 * (v - 0.2) ** 2
    figures.choice(ax, v, gain, np.exp(gain), strikes=np.array([0.15, 0.25, 0.39]), picked=[5, 10])
    score, first, best, ticks = ax.lines
    assert score.get_ydata().max() == 0
    np.testing.assert_allclose([first.get_ydata()[0], best.get_ydata()[0]], [-0.25, 0], atol=1e-12)
    assert ax.get_xlim()[1] < 34
    np.testing.assert_allclose(ticks.get_xdata(), [15, 25])


def test_the_prior_is_the_zero_of_what_the_bridge_adds():
    a = np.array([0.1, 0.2, 0.4])
    axes = plt.subplots(1, 2)[1]
    figures.vix_by_state(axes, a, a, {0.9: a + 0.01, 1.1: a - 0.01})
    np.testing.assert_allclose(axes[1].lines[0].get_ydata(), 1.0)
    np.testing.assert_allclose(axes[1].lines[1].get_ydata(), -1.0)
    assert [text.get_text() for text in axes[0].get_legend().get_texts()] == ["prior", "index at 0.90", "index at 1.10"]
