"""Functions of time, x and v along paths."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .grid import Grid


class Field(eqx.Module):
    """Functions of (x, v) on nodes, read bilinearly.

    x        (nx,) nodes;  v  (nv,) nodes
    origin   (2, 4) of both axes: see `Axis.origin`
    values   (nt, nx, nv, k)
    """

    x: Float[Array, " nx"]
    v: Float[Array, " nv"]
    origin: Float[Array, "2 4"]
    values: Float[Array, "nt nx nv k"]

    @classmethod
    def of(cls, grid: Grid, values):
        """On a grid."""
        origin = np.stack([grid.x.origin, grid.v.origin])
        return cls(jnp.asarray(grid.x.at), jnp.asarray(grid.v.at), jnp.asarray(origin), values)

    def at(self, step, x, v):
        """(path, k)."""
        nx, nv = self.x.size, self.v.size
        (i, f), (j, g) = _cell(self.x, self.origin[0], x), _cell(self.v, self.origin[1], v)
        rows = self.values[step].reshape(nx * nv, -1)
        read = lambda di, dj, weight: rows[(i + di) * nv + j + dj] * weight[:, None]
        return read(0, 0, (1 - f) * (1 - g)) + read(0, 1, (1 - f) * g) + read(1, 0, f * (1 - g)) + read(1, 1, f * g)


def _cell(nodes, origin, at):
    """Index of the node below, and the share of the way to the next; beyond the ends, the ends."""
    centre, spread, first, step = origin
    eta = (jnp.arcsinh((at - centre) / spread) - first) / step
    i = jnp.clip(eta, 0.0, nodes.size - 2.0).astype(int)
    return i, jnp.clip((at - nodes[i]) / (nodes[i + 1] - nodes[i]), 0.0, 1.0)
