"""Hedges by the model's own prices: what takes the noise out of a Monte Carlo price without moving its mean."""

import equinox as eqx
import jax
import jax.numpy as jnp

from ..continuous import Quotes
from .diffusion import Diffusion
from .field import Field

NODES = (48, 48)  # on which hedges are found: they need not be exact


def hedged(model: Diffusion, quotes: Quotes, *, nodes=NODES) -> Field:
    """d_x and then d_v of the prices of all instruments at the beginning of each step, in the order of time: 2 m values; zero once paid."""
    linear, grid = model.linear(quotes, *nodes)
    return Field.of(grid, _slopes(linear))


@eqx.filter_jit
def _slopes(linear):
    m = linear.target.size
    seen = lambda u, then, s, c: jnp.stack(linear.stencil.slopes(then))
    found = jax.lax.map(lambda theta: linear.steps(theta, seen)[1], jnp.eye(m))
    return jnp.moveaxis(found, (2, 0), (3, 4)).reshape(*found.shape[1:2], *found.shape[3:], 2 * m)[::-1]
