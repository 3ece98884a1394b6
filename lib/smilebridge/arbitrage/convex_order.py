"""Convex order of two laws on the line: the verdict, or the calendar spread that wins."""

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..marginals import Marginal, Mixture

TOL_FORWARD = 1e-12  # forward units: gaps and means closer than this are equal
SCORES = np.linspace(-8.0, 8.0, 33)  # strikes of the scan, in widths around the centre of every component: no dip is much narrower
BISECTIONS = 60  # of a strike between two neighbours of the scan


@dataclass(frozen=True, slots=True)
class CalendarSpread:
    """Long one late option and short one early option of the same strike, hedged at T1: the trade that wins.

    strike     per forward
    price      cost today, forward units: negative means it pays to enter
    right      "call"; "put" where the late mean exceeds the early one, so that late calls are dear and late puts cheap
    """

    strike: float
    price: float
    right: str = "call"

    def payoff(self, s1, s2):
        """Terminal value of the spread with its hedge, forward units: never negative, whatever S1 and S2; by parity one for both rights.

        (s2 - k)+ - (s1 - k)+ - 1{s1 > k} (s2 - s1)
        """
        s1, s2 = np.asarray(s1), np.asarray(s2)
        spread = np.maximum(s2 - self.strike, 0.0) - np.maximum(s1 - self.strike, 0.0)
        return spread - np.where(s1 > self.strike, s2 - s1, 0.0)

    def __str__(self):
        hedge = "above the strike, sell" if self.right == "call" else "at or below the strike, buy"
        return (
            f"buy the T2 {self.right} and sell the T1 {self.right} struck at {self.strike:.6f} forwards for {self.price:.3e} forwards; "
            f"if S1 ends {hedge} one forward to T2: the payoff is never negative"
        )


@dataclass(frozen=True, slots=True)
class ConvexOrder:
    """Verdict on mu1 before mu2.

    holds      means agree and no call gap is below -1e-12
    worst_gap  smallest late call minus early call, forward units
    strike     where
    mean_gap   mean of mu2 minus mean of mu1
    spread     the calendar spread that wins, None where the order holds (or a law is not finite)
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

    A gap is lowest at a kink (laws on grids) or where the two distribution functions cross from below (laws with densities): the
    strikes are scanned at the kinks and at the scale of every component, and each crossing between neighbours is found by bisection.

    >>> import jax.numpy as jnp
    >>> narrow = Marginal.from_masses("mu1", [0.9, 1.1], [0.5, 0.5])
    >>> wide = Marginal.from_masses("mu2", [0.8, 1.2], [0.5, 0.5])
    >>> convex_order(narrow, wide).holds, convex_order(wide, narrow).holds
    (True, False)
    """
    scan = np.unique(np.concatenate([_marks(mu1), _marks(mu2)]))
    strikes = np.concatenate([scan, _valleys(mu1, mu2, scan)])
    gaps = np.asarray(call_gap(mu1, mu2, jnp.asarray(strikes)))
    worst = int(np.argmin(gaps))
    gap, mean_gap = float(gaps[worst]), float(mu2.mean() - mu1.mean())
    holds = gap >= -TOL_FORWARD and abs(mean_gap) <= TOL_FORWARD
    price, right = (gap - mean_gap, "put") if mean_gap > TOL_FORWARD else (gap, "call")
    spread = CalendarSpread(float(strikes[worst]), price, right) if price < -TOL_FORWARD else None
    return ConvexOrder(holds, gap, float(strikes[worst]), mean_gap, spread)


def _marks(law):
    """Strikes that no scan may step over: the points of a law on a grid, the components of a law with a density."""
    if isinstance(law, Marginal):
        return np.asarray(law.x)
    centres, widths = np.log(law.means) - 0.5 * np.asarray(law.widths) ** 2, np.asarray(law.widths)
    return np.exp(centres[:, None] + widths[:, None] * SCORES).ravel()


def _valleys(mu1, mu2, scan):
    """Strikes between neighbours of the scan where the slope of the gap turns from negative to positive."""
    turns = (_slope(mu1, mu2, scan[:-1], "right") < 0) & (_slope(mu1, mu2, scan[1:], "left") > 0)
    low, high = np.log(scan[:-1][turns]), np.log(scan[1:][turns])
    for _ in range(BISECTIONS if turns.any() else 0):
        middle = 0.5 * (low + high)
        falls = _slope(mu1, mu2, np.exp(middle), "right") < 0
        low, high = np.where(falls, middle, low), np.where(falls, high, middle)
    return np.exp(high)


def _slope(mu1, mu2, k, side):
    """d gap / dk from one side: P(S2 <= k) - P(S1 <= k), taken from the nearer tail."""
    (below1, above1), (below2, above2) = _tails(mu1, k, side), _tails(mu2, k, side)
    return np.where(below1 < above1, below2 - below1, above1 - above2)


def _tails(law, k, side):
    """P(X <= k) and P(X > k); P(X < k) and P(X >= k) from the left."""
    if isinstance(law, Marginal):
        at = np.searchsorted(np.asarray(law.x), k, side=side)
        below, above = np.cumsum(np.r_[0.0, law.p]), np.cumsum(np.r_[0.0, law.p[::-1]])[::-1]
        return below[at], above[at]
    return np.asarray(law.cdf(jnp.asarray(k))), np.asarray(law.survival(jnp.asarray(k)))
