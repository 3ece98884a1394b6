"""The calibrated model as an object: a covariance of (x, v) for every time and state, between the nodes bilinear, within a step constant.

Nothing of the scheme that found it is left in it: what it prices is a property of these surfaces, measured by a linear equation on finer
nodes or by paths, and not by the scheme's own grid.
"""

from collections.abc import Callable
from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..continuous import Quotes
from .grid import Grid, hats
from .transport import Transport, held, legendre

LEAST = 1e-300  # without weights there is nothing to exceed


@dataclass(frozen=True, slots=True, eq=False)
class Diffusion:
    """Surfaces on a grid.

    c        (nt, 3, nx, nv) c11, c12, c22 of each step, in the order of the grid: backwards in time
    v0       v today
    growth   of the potential that it comes from, over what a maximum principle allows: at most one for a stable scheme, infinite for a
             broken one
    """

    grid: Grid
    c: np.ndarray
    v0: float
    growth: float = 0.0

    @classmethod
    def of(cls, transport: Transport, theta, grid: Grid):
        """What attains the dual: the mean of both ends of each step."""
        c, v0, growth = map(np.asarray, _attained(transport, jnp.asarray(theta)))
        return cls(grid, c, float(v0), float(growth) if np.isfinite(c).all() and np.isfinite(growth) else np.inf)

    def on(self, grid: Grid) -> np.ndarray:
        """(nt, 3, nx, nv) on other nodes, the same steps."""
        return np.asarray(_placed(jnp.asarray(self.c), *(jnp.asarray(hats(*pair)) for pair in self._axes(grid))))

    def _axes(self, grid):
        return (self.grid.x.at, grid.x.at), (self.grid.v.at, grid.v.at)

    def linear(self, quotes: Quotes, nx: int, nv: int):
        """The linear equation under this model on nx x nv nodes, as a `Transport` that is not free, and its grid."""
        grid = self.grid.resized(nx, nv)
        return Transport.of(grid, quotes, self.on(grid), self.v0, free=False), grid

    def prices(self, quotes: Quotes, nx: int, nv: int) -> np.ndarray:
        """(m,) prices of all instruments, from the linear equation on nx x nv nodes, all at once by its adjoint."""
        return model_prices(self.linear(quotes, nx, nv)[0])

    def value(self, payoff: Callable, years: float, nx: int, nv: int) -> float:
        """Price today of payoff(x, v) at a date: any function of ln S (nx, 1) and v (1, nv) without kinks between nodes.

        years    a step ends there, and it is not within the closure; v is the VIX at TV alone
        refuses  another date: ValueError naming the nearest
        """
        grid, T2 = self.grid.resized(nx, nv), self.grid.dates.T2
        k = int(np.argmin(np.abs(grid.left - (T2 - years))))
        if abs(T2 - grid.left[k] - years) > 1e-9:
            raise ValueError(f"{years} years: no step ends there; the nearest ends at {T2 - grid.left[k]}")
        u = np.broadcast_to(payoff(grid.x.at[:, None], grid.v.at[None, :]), grid.shape)
        steps = (jnp.asarray(z[k:]) for z in (grid.s, grid.dt, self.on(grid)))
        by_x, by_v = grid.reading(self.v0)
        return float(by_x @ np.asarray(_carried(jnp.asarray(u), grid.stencil, jnp.asarray(grid.v.at), *steps, grid.stages)) @ by_v)


def model_prices(linear: Transport) -> np.ndarray:
    """(m,) prices of all instruments in a `Transport` that is not free."""
    return np.asarray(_gradient(linear, jnp.zeros(linear.target.size)))


@eqx.filter_jit
def _attained(transport, theta):
    mean = lambda u, then, s, cbar: 0.5 * (transport.covariance(u, s, cbar) + transport.covariance(then, s, cbar))
    u, (c, most) = transport.steps(theta, lambda u, then, s, cbar: (mean(u, then, s, cbar), jnp.abs(then).max()))
    return c, transport.today.begin(u), most.max() / jnp.maximum(transport.bound(theta), LEAST)


@eqx.filter_jit
def _placed(c, along_x, along_v):
    return along_x @ c @ along_v.T


@eqx.filter_jit
def _carried(u, stencil, v, s, dt, c, stages):
    step = lambda u, now: (legendre(lambda u: held(u, stencil, v, now[0], now[2], None), u, now[1], stages), None)
    return jax.lax.scan(step, u, (s, dt, c))[0]


@eqx.filter_jit
def _gradient(linear, theta):
    return jax.grad(linear.potential)(theta)
