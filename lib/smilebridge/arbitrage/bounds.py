"""What a claim may cost without arbitrage: the dearest and the cheapest law, and the portfolios that enforce both prices."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .atomic import AtomicLaw
from .existence import Existence, searched
from .portfolio import Portfolio, hedged
from .problem import JointProblem
from .programme import Aim, Columns, Programme

TOL_GAP = 1e-10  # of the claim's scale: to this primal and dual are brought together
LEAST_SCALE = 1e-6  # of a claim that the law of `existence` finds worthless


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """One end of the range of prices.

    price      E[f] under `law`
    hedge      price at which `portfolio` enforces it, remeasured: not below the greatest price, not above the least
    portfolio  pays f or more on every node for a greatest price, -f or more for a least one
    worst_excess   least of what it pays beyond that, over every node, remeasured
    law        that attains the price
    """

    price: float
    hedge: float
    portfolio: Portfolio
    worst_excess: float
    law: AtomicLaw

    @property
    def gap(self) -> float:
        """|hedge - price|, in units of the claim."""
        return abs(self.hedge - self.price)


@dataclass(frozen=True, slots=True, eq=False)
class Bounds:
    """Model-free range of E[f] over all joint laws on the nodes that meet the quotes.

    lower, upper   what the hedges enforce; every law's price lies between. An empty range (inf, -inf) where no law exists
    low, high      the two sides, None where no law exists
    vix            "quoted", "free" or "none"
    scale          E|f| under the law of `existence`: gaps are relative to it; 1 where no law exists
    existence      the verdict on the quotes
    """

    lower: float
    upper: float
    low: Side | None
    high: Side | None
    vix: str
    scale: float
    existence: Existence

    @property
    def support(self):
        """((a, b), (c, d), (a, b)) ends of the nodes of S1, V, S2: the bounds hold there."""
        return self.existence.support

    @property
    def gap(self) -> float:
        """Larger gap between primal and dual of the two sides, relative to `scale`."""
        return max(self.low.gap, self.high.gap) / self.scale if self.low else np.inf


def bounds(problem: JointProblem, payoff: Callable | np.ndarray, *, vix: str = "quoted") -> Bounds:
    """Least and greatest price of f(S1, V, S2) over all laws that meet the quotes, each with its hedge.

    sup E_P[f] = min price of (u1, uV, u2, deltaS, deltaL) with u1 + uV + u2 + deltaS (s2 - s1) + deltaL (L(s2/s1) - v^2) >= f on the nodes
    payoff     f as a function of s1 (n1, 1, 1), v (1, nV, 1), s2 (1, 1, n2) that broadcasts (see `PAYOFFS`), or an array that does
    vix        "quoted": all quotes; "free": SPX quotes alone, the VIX is what they leave of it; "none": no VIX, f must not depend on v
    see        book 04_arbitrage; Guyon (2024), Theorem 2.4; Guyon, Menegaux & Nutz (2017) for VIX claims given SPX smiles
    """
    return bounds_of(problem, [payoff], vix=vix)[0]


def bounds_of(problem: JointProblem, payoffs: Sequence[Callable | np.ndarray], *, vix: str = "quoted") -> tuple[Bounds, ...]:
    """`bounds` of several claims: the verdict on the quotes is reached once, and each programme starts from the laws of the one before."""
    programme = Programme.of(problem, vix)
    claims = [_values(programme, payoff) for payoff in payoffs]
    verdict, columns = searched(programme, sharp=False)
    if not verdict.exists:
        return tuple(Bounds(np.inf, -np.inf, None, None, vix, 1.0, verdict) for _ in claims)
    found = []
    for claim in claims:
        scale = max(verdict.law.expect(np.abs(claim)), LEAST_SCALE)
        high, columns = _greatest(programme, claim, columns, scale)
        low, columns = _greatest(programme, -claim, columns, scale)
        low = Side(-low.price, -low.hedge, low.portfolio, low.worst_excess, low.law)
        found.append(Bounds(low.hedge, high.hedge, low, high, vix, scale, verdict))
    return tuple(found)


def _values(programme, payoff):
    """(n1, nV, n2), or an array that broadcasts to it."""
    s1, v, s2 = (axis.x for axis in programme.problem.axes)
    if not callable(payoff):
        return np.asarray(payoff, float)
    at = (s1[:, None, None], v[None, :, None], s2[None, None, :])
    if programme.vix == "none" and np.size(payoff(at[0][:1], np.array([[[0.1], [0.2]]]), at[2][..., :1])) > 1:
        tried = [np.broadcast_to(payoff(at[0], np.full((1, 1, 1), v), at[2]), programme.problem.shape) for v in (0.1, 0.2)]
        if not np.array_equal(*tried):
            raise ValueError('vix="none": the payoff depends on v; ask for vix="free"')
    return np.asarray(payoff(*at), float)


def _greatest(programme: Programme, claim, columns: Columns, scale) -> tuple[Side, Columns]:
    """sup E[claim] and the portfolio that pays it or more."""
    exact = programme.exact
    aim = Aim(-claim, np.zeros(len(exact)), np.where(exact, 0.0, 1.0), np.zeros_like(exact))
    optimum = programme.minimum(aim, columns, gap=TOL_GAP * scale)
    portfolio, law = hedged(programme, -optimum.amounts, claim), AtomicLaw.of(programme, optimum)
    return Side(law.expect(claim), portfolio.price, portfolio, portfolio.worst(claim), law), optimum.columns
