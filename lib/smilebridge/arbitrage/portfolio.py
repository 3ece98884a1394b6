"""Amounts of listed instruments, cash, and at T1 forwards and log contracts: a payoff that anyone can remeasure on every node."""

from dataclasses import dataclass, replace

import numpy as np

from .problem import JointProblem
from .programme import Programme

LIFT = 2.0  # times what a node without kernels needs
DUST = 1e-12  # share of the largest amount below which a leg is not named


@dataclass(frozen=True, slots=True, eq=False)
class Portfolio:
    """What is held, what it costs, what it pays on every node (s1, v, s2).

    problem    the nodes and instruments
    amounts    (m,) of the instruments in the order of `problem.contracts`, held to expiry; bought if positive
    cash       forwards
    deltaS     (n1, nV) of S from T1 to T2: pays deltaS (s2 - s1) and costs nothing
    deltaL     (n1, nV) of the log contract against the squared VIX: pays deltaL (L(s2/s1) - v^2) and costs nothing
    """

    problem: JointProblem
    amounts: np.ndarray
    cash: float
    deltaS: np.ndarray
    deltaL: np.ndarray

    @property
    def price(self) -> float:
        """Cash, what is bought at its ask, what is sold at its bid; per forward."""
        bid, ask = (np.concatenate([getattr(axis, side) for axis in self.problem.axes]) for side in ("bid", "ask"))
        return float(self.cash + np.maximum(self.amounts, 0) @ ask + np.minimum(self.amounts, 0) @ bid)

    @property
    def potentials(self):
        """u1 (n1,), uV (nV,), u2 (n2,): what the amounts pay at the nodes, per forward."""
        cuts = np.cumsum([len(axis.kind) for axis in self.problem.axes])[:-1]
        return [axis.payoff @ part for axis, part in zip(self.problem.axes, np.split(self.amounts, cuts), strict=True)]

    @property
    def legs(self) -> tuple[tuple[str, float], ...]:
        """(contract, amount) of what is held, largest amounts first."""
        size = np.abs(self.amounts)
        order = np.argsort(-size, kind="stable")
        names = self.problem.contracts
        return tuple((names[k], float(self.amounts[k])) for k in order if size[k] > DUST * size.max())

    def payoff(self) -> np.ndarray:
        """(n1, nV, n2) terminal value, per forward.

        u1(s1) + uV(v) + u2(s2) + deltaS (s2 - s1) + deltaL (L(s2/s1) - v^2) + cash
        """
        u1, uV, u2 = self.potentials
        s1, v, s2 = (axis.x for axis in self.problem.axes)
        L1, L2 = self.problem.log_contract(s1), self.problem.log_contract(s2)
        forward = (s2[None, :] - s1[:, None])[:, None, :]
        variance = (L2[None, :] - L1[:, None])[:, None, :] - v[None, :, None] ** 2
        static = u1[:, None, None] + uV[None, :, None] + u2[None, None, :] + self.cash
        return static + self.deltaS[:, :, None] * forward + self.deltaL[:, :, None] * variance

    def worst(self, claim=0.0) -> float:
        """Least of payoff minus claim over every node of the grid, whether or not a law can sit there; no solver is asked.

        claim      array that broadcasts to (n1, nV, n2)
        """
        return float((self.payoff() - claim).min())

    def scaled(self, factor: float) -> "Portfolio":
        """The same bets, `factor` > 0 times as large."""
        return Portfolio(self.problem, factor * self.amounts, factor * self.cash, factor * self.deltaS, factor * self.deltaL)


def hedged(programme: Programme, amounts, claim=0.0) -> Portfolio:
    """The cheapest portfolio with these amounts that pays the claim or more on every node: best deltas at each (s1, v), then least cash.

    claim      array that broadcasts to (n1, nV, n2)
    """
    problem, kernels = programme.problem, programme.kernels
    _, _, u2 = programme.potentials(amounts)
    atoms, _, plane = kernels.cheapest(u2[None, :] - programme.at_nodes(claim), kernels.start)
    deltaS, deltaL = np.zeros(problem.shape[:2]), np.zeros(problem.shape[:2])
    deltas = -plane[:, 1:] / kernels.scale
    deltaS[kernels.i, kernels.j] = deltas[:, 0]
    if programme.vix != "none":
        deltaL[kernels.i, kernels.j] = deltas[:, 1]
    bare = Portfolio(problem, amounts, 0.0, deltaS, deltaL)
    spare = (bare.payoff() - claim).min(axis=2)
    cash = -float(spare[kernels.i, kernels.j].min())
    whole = _parted(replace(bare, cash=cash), spare + cash, programme)
    return replace(whole, cash=cash - min(whole.worst(claim), 0.0))


def _parted(portfolio, spare, programme):
    """Deltas also where no law of S2 can sit: a line that parts (s1, L(s1) + v^2) from every (s2, L(s2)) pays what is short."""
    empty = np.ones(spare.shape, bool)
    empty[programme.kernels.i, programme.kernels.j] = False
    lineS, lineL, gain = parting_lines(programme.problem, vix=programme.vix != "none")
    size = LIFT * np.divide(np.maximum(-spare, 0.0), gain, out=np.zeros_like(spare), where=empty & (gain > 0))
    return replace(portfolio, deltaS=portfolio.deltaS + size * lineS, deltaL=portfolio.deltaL + size * lineL)


def parting_lines(problem: JointProblem, *, vix: bool = True):
    """Deltas (n1, nV) that gain on every node of s2, and the least gain; 0 where a law of S2 can sit.

    S1 outside the range of S2: forwards alone. v^2 above what the two ends carry: their chord; below what the neighbours carry: theirs.
    """
    s1, v, s2 = (axis.x for axis in problem.axes)
    L1, L2 = problem.log_contract(s1)[:, None], problem.log_contract(s2)
    outside = np.maximum(np.maximum(s2[0] - s1, s1 - s2[-1]), 0.0)[:, None] * np.ones((1, len(v)))
    deltaS, deltaL, gain = np.where(s1 < s2[0], 1.0, -1.0)[:, None] * (outside > 0), np.zeros(outside.shape), outside
    left = np.clip(np.searchsorted(s2, s1, side="right") - 1, 0, len(s2) - 2)
    ends = np.zeros_like(left), np.full_like(left, len(s2) - 1)
    for low, high, sign in ((left, left + 1, 1.0), (*ends, -1.0)) if vix else ():
        slope = ((L2[high] - L2[low]) / (s2[high] - s2[low]))[:, None]
        line = L2[low][:, None] + slope * (s1 - s2[low])[:, None]
        short = sign * (line - L1 - v[None, :] ** 2)
        here = (short > 0) & (outside == 0)
        deltaS, deltaL, gain = np.where(here, -sign * slope, deltaS), np.where(here, sign, deltaL), np.where(here, short, gain)
    return deltaS, deltaL, gain
