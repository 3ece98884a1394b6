"""A law, or a portfolio that wins: the verdicts are believed only after they are measured again here."""

from dataclasses import replace

import numpy as np
import pytest

import joints
from smilebridge.arbitrage import JointProblem, existence, lattice
from unfair import MARKETS, cut_nodes, moved_future, unfair

TOL = 1e-9  # forwards


def remeasured(portfolio):
    """Price and least payoff by hand, node by node, from amounts, cash and deltas alone."""
    problem = portfolio.problem
    s1, v, s2 = np.meshgrid(*(axis.x for axis in problem.axes), indexing="ij")
    held = np.split(portfolio.amounts, np.cumsum([len(axis.kind) for axis in problem.axes])[:-1])
    total, price = np.full(problem.shape, portfolio.cash), portfolio.cash
    for axis, x, amounts in zip(problem.axes, (s1, v, s2), held, strict=True):
        for kind, strike, bid, ask, amount in zip(axis.kind, axis.strike, axis.bid, axis.ask, amounts, strict=True):
            paid = {"P": np.maximum(strike - x, 0), "C": np.maximum(x - strike, 0), "F": x - strike, "N": 1.0 * (x == strike)}[kind]
            unit = 1.0 if kind == "N" else axis.forward
            total, price = total + amount * paid / unit, price + amount * (ask if amount > 0 else bid)
    total += portfolio.deltaS[:, :, None] * (s2 - s1)
    total += portfolio.deltaL[:, :, None] * (-2 / problem.tau * np.log(s2 / s1) - v**2)
    return price, total.min()


def wins(verdict):
    """No law, and a portfolio of amounts one in total that is paid to hold and never loses."""
    price, worst = remeasured(verdict.portfolio)
    assert not verdict.exists
    assert np.abs(verdict.portfolio.amounts).sum() == pytest.approx(1.0)
    assert price == pytest.approx(verdict.price, rel=1e-9)
    assert price < -1e-7
    assert worst >= 1e-6 * price
    assert worst >= -TOL
    assert verdict.decided


@pytest.mark.parametrize(("kind", "seed", "half"), MARKETS)
def test_infeasible_markets_yield_a_portfolio_that_wins(kind, seed, half):
    wins(existence(unfair(kind, seed, half)))


@pytest.mark.parametrize("half", [0.0, 0.02])
@pytest.mark.parametrize("seed", range(4))
def test_feasible_markets_yield_a_law(seed, half):
    verdict = existence(joints.quoted(*joints.known(seed), half=half))
    assert verdict.exists
    assert verdict.portfolio is None
    P, (s1, v, s2) = verdict.law.masses(), joints.grid()
    assert P.min() >= 0
    assert np.abs((P * (s2[None, None, :] - s1[:, None, None])).sum(axis=2)).max() < TOL
    variance = joints.log_contract(s2[None, None, :] / s1[:, None, None]) - v[None, :, None] ** 2
    assert np.abs((P * variance).sum(axis=2)).max() < TOL
    assert verdict.law.defects().worst() < TOL


def test_full_laws_are_met_node_by_node():
    nodes, P = joints.known(3)
    found = existence(joints.full(nodes, P)).law.masses()
    for axes in ((1, 2), (0, 2), (0, 1)):
        assert np.abs(found.sum(axis=axes) - P.sum(axis=axes)).max() < TOL


def test_fraction_is_that_of_the_bid_ask():
    problem = unfair("dear wing", 0, 0.02)
    fraction = existence(problem).fraction
    widen = lambda axis, by: replace(axis, bid=axis.mid - by * axis.half_spread, ask=axis.mid + by * axis.half_spread)
    stretched = lambda by: existence(JointProblem(*(widen(axis, by) for axis in problem.axes), problem.tau))
    assert fraction > 1
    assert stretched(1.001 * fraction).exists
    assert not stretched(0.999 * fraction).exists


def test_amounts_that_win_are_the_verdict_and_others_do_no_harm():
    problem = unfair("dear wing", 0, 0.02)
    cold = existence(problem)
    told = existence(problem, amounts=cold.portfolio.amounts)
    wins(told)
    assert told.law is None
    assert told.bound == pytest.approx(cold.fraction, rel=1e-6)
    misled = existence(problem, amounts=-cold.portfolio.amounts)
    assert misled.fraction == pytest.approx(cold.fraction, rel=1e-6)
    assert existence(joints.quoted(*joints.known(0), half=0.02), amounts=cold.portfolio.amounts).exists


@pytest.mark.parametrize("half", [0.0, 0.02])
def test_a_verdict_alone_is_the_same_verdict(half):
    fair, foul = joints.quoted(*joints.known(0), half=half), unfair("late smile cut", 0, half)
    assert existence(fair, sharp=False).exists
    assert existence(fair, sharp=False).fraction >= existence(fair).fraction
    wins(existence(foul, sharp=False))
    assert existence(foul, sharp=False).bound <= existence(foul).fraction


def test_bound_and_fraction_enclose_the_answer():
    verdict = existence(joints.quoted(*joints.known(2), half=0.02))
    assert verdict.bound <= verdict.fraction + 1e-9
    assert verdict.fraction - verdict.bound < 1e-6


def test_slack_is_what_the_portfolio_earns():
    problem = unfair("future up", 0, 0.0)
    verdict = existence(problem)
    largest = np.abs(verdict.portfolio.amounts).max()
    assert -verdict.price / largest == pytest.approx(verdict.slack, rel=1e-6)


def test_less_is_asked_of_a_free_vix_and_least_without():
    problem = unfair("future up", 1, 0.02)
    assert not existence(problem).exists
    assert existence(problem, vix="free").exists
    assert existence(problem, vix="none").exists


def test_nodes_that_carry_no_law_lose_no_money():
    problem = joints.quoted(*joints.known(0))
    wide = lattice(moved_future(problem, 1.35), n=(12, 8, 9), span=((0.5, 1.6), (0.01, 2.5), (0.6, 1.5)))
    verdict = existence(wide)
    assert not wide.admissible.all()
    wins(verdict)


def test_strikes_between_nodes_make_a_fair_market_look_unfair():
    problem = joints.quoted(*joints.known(0, shape=(9, 7, 21)), counts=(7, 5, 19))
    late = problem.axis2
    coarse = replace(problem, axis2=replace(late, x=late.x[::2], weight=late.weight[::2], payoff=late.payoff[::2]))
    assert not existence(coarse).exists
    assert existence(lattice(coarse, n=(9, 7, 10))).exists


def test_verdict_moves_with_the_support():
    problem = joints.quoted(*joints.known(0), half=0.01)
    fractions = [existence(cut_nodes(problem, 1 / (1 + w), 1 + w)).fraction for w in (0.3, 0.6, 0.9)]
    assert fractions[0] > 1 >= fractions[1] >= fractions[2] - 1e-6


def test_legs_name_the_contracts():
    verdict = existence(unfair("calendar violated", 0, 0.0))
    names = [name for name, _ in verdict.portfolio.legs]
    assert set(names) <= set(verdict.portfolio.problem.contracts)
    assert any(name.startswith("SPX T1") for name in names)
    assert any(name.startswith("SPX T2") for name in names)


def test_unknown_information_is_refused():
    with pytest.raises(ValueError, match="vix"):
        existence(joints.quoted(*joints.known(0)), vix="some")


def test_full_law_nodes_do_not_move():
    with pytest.raises(ValueError, match="full-law form"):
        lattice(joints.full(*joints.known(0)))
