"""Reconciling three laws: on one identity, in order, by the least change; and a proof where that cannot be."""

import importlib

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import linprog

import smiles
from smilebridge import market
from smilebridge.arbitrage import convex_order
from smilebridge.marginals import fit_smile, misses, variance_gap

consistent = importlib.import_module("smilebridge.marginals.consistent")

TOL_VARIANCE = 1e-12  # a year; the identity is an exact row of every Newton step
TOL_PROOF = 1e-7  # a year; what the solver's feasibility of 1e-7 leaves
NAMES = ("mu1", "muV", "mu2")
INSIDE = 1.0  # half-spreads


def fits_of(day):
    triple = market.select(day, day.vix[0].expiry)
    legs = (triple.spx1, triple.vix, triple.spx2)
    units = (1.0, triple.vix.forward / 100, 1.0)
    return legs, tuple(fit_smile(smile, name=name, unit=unit) for smile, name, unit in zip(legs, NAMES, units, strict=True))


def worst(laws, legs):
    """Largest |model - mid| in half-spreads."""
    return max(np.abs(misses(law, smile)[0]).max() for law, smile in zip(laws, legs, strict=True))


@pytest.mark.parametrize(("vix", "treatment"), [(1.0, "wings"), (1.002, "wings"), (1.01, "bid-ask"), (1.03, "bid-ask")])
def test_least_treatment_that_closes_the_gap_is_taken(vix, treatment):
    legs, fits = fits_of(smiles.flat_day(vix=vix))
    laws, found, gap = consistent.reconcile(fits, smiles.TAU)
    ev2, forward_variance = variance_gap(*laws, smiles.TAU)
    assert (found, gap) == (treatment, 0.0)
    assert abs(ev2 - forward_variance) < TOL_VARIANCE
    assert worst(laws, legs) <= INSIDE
    assert convex_order(laws[0], laws[2]).holds


def test_wings_move_no_quote_by_more_than_a_tenth_of_its_half_spread():
    legs, fits = fits_of(smiles.flat_day(vix=1.002))
    laws, treatment, _ = consistent.reconcile(fits, smiles.TAU)
    assert treatment == "wings"
    for law, fit, smile in zip(laws, fits, legs, strict=True):
        moved = misses(law, smile)[0] - misses(fit.law, smile)[0]
        assert np.abs(moved).max() <= consistent.PINNED + 1e-9


def test_reconciled_laws_keep_mass_and_mean():
    _, fits = fits_of(smiles.flat_day(vix=1.03))
    for law, fit in zip(consistent.reconcile(fits, smiles.TAU)[0], fits, strict=True):
        assert abs(float(law.weights.sum()) - 1) < TOL_VARIANCE
        assert abs(float(law.mean() / fit.law.mean()) - 1) < TOL_VARIANCE
        assert np.all(law.weights > 0)
        np.testing.assert_array_equal(law.means, fit.law.means)


@pytest.mark.parametrize("vix", [0.9, 1.1])
def test_refused_gap_is_what_three_separate_programmes_leave(vix):
    """Second road: the extremes of E[V^2] and of each E[L] inside the bid-ask, law by law. Where V is cheap, calendar spreads cost more."""
    _, fits = fits_of(smiles.flat_day(vix=vix))
    laws, treatment, gap = consistent.reconcile(fits, smiles.TAU)
    moments = [moment(fit, which) for fit, which in zip(fits, ("log", "square", "log"), strict=True)]
    sides = np.sign(vix - 1) * np.array([1, 1, -1])  # a gap above zero is least with E[V^2] and E[L(S1)] small, E[L(S2)] large
    early, square, late = (extreme(*leg) for leg in zip(fits, moments, sides, strict=True))
    alone = square - (late - early)
    assert treatment == "refused"
    assert laws == tuple(fit.law for fit in fits)
    assert abs(gap) >= abs(alone) - TOL_PROOF
    assert gap == pytest.approx(alone, abs=TOL_PROOF if vix > 1 else 0.1 * abs(alone))


def moment(fit, which):
    """(n,) E[L] or E[X^2] of each component."""
    means, widths = np.asarray(fit.law.means), np.asarray(fit.law.widths)
    return means**2 * np.exp(widths**2) if which == "square" else -2 / smiles.TAU * (np.log(means) - 0.5 * widths**2)


def extreme(fit, values, side):
    """Least (side 1) or greatest (side -1) mean of values over masses with every quote within its band; masses bounded as in the proof."""
    problem, w = fit.problem, fit.problem.masses(fit.g)
    band = np.maximum(np.abs(problem.errors(fit.g)), 0.95)
    least, most = consistent.RATIO_RANGE
    w = most * w  # the solver takes coefficients below 1e-9 for zeros
    rows = problem.prices * w
    found = linprog(
        side * values * w,
        A_ub=np.vstack([rows, -rows]),
        b_ub=np.r_[problem.mid + band, band - problem.mid],
        A_eq=problem.rows * w,
        b_eq=problem.target,
        bounds=(least / most, 1.0),
        method="highs-ipm",
    )
    assert found.status == 0
    return side * found.fun


