"""Bounds: by hand, by brute force, by their own hedges, and in the order that information imposes."""

import inspect
from dataclasses import replace

import numpy as np
import pytest

import joints
from smilebridge.arbitrage import PAYOFFS, JointProblem, bounds, bounds_of, lattice
from smilebridge.marginals import Marginal

SMALL = (4, 3, 14)
CLAIMS = {
    "forward-start-call": PAYOFFS["forward-start-call"](1.02),
    "straddle": PAYOFFS["straddle"](),
    "vix-call": PAYOFFS["vix-call"](0.25),
    "covariance": PAYOFFS["covariance"](0.3),
}


@pytest.fixture(scope="module")
def market():
    """A feasible market with a bid-ask, and the law behind it."""
    nodes, P = joints.known(2)
    return joints.quoted(nodes, P, half=0.02), P


def values(problem, claim):
    s1, v, s2 = np.meshgrid(*(axis.x for axis in problem.axes), indexing="ij")
    return np.broadcast_to(claim(s1, v, s2), problem.shape)


def by_hand():
    """S1 on 0.9, 1.1 and S2 on 0.8, 1, 1.2: one free parameter c, mass 0.9 -> 1.2 given 0.9, from 0 to 0.1."""
    mu1 = Marginal.from_masses("mu1", [0.9, 1.1], [0.5, 0.5])
    mu2 = Marginal.from_masses("mu2", [0.8, 1.0, 1.2], [0.3, 0.4, 0.3])
    muV = Marginal.from_masses("muV", [0.2, 0.3], [0.5, 0.5])
    return JointProblem.from_laws(mu1, muV, mu2, joints.TAU)


def test_two_points_by_hand():
    found = bounds(by_hand(), PAYOFFS["forward-start-call"](1.0), vix="none")
    price = lambda c: 0.5 * ((0.1 * (0.5 - 2 * c) + 0.3 * c) / 0.9 + 0.1 * (0.5 + 0.1 - c) / 1.1)
    assert found.lower == pytest.approx(price(0.0), abs=1e-12)
    assert found.upper == pytest.approx(price(0.1), abs=1e-12)


def test_straddle_is_pinned_where_one_parameter_cancels():
    found = bounds(by_hand(), PAYOFFS["straddle"](), vix="none")
    assert found.lower == pytest.approx(0.11, abs=1e-12)
    assert found.upper == pytest.approx(0.11, abs=1e-12)


@pytest.mark.parametrize("name", CLAIMS)
@pytest.mark.parametrize("half", [0.0, 0.05])
def test_brute_force_agrees(name, half):
    problem = joints.quoted(*joints.known(5, shape=SMALL), half=half, counts=(2, 1, 3))
    found = bounds(problem, CLAIMS[name])
    assert (found.lower, found.upper) == pytest.approx(joints.dense(problem, CLAIMS[name]), abs=1e-8)


@pytest.mark.parametrize("name", ["forward-start-call", "straddle"])
def test_brute_force_agrees_without_vix(name):
    problem = joints.quoted(*joints.known(5, shape=SMALL), half=0.05, counts=(2, 1, 3))
    found = bounds(problem, CLAIMS[name], vix="none")
    assert (found.lower, found.upper) == pytest.approx(joints.dense(problem, CLAIMS[name], vix=False), abs=1e-8)


@pytest.mark.parametrize("name", CLAIMS)
def test_duality_is_strong_and_the_hedges_hold_everywhere(market, name):
    problem, _ = market
    found, f = bounds(problem, CLAIMS[name]), values(problem, CLAIMS[name])
    assert found.gap < 1e-9
    assert (found.high.portfolio.payoff() - f).min() >= -1e-9
    assert (found.low.portfolio.payoff() + f).min() >= -1e-9
    assert found.high.portfolio.price == pytest.approx(found.upper, abs=1e-15)
    assert -found.low.portfolio.price == pytest.approx(found.lower, abs=1e-15)
    for side in (found.low, found.high):
        assert (side.law.masses() * f).sum() == pytest.approx(side.price, abs=1e-12)
        assert side.law.defects().worst() < 1e-9


@pytest.mark.parametrize("name", CLAIMS)
def test_the_law_behind_the_quotes_lies_between(market, name):
    problem, P = market
    found = bounds(problem, CLAIMS[name])
    assert found.lower - 1e-9 <= (P * values(problem, CLAIMS[name])).sum() <= found.upper + 1e-9
    assert found.upper - found.lower > 1e-4


