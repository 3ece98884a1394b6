"""A bridge, calibrated: coarse grids first, then what was found, measured again."""

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

from ..models import StochasticVol
from .bridge import Bridge, Quotes, loss_and_errors, multipliers
from .climb import climb, curvature, evaluate
from .grid import Grid

EXACT = 5e-5  # half-width of the band of a quote without bid and ask, in units of volatility
MET = 5e-5  # largest error of an exact quote, in units of volatility, at which a bridge counts as calibrated
SLOPE = 2e-6  # of the dual, in units of volatility, on the last grid
ROUGHLY = 3e-5  # on the others
FIRST, LATER = 1e-2, 1e-6  # damping on the first grid and on the others
DELTA = (400.0, 60.0)  # multipliers of variance run from -400 to 60


@dataclass(frozen=True, slots=True)
class Level:
    """Numbers of nodes of x, y and delta, and of time steps on both intervals."""

    nx: int
    ny: int
    nd: int
    steps: tuple[int, int]


QUICK = (Level(48, 32, 8, (6, 3)), Level(64, 48, 16, (8, 4)))
MEDIUM = (*QUICK, Level(96, 64, 20, (12, 6)), Level(128, 96, 32, (16, 8)))
FULL = (*MEDIUM, Level(256, 192, 64, (24, 12)))


@dataclass(frozen=True, slots=True, eq=False)
class Calibrated:
    """The bridge nearest to a reference that meets quotes.

    theta         (m,) weights of S1, S2, VIX options and of the future: a static portfolio
    error         (m,) model minus market on the bridge's own grid, in units of volatility; measured at theta
    dual          value of the dual there, nats
    evaluations   of the dual, grid by grid
    """

    model: StochasticVol
    quotes: Quotes
    grid: Grid
    bridge: Bridge
    theta: np.ndarray
    error: np.ndarray
    dual: float
    evaluations: tuple[int, ...]

    @property
    def met(self):
        """Whether every error is within `MET`."""
        return bool(np.abs(self.error).max() <= MET)

    def elsewhere(self, level: Level, **grid) -> np.ndarray:
        """(m,) errors of the same weights on another grid, in units of volatility: what the own grid hides."""
        other, _ = posed(self.model, self.quotes, self.grid.T1, self.grid.T2, level, **grid)
        _, error = loss_and_errors(other, jnp.asarray(self.theta))
        return np.asarray(error) / self.quotes.units(self.grid.T1, self.grid.T2)


def posed(model: StochasticVol, quotes: Quotes, T1, T2, level: Level, *, delta=DELTA, **grid) -> tuple[Bridge, Grid]:
    """The dual on one grid."""
    nodes = Grid.of(model, T1, T2, nx=level.nx, ny=level.ny, steps=level.steps, **grid)
    return Bridge.of(model, quotes, nodes, multipliers(level.nd, *delta)), nodes


def calibrate(model: StochasticVol, quotes: Quotes, T1, T2, *, levels=QUICK, delta=DELTA, max_steps=60, told=lambda level: None, **grid):
    """From zero weights: exact curvature on the coarsest grid, at zero and at its solution, then quasi-Newton, grid by grid.

    levels   from coarse to fine, the last one is that of the answer
    told     called with each `Climbed` as its grid is finished
    """
    unit = quotes.units(T1, T2)
    band, theta, used = EXACT * unit, np.zeros(unit.size), []
    hessian = None
    for place, level in enumerate(levels):
        bridge, nodes = posed(model, quotes, T1, T2, level, delta=delta, **grid)
        bend = lambda theta, bridge=bridge: np.asarray(curvature(bridge, jnp.asarray(theta), jnp.asarray(band))) / np.outer(unit, unit)
        last = place == len(levels) - 1
        found = climb(
            bridge, theta, unit, band, bend(theta) if hessian is None else hessian,
            tol=SLOPE if last else ROUGHLY, damping=LATER if place else FIRST, max_steps=max_steps,
        )  # fmt: skip
        theta, hessian = found.theta, found.hessian if place else bend(found.theta)
        used.append(found.evaluations)
        told(found)
    loss, _, error = evaluate(bridge, theta, 0 * band)
    return Calibrated(model, quotes, nodes, bridge, theta, error / unit, -loss, tuple(used))
