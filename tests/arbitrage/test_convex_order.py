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


@hypothesis.given(on_points("mu1"), st.lists(st.floats(0.01, 0.4), min_size=5, max_size=5), st.floats(0.05, 0.95))
def test_a_martingale_step_always_precedes(mu1, steps, up):
    """Each point jumps up or down around itself: in order by construction, and no longer so when the two laws change places."""
    steps = np.array(steps)
    x, p = np.asarray(mu1.x), np.asarray(mu1.p)
    points = np.r_[x + steps * (1 - up), x - steps * up]
    sort = np.argsort(points)
    hypothesis.assume(np.all(np.diff(points[sort]) > 1e-9))
    mu2 = marginals.Marginal.from_masses("mu2", points[sort], np.r_[p * up, p * (1 - up)][sort])
    assert arbitrage.convex_order(mu1, mu2).holds
    assert martingale_exists(mu1, mu2)
    assert not arbitrage.convex_order(mu2, mu1).holds


def cell_means(law, n):
    """Conditional means of n equally likely cells: precedes the law, by Jensen."""
    edges = law.quantile(jnp.arange(1, n) / n)
    above = np.r_[float(law.mean()), np.asarray(law.call(edges) + edges * law.survival(edges)), 0.0]
    return marginals.Marginal.from_masses("cells", -n * np.diff(above), np.full(n, 1 / n))


@pytest.mark.parametrize("n", [2, 7, 40])
def test_a_law_on_a_grid_is_compared_with_a_density(n):
    law = smiles.skewed()
    cells = cell_means(law, n)
    assert arbitrage.convex_order(cells, law).holds
    verdict = arbitrage.convex_order(law, cells)
    dense = jnp.asarray(np.linspace(0.3, 1.5, 20_001))
    assert not verdict.holds
    assert verdict.worst_gap <= float(jnp.min(arbitrage.call_gap(law, cells, dense))) + 1e-15
    assert verdict.strike in np.asarray(cells.x)


def test_worst_gap_between_kinks_of_a_grid_is_found():
    """Early law on two points, late one with a density: the gap is lowest where the late distribution function passes one half."""
    early = marginals.Marginal.from_masses("mu1", [0.8, 1.2], [0.5, 0.5])
    late = smiles.lognormal(0.1, name="mu2")
    verdict = arbitrage.convex_order(early, late)
    np.testing.assert_allclose(verdict.strike, float(late.quantile(jnp.array([0.5]))[0]), rtol=1e-9)
    assert verdict.worst_gap < -0.05


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


@pytest.mark.parametrize("width", [1e-3, 1e-5, 1e-7])
def test_narrow_violation_is_not_stepped_over(width):
    """Two early spikes become one late spike between them, beside a wide law that stays: a dip six widths wide, and nothing else."""
    early = mixture_as_given([1.0, 1.02 - 3 * width, 1.02 + 3 * width], [0.1, width / 3, width / 3], [0.999, 5e-4, 5e-4])
    late = mixture_as_given([1.0, 1.02], [0.1, width / 3], [0.999, 1e-3])
    verdict = arbitrage.convex_order(early, late)
    assert not verdict.holds
    assert abs(verdict.strike - 1.02) < width
    assert verdict.worst_gap == pytest.approx(-1e-3 * 1.5 * width, rel=0.2)


def mixture_as_given(means, widths, weights):
    return marginals.Mixture("law", *map(jnp.array, (means, widths, weights, [1.0])))


@pytest.mark.parametrize(("mean", "right"), [(1.01, "put"), (0.99, "call")])
def test_unequal_means_are_out_of_order_and_a_spread_collects_the_difference(mean, right):
    verdict = arbitrage.convex_order(smiles.lognormal(0.1), smiles.lognormal(0.3, mean=mean, name="mu2"))
    assert not verdict.holds
    assert verdict.mean_gap == pytest.approx(mean - 1)
    assert verdict.spread.right == right
    assert verdict.spread.price <= -0.01 + 1e-12
    assert right in str(verdict.spread)


def test_put_and_call_spread_pay_the_same_and_their_prices_differ_by_the_means():
    early, late = smiles.lognormal(0.2), smiles.lognormal(0.1, mean=1.001, name="mu2")
    spread, k = (verdict := arbitrage.convex_order(early, late)).spread, jnp.array([verdict.strike])
    assert spread.right == "put"
    assert spread.price == pytest.approx(float((late.put(k) - early.put(k))[0]), abs=1e-14)
    s1, s2 = S[:, None], S[None, :]
    puts = np.maximum(spread.strike - s2, 0) - np.maximum(spread.strike - s1, 0)
    np.testing.assert_allclose(spread.payoff(s1, s2), puts + np.where(s1 <= spread.strike, s2 - s1, 0.0), atol=1e-15)


def test_a_law_precedes_itself():
    for law in (smiles.skewed(), smiles.lognormal(0.5), cell_means(smiles.skewed(), 5)):
        verdict = arbitrage.convex_order(law, law)
        assert (verdict.holds, verdict.worst_gap, verdict.mean_gap, verdict.spread) == (True, 0.0, 0.0, None)


def test_nan_is_never_order():
    verdict = arbitrage.convex_order(smiles.lognormal(0.1), mixture_as_given([1.0], [jnp.nan], [1.0]))
    assert not verdict.holds
    assert verdict.spread is None


@hypothesis.given(smiles.mixtures(n=2), smiles.mixtures(name="mu2", n=2))
def test_verdict_agrees_with_a_dense_scan(early, late):
    verdict = arbitrage.convex_order(early, late)
    k = jnp.asarray(np.geomspace(0.2, 5.0, 4001))
    gap = np.asarray(arbitrage.call_gap(early, late, k))
    assert verdict.worst_gap <= gap.min() + 1e-15
    if not verdict.holds:
        assert verdict.spread.price == verdict.worst_gap
        assert verdict.worst_gap == pytest.approx(float(arbitrage.call_gap(early, late, jnp.array([verdict.strike]))[0]), abs=1e-15)


def test_gap_over_strike_squared_is_the_difference_of_log_contracts():
    """Nobody imposed it: int gap(k) 2/(tau k^2) dk = E[L(S2)] - E[L(S1)]."""
    early, late = smiles.skewed(), smiles.mixture([0.6, 0.95, 1.05], [0.2, 0.07, 0.05], [0.04, 0.3, 0.66], name="mu2")
    y, weight = np.polynomial.legendre.leggauss(400)
    y, weight = 4.0 * y - 1.0, 4.0 * weight
    k = jnp.asarray(np.exp(y))
    gap = np.asarray(late.otm(k) - early.otm(k))
    total = 2 / smiles.TAU * (gap / np.asarray(k)) @ weight
    np.testing.assert_allclose(total, float(late.log_contract(smiles.TAU) - early.log_contract(smiles.TAU)), rtol=1e-7)
