"""Drawings of bridges: what is on them comes from the arrays they are given."""

import matplotlib.pyplot as plt
import numpy as np

from smilebridge import continuous, figures


def test_paths_and_their_ends_share_the_place():
    times, x = np.linspace(0, 1, 5), np.linspace(-2, 2, 9)
    walked, field = np.zeros((3, 5)), np.outer(x, times)
    axes = plt.subplots(1, 2, sharey=True)[1]
    figures.foellmer(axes, times, walked, (x, field), np.array([-1.0, 0.0, 1.0]), (x, np.exp(-(x**2)), np.exp(-(x**2) / 2)), span=2)
    assert len(axes[0].lines) == 3
    np.testing.assert_array_equal(axes[1].lines[0].get_ydata(), x)
    assert axes[0].get_ylim() == axes[1].get_ylim() == (-2, 2)
    assert [text.get_text() for text in axes[1].get_legend().get_texts()] == ["paths", "asked for", "Brownian motion"]


def test_market_is_ticks_and_models_are_lines():
    k, vol = np.array([0.9, 1.0, 1.1]), np.array([0.25, 0.2, 0.18])
    (ax,) = figures.before_and_after([plt.subplots()[1]], {"SPX": (k, vol, vol + 0.01, vol)})
    market, prior, bridge = ax.lines
    assert (market.get_linestyle(), prior.get_linestyle(), bridge.get_linestyle()) == ("None", "--", "-")
    np.testing.assert_allclose(prior.get_ydata() - bridge.get_ydata(), 1.0)


def test_added_drift_is_mapped_with_states_on_it():
    s, a = np.linspace(0.8, 1.2, 9), np.geomspace(0.08, 0.5, 7)
    change = continuous.AddedDrift(s, a, np.outer(np.ones(7), 1 - s), np.array([[1.0, 0.2], [0.9, 0.3], [1.1, 0.1]]))
    axes = plt.subplots(1, 2, sharey=True)[1]
    figures.drift_changes(axes, {"half-way": change, "end": change}, span=1, shown=2)
    np.testing.assert_allclose(axes[0].lines[0].get_ydata(), [20, 30])
    assert [tick.get_text() for tick in axes[0].get_yticklabels()] == ["10", "20", "40"]
    assert len(axes[0].figure.axes) == 3, "one colour bar for both"


def test_single_steps_are_dots_at_the_start():
    lines = {"market": [-0.5, -0.5], "prior": [-0.3, -0.3], "bridge": [-0.3, -0.45]}
    ax = figures.by_horizon(plt.subplots()[1], [10, 60], lines, single={"market": -0.5, "prior": -0.3, "bridge": -0.31})
    dots = [line.get_ydata()[0] for line in ax.lines if line.get_marker() == "o"]
    np.testing.assert_allclose(dots, [-0.5, -0.3, -0.31])
    assert ax.get_xlim() == (0, 60)
