"""The reduced dual at a point: value, gradient and Schur complement, the conditional multipliers eliminated."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .schrodinger import Conditional, Schrodinger, outer_mass, scales, summarise, tilted


class Curvature(eqx.Module):
    """What a Newton step, a sensitivity or a verdict needs.

    law        of S2 given (s1, v)
    mass       (n1, nV) law of (S1, V)
    late       (n2,) law of S2
    value      () dual value J, to be maximised; the entropy H(P | R) at the optimum of exact targets
    gradient   (m,) of J at fixed multipliers: minus the model's mean feature, minus the slope of the barrier
    reduced    (m,) the same with what the multipliers' own misses add, to first order
    hessian    (m, m) of -J with the multipliers following: covariance of the features less what the multipliers absorb
    pull       (2, n1, nV) and response (2, n1, nV, q): multipliers move by -(pull + response . da2), q instruments or nodes of S2
    """

    law: Conditional
    mass: Float[Array, "n1 nV"]
    late: Float[Array, " n2"]
    value: Float[Array, ""]
    gradient: Float[Array, " m"]
    reduced: Float[Array, " m"]
    hessian: Float[Array, "m m"]
    pull: Float[Array, "2 n1 nV"]
    response: Float[Array, "2 n1 nV q"]


def curvature(problem: Schrodinger, a, delta) -> Curvature:
    """Assemble in one pass over the grid.

    With t orthonormal combinations of g1, g2 under the law at (s1, v), the multipliers absorb G_c = E[t_c F2 | s1, v], c = 1, 2, so that
    -J'' = Cov(F) - sum over (s1, v) of mass (G_1 G_1' + G_2 G_2') on the block of S2, plus the barrier's own curvature.
    """
    F1, FV, F2 = problem.F1, problem.FV, problem.F2
    weight, top = tilted(problem, F2 @ problem.split(a)[2], delta)
    law = summarise(problem, weight, top, delta)
    mass, total = outer_mass(problem, a, law.phi)
    q = weight / weight.sum(axis=-1, keepdims=True)
    P12, PV2 = jnp.einsum("ij,ijk->ik", mass, q), jnp.einsum("ij,ijk->jk", mass, q)
    root, miss = orthonormal(law)
    G = absorbed(problem, q, law, root)
    late = P12.sum(axis=0)
    means = jnp.concatenate([mass.sum(axis=1) @ F1, mass.sum(axis=0) @ FV, late @ F2])
    known = known_means(problem, mass, P12)
    weighted = (jnp.sqrt(mass)[None, :, :, None] * G).reshape(2 * mass.size, -1)
    on_late = F2.T @ (late[:, None] * F2) - _both_sides(F2, weighted.T @ weighted)
    squares = covariances(problem, mass, P12, PV2, on_late) - known.T @ known
    value, slope, bend = problem.penalty(a)
    gradient = -means - slope
    missed = _one_side(F2, jnp.einsum("cij,cijp->p", mass[None] * miss, G))
    reduced = gradient.at[F1.shape[1] + FV.shape[1] :].add(missed)
    pull, response = back(root, miss[..., None])[..., 0], back(root, G)
    return Curvature(law, mass, late, -total - value.sum(), gradient, reduced, squares + jnp.diag(bend), pull, response)


def known_means(problem, mass, P12):
    """(g, m) mean features given what is normalised for itself, times the root of its mass: all (g = 1), or each s1 of a given law."""
    p1 = mass.sum(axis=1)
    if not problem.pinned:
        return jnp.concatenate([p1 @ problem.F1, mass.sum(axis=0) @ problem.FV, P12.sum(axis=0) @ problem.F2])[None, :]
    rows = jnp.concatenate([mass @ problem.FV, P12 @ problem.F2], axis=1)
    return rows / jnp.sqrt(jnp.maximum(p1, 1e-300))[:, None]


def covariances(problem, mass, P12, PV2, on_late):
    """(m, m) second moments of the features from the pair laws; the block of S2 as given."""
    F1, FV, F2 = problem.F1, problem.FV, problem.F2
    p1, pV = mass.sum(axis=1), mass.sum(axis=0)
    first, second, third = F1.T @ (mass @ FV), F1.T @ (P12 @ F2), FV.T @ (PV2 @ F2)
    rows = [[F1.T @ (p1[:, None] * F1), first, second], [first.T, FV.T @ (pV[:, None] * FV), third], [second.T, third.T, on_late]]
    return jnp.block(rows)


def orthonormal(law):
    """Inverse Cholesky factor (11, 21, 22) of C at each node, and the misses g in its coordinates."""
    r11 = 1 / jnp.sqrt(law.C[0])
    low = law.C[1] * r11
    r22 = 1 / jnp.sqrt(jnp.maximum(law.C[2] - low**2, 1e-300))
    root = jnp.stack([r11, -low * r11 * r22, r22])
    return root, jnp.stack([root[0] * law.g[0], root[1] * law.g[0] + root[2] * law.g[1]])


def absorbed(problem, q, law, root):
    """(2, n1, nV, q) E[t_c F2 | s1, v]; on the nodes of s2 instead where these are fewer than the instruments."""
    i1, i2 = scales(problem)
    z1 = problem.d[:, None, :] * i1[None, :, None] - law.g[0][..., None]
    z2 = problem.D[:, None, :] * i2[None, :, None] - 1 - law.g[1][..., None]
    r11, r21, r22 = root[..., None]
    T = jnp.stack([q * z1 * r11, q * (z1 * r21 + z2 * r22)])
    return T @ problem.F2 if _few(problem.F2) else T


def back(root, x):
    """C^{-1} b from the orthonormal coordinates of b, x (2, n1, nV, q)."""
    r11, r21, r22 = root[..., None]
    return jnp.stack([r11 * x[0] + r21 * x[1], r22 * x[1]])


def follow(problem: Schrodinger, found, da):
    """(2, n1, nV) first-order move of the multipliers when the weights move by da."""
    da2 = problem.split(da)[2]
    moved = found.response @ (da2 if _few(problem.F2) else problem.F2 @ da2)
    return jnp.where(problem.admissible[None], -(found.pull + moved), 0.0)


def _few(F2):
    """Whether S2 has fewer instruments than nodes."""
    return F2.shape[1] < F2.shape[0]


def _both_sides(F2, form):
    return form if _few(F2) else F2.T @ form @ F2


def _one_side(F2, vector):
    return vector if _few(F2) else F2.T @ vector
