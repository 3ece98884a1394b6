"""Weights as evidence: the best hedge of what they pay on S2, and whether so hedged they contradict every law on the nodes."""

import jax
import jax.numpy as jnp

from .schrodinger import Schrodinger, scales

PIVOTS = 400  # of the simplex, at most; whatever it finds is measured on every node
OPTIMAL = 1e-13  # rise above the plane that counts as none, relative to the largest potential
TRADE = 1e-11  # smallest share that an atom may be traded for


def certificate(problem: Schrodinger, a, delta):
    """() price of the potentials at the worst prices inside the band, less their largest value over all admissible nodes.

    Under any law with quotes inside the band the mean of U = a . F + delta . g is at least -sum |a| band; a U that stays below that
    everywhere contradicts it. Where the law of S1 is given, U has a largest value for each s1, and its mean counts.
    """
    best = ceiling(problem, a, problem.late_potential(a), delta)
    best = problem.given @ jnp.where(jnp.isfinite(best), best, 0.0) if problem.pinned else best.max()
    return -(jnp.abs(a) * problem.band).sum() - best


def ceiling(problem: Schrodinger, a, u2, delta):
    """(n1,) largest value over (v, s2) of u1 + uV + u2 + delta . g, u2 (n2,) as given; -inf where no node is admissible."""
    a1, aV, _ = problem.split(a)
    i1, i2 = scales(problem)
    slope1, slope2 = (delta[0] * i1[None, :])[..., None], (delta[1] * i2[None, :])[..., None]
    late = u2[None, None, :] + slope1 * problem.d[:, None, :] + slope2 * problem.D[:, None, :]
    best = (problem.F1 @ a1)[:, None] + (problem.FV @ aV)[None, :] + late.max(axis=-1) - delta[1]
    return jnp.where(problem.admissible, best, -jnp.inf).max(axis=1)


def best_hedge(problem: Schrodinger, u2, delta, *, wanted=True):
    """(2, n1, nV) the deltas for which the largest u2(s2) + delta . g at each admissible node is least; `delta` unless wanted.

    min c  with  c - delta . g(s2) >= u2(s2) for all s2  =  max E[u2(S2)] over the laws of S2 with the mean and the variance asked for:
    the height above (0, v^2) of the concave envelope of the points (d, D, u2), by one simplex in three atoms at all nodes at once.
    """
    wanted = jnp.asarray(wanted)

    def pivot(carry):
        atoms, _, k = carry
        corners = _corners(problem, atoms)
        c, p, q = _plane(corners, u2[atoms])
        above = u2[None, None, :] - p[..., None] * problem.d[:, None, :] - q[..., None] * problem.D[:, None, :]
        enter, rise = above.argmax(axis=-1), above.max(axis=-1) - c + q * (problem.v**2)[None, :]
        moving = (rise > OPTIMAL * jnp.abs(u2).max()) & problem.admissible
        leaves = _leaving(corners, _corners(problem, enter[..., None])[:, :, :, 0])
        swap = jax.nn.one_hot(leaves, 3, dtype=bool) & moving[..., None]
        return jnp.where(swap, enter[..., None], atoms), moving.any(), k + 1

    unfinished = lambda carry: carry[1] & (carry[2] < PIVOTS)
    atoms, _, _ = jax.lax.while_loop(unfinished, pivot, (_around(problem), wanted, jnp.asarray(0)))
    _, p, q = _plane(_corners(problem, atoms), u2[atoms])
    i1, i2 = scales(problem)
    found = -jnp.stack([p / i1[None, :], q / i2[None, :]])
    sound = wanted & problem.admissible & jnp.isfinite(found).all(axis=0)
    return jnp.where(sound[None], found, delta)


def _around(problem):
    """(n1, nV, 3) atoms of a triangle around (0, v^2): a fan from the first node, where each point lies between two of its rays."""
    slope = (problem.D[:, 1:] - problem.D[:, :1]) / (problem.d[:, 1:] - problem.d[:, :1])
    ray = (problem.D[:, :1] - (problem.v**2)[None, :]) / problem.d[:, :1]
    right = 1 + jnp.clip((slope[:, None, :] < ray[..., None]).sum(axis=-1), 1, slope.shape[1] - 1)
    return jnp.stack([jnp.zeros_like(right), right - 1, right], axis=-1)


def _corners(problem, atoms):
    """(2, n1, nV, k) d and D - v^2 at atoms (n1, nV, k)."""
    i = jnp.arange(len(problem.s1))[:, None, None]
    return jnp.stack([problem.d[i, atoms], problem.D[i, atoms] - (problem.v**2)[None, :, None]])


def _plane(corners, u):
    """c, p, q (n1, nV) with u = c + p d + q (D - v^2) at the three corners."""
    (dx, dX), (dy, dY), (du, dU) = (jnp.moveaxis(z[..., 1:] - z[..., :1], -1, 0) for z in (*corners, u))
    det = dx * dY - dX * dy
    p, q = (du * dY - dU * dy) / det, (dx * dU - dX * du) / det
    return u[..., 0] - p * corners[0, ..., 0] - q * corners[1, ..., 0], p, q


def _leaving(corners, point):
    """(n1, nV) the corner that is used up first when mass is traded for the point (2, n1, nV)."""
    held, trade = _shares(corners), _shares(corners - point[..., None])
    trades = trade > TRADE
    return jnp.where(trades, jnp.maximum(held, 0.0) / jnp.where(trades, trade, 1.0), jnp.inf).argmin(axis=-1)


def _shares(corners):
    """(n1, nV, 3) masses on the corners of a law with mean zero."""
    x, y = corners
    turned = lambda z, by: jnp.roll(z, by, axis=-1)
    areas = turned(x, -1) * turned(y, -2) - turned(x, -2) * turned(y, -1)
    return areas / areas.sum(axis=-1, keepdims=True)
