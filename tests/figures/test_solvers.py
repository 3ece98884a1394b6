"""Pictures of solvers show what they are given: failures are left out, the wanted accuracy is drawn, panels share a legend."""

import matplotlib.pyplot as plt
import numpy as np

from smilebridge import figures

SWEEPS = np.array([1, 10, 100])


def test_what_is_not_finite_is_left_out(ax):
    figures.convergence(ax, {"newton": (SWEEPS, [1e-1, np.nan, 1e-9]), "sinkhorn": (SWEEPS, [1.0, np.inf, np.nan])})
    assert [len(line.get_xdata()) for line in ax.lines] == [2, 1]


def test_the_accuracy_asked_for_is_drawn(ax):
    figures.convergence(ax, {"newton": (SWEEPS, [1e-1, 1e-4, 1e-9])}, tol=1e-10)
    assert np.allclose(ax.lines[-1].get_ydata(), 1e-10)


def test_every_solver_has_a_stroke_and_a_name(ax):
    from smilebridge.figures import solvers

    assert set(solvers.STROKE) == set(solvers.NAME)


def test_the_market_with_a_law_has_its_own_ink(ax):
    figures.dual_rise(ax, [1, 2, 3], {1.0: [0.1, 0.2, 0.2], 1.3: [1.0, 10.0, 800.0]}, lawful=1.0)
    assert [line.get_color() for line in ax.lines] == [figures.INK["mu2"], figures.INK["other"]]


def test_panels_share_one_legend():
    fig, axes = plt.subplots(1, 2)
    for panel in axes:
        figures.convergence(panel, {"newton": (SWEEPS, [1e-1, 1e-4, 1e-9])})
    figures.together(axes)
    assert [axes[0].get_legend(), axes[1].get_legend(), len(fig.legends)] == [None, None, 1]


def test_powers_of_two_name_the_shades(ax):
    s1, v = np.linspace(0.9, 1.1, 5), np.linspace(0.1, 0.4, 4)
    figures.departure(ax, s1, v, np.log2(s1[:, None] / v[None, :]), span=2)
    bar = ax.figure.axes[-1]
    assert [label.get_text() for label in bar.get_yticklabels()] == ["0.25", "0.5", "1", "2", "4"]


def test_growth_has_a_line_a_solver(ax):
    figures.growth(ax, [1e3, 1e4], {"newton": [100, 120], "newton_sinkhorn": [900, 1800]})
    assert [line.get_label() for line in ax.lines] == ["implied Newton", "mixed Sinkhorn"]
