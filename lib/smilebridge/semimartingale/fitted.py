"""A reference for real quotes: the affine model nearest to them, since the further away one starts, the rougher what meets them."""

from dataclasses import replace

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from scipy.optimize import least_squares

from ..continuous import Quotes
from ..continuous.fitted import weights
from .diffusion import model_prices
from .grid import SAFE, USUAL, Dates, Domain, Grid, Pace
from .heston import share
from .reference import AffineReference, sampled
from .transport import Transport

NODES = 64, 40  # of x and v
FLOOR = 0.2
EVALUATIONS = 40  # of all prices with their slopes, at most
TRIED = {  # least, first and largest of each parameter of `made`
    "kappa": np.log([0.2, 8.0, 60.0]),
    "noise": np.log([0.5, 6.0, 40.0]),
    "rho": (-2.5, -0.9, 1.0),
    "today": (-5.0, 0.0, 5.0),
    "power": (0.5, 1.0, 2.0),
}
LOST = 1e3  # half-spreads of a price that is no number


def fit(quotes: Quotes, dates: Dates, v0: float, *, domain: Domain | None = None, pace: Pace = USUAL, told=lambda *_: None):
    """The `AffineReference` of least squares of errors over half-spreads, prices by the linear equation.

    v0      root of the annual variance expected until T2, decimal: all models have it
    told    called with a model and its root mean square error, half-spreads, each time that prices are found
    """
    low, first, high = np.array(list(TRIED.values())).T
    scale = weights(quotes, dates.T1, dates.T2)
    linear, grid = _linear(made(first, v0, dates.T2), quotes, dates, v0, domain, pace)

    def miss(p):
        model = made(p, v0, dates.T2)
        prices = model_prices(eqx.tree_at(lambda t: t.cbar, linear, jnp.asarray(sampled(model, grid))))
        error = np.nan_to_num((prices - quotes.prices) / scale, nan=LOST, posinf=LOST, neginf=-LOST)
        told(model, float(np.sqrt(np.mean(error**2))))
        return error

    found = least_squares(miss, first, bounds=(low, high), diff_step=1e-3, x_scale=0.3, max_nfev=EVALUATIONS, xtol=1e-4, ftol=1e-4)
    return made(found.x, v0, dates.T2)


def mispriced(reference, quotes: Quotes, dates: Dates, v0: float, *, domain: Domain | None = None, pace: Pace = USUAL) -> np.ndarray:
    """(m,) reference minus market, in units of volatility: what the transport has to mend."""
    linear, _ = _linear(reference, quotes, dates, v0, domain, pace)
    return (model_prices(linear) - quotes.prices) / quotes.units(dates.T1, dates.T2, dates.TV)


def _linear(reference, quotes, dates, v0, domain, pace):
    """The linear equation under a reference, and its grid."""
    grid = Grid.of(dates, *NODES, domain=domain or Domain.of(quotes, dates, v0), pace=replace(pace, stable=SAFE))
    return Transport.of(grid, quotes, sampled(reference, grid), v0, free=False), grid


def made(p, v0, T2) -> AffineReference:
    """The model of log kappa, log of the relative noise of w at v0^2, artanh rho, logit of w today's share of the variance to T2, power."""
    kappa, noise, rho, today = np.exp(p[0]), np.exp(p[1]), np.tanh(p[2]), 1 / (1 + np.exp(-p[3]))
    theta = (1 - today) * v0**2 / (1 - share(kappa, T2))
    return AffineReference(*map(float, (kappa, theta, noise * v0 ** (2 - 2 * p[4]), rho, p[4])), FLOOR)
