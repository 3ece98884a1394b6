"""How far a calibrated dual is from what finer grids say, one direction at a time."""

from dataclasses import replace
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp

from .calibrated import Calibrated, Level, posed


class Moves(NamedTuple):
    """Changes of the dual, nats, from half the nodes to all, and from all to twice as many: their ratio is 2^order."""

    half_to_all: float
    all_to_double: float

    @property
    def ratio(self):
        """Without sign."""
        return abs(self.half_to_all / self.all_to_double)


def moves(found: Calibrated) -> dict[str, Moves]:
    """At fixed weights, when the nodes of x, y, delta or the steps in time are halved and doubled, the others left alone.

    A direction in which `posed` takes more than half (a step of a calm reference would move y by less than a node) is left out.
    """
    nx, ny = found.grid.shape
    own = Level(nx, ny, len(found.bridge.meeting.delta), found.grid.steps)
    scaled = {
        "x": lambda z: replace(own, nx=z(own.nx)),
        "y": lambda z: replace(own, ny=z(own.ny)),
        "delta": lambda z: replace(own, nd=z(own.nd)),
        "time": lambda z: replace(own, steps=tuple(map(z, own.steps))),
    }
    seen = {name: _moved(found, level(lambda n: n // 2), level(lambda n: 2 * n)) for name, level in scaled.items()}
    return {name: moved for name, moved in seen.items() if moved is not None}


def _moved(found, half, double):
    less, more = (_dual(found, level) for level in (half, double))
    return None if less is None or more is None else Moves(found.dual - less, more - found.dual)


def _dual(found, level):
    """Value at the weights of `found` on another grid of the same extent; None if that is not the one asked for."""
    grid, extent = found.grid, dict(reach=-found.grid.x[0], plain=found.grid.plain)
    softness = float(found.bridge.meeting.softness)
    other, nodes = posed(found.model, found.quotes, grid.T1, grid.T2, level, delta=found.delta, softness=softness, **extent)
    asked = (nodes.shape, nodes.steps) == ((level.nx, level.ny), level.steps)
    return -float(_loss(other, jnp.asarray(found.theta))) - found.quotes.spread(found.theta) if asked else None


@eqx.filter_jit
def _loss(bridge, theta):
    return bridge.loss(theta)
