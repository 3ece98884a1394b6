"""Joint laws of (S1, V, S2) that are known, on small grids, and the problems that they solve or do not solve."""

from dataclasses import replace
from functools import cache

import numpy as np
from scipy.optimize import linprog

from smilebridge.arbitrage import Axis, JointProblem
from smilebridge.marginals import Marginal

TAU = 30 / 365
SHAPE = (8, 6, 14)


def log_contract(x):
    return -2 / TAU * np.log(x)


def grid(shape=SHAPE):
    """s1, v, s2: every (s1, v) can carry a kernel."""
    n1, nV, n2 = shape
    return np.exp(np.linspace(-0.12, 0.1, n1)), np.geomspace(0.18, 0.45, nV), np.exp(np.linspace(-0.5, 0.4, n2))


def kernel(s1, v, s2, rng):
    """A random law on s2 with mean s1 and E[L] = L(s1) + v^2: a mixture of three corners."""
    rows = np.vstack([np.ones_like(s2), s2, log_contract(s2)])
    corners = [linprog(rng.normal(size=len(s2)), A_eq=rows, b_eq=[1, s1, log_contract(s1) + v**2]).x for _ in range(3)]
    return rng.dirichlet(np.ones(3)) @ np.array(corners)


@cache
def known(seed, shape=SHAPE, *, sparse=False):
    """Nodes and masses (n1, nV, n2) of a random joint law with E[S1] = 1; `sparse` puts (S1, V) on few nodes."""
    rng = np.random.default_rng(seed)
    s1, v, s2 = grid(shape)
    nu = rng.dirichlet(np.full(shape[0] * shape[1], 0.1 if sparse else 1.0)).reshape(shape[:2])
    low, high = (side[:, None] * nu for side in (s1 < 1, s1 >= 1))
    mean = lambda part: part.sum(axis=1) @ s1 / part.sum()
    share = (1 - mean(low)) / (mean(high) - mean(low))
    nu = (1 - share) * low / low.sum() + share * high / high.sum()
    return (s1, v, s2), np.array([[nu[i, j] * kernel(a, b, s2, rng) for j, b in enumerate(v)] for i, a in enumerate(s1)])


def laws(nodes, P):
    """mu1, muV, mu2 of a joint law."""
    sums = [P.sum(axis=other) for other in ((1, 2), (0, 2), (0, 1))]
    return [Marginal.from_masses(name, x, p / p.sum()) for name, x, p in zip(("mu1", "muV", "mu2"), nodes, sums, strict=True)]


def full(nodes, P) -> JointProblem:
    """Full-law form."""
    return JointProblem.from_laws(*laws(nodes, P), TAU)


def spread(law: Marginal, factor, *, power=1):
    """The law of (m + factor (X^power - m))^(1/power), m = E[X^power]: its mean of X^power stays."""
    x, p = np.asarray(law.x) ** power, np.asarray(law.p)
    return Marginal.from_masses(law.name, (p @ x + factor * (x - p @ x)) ** (1 / power), p)


def quoted(nodes, P, *, half=0.0, counts=(5, 4, 7)) -> JointProblem:
    """Market-strike form: the law's own prices at strikes on nodes, `half` on either side (relative to the price)."""
    axes = []
    for axis, (market, law, count) in enumerate(zip(("SPX T1", "VIX T1", "SPX T2"), laws(nodes, P), counts, strict=True)):
        x, p = np.asarray(law.x), np.asarray(law.p)
        strikes = x[np.unique(np.linspace(1, len(x) - 2, count).round().astype(int))]
        blank = Axis.of_options(market, x, np.gradient(x), float(p @ x), strikes, 0 * strikes, 0 * strikes, carry=axis < 2)
        price = p @ blank.payoff
        options = blank.kind != "F"
        axes.append(replace(blank, bid=price * (1 - half * options), ask=price * (1 + half * options)))
    return JointProblem(*axes, TAU)


def dense(problem: JointProblem, payoff, *, vix=True):
    """(least, greatest) E[f] by one dense programme over all nodes: exact targets or intervals, no kernels, no columns."""
    s1, v, s2 = (axis.x for axis in problem.axes)
    shape = problem.shape
    at = np.broadcast_arrays(s1[:, None, None], v[None, :, None], s2[None, None, :])
    S1, V, S2 = (part.ravel() for part in at)
    node = np.eye(shape[0] * shape[1]).repeat(shape[2], axis=1)
    if vix:
        equal = [node * (S2 - S1), node * (log_contract(S2 / S1) - V**2)]
    else:
        equal = [np.eye(shape[0]).repeat(shape[1] * shape[2], axis=1) * (S2 - S1)]
    index = np.unravel_index(np.arange(S1.size), shape)
    priced = [axis.payoff[at].T for axis, at in zip(problem.axes, index, strict=True) if vix or axis is not problem.axisV]
    priced = np.vstack(priced)
    sides = [axis for axis in problem.axes if vix or axis is not problem.axisV]
    bid, ask = (np.concatenate([getattr(axis, name) for axis in sides]) for name in ("bid", "ask"))
    rows = np.vstack([np.ones(S1.size), *equal])
    right = np.r_[1.0, np.zeros(len(rows) - 1)]
    cost = np.broadcast_to(payoff(S1, V, S2), S1.shape)
    found = [
        linprog(sign * cost, A_eq=rows, b_eq=right, A_ub=np.vstack([priced, -priced]), b_ub=np.r_[ask, -bid], method="highs-ds").fun
        for sign in (1.0, -1.0)
    ]
    return found[0], -found[1]
