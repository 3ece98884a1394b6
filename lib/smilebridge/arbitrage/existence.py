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
CERTAIN = 1e-3  # of the bid-ask, by which a fraction differs from one where the verdict alone is asked for
LOST = 1e-8  # forwards of slack at which the exact targets are given up, where the verdict alone is asked for


@dataclass(frozen=True, slots=True, eq=False)
class Existence:
    """Verdict on a problem: a law, or a portfolio of price < 0 that pays 0 or more on every node.

    exists        `law`, remeasured, meets every exact target and sits inside every bid-ask
    slack         least total miss of the exact targets over all laws on the nodes, forwards; inf where it was not sought
    fraction      least e such that a law has every price within e half-spreads of mid; 0 if all targets are exact, inf if slack is left
    bound         of the fraction from below, by a portfolio
    law           found at that slack or fraction; its defects are remeasured. None where amounts that were given win
    portfolio     None where a law exists; its amounts add up to 1
    price         of the portfolio, forwards: negative; 0 where there is none
    worst_payoff  of the portfolio over every node, remeasured; 0 but for rounding
    support       ((a, b), (c, d), (a, b)) ends of the nodes of S1, V, S2: the verdict holds there
    """

    exists: bool
    slack: float
    fraction: float
    bound: float
    law: AtomicLaw | None
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


def existence(problem: JointProblem, *, vix: str = "quoted", amounts=None, sharp: bool = True) -> Existence:
    """The law nearest to the quotes by linear programming; where it is not inside them, the portfolio that wins.

    min  total miss of the exact targets, then the fraction e with |price - mid| <= e half_spread for every interval,
    over P >= 0 on the nodes with E[S2 | s1, v] = s1 and E[L(S2/s1) | s1, v] = v^2 wherever the nodes of s2 can carry such a kernel.
    Both programmes have an answer whatever the quotes, and so does the dual: its amounts are the portfolio.
    vix        "quoted", "free" (VIX quotes left out), "none" (no VIX: martingale transport of S1 to S2)
    amounts    (m,) of a portfolio in the instruments that may win, e.g. `discrete.Solution.amounts`: hedged as well as can be, and if it
               wins it is the verdict; else the programmes start near it
    sharp      whether the least slack and fraction are wanted; if not, the search ends with the verdict, and both are the found law's
    see        book 04_arbitrage; Guyon (2024), Theorem 2.3
    """
    programme = Programme.of(problem, vix)
    if amounts is None or not np.any(amounts):
        return searched(programme, sharp=sharp)[0]
    verdict = _refuted(programme, np.asarray(amounts))
    return verdict if verdict.decided else searched(programme, near=-np.asarray(amounts), sharp=sharp)[0]


def searched(programme: Programme, *, near=None, sharp: bool = True) -> tuple[Existence, Columns]:
    """The verdict and the columns that carry the law.

    near       (m,) amounts of the dual near which to start
    """
    lost, certain = (np.inf, (-np.inf, np.inf)) if sharp else (LOST, (1 - CERTAIN, 1 + CERTAIN))
    columns, exact, fraction, bound = programme.first(), programme.exact, 0.0, 0.0
    if near is not None:
        columns = columns + programme.priced(near)
    nothing, nowhere = np.zeros((1, 1, 1)), np.zeros_like(exact)
    aim = Aim(nothing, exact * 1.0, np.full(len(exact), np.inf), nowhere)
    optimum = programme.minimum(aim, columns, gap=GAP_SLACK, enough=(-np.inf, lost))
    slack = optimum.value
    if slack > TOL_SLACK:
        fraction = bound = np.inf
    elif not exact.all():
        aim = Aim(nothing, np.zeros(len(exact)), np.where(exact, 0.0, np.inf), ~exact)
        optimum = programme.minimum(aim, optimum.columns, gap=TOL_FRACTION, enough=certain)
        fraction, bound = optimum.value, optimum.bound
    return _verdict(programme, optimum, slack, fraction, bound), optimum.columns


def _verdict(programme, optimum: Optimum, slack, fraction, bound) -> Existence:
    law = AtomicLaw.of(programme, optimum)
    if law.defects().worst() <= TOL_LAW:
        return Existence(True, slack, fraction, bound, law, None, 0.0, 0.0, _support(programme))
    portfolio = _of_one(programme, -optimum.amounts)
    return Existence(False, slack, fraction, bound, law, portfolio, portfolio.price, portfolio.worst(), _support(programme))


def _refuted(programme, amounts) -> Existence:
    """The verdict by a portfolio alone; `decided` if it wins."""
    held = _of_one(programme, amounts)
    room = np.abs(held.amounts) @ np.where(programme.exact, 0.0, programme.unit)
    bound = 1 - held.price / room if room > 0 else np.inf
    return Existence(False, np.inf, np.inf, bound, None, held, held.price, held.worst(), _support(programme))


def _of_one(programme, amounts) -> Portfolio:
    """The amounts, hedged to pay nothing or more, one instrument in total."""
    held = hedged(programme, amounts)
    return held.scaled(1.0 / np.abs(held.amounts).sum())


def _support(programme):
    return tuple((float(axis.x[0]), float(axis.x[-1])) for axis in programme.problem.axes)
