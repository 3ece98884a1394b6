"""Derivatives on the grid by central differences of fourth order, and the exact transpose of what a generator makes of them.

Both act on an array with two ghosts at each end, which are linear in the nodes beside them; differentiating by hand instead of asking for
the derivative of slices and sums makes the transpose as cheap as the derivatives themselves. A barrier keeps the ghosts from being
computed anew for each use.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

GHOSTS = 2
WIDTH = 2 * GHOSTS + 1


class Stencil(eqx.Module):
    """Weights of neighbours -2 ... 2.

    bend, slope   (5, nx) of (d_xx - d_x)/2 and d_x
    tilt, curl    (5, nv) of d_v and d_vv
    below_x, above_x (2, 2), below_v, above_v (2, 3)   ghosts from the nodes at each end
    """

    bend: Float[Array, "5 nx"]
    slope: Float[Array, "5 nx"]
    tilt: Float[Array, "5 nv"]
    curl: Float[Array, "5 nv"]
    below_x: Float[Array, "2 2"]
    above_x: Float[Array, "2 2"]
    below_v: Float[Array, "2 3"]
    above_v: Float[Array, "2 3"]

    def padded(self, u):
        """(nx + 4, nv + 4)."""
        u = jnp.concatenate([self.below_x @ u[:2], u, self.above_x @ u[-2:]], axis=0)
        wide = jnp.concatenate([u[:, :3] @ self.below_v.T, u, u[:, -3:] @ self.above_v.T], axis=1)
        return jax.lax.optimization_barrier(wide)

    def derivatives(self, u):
        """(u_xx - u_x)/2, u_v, u_vv, u_xv, each (nx, nv)."""
        nx, nv = u.shape
        w = self.padded(u)
        by_v = jax.lax.optimization_barrier(sum(self.tilt[k][None, :] * w[:, k : k + nv] for k in range(WIDTH)))
        bent = sum(self.bend[k][:, None] * w[k : k + nx, GHOSTS:-GHOSTS] for k in range(WIDTH))
        curled = sum(self.curl[k][None, :] * w[GHOSTS:-GHOSTS, k : k + nv] for k in range(WIDTH))
        crossed = sum(self.slope[k][:, None] * by_v[k : k + nx] for k in range(WIDTH))
        return bent, by_v[GHOSTS:-GHOSTS], curled, crossed

    def slopes(self, u):
        """u_x and u_v, each (nx, nv)."""
        nx, nv = u.shape
        w = self.padded(u)
        by_x = sum(self.slope[k][:, None] * w[k : k + nx, GHOSTS:-GHOSTS] for k in range(WIDTH))
        return by_x, sum(self.tilt[k][None, :] * w[GHOSTS:-GHOSTS, k : k + nv] for k in range(WIDTH))

    def transposed(self, bent, by_v, curled, crossed):
        """(nx, nv) sum of the transposes of the four operators, applied to four arrays."""
        nx, nv = bent.shape
        barrier = jax.lax.optimization_barrier
        zeros = lambda f, rows, columns: jnp.pad(f, ((rows, rows), (columns, columns)))
        tilt, curl = (jnp.pad(weight, ((0, 0), (4, 4))) for weight in (self.tilt, self.curl))
        slope, bend = (jnp.pad(weight, ((0, 0), (4, 4)))[:, :, None] for weight in (self.slope, self.bend))
        from_x = lambda weight, f: sum(weight[k, 4 - k : 8 - k + nx] * f[4 - k : 8 - k + nx] for k in range(WIDTH))
        crossed = barrier(zeros(crossed, 4, 0))
        along = barrier(zeros(from_x(slope, crossed) + zeros(by_v, 2, 0), 0, 4))
        curled, bent = barrier(zeros(curled, 2, 4)), barrier(zeros(bent, 4, 2))
        out = from_x(bend, bent)
        for k in range(WIDTH):
            at = slice(4 - k, 8 - k + nv)
            out = out + tilt[k][None, at] * along[:, at] + curl[k][None, at] * curled[:, at]
        return self.folded(barrier(out))

    def folded(self, w):
        """The transpose of `padded`."""
        u = w[:, 2:-2].at[:, :3].add(w[:, :2] @ self.below_v).at[:, -3:].add(w[:, -2:] @ self.above_v)
        return u[2:-2].at[:2].add(self.below_x.T @ u[:2]).at[-2:].add(self.above_x.T @ u[-2:])
