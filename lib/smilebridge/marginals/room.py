"""What quotes leave open: the range of each side of the variance identity over all masses whose prices stay in a band."""

from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np
import scipy.optimize

from ..market import Smile
from .consistent import PINNED, RATIO_RANGE
from .laws import Laws
from .mixture import Mixture
from .smooth import INSIDE, misses


@dataclass(frozen=True, slots=True)
class Room:
    """Ranges (low, high) of both sides of the identity, variance a year, and the band that gave them.

    band      half-spreads: around the free prices ("wings") or around the mids ("bid-ask")
    overlap   whether the ranges meet: where they do not, no positive masses on the nodes agree
    """

    band: float
    EV2: tuple[float, float]
    forward_variance: tuple[float, float]

    @property
    def overlap(self):
        return self.EV2[0] <= self.forward_variance[1] and self.forward_variance[0] <= self.EV2[1]


def room(laws: Laws, treatment: str) -> Room:
    """Ranges of E[V^2] and of E[L(S2)] - E[L(S1)] over masses on the nodes of the free fits, no smoothness asked.

    treatment   "wings": no price moves by more than 0.1 half-spreads; "bid-ask": each stays within 0.95 half-spreads of its mid, or where
                its free fit is
    Six linear programmes. Calendar order is not asked, so the ranges may be too wide, never too narrow.
    """
    if treatment not in ("wings", "bid-ask"):
        raise ValueError(f'treatment: need "wings" or "bid-ask", got {treatment!r}')
    smiles = (laws.triple.spx1, laws.triple.vix, laws.triple.spx2)
    log_contract = lambda law: law.log_contract(laws.tau)
    moments = (log_contract, lambda law: law.second_moment(), log_contract)
    early, square, late = (extremes(*one, treatment) for one in zip(laws.free, smiles, moments, strict=True))
    return Room(PINNED if treatment == "wings" else INSIDE, square, (late[0] - early[1], late[1] - early[0]))


def extremes(law: Mixture, smile: Smile, moment, treatment: str) -> tuple[float, float]:
    """Least and largest moment(law) over its masses, each between a thousandth and a thousand times its own, prices kept in the band.

    moment   function of a law, linear in its weights
    """
    scaled = lambda ratio: replace(law, weights=law.weights * ratio)
    ones, half = jnp.ones_like(law.weights), 0.5 * (smile.ask - smile.bid) * float(law.mean())
    prices = np.asarray(jax.jacfwd(lambda ratio: scaled(ratio).otm(law.strikes))(ones)) / half[:, None]
    goal = np.asarray(jax.grad(lambda ratio: moment(scaled(ratio)))(ones))
    exact = np.stack([law.weights, law.weights * law.means])
    error = misses(law, smile)[0]
    wide = np.maximum(np.abs(error), INSIDE)
    up, down = (np.full_like(error, PINNED),) * 2 if treatment == "wings" else (wide - error, wide + error)
    limits = {"A_ub": np.vstack([prices, -prices]), "b_ub": np.r_[up, down], "A_eq": exact, "b_eq": np.zeros(2)}
    ends = [_least(sign * goal, limits) for sign in (1, -1)]
    return float(goal.sum() + ends[0]), float(goal.sum() - ends[1])


def _least(goal, limits):
    """Minimum over changes of the masses, relative to the law's own: no change is always allowed."""
    low, high = RATIO_RANGE
    answer = scipy.optimize.linprog(goal, **limits, bounds=(low - 1, high - 1), method="highs")
    assert answer.success, f"the free fit meets its own band, yet: {answer.message}"
    return answer.fun
