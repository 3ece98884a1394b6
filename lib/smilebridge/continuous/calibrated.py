"""A bridge, calibrated: coarse grids first, then what was found, measured again."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from ..models import StochasticVol
from .bridge import AIM, SOFTNESS, Bridge, Quotes, loss_and_errors, multipliers
from .checkpoint import Checkpoint, named
from .climb import Standing, climb, curvature, evaluate
from .grid import Grid
from .quoted import reach

ROUNDING = 1e-6  # of a band, by which rounding may carry an error out
SLOPE = 2e-6  # of the dual, in units of volatility, on the last grid
ROUGHLY = 3e-5  # on the others
NEAR, WIDE = (0.7, 0.36), (2.0, 0.36)  # multipliers of variance run from minus the first to the second, in units of `natural`
ENOUGH = 32  # multipliers, from which the wider range is taken
NOISE = 0.25  # standard deviation of a step of y on the last grid of `QUICK`, at most
CLOSE, BLOCK = 0.75, 8  # standard deviation of a step's free noise, in cells of y, at least; cells come in blocks
CORE = 6.0  # the last one over that below which they are evenly spaced


@dataclass(frozen=True, slots=True)
class Level:
    """Numbers of nodes of x, y and delta, and of time steps on both intervals."""

    nx: int
    ny: int
    nd: int
    steps: tuple[int, int]

    def __str__(self):
        return f"{self.nx} x {self.ny} x {self.nd}"


QUICK = (Level(48, 32, 8, (6, 3)), Level(64, 48, 16, (8, 4)))
MEDIUM = (*QUICK, Level(96, 64, 20, (12, 6)), Level(128, 96, 32, (16, 8)))
FULL = (*MEDIUM, Level(256, 192, 64, (24, 12)))

QUOTED_QUICK = (Level(144, 32, 12, (6, 3)), Level(216, 48, 20, (8, 4)))  # a month of low volatility is narrow: finer in x
QUOTED_MEDIUM = (*QUOTED_QUICK, Level(320, 96, 32, (16, 8)))
QUOTED_FULL = (*QUOTED_MEDIUM, Level(512, 192, 64, (24, 12)))


@dataclass(frozen=True, slots=True, eq=False)
class Calibrated:
    """The bridge nearest to a reference that meets quotes.

    theta         (m,) weights of S1, S2, VIX options and of the future: a static portfolio
    delta         ends of the multipliers of variance, from -delta[0] to delta[1]
    error         (m,) model minus market on the bridge's own grid, in units of volatility; measured at theta
    dual          value of the dual there, nats, less half of the bid-ask of the portfolio: no model inside the quotes costs less entropy
    steps         taken by the climb, grid by grid;  evaluations   of the dual
    """

    model: StochasticVol
    quotes: Quotes
    grid: Grid
    bridge: Bridge
    delta: tuple[float, float]
    theta: np.ndarray
    error: np.ndarray
    dual: float
    steps: tuple[int, ...]
    evaluations: tuple[int, ...]

    @property
    def met(self):
        """Whether every error is within the band of its quote: half of its bid-ask, see `Quotes.band`."""
        dates = self.grid.T1, self.grid.T2
        return bool((np.abs(self.error) * self.quotes.units(*dates) <= (1 + ROUNDING) * self.quotes.band(*dates)).all())

    def elsewhere(self, level: Level, **grid) -> np.ndarray:
        """(m,) errors of the same weights on another grid, in units of volatility: what the own grid hides."""
        other, _ = posed(self.model, self.quotes, self.grid.T1, self.grid.T2, level, **{"delta": self.delta} | grid)
        _, error = loss_and_errors(other, jnp.asarray(self.theta))
        return np.asarray(error) / self.quotes.units(self.grid.T1, self.grid.T2)


def natural(model: StochasticVol, quotes: Quotes, tau) -> float:
    """The multiplier that about doubles the volatility over the window; 1 without VIX.

    1 / ((1 - rho^2) scale^2 a'^2 tau r): a' the slope of a(y) at the VIX future, the future itself where y is a logarithm, and
    r = 2 (k tau - 1 + e^{-k tau}) / (k tau)^2 the share of a pull that reversion, at its speed k there, leaves to the window. Far above 0.4
    of it the cheapest way to more variance from a calm state is a rare run to the upper bound of volatility.
    """
    if quotes.future is None:
        return 1.0
    y = model.coordinate(jnp.asarray(quotes.future, float))
    speed, slope = -float(jax.grad(model.drift)(y)), float(jax.grad(model.volatility)(y))
    return 1 / (float((1 - model.rho**2) * model.scale**2) * slope**2 * tau * _left(speed * tau))


def _left(passed):
    """2 (z - 1 + e^{-z}) / z^2, one at zero; z < 0 where the drift leads away, which counts as none."""
    return 2 * (passed + math.expm1(-passed)) / passed**2 if passed > 1e-3 else 1.0


def ends(model: StochasticVol, quotes: Quotes, tau, nodes: int) -> tuple[float, float]:
    """Where multipliers end, by their number: from minus the first to the second. At an end VIX and realised variance may part."""
    return tuple(natural(model, quotes, tau) * end for end in (WIDE if nodes >= ENOUGH else NEAR))


def paced(model: StochasticVol, T1, T2, level: Level) -> tuple[int, int]:
    """The level's time steps, or as many as keep the noise of y in a step below its `NOISE`: a nervous reference takes more."""
    longest = NOISE**2 * QUICK[-1].steps[0] / level.steps[0] / float(model.scale) ** 2
    return tuple(max(steps, math.ceil(years / longest)) for steps, years in zip(level.steps, (T1, T2 - T1), strict=True))


def broad(model: StochasticVol, T1, T2, ny: int, steps) -> int:
    """Cells of y, `ny` or as many as a step's free noise needs: the nearer rho is to -1, and the faster reversion, the less there is."""
    low, high = (float(edge) for edge in model.edges)
    slope = min(0.0, float(jax.vmap(jax.grad(model.drift))(jnp.linspace(low, high, ny)).min()))
    step = min(T1 / steps[0], (T2 - T1) / steps[1])
    sd = np.sqrt((1 - float(model.rho) ** 2) * step) * float(model.scale) * max(0.5, np.exp(slope * step / 2))
    return max(ny, BLOCK * math.ceil(CLOSE * (high - low) / sd / BLOCK))


def taken(model: StochasticVol, T1, T2, level: Level) -> Level:
    """The level with the cells of y and the time steps that the reference needs, `broad` and `paced`: what is solved on."""
    steps = paced(model, T1, T2, level)
    return Level(level.nx, broad(model, T1, T2, level.ny, steps), level.nd, steps)


def posed(model: StochasticVol, quotes: Quotes, T1, T2, level: Level, *, delta=None, softness=SOFTNESS, **grid) -> tuple[Bridge, Grid]:
    """The dual on one grid, with multipliers between -delta[0] and delta[1], `ends` unless given."""
    if not 0 < T1 < T2:
        raise ValueError(f"dates: need 0 < T1 < T2, got {T1} and {T2} years")
    level, wide = taken(model, T1, T2, level), reach(quotes, float(model.high), T2 - T1)
    nodes = Grid.of(model, T1, T2, nx=level.nx, ny=level.ny, steps=level.steps, **wide | grid)
    low, high = delta or ends(model, quotes, T2 - T1, level.nd)
    return Bridge.of(model, quotes, nodes, multipliers(level.nd, low, high, core=high / CORE), softness=softness), nodes


def calibrate(
    model: StochasticVol,
    quotes: Quotes,
    T1,
    T2,
    *,
    levels=QUICK,
    delta=None,
    softness=SOFTNESS,
    max_steps=60,
    checkpoint: Path | str | None = None,
    told: Callable = lambda level, standing, error: None,
    **grid,
):
    """From zero weights: exact curvature on the coarsest grid, at zero and at its solution, then quasi-Newton, grid by grid.

    levels       from coarse to fine, the last one is that of the answer
    delta        ends of the multipliers, the same on all grids; the `ends` of the last one unless given. At an end VIX and realised
                 variance may part: the dual is the entropy less E[delta (realised variance - V^2)]
    checkpoint   folder where each step is kept: a calibration that was cut off goes on from there and ends at the same weights
    told         called at the start of each grid and after each step: its `Level`, its `Standing`, (m,) errors in units of volatility
    raises       CheckpointError: the folder holds another problem
    """
    if not levels or not 0 < T1 < T2:
        raise ValueError(f"calibration: need at least one level and 0 < T1 < T2, got {len(levels)}, {T1} and {T2} years")
    delta = delta or ends(model, quotes, T2 - T1, levels[-1].nd)
    unit, band = quotes.units(T1, T2), quotes.band(T1, T2, share=AIM)
    kept = Checkpoint.of(checkpoint, named(model, quotes, dates=(T1, T2), levels=levels, delta=delta, softness=softness, **grid))
    standing = kept.read()
    for level in levels[standing.place if standing else 0 :]:
        bridge, nodes = posed(model, quotes, T1, T2, level, delta=delta, softness=softness, **grid)
        standing = standing or kept.keep(Standing(0 * unit, _bend(bridge, 0 * unit, unit, band)))
        last = standing.place == len(levels) - 1
        keep = lambda standing, error, level=level: (kept.keep(standing), told(level, standing, error))
        standing = climb(bridge, standing, unit, band, tol=SLOPE if last else ROUGHLY, max_steps=max_steps, told=keep)
        if not last:
            hessian = standing.hessian if standing.place else _bend(bridge, standing.theta, unit, band)
            standing = kept.keep(standing.onward(hessian))
    loss, _, error = evaluate(bridge, standing.theta, 0 * band)
    dual = -loss - quotes.spread(standing.theta)
    return Calibrated(model, quotes, nodes, bridge, delta, standing.theta, error / unit, dual, standing.steps, standing.evaluations)


def _bend(bridge, theta, unit, band):
    """Exact curvature, in weights times units of volatility."""
    return np.asarray(curvature(bridge, jnp.asarray(theta), jnp.asarray(band))) / np.outer(unit, unit)