def test_calendar_arbitrage_leaves_an_infinite_gap():
    _, fits = fits_of(smiles.flat_day(later=0.6))
    laws, treatment, gap = consistent.reconcile(fits, smiles.TAU)
    assert (treatment, gap) == ("refused", np.inf)
    assert not convex_order(laws[0], laws[2]).holds


def test_basis_leaves_laws_alone_that_are_in_order():
    _, fits = fits_of(smiles.flat_day(vix=1.1))
    assert consistent.in_order(fits, smiles.TAU) == tuple(fit.law for fit in fits)


def test_basis_puts_laws_in_order_inside_their_quotes():
    """Two equal smiles 30 days apart, fitted to quotes shifted within their spreads: out of order by less than a spread."""
    legs, fits = fits_of(tilted_day())
    free = tuple(fit.law for fit in fits)
    laws = consistent.in_order(fits, smiles.TAU)
    assert not convex_order(free[0], free[2]).holds
    assert convex_order(laws[0], laws[2]).holds
    assert worst(laws, legs) <= INSIDE


def tilted_day():
    """Early quotes half a half-spread dear, late ones as cheap, around one law."""
    day = smiles.flat_day(later=np.sqrt(smiles.T1 / smiles.T2))
    early, late = day.spx
    shift = lambda smile, by: smiles.smile(smile.k, smile.bid + by * smile.bid, smile.ask + by * smile.bid, days=round(365 * smile.years))
    return market.Snapshot(day.day, "tilted, made", (shift(early, 5e-4), shift(late, -5e-4)), day.vix)


@pytest.mark.parametrize(("half", "reach"), [(7e-3, 1.0), (1e-2, 0.7), (2e-2, 0.7)])
def test_basis_puts_wide_quotes_in_order_into_the_far_tails(half, reach):
    """Two equal smiles, the early one dear and the late one cheap by half a half-spread: refits grow the tails."""
    legs, fits = fits_of(crossed_day(half, reach))
    free, laws = tuple(fit.law for fit in fits), consistent.in_order(fits, smiles.TAU)
    assert not convex_order(free[0], free[2]).holds
    assert convex_order(laws[0], laws[2]).holds
    assert worst(laws, legs) <= INSIDE


def crossed_day(half, reach):
    """One lognormal quoted at both dates, `half` of its deviation wide, dear early and cheap late; the late ladder is shorter by reach."""
    stdev = 0.2 * np.sqrt(smiles.T1 / 365)

    def shifted(by, days, reach):
        k = np.exp(stdev * reach * np.linspace(-4, 3, 29))
        price = np.asarray(smiles.lognormal(stdev).otm(jnp.asarray(k)))
        return smiles.smile(k, price + (by - half) * stdev, price + (by + half) * stdev, days=days)

    day = smiles.flat_day()
    spx = (shifted(0.5 * half, smiles.T1, 1.0), shifted(-0.5 * half, smiles.T2, reach))
    return market.Snapshot(day.day, "crossed, made", spx, day.vix)


def test_basis_leaves_laws_alone_that_quotes_keep_out_of_order():
    _, fits = fits_of(smiles.flat_day(later=0.6))
    assert consistent.in_order(fits, smiles.TAU) == tuple(fit.law for fit in fits)


def test_smallest_gap_is_zero_within_its_tolerance_where_the_laws_agree():
    _, fits = fits_of(smiles.flat_day())
    problem, g = consistent._stack(fits, smiles.TAU), np.concatenate([fit.g for fit in fits])
    free = problem.errors(g)
    assert abs(consistent.smallest_gap(problem, g, free - 1, free + 1)) < consistent.TOL_GAP
    identity = float(problem.rows[-1] @ problem.masses(g))
    ev2, forward_variance = variance_gap(*(fit.law for fit in fits), smiles.TAU)
    assert identity * ev2 == pytest.approx(ev2 - forward_variance, abs=1e-12)


def test_identity_is_exact_for_lognormals():
    """E[L(S2)] - E[L(S1)] = (s2^2 - s1^2) / tau and E[V^2] = F^2 exp(w^2), nothing fitted."""
    laws = (smiles.lognormal(0.05), smiles.lognormal(0.3, mean=0.2), smiles.lognormal(0.08))
    ev2, forward_variance = variance_gap(*laws, 0.08)
    assert ev2 == pytest.approx(0.04 * np.exp(0.09), rel=1e-14)
    assert forward_variance == pytest.approx((0.0064 - 0.0025) / 0.08, rel=1e-12)
    assert jnp.isfinite(ev2)
