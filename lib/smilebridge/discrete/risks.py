"""Sensitivities of any price to any quote, without recalibration: implicit differentiation of the optimality conditions."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .curvature import absorbed, curvature, known_means, orthonormal
from .law import Law
from .schrodinger import Schrodinger, summarise, tilted

JITTER = 1e-14  # on the unit diagonal of the Hessian, so that it has a Cholesky factor
REFINED = 2  # further solves with what the jitter has left: quotes hard against a bound leave eigenvalues of 1e-12
AXES = ("SPX T1", "VIX T1", "SPX T2")


class Risks(eqx.Module):
    """How prices of f claims move with m instruments (order of `JointProblem.contracts`; those of V and S2 where S1's law is given).

    price      (f,) E[f] under the calibrated law
    mid        (f, m) d price / d mid of the instrument, both per forward: also the amounts of the hedge in listed instruments
    bid, ask   (f, m) the same for bid and ask alone; they add up to `mid`
    """

    price: Float[Array, " f"]
    mid: Float[Array, "f m"]
    bid: Float[Array, "f m"]
    ask: Float[Array, "f m"]


@eqx.filter_jit
def risks(law: Law, payoffs, *, released=()) -> Risks:
    """Differentiate the calibrated law in its quotes.

    At the optimum target - E[F] - barrier slope = 0, so weights move by H^{-1} d target, the multipliers follow, and
    d E[f] = b_f . H^{-1} d target with b_f the covariance of f and the features less what the multipliers absorb.
    payoffs    functions of s1 (n1, 1, 1), v (1, nV, 1), s2 (1, 1, n2)
    released   markets whose quotes may move in response instead of staying: ("VIX T1",) gives the move of VIX prices with the SPX smiles
    refuses    a market that is not one of `AXES`
    see        book 08_risks; Che, Lin, Yang, Hu & Fang (2026)
    """
    if unknown := set(released) - set(AXES):
        raise ValueError(f"released: no market {sorted(unknown)}; there are {AXES}")
    problem = law.problem
    found = curvature(problem, law.a, law.delta)
    held = jnp.concatenate([jnp.full(F.shape[1], name not in released) for name, F in zip(AXES, _features(problem), strict=True)])
    both = held[:, None] & held[None, :]
    H = jnp.where(both, found.hessian, jnp.diag(jnp.where(held, 0.0, 1.0)))
    scale = jnp.sqrt(jnp.maximum(jnp.diag(H), 1e-300))
    H = H / scale[:, None] / scale[None, :]
    factor = jax.scipy.linalg.cho_factor(H + JITTER * jnp.eye(len(scale)))
    price, b = (jnp.stack(part) for part in zip(*(_covariances(law, found, f) for f in payoffs), strict=True))
    b = jnp.where(held[None, :], b, 0.0)
    b = (b / scale[None, :]).T
    response = jnp.zeros_like(b)
    for _ in range(1 + REFINED):
        response = response + jax.scipy.linalg.cho_solve(factor, b - H @ response)
    response = response.T / scale[None, :]
    mid = response / problem.unit[None, :]
    _, slope, bend = problem.penalty(law.a)
    width = -mid * (slope + law.a * bend)[None, :]
    return Risks(price, mid, 0.5 * (mid - width), 0.5 * (mid + width))


def _features(problem: Schrodinger):
    return problem.F1, problem.FV, problem.F2


def _covariances(law: Law, found, payoff):
    """E[f] and b_f (m,)."""
    problem = law.problem
    f = law.on_nodes(payoff)
    weight, top = tilted(problem, problem.late_potential(law.a), law.delta)
    q = weight / weight.sum(axis=-1, keepdims=True)
    root, _ = orthonormal(summarise(problem, weight, top, law.delta))
    given = (q * f).sum(axis=-1)
    mass, late = found.mass, jnp.einsum("ij,ijk,ijk->k", found.mass, q, f)
    own = absorbed(eqx.tree_at(lambda p: p.F2, problem, jnp.ones((problem.s2.size, 1))), q * f, found.law, root)[..., 0]
    pulled = jnp.einsum("cij,cijp->p", mass[None] * own, absorbed(problem, q, found.law, root))
    on_late = late @ problem.F2 - (pulled if problem.F2.shape[1] < problem.F2.shape[0] else pulled @ problem.F2)
    mean = (mass * given).sum()
    joint = jnp.concatenate([(mass * given).sum(axis=1) @ problem.F1, (mass * given).sum(axis=0) @ problem.FV, on_late])
    known = known_means(problem, mass, jnp.einsum("ij,ijk->ik", mass, q))
    own_mean = (mass * given).sum(axis=1) / jnp.sqrt(jnp.maximum(mass.sum(axis=1), 1e-300)) if problem.pinned else mean[None]
    return mean, joint - own_mean @ known
