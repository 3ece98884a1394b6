"""Monte Carlo of a calibrated diffusion: the stochastic differential equation itself, without the scheme that found it.

x is stepped as a lognormal index, so that S is a martingale exactly. X2 = s v^2/2 is stepped by its own law, dX2 = -c11/2 dt + s v dM: its
mean falls by the variance that the index spends, exactly, and it ends at zero, since in the closure c11 = v^2.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

from .diffusion import Diffusion
from .field import Field
from .projection import inner
from .transport import stretch

LONGEST = 0.05 / 365.25
SHORT = LONGEST / 4  # on real days, where covariances jump: steps of `LONGEST` go over the jumps, and cost 10 bp of volatility
LEAST = 1e-8  # z is kept above: below the lowest VIX it grows by itself, and an overshoot of one step is all that can take it there


class Simulated(NamedTuple):
    """Paths (path,), the second half mirrors of the first.

    x1, xV, x2   ln S at T1, TV and T2;  V   VIX at TV, decimal
    closing      ln S and z when the closure begins
    early, late  int c11 dt up to TV and from TV to T2
    cost         int |c - cbar|^2 dt
    gains        (path, m) of the hedges of all instruments
    low          number of steps in which z was kept at `LEAST`
    """

    x1: Array
    xV: Array
    x2: Array
    closing: tuple[Array, Array]
    V: Array
    early: Array
    late: Array
    cost: Array
    gains: Array
    low: Array


@eqx.filter_jit
def simulate(law: Field, hedges: Field, left, ends, v0, n_paths: int, *, key: Key[Array, ""], longest=LONGEST) -> Simulated:
    """Paths of a diffusion.

    law     c11, c12, c22 and |c - cbar|^2 of each step, in the order of time
    hedges  d_x and d_v of prices, the same; see `hedged`
    left    (nt + 1,) years to T2, decreasing
    ends    numbers of steps up to T1 and up to TV
    longest  step of the paths, years: a covariance that varies with the VIX within a hundredth is not to be stepped over
    """
    half, key = n_paths // 2, jax.random.split(key, left.size)
    zero = jnp.zeros(2 * half)
    state = zero, jnp.full(2 * half, v0**2), zero, zero, zero, jnp.zeros((2 * half, hedges.values.shape[-1] // 2))

    def macro(state, k):
        x, z, spent, cost, low, gains = state
        read = lambda x, z: _confined(law.at(k, x, jnp.sqrt(z)), law.v, z)
        by_x, by_v = jnp.split(hedges.at(k, x, jnp.sqrt(z)), 2, axis=1)
        count = jnp.ceil((left[k] - left[k + 1]) / longest)
        h = (left[k] - left[k + 1]) / count

        def sub(i, now):
            x, z, spent, cost, low, noise, c = now
            w = jnp.sqrt(h) * jax.random.normal(jax.random.fold_in(key[k], i), (2, half))
            s = left[k] - h * i.astype(float)
            x2, guess, m = _stepped(c, x, z, jnp.concatenate([w, -w], axis=1), s, h)
            ahead = read(x2, jnp.maximum(guess, LEAST))
            z2 = guess - 0.5 * h * (ahead[:, 0] - c[:, 0]) / (s - h)
            mean = 0.5 * (c + ahead)
            low = low + jnp.where(z2 < LEAST, 1.0, 0.0)
            return x2, jnp.maximum(z2, LEAST), spent + mean[:, 0] * h, cost + mean[:, 3] * h, low, noise + m, ahead

        x2, z, spent, cost, low, noise, _ = jax.lax.fori_loop(0, count.astype(int), sub, (x, z, spent, cost, low, zero, read(x, z)))
        gains = gains + by_x * jnp.expm1(x2 - x)[:, None] + by_v * noise[:, None]
        return (x2, z, spent, cost, low, gains), None

    walk = lambda state, first, last: jax.lax.scan(macro, state, jnp.arange(first, last))[0]
    first = walk(state, 0, ends[0])
    second = walk(first, ends[0], ends[1])
    x, z, spent, cost, low, gains = walk(second, ends[1], left.size - 1)
    w = jax.random.normal(key[-1], (half,))
    total = z * left[-1]
    x2, spent = x - 0.5 * total + jnp.sqrt(total) * jnp.concatenate([w, -w]), spent + total
    return Simulated(first[0], second[0], x2, (x, z), jnp.sqrt(second[1]), second[2], spent - second[2], cost, gains, low)


def _confined(c, nodes, z):
    """(path, 4) the covariance beyond the lowest and the highest VIX: none of v, and c11 that brings it back."""
    below, above = z <= nodes[0] ** 2, z >= nodes[-1] ** 2
    c11 = jnp.where(below, jnp.minimum(c[:, 0], z), jnp.where(above, jnp.maximum(c[:, 0], z), c[:, 0]))
    inside = jnp.where(below | above, 0.0, 1.0)
    return jnp.stack([c11, inside * c[:, 1], inside * c[:, 2], c[:, 3]], axis=1)


def _stepped(c, x, z, w, s, h):
    """x and z after h years at s years to T2, c11 held, and the noise of v."""
    a = jnp.sqrt(jnp.maximum(c[:, 0], 1e-14))
    b = c[:, 1] / a
    noise = b * w[0] + jnp.sqrt(jnp.maximum(c[:, 2] - b**2, 0.0)) * w[1]
    return x - 0.5 * c[:, 0] * h + a * w[0], (s * z - c[:, 0] * h + (2 * s - h) * jnp.sqrt(z) * noise) / (s - h), noise


def law_of(model: Diffusion, cbar) -> Field:
    """What `simulate` follows, with the cost against a reference (nt, 3, 1 or nx, nv)."""
    grid, c = model.grid, jnp.asarray(model.c)
    scale = jnp.stack([stretch(grid.domain, s, jnp.asarray(grid.v.at)) for s in grid.s])[:, :, None, :]
    off = (c - jnp.asarray(cbar)) / scale
    values = jnp.concatenate([c, inner(jnp.moveaxis(off, 1, 0), jnp.moveaxis(off, 1, 0))[:, None]], axis=1)
    return Field.of(grid, jnp.moveaxis(values, 1, -1)[::-1])
