"""Whether a joint law of (S1, V, S2) exists on the nodes: the law, or the portfolio that proves that there is none."""

from dataclasses import dataclass

import numpy as np

from .atomic import AtomicLaw
from .portfolio import Portfolio, hedged
from .problem import JointProblem
from .programme import Aim, Columns, Optimum, Programme

TOL_SLACK = 1e-9  # forwards: exact targets missed by less in total are met
TOL_LAW = 1e-9  # largest defect of a law: forwards, and relative to v^2
TOL_FRACTION = 1e-7  # of the bid-ask: to this the fraction is found
TOL_PAYOFF = 1e-3  # a portfolio wins if it loses at most this share of what it brings
GAP_SLACK = 1e-11  # forwards: to this the slack is found


@dataclass(frozen=True, slots=True, eq=False)
class Existence:
    """Verdict on a problem: a law, or a portfolio of price < 0 that pays 0 or more on every node.

    exists        `law`, remeasured, meets every exact target and sits inside every bid-ask
    slack         least total miss of the exact targets over all laws on the nodes, forwards
    fraction      least e such that a law has every price within e half-spreads of mid; 0 if all targets are exact, inf if slack is left
    bound         of the fraction from below, by a portfolio
    law           found at that slack or fraction; its defects are remeasured
    portfolio     None where a law exists; its amounts add up to 1
    price         of the portfolio, forwards: negative; 0 where there is none
    worst_payoff  of the portfolio over every node, remeasured; 0 but for rounding
    support       ((a, b), (c, d), (a, b)) ends of the nodes of S1, V, S2: the verdict holds there
    """

    exists: bool
    slack: float
    fraction: float
    bound: float
    law: AtomicLaw
    portfolio: Portfolio | None
    price: float
    worst_payoff: float
    support: tuple[tuple[float, float], ...]

    @property
    def decided(self) -> bool:
        """A law exists, or the portfolio wins as remeasured; nothing rests on the solver's word."""
        return self.exists or (self.price < 0 and self.worst_payoff >= TOL_PAYOFF * self.price)

    def __str__(self):
        if self.exists:
            return f"a law exists, within {self.fraction:.3f} of the bid-ask" if self.fraction else "a law exists"
        return f"no law exists: a portfolio of price {self.price:.3e} forwards pays at least {self.worst_payoff:.1e} on every node"


def existence(problem: JointProblem, *, vix: str = "quoted") -> Existence:
    """The law nearest to the quotes by linear programming; where it is not inside them, the portfolio that wins.

    min  total miss of the exact targets, then the fraction e with |price - mid| <= e half_spread for every interval,
    over P >= 0 on the nodes with E[S2 | s1, v] = s1 and E[L(S2/s1) | s1, v] = v^2 wherever the nodes of s2 can carry such a kernel.
    Both programmes have an answer whatever the quotes, and so does the dual: its amounts are the portfolio.
    vix        "quoted", "free" (VIX quotes left out), "none" (no VIX: martingale transport of S1 to S2)
    see        book 04_arbitrage; Guyon (2024), Theorem 2.3
    """
    return searched(Programme.of(problem, vix))[0]


def searched(programme: Programme) -> tuple[Existence, Columns]:
    """The verdict and the columns that carry the law."""
    columns, exact, fraction, bound = programme.first(), programme.exact, 0.0, 0.0
    nothing, nowhere = np.zeros((1, 1, 1)), np.zeros_like(exact)
    optimum = programme.minimum(Aim(nothing, exact * 1.0, np.full(len(exact), np.inf), nowhere), columns, gap=GAP_SLACK)
    slack = optimum.value
    if slack > TOL_SLACK:
        fraction = bound = np.inf
    elif not exact.all():
        aim = Aim(nothing, np.zeros(len(exact)), np.where(exact, 0.0, np.inf), ~exact)
        optimum = programme.minimum(aim, optimum.columns, gap=TOL_FRACTION)
        fraction, bound = optimum.value, optimum.bound
    return _verdict(programme, optimum, slack, fraction, bound), optimum.columns


def _verdict(programme, optimum: Optimum, slack, fraction, bound) -> Existence:
    law = AtomicLaw.of(programme, optimum)
    exists = law.defects().worst() <= TOL_LAW
    portfolio = None if exists else winner(programme, optimum.amounts)
    price, worst = (0.0, 0.0) if exists else (portfolio.price, portfolio.worst())
    support = tuple((float(axis.x[0]), float(axis.x[-1])) for axis in programme.problem.axes)
    return Existence(exists, slack, fraction, bound, law, portfolio, price, worst, support)


def winner(programme: Programme, amounts) -> Portfolio:
    """Sell what the dual values too dear: minus the amounts, hedged to pay nothing or more, one instrument in total."""
    held = hedged(programme, -amounts)
    return held.scaled(1.0 / np.abs(held.amounts).sum())
