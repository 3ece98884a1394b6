"""Drawings of a chain: what is on them comes from the chain, the quotes and the paths."""

import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import pytest

from smilebridge import discrete, figures, market
from smilebridge.arbitrage import JointProblem
from smilebridge.marginals import from_triple


@pytest.fixture(scope="module")
def triples():
    """One window."""
    return market.successive(market.load("calm"), 1)


@pytest.fixture(scope="module")
def chain(triples):
    """Its reference, as a chain of one window: drawings do not ask whether a law is calibrated."""
    (triple,) = triples
    posed = discrete.Schrodinger.of(JointProblem.from_quotes(from_triple(triple, wings="basis")))
    law = discrete.Law(posed, jnp.zeros_like(posed.unit), jnp.zeros((2, *posed.log_mass.shape)))
    return discrete.Chain((law,), jnp.array([triple.spx1.years, triple.spx2.years]))


def test_every_smile_has_its_bars_and_line(chain, triples):
    axes = plt.subplots(2, 2)[1]
    figures.chain_smiles(axes, chain, triples)
    titles = [ax.get_title() for ax in axes.ravel()]
    assert [t.split()[0] for t in titles[:3]] == ["SPX", "SPX", "VIX"]
    for ax, smile in zip(axes.ravel()[:3], (triples[0].spx1, triples[0].spx2, triples[0].vix), strict=True):
        (line,) = ax.lines
        np.testing.assert_array_equal(line.get_xdata(), smile.k)
        assert len(ax.collections[0].get_segments()) == len(smile)
    assert not axes[1, 1].axison


def paths():
    """Three paths over one window, three times a stretch."""
    times = jnp.arange(7) / 100
    S = jnp.ones((3, 7)) + 0.01 * jnp.arange(3.0)[:, None]
    future = jnp.where(jnp.arange(7)[None, :] < 3, 0.2, jnp.nan) * jnp.ones((3, 1))
    return discrete.Paths(times, S, 0.2 * S, jnp.array([[0.2], [0.21], [0.22]]), future, jnp.array([0.03]), (3, 6))


def test_a_fan_shows_index_future_and_vix():
    axes = figures.path_fan(plt.subplots(2, 1, sharex=True)[1], paths(), [0, 2])
    dots = [line for line in axes[1].lines if line.get_marker() == "o"]
    np.testing.assert_allclose([line.get_ydata()[0] for line in dots], [20, 22])
    assert axes[0].get_xlim() == (0, pytest.approx(365 * 0.06))


def test_a_smile_between_dates_keeps_its_bars(triples):
    smile = triples[0].spx2
    (ax,) = figures.between_dates([plt.subplots()[1]], [smile], [smile.bid_iv])
    np.testing.assert_allclose(ax.lines[0].get_ydata(), 100 * smile.bid_iv)


def test_realised_variance_is_drawn_as_volatility_with_three_errors():
    v = np.array([0.18, 0.25])
    (ax,) = figures.vix_again([plt.subplots()[1]], {"first": {"log": (v, v**2, 0.1 * v**2)}})
    np.testing.assert_allclose(ax.lines[0].get_ydata(), 100 * v)
    low, high = ax.collections[0].get_segments()[0][:, 1]
    assert (low, high) == (pytest.approx(18 * np.sqrt(0.7)), pytest.approx(18 * np.sqrt(1.3)))


def test_errors_stand_over_their_strikes():
    axes = figures.repriced([plt.subplots()[1]], {"SPX 01 Jan": (np.array([0.9, 1.1]), np.array([-1.0, 2.0]))})
    np.testing.assert_array_equal(axes[0].lines[0].get_ydata(), [-1.0, 2.0])
