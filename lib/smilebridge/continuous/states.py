"""What a bridge decides at T1 in each state: the VIX, and the multiplier of variance that goes with it."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from .bridge import Bridge
from .grid import Grid


class Surfaces(NamedTuple):
    """Means over the law of V in each state of the grid.

    s       (nx,) index per forward;  a (ny,) volatility, decimal a year
    v       (ny, nx) VIX, decimal
    delta   (ny, nx) multiplier of variance, nats per unit of variance; zero without VIX
    """

    s: np.ndarray
    a: np.ndarray
    v: np.ndarray
    delta: np.ndarray


def surfaces(bridge: Bridge, theta, grid: Grid) -> Surfaces:
    """V and delta as functions of (s, a) at T1: E[V | s, a] and E[delta | s, a] under the law that `Meeting` draws V from.

    Without VIX nothing is drawn: V is the root of the variance expected of the window.
    """
    v, delta = _decided(bridge, jnp.asarray(theta))
    return Surfaces(np.exp(grid.x), grid.a, np.asarray(v), np.asarray(delta))


@eqx.filter_jit
def _decided(bridge, theta):
    late, delta = bridge.late(theta)
    if delta is None:
        late, delta = jnp.concatenate([late, jnp.zeros_like(late)], axis=1), jnp.array([[0.0], [1.0]])
    w = bridge.second.back(late, delta)
    if bridge.meeting is None:
        return jnp.sqrt(w[:, 1, 0]), jnp.zeros_like(w[:, 0, 0])
    _, _, aV = bridge.split(theta)
    law, deltas = bridge.meeting.law(w[:, 0], w[:, 1], aV @ bridge.FV)
    return (law * bridge.meeting.v[None, :, None]).sum(axis=1), (law * deltas).sum(axis=1)
