"""The cost of a covariance and its conjugate: the nearest admissible covariance, in closed form.

A symmetric 2 x 2 matrix is kept as (m11, m12, m22) on the first axis; the product <A, M> counts the off-diagonal twice.

Completing the square, <B, c> - |c - cbar|^2 = <B, cbar> + |B|^2/4 - |c - (cbar + B/2)|^2: the maximiser over a closed convex set is the
point of the set nearest to cbar + B/2. In the set of covariances with eigenvalues in [0, cap] it has the same eigenvectors and its
eigenvalues clipped, since the norm is invariant under rotation (Frobenius; that is why the off-diagonal counts twice). Source: Guo,
Loeper, Obloj and Wang (2022), whose set has no cap; ours is part of the model, as a bound on volatility is.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float


def inner(A: Float[Array, "3 ..."], B: Float[Array, "3 ..."]) -> Float[Array, "..."]:
    """<A, B>, the off-diagonal counted twice."""
    return A[0] * B[0] + 2 * A[1] * B[1] + A[2] * B[2]


def nearest(m: Float[Array, "3 ..."], cap) -> Float[Array, "3 ..."]:
    """The covariance with eigenvalues in [0, cap] nearest to m."""
    mean, half = 0.5 * (m[0] + m[2]), 0.5 * (m[0] - m[2])
    square = half**2 + m[1] ** 2
    apart = square > 0
    radius = jnp.sqrt(jnp.where(apart, square, 1.0))
    high, low = (jnp.clip(mean + sign * jnp.where(apart, radius, 0.0), 0.0, cap) for sign in (1, -1))
    middle, turn = 0.5 * (high + low), 0.5 * (high - low) / radius
    return jnp.stack([middle + turn * half, turn * m[1], middle - turn * half])


def maximiser(B, cbar, edge, cap):
    """The covariance c that attains sup <B, c> - |c - cbar|^2, in the shape of B; it is also the derivative of the supremum by B.

    edge    (nv,) -1, 0, 1 on the last axis: at the lowest and the highest VIX c12 = c22 = 0 and c11 keeps the VIX inside,
            c11 <= floor or c11 >= floor
    cap     (largest eigenvalue, floor at each VIX (nv,))
    """
    most, floor = cap
    m = cbar + 0.5 * B
    inside = nearest(m, most)
    shape = m[0].shape
    edge, floor = (jnp.broadcast_to(z.reshape((1,) * (len(shape) - 1) + z.shape), shape) for z in (edge, floor))
    low, high = jnp.where(edge > 0, floor, 0.0), jnp.where(edge < 0, floor, jnp.maximum(most, floor))
    kept = jnp.stack([jnp.clip(m[0], low, high), jnp.zeros(shape), jnp.zeros(shape)])
    return jnp.where((edge == 0)[None], inside, kept)
