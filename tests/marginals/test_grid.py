"""Quadrature grids: every moment and every quoted price of the law to 1e-12, on few points or many, or a refusal that says how many."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr

import smiles
from smilebridge.marginals import Marginal, grid

TOL = 1e-12  # mass; moments and prices per mean; E[log X]
DECILES = jnp.linspace(0.05, 0.95, 10)


def defects(law, found, strikes):
    """What the grid misses of each moment of the law; NumPy sums against formulas written out once more."""
    x, p, k = np.asarray(found.x), np.asarray(found.p), np.asarray(strikes, float)
    means, widths, weights = (np.asarray(part) for part in (law.means, law.widths, law.weights))
    mean, centres = means @ weights, np.log(means) - 0.5 * widths**2
    score = (centres - np.log(k)[:, None]) / widths
    calls = (means * ndtr(score + widths) - k[:, None] * ndtr(score)) @ weights
    found_calls = np.maximum(x - k[:, None], 0) @ p
    return {
        "mass": p.sum() - 1,
        "mean": p @ x / mean - 1,
        "E[log X]": p @ np.log(x) - centres @ weights,
        "E[X^2]": p @ x**2 / (means**2 * np.exp(widths**2) @ weights) - 1,
        **{f"call {strike:g}": miss for strike, miss in zip(strikes, (found_calls - calls) / mean, strict=True)},
    }


def exact(law, found, strikes):
    missed = {name: miss for name, miss in defects(law, found, strikes).items() if abs(miss) > TOL}
    assert not missed
    assert np.all(np.diff(found.x) > 0)
    assert np.all(found.p > 0)


def test_quoted_prices_and_moments_of_every_smile_are_exact(fits):
    for i, (_, law) in enumerate(fits):
        n = 2 * (len(law.strikes) + 1) + 16 + 7 * i
        found = grid(law, n)
        assert (found.name, len(found.x)) == (law.name, n)
        exact(law, found, np.asarray(law.strikes))


@pytest.mark.parametrize("n", [38, 39, 40, 57, 100, 401])
@pytest.mark.parametrize("leg", [0, 1, 2])
def test_any_number_of_points_carries_a_choice_of_strikes(laws, leg, n):
    law = tuple(laws)[leg]
    strikes = np.asarray(law.quantile(DECILES))
    found = grid(law, n, strikes=strikes)
    assert len(found.x) == n
    exact(law, found, strikes)


@given(smiles.mixtures(), st.lists(st.floats(1e-4, 1 - 1e-4), min_size=3, max_size=3), st.sampled_from([40, 41]))
def test_random_mixtures_are_exact(law, levels, n):
    strikes = np.unique(np.asarray(law.quantile(jnp.asarray(levels))))
    found = grid(law, n, strikes=strikes)
    assert len(found.x) == n
    exact(law, found, strikes)


@pytest.mark.parametrize("strikes", [[0.2, 0.41, 1.0, 1.1, 2.4, 9.0], [1.0, 1.0 + 1e-9, 1.0 + 1e-6], [1.1, 0.9, 0.9], [0.001, 50.0], []])
def test_strikes_may_lie_anywhere_in_any_order(strikes):
    """Beyond the support, a billionth apart, twice, unsorted, none."""
    law = smiles.lognormal(0.1)
    exact(law, grid(law, 60, strikes=strikes), strikes)


def test_gaps_without_mass_carry_no_points():
    law = smiles.mixture([0.9, 1.0, 1.2], [1e-5] * 3, [0.2, 0.6, 0.2])
    strikes = [0.95, 1.05, 1.1]
    found = grid(law, 40, strikes=strikes)
    exact(law, found, strikes)
    assert not np.any((found.x > 1.05) & (found.x < 1.1))


@pytest.mark.parametrize("stdev", [1e-6, 0.01, 1.0, 3.0])
def test_narrow_and_wide_laws_are_exact(stdev):
    law = smiles.lognormal(stdev)
    exact(law, grid(law, 40), [1.0])


def test_payoffs_between_strikes_converge_with_the_square_of_the_points():
    """Two-point rules: panels half as wide, errors of a kink a quarter as large; 50 to 400 points, factor 8^2 within 3."""
    law, k = smiles.skewed(), jnp.linspace(0.8, 1.1, 301)
    miss = [np.abs(grid(law, n, strikes=[1.0]).call(k) - law.call(k)).max() for n in (50, 400)]
    assert 64 / 3 < miss[0] / miss[1] < 64 * 3


def test_too_few_points_are_refused_with_the_number_that_would_do():
    law = smiles.lognormal(0.1, strikes=np.linspace(0.8, 1.2, 12))
    with pytest.raises(ValueError, match=r"mu1: 41 points cannot carry 12 strikes; need n >= 42 or fewer `strikes`"):
        grid(law, 41)
    exact(law, grid(law, 42), np.asarray(law.strikes))


def test_more_points_than_the_sums_resolve_are_refused_or_carried():
    law = smiles.lognormal(0.1)
    exact(law, grid(law, 3000), [1.0])


@pytest.mark.parametrize("strike", [0.0, -1.0, np.nan, np.inf])
def test_what_is_no_strike_is_refused(strike):
    with pytest.raises(ValueError, match=f"mu1: strikes must be positive and finite, got {strike}"):
        grid(smiles.lognormal(0.1), 40, strikes=[0.9, strike])


@pytest.mark.parametrize(
    ("x", "p", "words"),
    [
        ([0.9, 1.1], [0.5, 0.6], "masses sum to 1.1, need 1"),
        ([0.9, 1.1], [1.5, -0.5], r"mass -0.5 at x = 1.1, need >= 0"),
        ([0.9, 1.1], [np.nan, 1.0], r"mass nan at x = 0.9, need >= 0"),
        ([1.1, 0.9], [0.5, 0.5], "points must be positive, finite and increasing"),
        ([0.0, 1.0], [0.5, 0.5], "points must be positive, finite and increasing"),
        ([0.9, np.inf], [0.5, 0.5], "points must be positive, finite and increasing"),
        ([0.9, 1.1], [1.0], r"need as many masses as points, got \(1,\) for \(2,\)"),
        ([], [], r"need as many masses as points"),
    ],
)
def test_masses_that_are_no_law_are_refused(x, p, words):
    with pytest.raises(ValueError, match=f"mu1: {words}"):
        Marginal.from_masses("mu1", x, p)


def test_single_precision_is_refused():
    with pytest.raises(TypeError, match="mu1: float64 needed, got float32"):
        Marginal("mu1", jnp.ones(2, jnp.float32), jnp.ones(2, jnp.float32))


def test_marginal_prices_its_points():
    law = Marginal.from_masses("mu1", [0.8, 1.0, 1.3], [0.25, 0.5, 0.25])
    k = jnp.array([0.5, 0.8, 0.9, 1.0, 1.3, 2.0])
    np.testing.assert_allclose(law.call(k), [0.525, 0.225, 0.15, 0.075, 0.0, 0.0], atol=1e-15)
    np.testing.assert_allclose(jax.vmap(lambda x: law.call(x[None])[0])(k), law.call(k), atol=1e-15)
    assert float(law.mean()) == pytest.approx(1.025)
    assert float(law.second_moment()) == pytest.approx(0.25 * 0.64 + 0.5 + 0.25 * 1.69)
    assert float(law.log_contract(0.5)) == pytest.approx(-4 * 0.25 * (np.log(0.8) + np.log(1.3)))
