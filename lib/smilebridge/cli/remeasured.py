"""A joint law against its quotes and constraints, from its masses alone: nothing is taken from the solver's word."""

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

from .. import arbitrage, discrete, market

CARRIES = 1e-12  # mass from which a node's conditional residuals count
TOL = 1e-10  # largest defect of a law that holds
ROUNDING = 1e-12  # forwards by which rounding may carry a price out of its bid-ask


@dataclass(frozen=True, slots=True, eq=False)
class Quoted:
    """One smile and what the law says of it.

    strikes        (n,) points
    bid_iv, ask_iv, model_iv  (n,) decimals
    error          (n,) model less mid in half-spreads; 0 where bid and ask are one price
    inside         (n,) whether the price lies inside the bid-ask
    outside        (n,) distance outside it, per forward
    """

    smile: market.Smile
    model_iv: np.ndarray
    error: np.ndarray
    inside: np.ndarray
    outside: np.ndarray

    @property
    def worst_error(self):
        """Largest |model - mid| in half-spreads."""
        return float(np.abs(self.error).max())

    @property
    def worst_miss_bp(self):
        """Largest distance outside the bid-ask, basis points of implied vol."""
        miss = np.maximum(self.smile.bid_iv - self.model_iv, self.model_iv - self.smile.ask_iv)
        return 1e4 * float(np.where(self.inside, 0.0, np.maximum(miss, 0.0)).max())


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What the law does.

    smiles             SPX T1, VIX T1, SPX T2
    defects            as `discrete.Defects`, remeasured
    future             E[V], decimal
    EV2, forward_variance  E[V^2] and E[L(S2)] - E[L(S1)], variance a year
    entropy            H(P | R) in nats and its split
    """

    smiles: tuple[Quoted, Quoted, Quoted]
    defects: discrete.Defects
    future: float
    EV2: float
    forward_variance: float
    entropy: dict[str, float]

    @property
    def holds(self) -> bool:
        """Every quote inside, every defect within tolerance."""
        return all(bool(quoted.inside.all()) for quoted in self.smiles) and float(self.defects.worst()) <= TOL

    def __str__(self):
        quotes, inside = (sum(count(quoted.inside) for quoted in self.smiles) for count in (len, np.sum))
        met = f"all {quotes} quotes inside bid-ask" if quotes == inside else f"{inside} of {quotes} quotes inside bid-ask"
        return f"{met}, worst defect {float(self.defects.worst()):.1e}"


def measured(problem: arbitrage.JointProblem, law: discrete.Law, smiles) -> Measured:
    """From the masses of the law.

    smiles     SPX T1, VIX T1, SPX T2
    """
    mass, kernel = np.asarray(law.mass()), np.asarray(law.kernel())
    p = mass.sum(axis=1), mass.sum(axis=0), np.einsum("ij,ijk->k", mass, kernel)
    quoted = tuple(_quoted(axis, masses, smile) for axis, masses, smile in zip(problem.axes, p, smiles, strict=True))
    means = [float(masses @ axis.x) for axis, masses in zip(problem.axes, p, strict=True)]
    off = [abs(mean / axis.forward - 1) for axis, mean in zip(problem.axes, means, strict=True)]
    prices = [max(float(q.outside.max()), miss) for q, miss in zip(quoted, off, strict=True)]
    defects = discrete.Defects(*(jnp.asarray(value) for value in (*prices, *_conditional(problem, mass, kernel))))
    L1, L2 = (float(masses @ problem.log_contract(axis.x)) for masses, axis in ((p[0], problem.axis1), (p[2], problem.axis2)))
    entropy = {name: float(value) for name, value in law.entropy().items()}
    return Measured(quoted, defects, means[1], float(p[1] @ problem.axisV.x**2), L2 - L1, entropy)


def _quoted(axis, masses, smile):
    options = axis.kind != "F"
    price, mid, half = masses @ axis.payoff[:, options], axis.mid[options], axis.half_spread[options]
    error = np.divide(price - mid, half, out=np.zeros_like(price), where=half > 0)
    outside = np.maximum(np.maximum(price - smile.ask, smile.bid - price), 0.0)
    vol = np.asarray(market.implied_stdev(jnp.asarray(smile.k), jnp.asarray(price))) / np.sqrt(smile.years)
    return Quoted(smile, vol, error, outside <= ROUNDING, outside)


def _conditional(problem, mass, kernel):
    """Largest |E[S2 | s1, v] / s1 - 1| and |E[L(S2/s1) | s1, v] / v^2 - 1| over nodes that carry mass."""
    s1, v, s2 = (axis.x for axis in problem.axes)
    carries = mass >= CARRIES
    drift = kernel @ s2 / s1[:, None] - 1
    variance = (kernel @ problem.log_contract(s2) - problem.log_contract(s1)[:, None]) / v[None, :] ** 2 - 1
    return [float(np.abs(miss[carries]).max(initial=0.0)) for miss in (drift, variance)]
