"""Pictures of risks show what they are given: rows to their own scale, ends of quotes on one curve, bars as long as what is removed."""

from types import SimpleNamespace

import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from smilebridge import discrete, figures

LAWS = ("mu1", "muV", "mu2")


def test_each_row_has_its_own_scale():
    moves = dict(zip(LAWS, (np.array([[1.0, -2.0], [300.0, 0.0]]), np.array([[4.0, 0, 0], [0, 0, 0]]), np.zeros((2, 2))), strict=True))
    axes = figures.risk_matrix(plt.subplots(1, 3, sharey=True)[1], moves, [-1, 1], ["a", "b"])
    assert np.allclose(axes[0].images[0].get_array(), [[0.25, -0.5], [1.0, 0.0]])
    assert [label.get_text() for label in axes[1].get_xticklabels()] == ["-1", "1", "$F_V$"]
    assert [label.get_text() for label in axes[2].child_axes[0].get_yticklabels()] == ["4", "300"]


def test_the_nearer_end_pulls(law):
    found = discrete.risks(law, (lambda s1, v, s2: jnp.abs(s2 - s1),))
    ax = figures.both_ends(plt.subplots()[1], law, jnp.abs(found.mid[0]), found.bid[0] / found.mid[0])
    places = np.vstack([dots.get_offsets() for dots in ax.collections])
    assert len(places) == len(law.a) - 2
    assert np.all((places[:, 1] > 50) == (places[:, 0] < 0))


def test_bars_are_what_is_removed():
    shares = {"few": {"a": 0.2, "b": 0.5}, "all": {"a": 0.9, "b": 1.0}}
    hedges = {kind: {claim: SimpleNamespace(removed=x) for claim, x in of.items()} for kind, of in shares.items()}
    sample = np.random.default_rng(0).normal(size=500)
    axes = figures.hedged(plt.subplots(1, 2)[1], hedges, 0.02 * sample, 0.001 * sample)
    assert np.allclose([bar.get_width() for bar in axes[0].patches], [20, 50, 90, 100])


def test_calls_start_from_the_future():
    moves = {"up": np.array([1.0, 0.9, 0.4])}
    ax = figures.vix_responses([plt.subplots()[1]], np.array([0.1, 0.3]), moves, {"up": np.zeros(3)})[0]
    dotted, calls, held = ax.lines[1:]
    assert np.allclose(dotted.get_ydata(), 1.0)
    assert np.allclose(calls.get_xydata(), [[10, 0.9], [30, 0.4]])
    assert np.allclose(held.get_ydata(), 0.0)


def test_stickiness_has_a_mark_a_law():
    found = {"calm": dict(zip(("papers", "correlated", "true"), np.arange(9.0).reshape(3, 3), strict=True))}
    axes = figures.stickiness(plt.subplots(1, 3, sharey=True)[1], found)
    assert [[float(line.get_xdata()[0]) for line in ax.lines[:3]] for ax in axes] == [[0, 3, 6], [1, 4, 7], [2, 5, 8]]
