"""Two programmes, one theorem: a law exists if and only if a coupling is in convex order in the plane."""

import numpy as np
import pytest

import joints
from smilebridge.arbitrage import JointProblem, coupling, existence
from smilebridge.marginals import Marginal

SEEDS = range(5)


def moved(seed, what):
    """Three laws of a known joint law, one of them changed."""
    mu1, muV, mu2 = joints.laws(*joints.known(seed, sparse=seed % 2 == 0))
    if what == "future up":
        muV = Marginal.from_masses("muV", 1.03 * np.asarray(muV.x), muV.p)
    if what == "squares spread":
        square = float(muV.second_moment())
        muV = joints.spread(muV, 0.95 / (1 - float(muV.x[0]) ** 2 / square), power=2)
    if what == "squares drawn together":
        muV = joints.spread(muV, 0.5, power=2)
    if what == "calendar":
        mu1 = joints.spread(mu1, 2.5)
    if what == "identity":
        mu2 = joints.spread(mu2, 1.05)
    return JointProblem.from_laws(mu1, muV, mu2, joints.TAU)


CHANGES = ["none", "future up", "squares spread", "squares drawn together", "calendar", "identity"]


@pytest.mark.parametrize("what", CHANGES)
@pytest.mark.parametrize("seed", SEEDS)
def test_both_programmes_agree(seed, what):
    problem = moved(seed, what)
    verdict, order = existence(problem), coupling(problem)
    assert verdict.exists == order.ordered
    assert verdict.decided
    if what in ("future up", "calendar", "identity"):
        assert not verdict.exists


def test_both_verdicts_occur_where_no_single_condition_decides():
    spread = [existence(moved(seed, "squares spread")).exists for seed in SEEDS]
    assert not all(spread)
    assert all(existence(moved(seed, "none")).exists for seed in SEEDS)


def test_coupling_has_its_marginals():
    problem = moved(1, "none")
    nu = coupling(problem).nu
    assert np.abs(nu.sum(axis=1) - problem.axis1.mid).max() < 1e-9
    assert np.abs(nu.sum(axis=0) - problem.axisV.mid).max() < 1e-9
    assert nu.min() >= 0


def test_market_strikes_are_refused():
    with pytest.raises(ValueError, match="full-law form"):
        coupling(joints.quoted(*joints.known(0)))
