"""Convex order of two laws on the line: the verdict, or the calendar spread that wins."""

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..marginals import Marginal, Mixture

TOL_FORWARD = 1e-12  # forward units: gaps and means closer than this are equal
N_STRIKES = 2001  # for laws with densities: strikes per scan
REFINEMENTS = 6  # scans, each around the worst strike of the last


@dataclass(frozen=True, slots=True)
class CalendarSpread:
    """Long one late call (if `long` is "late") and short one early call of the same strike, with the hedge that makes it win.

    strike     per forward
    price      cost today, forward units: negative means it pays to enter
    hedge      forwards held from T1 to T2 when S1 ends above the strike (none below)
    """

    strike: float
    price: float
    hedge: float = -1.0

    def payoff(self, s1, s2):
        """Terminal value of the spread with its hedge, forward units: never negative, whatever S1 and S2."""
        s1, s2 = np.asarray(s1), np.asarray(s2)
        spread = np.maximum(s2 - self.strike, 0.0) - np.maximum(s1 - self.strike, 0.0)
        return spread + self.hedge * np.where(s1 > self.strike, s2 - s1, 0.0)

    def __str__(self):
        return (
            f"buy the T2 call and sell the T1 call struck at {self.strike:.6f} forwards for {self.price:.3e} forwards; "
            f"if S1 ends above the strike, sell one forward to T2: the payoff is never negative"
        )


@dataclass(frozen=True, slots=True)
class ConvexOrder:
    """Verdict on mu1 before mu2.

    holds      means agree and no call gap is below -1e-12
    worst_gap  smallest late call minus early call, forward units
    strike     where
    mean_gap   mean of mu2 minus mean of mu1
    spread     the calendar spread that wins, None where the order holds
    """

    holds: bool
    worst_gap: float
    strike: float
    mean_gap: float
    spread: CalendarSpread | None


def call_gap(mu1, mu2, k: Float[Array, " k"]) -> Float[Array, " k"]:
    """Late calls minus early calls, strike by strike.

    gap(k) = E_mu2[(s - k)+] - E_mu1[(s - k)+]; mu1 precedes mu2 in convex order iff the means agree and gap >= 0.
    mu1, mu2   laws of s = S/F at T1 < T2, `Mixture` or `Marginal`
    see        book eq-call-gap; Strassen (1965)
    """
    if isinstance(mu1, Mixture) and isinstance(mu2, Mixture):
        same = jnp.maximum(mu2.mean() - k, 0.0) - jnp.maximum(mu1.mean() - k, 0.0)
        return mu2.otm(k) - mu1.otm(k) + same
    return mu2.call(k) - mu1.call(k)


def convex_order(mu1, mu2) -> ConvexOrder:
    """Whether mu1 precedes mu2 in convex order; if not, the strike and the calendar spread that prove it.

    Laws on grids are judged at every kink (a piecewise linear gap is lowest at one); laws with densities by scans refined around the worst
    strike.

    >>> import jax.numpy as jnp
    >>> narrow = Marginal.from_masses("mu1", [0.9, 1.1], [0.5, 0.5])
    >>> wide = Marginal.from_masses("mu2", [0.8, 1.2], [0.5, 0.5])
    >>> convex_order(narrow, wide).holds, convex_order(wide, narrow).holds
    (True, False)
    """
    strikes, gaps = _kinks(mu1, mu2) if isinstance(mu1, Marginal) and isinstance(mu2, Marginal) else _scans(mu1, mu2)
    worst = int(np.argmin(gaps))
    mean_gap = float(mu2.mean() - mu1.mean())
    holds = bool(gaps[worst] >= -TOL_FORWARD and abs(mean_gap) <= TOL_FORWARD)
    spread = None if gaps[worst] >= -TOL_FORWARD else CalendarSpread(float(strikes[worst]), float(gaps[worst]))
    return ConvexOrder(holds, float(gaps[worst]), float(strikes[worst]), mean_gap, spread)


def _kinks(mu1, mu2):
    strikes = jnp.concatenate([mu1.x, mu2.x])
    return np.asarray(strikes), np.asarray(call_gap(mu1, mu2, strikes))


def _scans(mu1, mu2):
    """Strikes and gaps of successive scans, each spanning the neighbours of the lowest gap per late option price."""
    edges = [float(x) for law in (mu1, mu2) for x in _range(law)]
    low, high = min(edges), max(edges)
    strikes, gaps = [], []
    for _ in range(REFINEMENTS):
        k = jnp.geomspace(low, high, N_STRIKES)
        gap = np.asarray(call_gap(mu1, mu2, k))
        worst = int(np.argmin(gap))
        low, high = float(k[max(worst - 1, 0)]), float(k[min(worst + 1, N_STRIKES - 1)])
        strikes.append(np.asarray(k))
        gaps.append(gap)
    return np.concatenate(strikes), np.concatenate(gaps)


def _range(law):
    return (law.x[0], law.x[-1]) if isinstance(law, Marginal) else law.support()
