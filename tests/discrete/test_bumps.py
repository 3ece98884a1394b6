"""Moves of the market against moved quotes: Black prices shifted by hand, problems posed anew, markets without the VIX."""

from dataclasses import replace

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from joints import known, quoted
from smilebridge import discrete, market

from .conftest import laws_of, problem_of

H = 1e-4
SPX, FUTURE = ("SPX T1", "SPX T2"), "VIX T1"


@pytest.fixture(scope="module")
def laws():
    """Of a synthetic market."""
    return laws_of("normal")


@pytest.fixture(scope="module")
def problem():
    """All its quotes."""
    return problem_of("normal", "quotes")


def prices(problem, laws, name, *, moneyness=0.0, vol=0.0, forward=0.0):
    """Out-of-the-money prices of one market per unmoved forward: smile read e^moneyness further, vols up, forward e^forward up."""
    at = [axis.market for axis in problem.axes].index(name)
    axis, law, years = problem.axes[at], list(laws)[at], (laws.triple.spx1, laws.triple.vix, laws.triple.spx2)[at].years
    options = axis.kind != "F"
    x = jnp.asarray(axis.strike[options])
    s = law.implied_stdev(x * np.exp(moneyness)) + vol * np.sqrt(years)
    k = x / float(law.mean()) * np.exp(-forward)
    call = np.exp(forward) * np.asarray(market.black_call(k, s))
    return call - np.where(axis.kind[options] == "P", np.exp(forward) - np.asarray(x / float(law.mean())), 0.0)


def part(problem, bump, name):
    """Options' entries of one market, and those of its forward."""
    sizes = [len(axis.kind) for axis in problem.axes]
    at = [axis.market for axis in problem.axes].index(name)
    own, kind = np.split(np.asarray(bump), np.cumsum(sizes)[:-1])[at], problem.axes[at].kind
    return own[kind != "F"], own[kind == "F"]


@pytest.mark.parametrize("name", [*SPX, FUTURE])
def test_a_parallel_bump_of_volatility_moves_each_option_by_its_vega(problem, laws, name):
    bump = discrete.vol_bump(problem, laws, name)
    options, forward = part(problem, bump, name)
    expected = (prices(problem, laws, name, vol=H) - prices(problem, laws, name, vol=-H)) / (2 * H)
    np.testing.assert_allclose(options, expected, rtol=1e-4, atol=1e-9)
    assert not forward.any()
    assert not any(np.any(part(problem, bump, other)[0]) for other in (*SPX, FUTURE) if other != name)


def test_buckets_that_share_a_bump_add_up_to_it(problem, laws):
    sides = lambda z: jnp.where(z < 0, 1.0, 0.0), lambda z: jnp.where(z < 0, 0.0, 1.0)
    halves = [discrete.vol_bump(problem, laws, "SPX T2", weight=side) for side in sides]
    np.testing.assert_allclose(sum(halves), discrete.vol_bump(problem, laws, "SPX T2"), rtol=1e-12)


@pytest.mark.parametrize("name", SPX)
def test_at_sticky_strike_a_rising_index_reads_the_smile_further_right(problem, laws, name):
    options, forward = part(problem, discrete.spot_bump(problem, laws), name)
    expected = (prices(problem, laws, name, moneyness=H) - prices(problem, laws, name, moneyness=-H)) / (2 * H)
    np.testing.assert_allclose(options, expected, rtol=1e-4, atol=1e-7)
    assert not forward.any()


def test_smiles_that_follow_the_index_do_not_move(problem, laws):
    assert not np.any(discrete.spot_bump(problem, laws, stickiness=0.0))
    double = discrete.spot_bump(problem, laws, stickiness=2.0)
    np.testing.assert_allclose(double, 2 * discrete.spot_bump(problem, laws), rtol=1e-12)


def test_the_future_moves_its_options_by_blacks_delta(problem, laws):
    options, forward = part(problem, discrete.future_bump(problem, laws), FUTURE)
    expected = (prices(problem, laws, FUTURE, forward=H) - prices(problem, laws, FUTURE, forward=-H)) / (2 * H)
    np.testing.assert_allclose(options, expected, rtol=1e-4, atol=1e-7)
    np.testing.assert_array_equal(forward, [1.0])


def test_a_market_that_is_none_is_refused(problem, laws):
    with pytest.raises(ValueError, match="no market 'SPX'"):
        discrete.vol_bump(problem, laws, "SPX")
    with pytest.raises(ValueError, match="no market 'T1'"):
        discrete.spot_bump(problem, laws, markets=("T1",))
    with pytest.raises(ValueError, match="masses of nodes"):
        discrete.vol_bump(problem_of("normal", "full"), laws, "SPX T1")


@pytest.mark.parametrize("half", [0.0, 0.05])
def test_moved_quotes_pose_the_problem_that_they_would_have_posed(half):
    problem = quoted(*known(4), half=half)
    draw = np.random.default_rng(0)
    shifts, axes = [], []
    for axis in problem.axes:
        bid = 1e-4 * draw.normal(size=len(axis.kind))
        ask = bid + np.where(axis.half_spread > 0, 0.1 * axis.half_spread, 0.0)
        shifts.append((bid, ask))
        axes.append(replace(axis, bid=axis.bid + bid, ask=axis.ask + ask))
    prior = discrete.Reference.papers(problem)
    bid, ask = (jnp.asarray(np.concatenate(side)) for side in zip(*shifts, strict=True))
    found = discrete.moved(discrete.Schrodinger.of(problem, prior), bid, ask)
    expected = discrete.Schrodinger.of(replace(problem, axis1=axes[0], axisV=axes[1], axis2=axes[2]), prior)
    for name in ("F1", "FV", "F2", "unit", "mid", "band"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-11, atol=1e-9, err_msg=name)


def test_released_quotes_are_a_reference_that_leans_on_the_vix():
    problem = quoted(*known(4), half=0.05)
    posed = discrete.Schrodinger.of(problem, discrete.Reference.papers(problem))
    law = discrete.newton(posed).require().law
    future = lambda s1, v, s2: v
    free = discrete.risks(law, (future,), released=("VIX T1",)).mid[0]
    m1, mV = posed.F1.shape[1], posed.FV.shape[1]
    spx = np.r_[0:m1, m1 + mV : len(posed.unit)]
    taken = (lambda p: (p.log_mass, p.FV, p.unit, p.band, p.mid), posed)
    leaning = posed.log_mass + law.potentials[1][None, :]
    without = eqx.tree_at(*taken, (leaning, posed.FV[:, :0], posed.unit[spx], posed.band[spx], posed.mid[spx]))

    def price(direction):
        bent = discrete.moved(without, direction, direction)
        return float(discrete.newton(bent).require().law.expect(future))

    assert price(jnp.zeros(len(spx))) == pytest.approx(float(law.expect(future)), rel=1e-9)
    for j in (1, m1 + 2):
        step = 0.01 * without.unit[j] * jnp.eye(len(spx))[j]
        seen = (8 * (price(step) - price(-step)) - price(2 * step) + price(-2 * step)) / 12
        assert seen == pytest.approx(float(free[spx] @ step), rel=1e-5)
