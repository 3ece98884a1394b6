"""From a reference and quotes to a calibrated diffusion: coarse grids first, then what the scheme does to prices is taken out of them.

The dual is solved on its own grid, where a covariance that breaks at a VIX strike is no wider than a node, and the scheme's prices differ
from those of the covariance that it found, read between nodes: by 20 bp of VIX volatility on 40 x 40. So targets are moved by the
difference that a linear equation on finer nodes sees, and the climb goes on from where it stands, until those prices are the market's.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from ..continuous import Quotes, Standing, climb
from ..continuous.climb import evaluate
from .diffusion import Diffusion
from .grid import SAFE, USUAL, Dates, Domain, Grid, Pace
from .measure import Level, Measure
from .reference import sampled
from .today import MOST
from .transport import WEIGHT, Transport

AIM = 3e-6  # of errors on the last grid, in units of volatility
ROUGHLY = 3e-4  # before the correction, and on the others
ROUNDS = 12  # of correction, at most
SHARE = 0.1  # of the errors of one round that the next may leave
DEPTH = 4  # of earlier rounds that a correction learns from
WHOLE, EASE = 2, 0.5  # rounds that take the whole difference; share that later ones take with bids and asks
NUDGE = 1e-3  # of a weight in its unit, for differences of the gradient
RETRIES = 3  # the first with stages that are stable in any case, then with steps half as long
SHY = 0.8  # share of the bid-ask within which a calibration tries to stay
LOST = 2.0  # in units of volatility, of which the VIX has one or two: an error that no correction mends
CORNER = 0.99  # of the room of v today: beyond, it is at its end
GROWN = 4.0  # times what a maximum principle allows u to be


QUICK = (Level(24, 24, (40, 60)), Level(40, 40, (60, 100)))
FULL = (*QUICK, Level(100, 100, (100, 180)))

QUOTED_QUICK = (Level(64, 40, (96, 64)), Level(112, 48))
QUOTED_FULL = (*QUOTED_QUICK, Level(128, 96))


@dataclass(frozen=True, slots=True, eq=False)
class Calibrated:
    """The diffusion nearest to a reference that meets quotes.

    model         the diffusion itself
    cbar          (nt, 3, 1 or nx, nv) the reference on its grid
    theta         (m,) weights of S1, S2, VIX options and of the future: a static portfolio
    error         (m,) model minus market on the finer nodes, in units of volatility; measured from `model`
    own           (m,) the same on the grid of the dual: what had to be corrected
    dual          value of the dual for the moved targets, nats, less half of the bid-ask of the portfolio: no more than the cost of any
                  model inside the quotes, the distance of its v0 included where that has room
    steps         taken by the climb, grid by grid and correction by correction;  evaluations   of the dual
    today         v expected today, and its room
    """

    reference: object
    quotes: Quotes
    dates: Dates
    model: Diffusion
    cbar: np.ndarray
    theta: np.ndarray
    error: np.ndarray
    own: np.ndarray
    dual: float
    steps: tuple[int, ...]
    evaluations: tuple[int, ...]
    today: tuple[float, float] = (np.nan, 0.0)

    @property
    def units(self):
        """(m,) price of a unit of volatility of each instrument."""
        return units(self.quotes, self.dates)

    @property
    def met(self):
        """Whether every error is within the band of its quote, on a grid that did not break."""
        band = self.quotes.band(self.dates.T1, self.dates.T2, self.dates.TV)
        return bool(self.model.growth < GROWN and (np.abs(self.error) * self.units <= band).all())

    @property
    def broken(self):
        """Whether it is no model: a dual or a covariance that is no number."""
        return not (np.isfinite(self.dual) and np.isfinite(self.model.c).all())

    @property
    def cornered(self):
        """Whether v today went to an end of its room: quotes ask for variance that no model here can spend, or for less than it must."""
        v0, room = self.today
        return bool(room and abs(self.model.v0 - v0) > CORNER * MOST * room)

    @property
    def distance(self):
        """Of v today from the one expected, nats: counted as of a normal law; zero where it is given."""
        v0, room = self.today
        return 0.5 * ((self.model.v0 - v0) / room) ** 2 if room else 0.0

    @property
    def refuted(self):
        """Whether the dual is above what any diffusion of this domain costs: then none meets the quotes, as far as the grid can tell.

        Two covariances with eigenvalues up to the cap are at most twice the cap apart.
        """
        most = (2 * self.model.grid.domain.cap) ** 2 * self.dates.T2 / WEIGHT + (0.5 * MOST**2 if self.today[1] else 0.0)
        return bool(self.dual > most)

    def elsewhere(self, nx: int, nv: int) -> np.ndarray:
        """(m,) errors of the same model measured on other nodes, in units of volatility."""
        return (self.model.prices(self.quotes, nx, nv) - self.quotes.prices) / self.units


def units(quotes: Quotes, dates: Dates):
    """(m,) price of a unit of volatility of each instrument."""
    return quotes.units(dates.T1, dates.T2, dates.TV)


def calibrate(
    reference,
    quotes: Quotes,
    dates: Dates,
    v0: float,
    *,
    room: float = 0.0,
    levels=QUICK,
    domain: Domain | None = None,
    pace: Pace = USUAL,
    max_steps: int = 60,
    rounds: int = ROUNDS,
    told: Callable = lambda level, standing, error: None,
) -> Calibrated:
    """From zero weights, grid by grid; the last one is corrected.

    v0      root of the annual variance expected until T2, decimal
    room    standard deviation of what is not known of v0: it takes the value of least cost, its distance counted as of a normal law.
            Quotes at a few strikes do not tell it, and two per cent too much may cost more than all smiles together
    domain  `Domain.of` the quotes unless given
    max_steps   of each climb;  rounds  of correction at most: none leaves a model as its own grid found it, good for a reference
    told    called with the level, the `Standing` and (m,) errors after each step
    refuses v0 or a room that do not fit the domain, and no level at all: ValueError
    A grid on which u grows beyond what a maximum principle allows, or on which no climb ends, is taken again with as many stages as are
    stable in any case, and then with steps half as long.
    """
    if not (0 < v0 < np.inf and 0 <= room < np.inf and levels):
        raise ValueError(f"calibration: need v0 > 0, room >= 0 and at least one level, got v0 {v0}, room {room}, {len(levels)} levels")
    domain = domain or Domain.of(quotes, dates, v0)
    if not domain.low < v0 - MOST * room <= v0 + MOST * room < domain.high:
        inside = f"{domain.low:.4f} to {domain.high:.4f}"
        raise ValueError(f"v0 {v0:.4f}, give or take {MOST:g} rooms of {room:.4f}: leaves the domain's v, {inside}")
    for _ in range(1 + RETRIES):
        found = _calibrated(reference, quotes, dates, (v0, room), levels, domain, pace, (max_steps, rounds), told)
        if found.model.growth < GROWN and np.abs(found.error).max() < LOST:
            break
        pace = replace(pace, stable=SAFE) if pace.stable > SAFE else replace(pace, longest=pace.longest / 2, share=pace.share / 2)
    return found


def _calibrated(reference, quotes, dates, today, levels, domain, pace, limits, told):
    unit, standing, hessian = units(quotes, dates), None, None
    band = 0 * unit if quotes.half is None else SHY * quotes.half
    for level in levels:
        grid = Grid.of(dates, level.nx, level.nv, domain=domain, pace=pace)
        cbar = sampled(reference, grid)
        transport = Transport.of(grid, quotes, cbar, today[0], room=today[1])
        tell = lambda standing, error, level=level: told(level, standing, error)
        ascent = Ascent(unit, band, *limits, tell)
        standing = Standing(0 * unit, curvature(transport, 0 * unit, unit, band)) if standing is None else standing.onward(hessian)
        standing, own = ascent(transport, standing, ROUGHLY)
        hessian = standing.hessian if level is levels[-1] else curvature(transport, standing.theta, unit, band)
    model, error, own, between, standing = _corrected(transport, grid, quotes, own, standing, level, ascent)
    value = -evaluate(transport, standing.theta, 0 * unit)[0] - float(standing.theta @ (between * unit))
    dual = value - quotes.spread(standing.theta)
    return Calibrated(reference, quotes, dates, model, cbar, standing.theta, error, own, dual, *standing[3:], today)


@dataclass(frozen=True, slots=True)
class Ascent:
    """How to climb: (m,) units of volatility and bands, steps and rounds of correction at most, and whom to tell."""

    unit: np.ndarray
    band: np.ndarray
    max_steps: int
    rounds: int
    told: Callable

    def __call__(self, transport: Transport, standing: Standing, tol: float) -> tuple[Standing, np.ndarray]:
        """Where a climb ends, and (m,) its errors there, in units of volatility."""
        seen = []
        tell = lambda standing, error: (seen.append(error), self.told(standing, error))
        standing = climb(transport, standing, self.unit, self.band, tol=tol, max_steps=self.max_steps, told=tell)
        return standing, seen[-1]


def _corrected(transport, grid, quotes, own, standing, level, ascent):
    """The model, its errors on finer nodes and on its own, by how much targets moved, and where the climb stands: of the best round, unless
    the last one ended the correction.
    """
    unit = ascent.unit
    wanted, between, tol = quotes.prices / unit, 0 * unit, ROUGHLY
    model = Diffusion.of(transport, standing.theta, grid)
    measure = Measure.of(model, quotes, level)
    quoted = -1.0 if quotes.half is None else quotes.band(grid.dates.T1, grid.dates.T2, grid.dates.TV) / unit
    shifts, gaps, least, best = [], [], np.inf, None
    for turn in range(ascent.rounds + 1):
        error = measure.prices(model) / unit - wanted
        here, excess = (model, error, own, between, standing), (np.abs(error) - quoted).max()
        gap = error - own - between
        change = np.abs(gap).max()
        done = not (change > AIM or tol > AIM) or (np.abs(error) <= quoted).all()
        if best is None or excess < least:
            least, best = excess, here
        if done:
            return here
        if turn == ascent.rounds or not np.abs(error).max() <= LOST or model.growth > GROWN:
            break
        shifts, gaps = [*shifts[-DEPTH:], between], [*gaps[-DEPTH:], gap]
        between = mixed(shifts, gaps, EASE if turn >= WHOLE and quotes.half is not None else 1.0)
        tol = max(AIM / 2, SHARE * change)
        shifted = eqx.tree_at(lambda t: t.target, transport, jnp.asarray((wanted - between) * unit))
        standing = standing._replace(steps=(*standing.steps, 0), evaluations=(*standing.evaluations, 0))
        standing, missed = ascent(shifted, standing, tol)
        own = missed - between
        model = Diffusion.of(transport, standing.theta, grid)
    return best


def mixed(shifts, gaps, share):
    """Anderson's (1965) step for x = x + gap(x): where gaps close were they linear in the shifts, and then a share of what is left."""
    shift, gap = shifts[-1], gaps[-1]
    if len(gaps) == 1:
        return shift + share * gap
    moved, closed = np.stack([shift - s for s in shifts[:-1]], axis=1), np.stack([gap - g for g in gaps[:-1]], axis=1)
    how = np.linalg.lstsq(closed, gap, rcond=1e-6)[0]
    return shift - moved @ how + share * (gap - closed @ how)


def curvature(transport: Transport, theta, unit, band):
    """(m, m) second derivative of the loss in weights times units of volatility, by differences of its exact gradient, bands included."""
    slope = lambda theta: evaluate(transport, theta, band)[1] / unit
    here = slope(theta)
    rows = np.stack([slope(theta + NUDGE * one / unit) - here for one in np.eye(len(unit))]) / NUDGE
    return 0.5 * (rows + rows.T)
