"""The reference from which a bridge departs, fitted to the same quotes: the fewer prices it misses, the less its drift has to change."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import scipy.linalg as sla
from scipy.optimize import least_squares
from threadpoolctl import threadpool_limits

from ..models import BergomiVol, LognormalVol, SquareRootVol, StochasticVol, VolatilityLaw
from .bridge import Quotes
from .flow import differences
from .grid import Grid
from .quoted import reach

NODES = (96, 40)  # of x and y on which SPX options are priced
TOL_VIX = 1e-6  # of the prices of VIX options, decimal
FLOORS = (0.0025, 0.0025, 0.01, 0.0025)  # half-spread that counts at least, in units of volatility: SPX at T1, at T2, VIX, future
FAR = 0.15  # a unit of volatility costs at least this share of the smile's largest: far wings are cheap to bend
UNDER, OVER, BEYOND = 0.5, 3.0, 1.25  # bounds: times the least and the largest of all SPX volatilities, times the highest VIX strike
EVALUATIONS = 40  # of all prices with their slopes, at most


class Family(NamedTuple):
    """What a fit needs to know of a model.

    maker                 its class;  speed, level, noise   what that calls mean reversion, the level of it, volatility of volatility
    ends                  least, first and largest noise that is tried
    """

    maker: type
    speed: str
    level: str
    noise: str
    ends: tuple[float, float, float]


FAMILIES = {
    "lognormal": Family(LognormalVol, "k", "m", "nu", (0.2, 2.0, 8.0)),
    "square-root": Family(SquareRootVol, "kappa", "theta", "xi", (0.05, 0.8, 5.0)),
    "bergomi": Family(BergomiVol, "k", "level", "omega", (0.2, 2.0, 8.0)),
}
SPEED = (0.1, 4.0, 50.0)  # the same of mean reversion, per year
RHO = (-0.95, -0.6, 0.5)


def bounds_of(quotes: Quotes, T1, T2) -> tuple[float, float]:
    """(low, high) for a reference's volatility, from the quotes alone and so the same for every model and on every grid.

    low     half the least of SPX implied volatilities and VIX strikes: V, a root mean square of the volatility, can pass them all
    high    three times the largest SPX implied volatility, and 1.25 times the highest VIX strike: a put far out of the money is a price for
            a run of high volatility, and where S1 has no room to fall the window alone is left for it. Twice is too little on real
            days: the dual runs away along the last put
    """
    spot = np.concatenate(quotes.vols(T1, T2)[:2])
    return UNDER * min([*spot, *quotes.kV]), max(OVER * spot.max(), BEYOND * max(quotes.kV, default=0.0))


def fit(kind: str, quotes: Quotes, T1, T2, *, bounds=None, told=lambda model, miss: None) -> StochasticVol:
    """The model of a family nearest to the quotes: least squares of errors in units of volatility, over half-spreads.

    kind     "lognormal", "square-root" or "bergomi"
    bounds   (low, high) of its volatility; `bounds_of` the quotes unless given. They are part of the reference: the bridge depends on them
    told     called with a model and its root mean square error, half-spreads, each time that prices are found
    refuses  another kind, or bounds that do not hold the volatility at the money: ValueError
    """
    if kind not in FAMILIES:
        raise ValueError(f"reference {kind!r}: need one of {', '.join(FAMILIES)}")
    low, high = bounds_of(quotes, T1, T2) if bounds is None else bounds
    family, scale = FAMILIES[kind], weights(quotes, T1, T2)
    ends = parameters(family, low, high, quotes, T1, T2)

    def miss(p):
        model = made(family, p, low, high)
        error = (prices(model, quotes, T1, T2) - quotes.prices) / scale
        told(model, float(np.sqrt(np.mean(error**2))))
        return error

    least, first, largest = np.array(ends).T
    found = least_squares(miss, first, bounds=(least, largest), diff_step=1e-3, x_scale=0.3, max_nfev=EVALUATIONS, xtol=1e-4, ftol=1e-4)
    return made(family, found.x, low, high)


def parameters(family, low, high, quotes, T1, T2):
    """(least, first, largest) of log speed, log level, log noise, artanh rho, log of the volatility today."""
    spot = quotes.vols(T1, T2)
    today, later = (float(np.interp(0.0, np.log(k), vol)) for k, vol in zip((quotes.k1, quotes.k2), spot, strict=False))
    if not 1.2 * low < today < high / 1.2:
        raise ValueError(f"bounds of volatility {low:.4f} and {high:.4f}: too near to the volatility at the money, {today:.4f}")
    inside = np.log([1.1 * low, high / 1.1])
    around = lambda vol: (inside[0], np.clip(np.log(vol), *inside), inside[1])
    return [np.log(SPEED), around(later), np.log(family.ends), np.arctanh(RHO), around(today)]


def made(family, p, low, high):
    """The model of transformed parameters."""
    speed, level, noise, today = np.exp([p[0], p[1], p[2], p[4]])
    level = level**2 if family.level == "theta" else level
    named = {family.speed: speed, family.level: level, family.noise: noise}
    return family.maker.of(**named, rho=np.tanh(p[3]), a0=today, low=low, high=high)


def weights(quotes: Quotes, T1, T2) -> np.ndarray:
    """(m,) the price error that counts as one: half of the bid-ask, and at least `FLOORS` of units of volatility, at least `FAR` each."""
    unit, counts = quotes.units(T1, T2), [*quotes.counts, 1]
    parts = [part for part in np.split(unit, np.cumsum(counts)[:-1]) if len(part)]
    kinds = [floor for floor, count in zip(FLOORS, counts, strict=True) if count]
    least = np.concatenate([floor * np.maximum(part, FAR * part.max()) for floor, part in zip(kinds, parts, strict=False)])
    return least if quotes.half is None else np.maximum(least, quotes.half)


def prices(model: StochasticVol, quotes: Quotes, T1, T2) -> np.ndarray:
    """(m,) what a model asks for all instruments: SPX by Fourier in x, VIX by the law of the volatility."""
    wide = reach(quotes, float(model.high), T2 - T1)
    grid = Grid.of(model, T1, T2, nx=NODES[0], ny=NODES[1], steps=(1, 1), **wide)
    with threadpool_limits(1):
        spot = [spx(model, grid, k, T) for k, T in ((quotes.k1, T1), (quotes.k2, T2))]
    if quotes.future is None:
        return np.concatenate(spot)
    law = VolatilityLaw.of(model, T1, T2 - T1, tol=TOL_VIX).less(quotes.basis)
    future = law.mean()
    calls, puts = law.calls(quotes.kV), law.puts(quotes.kV)
    return np.concatenate([*spot, np.where(quotes.kV < quotes.future, puts, calls), [future]])


def spx(model: StochasticVol, grid: Grid, k, years) -> np.ndarray:
    """(m,) out-of-the-money prices per forward: Fourier coefficients of the payoffs times E[e^{i wave x}], a matrix exponential each."""
    first, second = differences(len(grid.y), grid.y[1] - grid.y[0])
    drift, scale, rho, wave = np.asarray(model.drift(jnp.asarray(grid.y))), float(model.scale), float(model.rho), grid.wave
    still = drift[:, None] * first + 0.5 * scale**2 * second
    turning = 1j * rho * scale * grid.a[:, None] * first
    loss = -0.5 * (wave**2 + 1j * wave)[:, None] * grid.a[None, :] ** 2
    G = still[None] + wave[:, None, None] * turning[None] + loss[:, :, None] * np.eye(len(grid.y))[None]
    mean = sla.expm(years * G).sum(axis=2) @ grid.start
    payoff, one = grid.options(k)
    wavy = np.fft.rfft(payoff, axis=1) * np.exp(-1j * wave * grid.x[0]) / len(grid.x)
    wavy[:, 1:-1] *= 2
    return (wavy @ mean).real + one


def mispriced(model: StochasticVol, quotes: Quotes, T1, T2) -> np.ndarray:
    """(m,) model minus market, in units of volatility: what the bridge has to mend."""
    return (prices(model, quotes, T1, T2) - quotes.prices) / quotes.units(T1, T2)