@pytest.mark.parametrize("name", ["forward-start-call", "straddle"])
def test_information_narrows(market, name):
    quoted, free, none = (bounds(market[0], CLAIMS[name], vix=vix) for vix in ("quoted", "free", "none"))
    assert none.lower <= free.lower + 1e-9 <= quoted.lower + 2e-9
    assert none.upper >= free.upper - 1e-9 >= quoted.upper - 2e-9
    assert none.upper - none.lower > quoted.upper - quoted.lower + 1e-5


def test_spx_smiles_alone_pin_the_square_of_the_vix_and_cap_its_future():
    nodes, P = joints.known(1)
    problem, forward = joints.full(nodes, P), P.sum(axis=(0, 2)) @ nodes[1] ** 2
    square = bounds(problem, PAYOFFS["vix-square"](), vix="free")
    future = bounds(problem, PAYOFFS["vix-future"](), vix="free")
    assert (square.lower, square.upper) == pytest.approx((forward, forward), abs=1e-8)
    assert future.upper <= np.sqrt(forward) + 1e-9
    assert future.lower <= P.sum(axis=(0, 2)) @ nodes[1] <= future.upper + 1e-9
    assert future.upper - future.lower > 1e-3


def test_quoted_future_is_its_own_bound(market):
    found = bounds(market[0], PAYOFFS["vix-future"]())
    assert (found.lower, found.upper) == pytest.approx((market[0].axisV.forward,) * 2, abs=1e-9)


def test_wider_support_widens_the_bounds(market):
    problem = market[0]
    ends = [(axis.x[0], axis.x[-1]) for axis in problem.axes]
    grow = lambda by: lattice(problem, n=(6, 6, 10), span=[(low / by, high * by) for low, high in ends])
    one, more = grow(1.0), grow(1.3)
    joined = [np.union1d(a.x, b.x) for a, b in zip(one.axes, more.axes, strict=True)]
    union = JointProblem(*(on(axis, x) for axis, x in zip(one.axes, joined, strict=True)), problem.tau)
    narrow, wide = (bounds(p, PAYOFFS["forward-start-call"](1.0)) for p in (one, union))
    assert narrow.support == tuple((axis.x[0], axis.x[-1]) for axis in one.axes)
    assert wide.lower < narrow.lower - 1e-6
    assert wide.upper > narrow.upper + 1e-6


def on(axis, x):
    """The axis on other nodes."""
    call = (x[:, None] - axis.strike[None, :]) / axis.forward
    paid = np.where(axis.kind == "P", np.maximum(-call, 0), np.where(axis.kind == "C", np.maximum(call, 0), call))
    return replace(axis, x=x, weight=np.gradient(x), payoff=paid)


def test_an_array_is_as_good_as_a_function(market):
    problem, claim = market[0], CLAIMS["straddle"]
    one, other = bounds(problem, claim), bounds(problem, values(problem, claim))
    assert (one.lower, one.upper) == pytest.approx((other.lower, other.upper), abs=1e-9)


def test_arbitrage_leaves_no_price():
    problem = joints.quoted(*joints.known(0))
    high = replace(problem.axis1, bid=2.5 * problem.axis1.bid, ask=2.5 * problem.axis1.ask)
    found = bounds(replace(problem, axis1=high), CLAIMS["straddle"])
    assert (found.lower, found.upper) == (np.inf, -np.inf)
    assert found.existence.price < 0


def test_vix_claims_need_a_vix(market):
    with pytest.raises(ValueError, match="depends on v"):
        bounds(market[0], PAYOFFS["vix-future"](), vix="none")


def test_every_named_payoff_broadcasts():
    for make in PAYOFFS.values():
        claim = make(0.3) if inspect.signature(make).parameters else make()
        assert np.broadcast_shapes(np.shape(claim(np.ones((2, 1, 1)), np.ones((1, 3, 1)), np.ones((1, 1, 4)))), (2, 3, 4)) == (2, 3, 4)


def test_claims_together_are_bounded_as_one_by_one(market):
    problem, _ = market
    for claim, together in zip(CLAIMS.values(), bounds_of(problem, list(CLAIMS.values())), strict=True):
        alone = bounds(problem, claim)
        assert together.lower == pytest.approx(alone.lower, abs=1e-9)
        assert together.upper == pytest.approx(alone.upper, abs=1e-9)
        assert together.gap < 1e-9
