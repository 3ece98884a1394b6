"""Sensitivities against recalibration."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest

from joints import known, quoted
from smilebridge import discrete

CLAIMS = (
    lambda s1, v, s2: jnp.maximum(s2 / s1 - 1.0, 0.0),
    lambda s1, v, s2: s1 * v**2,
    lambda s1, v, s2: jnp.abs(s2 - s1),
)


def market(half):
    """A small feasible market: exact targets, or intervals."""
    return quoted(*known(4), half=half)


def solve(problem, prior):
    return discrete.newton(discrete.Schrodinger.of(problem, prior), tol=1e-13)


def bumped(problem, j, bid, ask):
    """The problem with one quote moved."""
    axes, first = list(problem.axes), 0
    for k, axis in enumerate(axes):
        if first <= j < first + len(axis.kind):
            shift = np.eye(len(axis.kind))[j - first]
            axes[k] = replace(axis, bid=axis.bid + bid * shift, ask=axis.ask + ask * shift)
        first += len(axis.kind)
    return replace(problem, axis1=axes[0], axisV=axes[1], axis2=axes[2])


def recalibrated(problem, prior, j, bid, ask, step):
    """Central difference of fourth order over recalibrations."""
    price = lambda e: np.array([float(solve(bumped(problem, j, e * bid, e * ask), prior).law.expect(f)) for f in CLAIMS])
    return (8 * (price(step) - price(-step)) - (price(2 * step) - price(-2 * step))) / (12 * step)


@pytest.mark.parametrize("j", [0, 4, 7, 12])
def test_exact_targets_move_prices_as_recalibration_does(j):
    problem = market(0.0)
    prior = discrete.Reference.papers(problem)
    found = discrete.risks(solve(problem, prior).law, CLAIMS)
    expected = recalibrated(problem, prior, j, 1.0, 1.0, 1e-6)
    np.testing.assert_allclose(np.asarray(found.mid)[:, j], expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(("side", "bid", "ask"), [("mid", 1.0, 1.0), ("bid", 1.0, 0.0), ("ask", 0.0, 1.0)])
@pytest.mark.parametrize("j", [1, 13])
def test_bids_and_asks_move_prices_as_recalibration_does(side, bid, ask, j):
    problem = market(0.05)
    prior = discrete.Reference.papers(problem)
    law = solve(problem, prior).law
    found = discrete.risks(law, CLAIMS)
    step = 1e-3 * float(law.problem.unit[j])
    expected = recalibrated(problem, prior, j, bid, ask, step)
    np.testing.assert_allclose(np.asarray(getattr(found, side))[:, j], expected, rtol=1e-6, atol=1e-7)


def test_bid_and_ask_add_up_to_mid():
    problem = market(0.05)
    found = discrete.risks(solve(problem, discrete.Reference.papers(problem)).law, CLAIMS)
    np.testing.assert_allclose(found.bid + found.ask, found.mid, rtol=1e-9, atol=1e-12)


def test_an_instrument_hedges_itself():
    problem = market(0.0)
    strike = float(problem.axis1.strike[-2])
    claim = lambda s1, v, s2: jnp.maximum(s1 - strike, 0.0)
    found = discrete.risks(solve(problem, discrete.Reference.papers(problem)).law, (claim,))
    expected = np.zeros(len(problem.contracts))
    expected[len(problem.axis1.kind) - 2] = 1.0
    np.testing.assert_allclose(np.asarray(found.mid)[0], expected, atol=1e-7)


def test_released_markets_respond_instead_of_staying():
    problem = market(0.0)
    law = solve(problem, discrete.Reference.papers(problem)).law
    future = lambda s1, v, s2: v
    held, free = (discrete.risks(law, (future,), released=names) for names in ((), ("VIX T1",)))
    first, last = len(problem.axis1.kind), len(problem.axis1.kind) + len(problem.axisV.kind)
    spx = np.r_[0:first, last : len(problem.contracts)]
    np.testing.assert_allclose(np.asarray(held.mid)[0, spx], 0.0, atol=1e-8)
    assert np.abs(np.asarray(free.mid)[0, spx]).max() > 1e-3
    np.testing.assert_array_equal(np.asarray(free.mid)[0, first:last], 0.0)
    with pytest.raises(ValueError, match="no market"):
        discrete.risks(law, (future,), released=("VIX",))
