"""A hedge on the nodes: listed instruments held from today, the index and the log contract traded at T1, and what is left."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .law import Law
from .schrodinger import scales, solve2, summarise, tilted


class Hedge(eqx.Module):
    """f = price + amounts . (payoffs - their prices) + deltaS (s2 - s1) + deltaL (L(s2/s1) - v^2) + residual.

    price      () E[f] under the law
    amounts    (m,) of the instruments (order of `JointProblem.contracts`; those of V and S2 where S1's law is given), per forward
    deltaS     (n1, nV) forwards held from T1 to T2
    deltaL     (n1, nV) log contracts held from T1 to T2, per unit of variance
    claim      (n1, nV, n2) f - price
    residual   (n1, nV, n2) what is left of it, with mean zero
    variance   () of the claim; left () of the residual
    """

    price: Float[Array, ""]
    amounts: Float[Array, " m"]
    deltaS: Float[Array, "n1 nV"]
    deltaL: Float[Array, "n1 nV"]
    claim: Float[Array, "n1 nV n2"]
    residual: Float[Array, "n1 nV n2"]
    variance: Float[Array, ""]
    left: Float[Array, ""]

    @property
    def removed(self):
        """() share of the claim's variance that the hedge takes away."""
        return 1 - self.left / self.variance


def hedge(law: Law, payoff, amounts: Float[Array, " m"]) -> Hedge:
    """Hold `amounts` from today and trade best at T1: at each node the regression of what remains on s2 - s1 and L(s2/s1) - v^2.

    payoff     a function of s1 (n1, 1, 1), v (1, nV, 1), s2 (1, 1, n2)
    amounts    of the instruments, per forward: a row of `Risks.mid`, or zeros for trading at T1 alone; where the law of S1 is given, every
               function of S1 is held besides, the best one
    see        book 08_risks; Föllmer & Schweizer (1991)
    """
    return _hedged(law, law.on_nodes(payoff), amounts)


@eqx.filter_jit
def _hedged(law, claim, amounts):
    """`hedge` of a claim (n1, nV, n2) given node by node."""
    problem = law.problem
    weight, top = tilted(problem, problem.late_potential(law.a), law.delta)
    q, given = weight / weight.sum(axis=-1, keepdims=True), summarise(problem, weight, top, law.delta)
    P = law.mass()[..., None] * q
    price = (P * claim).sum()
    held = [F @ part for F, part in zip((problem.F1, problem.FV, problem.F2), problem.split(amounts * problem.unit), strict=True)]
    rest = claim - held[0][:, None, None] - held[1][None, :, None] - held[2][None, None, :]
    rest = rest - ((P * rest).sum(axis=(1, 2), keepdims=True) / P.sum(axis=(1, 2), keepdims=True) if problem.pinned else (P * rest).sum())
    i1, i2 = scales(problem)
    g = problem.d[:, None, :] * i1[None, :, None], problem.D[:, None, :] * i2[None, :, None] - 1
    covariance = jnp.stack([(q * z * rest).sum(axis=-1) - m * (q * rest).sum(axis=-1) for z, m in zip(g, given.g, strict=True)])
    slope = jnp.where((law.mass() > 0)[None], solve2(given.C, covariance), 0.0)
    residual = rest - slope[0][..., None] * g[0] - slope[1][..., None] * g[1]
    deltaL = slope[1] * i2[None, :]
    deltaS = (slope[0] * i1[None, :] + (2 / law.tau) * deltaL) / law.s1[:, None]
    variance = lambda x: (P * x**2).sum()
    return Hedge(price, amounts, deltaS, deltaL, claim - price, residual, variance(claim - price), variance(residual))
