"""Functions of time, x and v along paths."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .grid import Grid


class Field(eqx.Module):
    """Functions of (x, v) on nodes, read bilinearly.

    x        (nx,) nodes;  v  (nv,) nodes
    origin   coordinate of the first v, its step, and the spread: see `Axis`
    values   (nt, nx, nv, k)
    """

    x: Float[Array, " nx"]
    v: Float[Array, " nv"]
    origin: Float[Array, " 3"]
    values: Float[Array, "nt nx nv k"]

    @classmethod
    def of(cls, grid: Grid, values):
        """On a grid."""
        origin = jnp.array([grid.v.first_at, grid.v.step, grid.v.spread])
        return cls(jnp.asarray(grid.x.at), jnp.asarray(grid.v.at), origin, values)

    def at(self, step, x, v):
        """(path, k)."""
        nx, nv = self.x.size, self.v.size
        f = jnp.clip((x - self.x[0]) / (self.x[1] - self.x[0]), 0.0, nx - 1.0)
        below = jnp.minimum(jnp.floor(f), nx - 2.0)
        eta = jnp.arcsinh(v / self.origin[2] - 1)
        i, j = below.astype(int), jnp.clip((eta - self.origin[0]) / self.origin[1], 0.0, nv - 2.0).astype(int)
        f, g = f - below, jnp.clip((v - self.v[j]) / (self.v[j + 1] - self.v[j]), 0.0, 1.0)
        rows = self.values[step].reshape(nx * nv, -1)
        read = lambda di, dj, weight: rows[(i + di) * nv + j + dj] * weight[:, None]
        return read(0, 0, (1 - f) * (1 - g)) + read(0, 1, (1 - f) * g) + read(1, 0, f * (1 - g)) + read(1, 1, f * g)
