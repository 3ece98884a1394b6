"""Convex order against Strassen's theorem by linear programme, and the spread that proves a violation."""

import hypothesis
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import strategies as st
from scipy.optimize import linprog

import smiles
from smilebridge import arbitrage, marginals

POINTS = np.array([0.7, 0.85, 1.0, 1.2, 1.4])
S = np.linspace(0.0, 3.0, 121)


def martingale_exists(mu1, mu2):
    """Strassen: a martingale coupling of two laws on grids, by HiGHS."""
    x, y = np.asarray(mu1.x), np.asarray(mu2.x)
    n, m = len(x), len(y)
    rows = [np.kron(np.eye(n), np.ones(m)), np.kron(np.ones(n), np.eye(m)), np.kron(np.eye(n), y)]
    target = np.r_[mu1.p, mu2.p, np.asarray(mu1.p) * x]
    return linprog(np.zeros(n * m), A_eq=np.vstack(rows), b_eq=target, bounds=(0, None), method="highs").status == 0


@st.composite
def on_points(draw, name):
    """A law on POINTS with mean one, moved there by trading mass between its ends."""
    p = np.array(draw(st.lists(st.integers(1, 9), min_size=5, max_size=5)), float)
    p /= p.sum()
    x = POINTS / (POINTS @ p)
    return marginals.Marginal.from_masses(name, x, p)


@hypothesis.given(on_points("mu1"), on_points("mu2"))
def test_verdict_is_strassens(mu1, mu2):
    verdict = arbitrage.convex_order(mu1, mu2)
    hypothesis.assume(verdict.worst_gap < -1e-6 or verdict.worst_gap >= -1e-12)
    assert verdict.holds == martingale_exists(mu1, mu2)


@hypothesis.given(on_points("mu1"), on_points("mu2"))
def test_spread_wins_whatever_happens(mu1, mu2):
    spread = arbitrage.convex_order(mu1, mu2).spread
    hypothesis.assume(spread is not None)
    assert spread.price < 0
    assert spread.payoff(S[:, None], S[None, :]).min() >= -1e-15
    k = jnp.array([spread.strike])
    np.testing.assert_allclose(spread.price, float((mu2.call(k) - mu1.call(k))[0]), atol=1e-15)


@pytest.mark.parametrize(("early", "late", "holds"), [(0.1, 0.2, True), (0.2, 0.2, True), (0.2, 0.19, False)])
def test_lognormals_are_ordered_by_width(early, late, holds):
    verdict = arbitrage.convex_order(smiles.lognormal(early), smiles.lognormal(late, name="mu2"))
    assert verdict.holds == holds
    assert (verdict.spread is None) == holds


def test_worst_strike_of_two_lognormals_is_where_their_cdfs_cross():
    verdict = arbitrage.convex_order(smiles.lognormal(0.2), smiles.lognormal(0.1, name="mu2"))
    k = jnp.array([verdict.strike])
    crossing = smiles.lognormal(0.2).cdf(k) - smiles.lognormal(0.1).cdf(k)
    np.testing.assert_allclose(float(crossing[0]), 0.0, atol=1e-9)


def test_narrow_violation_is_not_stepped_over():
    """A late law of two points' width cannot carry an early spike beside it."""
    early = smiles.mixture([0.9, 0.9001, 1.1], [1e-5, 1e-5, 0.1], [0.2, 0.2, 0.6])
    late = smiles.mixture([0.9, 1.1], [2e-5, 0.1], [0.4, 0.6], name="mu2")
    assert not arbitrage.convex_order(early, late).holds


def test_unequal_means_are_out_of_order_even_with_positive_gaps():
    verdict = arbitrage.convex_order(smiles.lognormal(0.1), smiles.lognormal(0.3, mean=1.01, name="mu2"))
    assert not verdict.holds
    assert verdict.mean_gap == pytest.approx(0.01)


def test_gap_over_strike_squared_is_the_difference_of_log_contracts():
    """Nobody imposed it: int gap(k) 2/(tau k^2) dk = E[L(S2)] - E[L(S1)]."""
    early, late = smiles.skewed(), smiles.mixture([0.6, 0.95, 1.05], [0.2, 0.07, 0.05], [0.04, 0.3, 0.66], name="mu2")
    y, weight = np.polynomial.legendre.leggauss(400)
    y, weight = 4.0 * y - 1.0, 4.0 * weight
    k = jnp.asarray(np.exp(y))
    gap = np.asarray(late.otm(k) - early.otm(k))
    total = 2 / smiles.TAU * (gap / np.asarray(k)) @ weight
    np.testing.assert_allclose(total, float(late.log_contract(smiles.TAU) - early.log_contract(smiles.TAU)), rtol=1e-7)
