"""Prices of a model off the grid that found it: by the linear equation on finer nodes, or extrapolated from two such grids."""

from dataclasses import dataclass

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from ..continuous import Quotes
from .diffusion import Diffusion, model_prices
from .grid import Grid
from .today import Today
from .transport import Transport

DENSER = 2, 3  # nodes per node of a model, its own among them: between these it has no kinks


@dataclass(frozen=True, slots=True)
class Level:
    """Numbers of nodes of x and v, and of those that prices are measured on.

    finer   one grid; None takes twice and three times as many nodes and extrapolates, since far from the reference a covariance climbs from
            nothing to its bound within a node, and there errors fall like the first power of a step: by 10 to 20 bp of SPX volatility
            between twice the nodes and the limit, on real days
    """

    nx: int
    nv: int
    finer: tuple[int, int] | None = None

    @property
    def measured(self) -> tuple[tuple[int, int], ...]:
        """Nodes of x and v of every grid that prices are measured on."""
        return (self.finer,) if self.finer else tuple((by * (self.nx - 1) + 1, by * (self.nv - 1) + 1) for by in DENSER)

    def __str__(self):
        return f"{self.nx} x {self.nv}"


@dataclass(frozen=True, slots=True, eq=False)
class Measure:
    """One linear equation for each grid, posed once, and the weights of their prices."""

    linear: tuple[Transport, ...]
    grids: tuple[Grid, ...]
    weights: tuple[float, ...]

    @classmethod
    def of(cls, model: Diffusion, quotes: Quotes, level: Level):
        """For models on this one's grid."""
        linear, grids = zip(*(model.linear(quotes, *nodes) for nodes in level.measured), strict=True)
        a, b = DENSER
        return cls(linear, grids, (1.0,) if level.finer else (-a / (b - a), b / (b - a)))

    def prices(self, model: Diffusion) -> np.ndarray:
        """(m,) of all instruments."""
        placed = (_of_model(*pair, model) for pair in zip(self.linear, self.grids, strict=True))
        return sum(weight * model_prices(linear) for weight, linear in zip(self.weights, placed, strict=True))


def _of_model(linear, grid, model):
    """The same equation with this model's covariance and its v today."""
    placed = jnp.asarray(model.on(grid)), Today.of(grid, model.v0)
    return eqx.tree_at(lambda t: (t.cbar, t.today), linear, placed)
