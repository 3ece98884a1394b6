"""Markets that no law meets: a fair one with its future shifted, a smile cut, the calendar violated, the identity broken."""

from dataclasses import replace

import numpy as np

import joints
from smilebridge.arbitrage import Axis, JointProblem, lattice


def moved_future(problem, factor):
    """The VIX future and its options, with the strikes, at `factor` times their level."""
    axis = problem.axisV
    strikes = factor * axis.strike[:-1]
    moved = Axis.of_options(axis.market, axis.x, axis.weight, factor * axis.forward, strikes, axis.bid[:-1], axis.ask[:-1])
    return replace(problem, axisV=moved)


def repriced(problem, which, factor, *, pick=slice(None)):
    """The prices of some options of one axis times a factor."""
    axis = getattr(problem, which)
    change = np.ones(len(axis.kind))
    change[pick] = factor
    change[axis.kind == "F"] = 1.0
    return replace(problem, **{which: replace(axis, bid=axis.bid * change, ask=axis.ask * change)})


def cut_nodes(problem, low, high):
    """Bounded support: S2 stays between two levels."""
    return lattice(problem, n=(12, 8, 20), span=(*((axis.x[0], axis.x[-1]) for axis in problem.axes[:2]), (low, high)))


def broken_identity(seed, factor):
    """Full laws in which V keeps its mean and gains variance, so that E[V^2] leaves the forward variance."""
    first, middle, last = joints.laws(*joints.known(seed))
    return JointProblem.from_laws(first, joints.spread(middle, factor), last, joints.TAU)


QUOTED = {
    "future up": lambda problem: moved_future(problem, 1.35),
    "future down": lambda problem: moved_future(problem, 0.7),
    "late smile cut": lambda problem: repriced(problem, "axis2", 0.75),
    "calendar violated": lambda problem: repriced(problem, "axis1", 2.2),
    "dear wing": lambda problem: repriced(problem, "axis2", 2.5, pick=3),
    "VIX butterfly": lambda problem: repriced(problem, "axisV", 1.5, pick=2),
    "support too narrow": lambda problem: cut_nodes(problem, 0.9, 1.09),
}
MARKETS = [(kind, seed, half) for kind in QUOTED for seed in (0, 1) for half in (0.0, 0.02)]
MARKETS += [("identity broken", seed, 0.0) for seed in range(4)]


def unfair(kind, seed, half) -> JointProblem:
    """One of `MARKETS`; `half`: half-spread relative to the price."""
    if kind == "identity broken":
        return broken_identity(seed, 1.05)
    return QUOTED[kind](joints.quoted(*joints.known(seed), half=half))
