"""Where a model starts: at x = 0, and at a v that is either given or free within some room."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..continuous.grid import reading
from .grid import Grid

NODES = 6  # of v around the start, through which u is a polynomial
MOST = 3.0  # rooms that v may leave the one expected
TRIED = 61  # places, before Newton's steps
NEWTON = 4


class Today(eqx.Module):
    """Reads u at the start.

    by_x     (nx,) weights that read x = 0
    taylor   (6, nv) coefficients of u in powers of (v - v0)/room
    v0       the v expected, decimal;  room   standard deviation of what is not known of it; zero where it is given
    """

    by_x: Float[Array, " nx"]
    taylor: Float[Array, "6 nv"]
    v0: float = eqx.field(static=True)
    room: float = eqx.field(static=True)

    @classmethod
    def of(cls, grid: Grid, v0: float, room: float = 0.0):
        """On a grid."""
        nodes = grid.v.at
        first = int(np.clip(np.searchsorted(nodes, v0) - NODES // 2, 0, len(nodes) - NODES))
        near = slice(first, first + NODES)
        unit = room or np.diff(nodes[near]).mean()
        taylor = np.zeros((NODES, len(nodes)))
        taylor[:, near] = np.linalg.inv(((nodes[near] - v0) / unit)[:, None] ** np.arange(NODES))
        return cls(jnp.asarray(reading(grid.x.at, 0.0)), jnp.asarray(taylor), float(v0), float(room))

    def value(self, u) -> Float[Array, ""]:
        """u at the start; where v is free, the largest of u(v) - ((v - v0)/room)^2/2: the derivative by u is the reading there."""
        a = self.taylor @ (self.by_x @ u)
        return a[0] if not self.room else _height(a, jax.lax.stop_gradient(_best(a)))

    def begin(self, u) -> Float[Array, ""]:
        """The v of the start."""
        return self.v0 + self.room * _best(self.taylor @ (self.by_x @ u)) if self.room else jnp.asarray(self.v0)


def _height(a, z):
    return jnp.polyval(a[::-1], z) - 0.5 * z**2


def _best(a):
    """Where `_height` is largest in [-MOST, MOST]."""
    tried = jnp.linspace(-MOST, MOST, TRIED)
    z = tried[jnp.argmax(jax.vmap(lambda z: _height(a, z))(tried))]
    slope = jax.grad(_height, argnums=1)
    bend = jax.grad(slope, argnums=1)
    cell = 2 * MOST / (TRIED - 1)
    low, high = jnp.maximum(z - cell, -MOST), jnp.minimum(z + cell, MOST)
    for _ in range(NEWTON):
        down = jnp.minimum(bend(a, z), -1e-3)
        z = jnp.clip(z - slope(a, z) / down, low, high)
    return z
