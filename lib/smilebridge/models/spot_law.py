"""The law of S_T under stochastic volatility: its transform by collocation in the volatility's coordinate, prices by Lewis' contour.

f(y) = E[(S_T/S_0)^s | y_0 = y] with s = 1/2 + iu solves f_t = scale^2/2 f'' + (drift + s rho scale a) f' + s (s - 1)/2 a^2 f, f = 1 at
time to expiry 0, with slope zero where y is reflected; s (s - 1) = -(u^2 + 1/4), so f decays in u.
"""

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from threadpoolctl import threadpool_limits

from .collocation import LEVELS, Collocation, drift_of, exponential_action, steps_for, volatility_of, window
from .contour import NODES, SHORTEST, Contour
from .stochastic_vol import StochasticVol

TOL_PRICE = 1e-11  # agreement of two levels at which refinement stops, per forward
TOL_TAIL = 1e-13  # |f(u)|/u at which the contour ends
LONGEST = 1e4  # the contour ends here at the latest
THIN = 8  # one frequency in so many decides on the number of nodes
SPOT_REACH = 6.5  # standard deviations of y: beyond them the volatility weighs 1e-10, and moves f by less than 1e-11


@dataclass(frozen=True, slots=True)
class SpotLaw:
    """Law of S_T, mean one, by its transform.

    contour   where the transform is known
    phi       (m + 2,) E[S_T^{iz}] at contour.z
    error     of any price, over sqrt(k): the largest change that the level before could have made, and what lies beyond the contour
    nodes     of the level that was accepted
    """

    contour: Contour
    phi: np.ndarray
    error: float
    nodes: int

    @classmethod
    def of(cls, model: StochasticVol, years, *, tol=TOL_PRICE, per_panel=NODES):
        """Law at `years` > 0; refined until two levels agree to `tol`, or up to the last level: read `error`.

        per_panel   nodes on each panel of the contour: 16 carry the waves k^{-iu} of log strikes within +-1.4, 32 within +-3
        """
        with threadpool_limits(1):
            U = _end(model, years)
            contour = Contour.for_stdev(SHORTEST / U, nodes=per_panel)
            nodes, change = _level(model, years, contour, tol)
            phi = _transform(model, years, np.asarray(contour.u), nodes)
        return cls(contour, np.r_[phi, 1.0, 1.0], float(change + abs(phi[-1]) / (np.pi * U)), nodes)

    def otm(self, k):
        """Out-of-the-money prices (n,) at strikes k (n,) per forward: the put for k < 1, the call for k >= 1."""
        return np.asarray(self.contour.otm(jnp.asarray(self.phi), jnp.asarray(k, float)))

    def quantiles(self, levels):
        """Levels s with P(S_T <= s) = levels (n,)."""
        return np.asarray(self.contour.quantiles(jnp.asarray(self.phi), jnp.asarray(levels, float)))


def _transform(model, years, u, n):
    """(m,) f at the model's start, for frequencies u (m,), with n nodes."""
    grid = Collocation.on(*window(model, years, reach=SPOT_REACH), n)
    a, drift = volatility_of(model, grid.y), drift_of(model, grid.y)
    scale, lift = float(model.scale), float(model.rho) * float(model.scale) * a
    here, one = grid.at([float(model.start)])[0], np.ones(n)
    phi = np.empty(len(u), complex)
    for j, frequency in enumerate(u):
        G = grid.generator(drift + (0.5 + 1j * frequency) * lift, scale) - np.diag(0.5 * (frequency**2 + 0.25) * a**2)
        phi[j] = here @ exponential_action(G, years, one, steps=steps_for(n))
    return phi


def _level(model, years, contour, tol):
    """First level that agrees with the one before to `tol`, or the last, and the change: seen at one frequency in `THIN`."""
    u, w = np.asarray(contour.u)[::THIN], THIN * np.asarray(contour.w)[::THIN]
    before, change = _transform(model, years, u, LEVELS[0]), np.inf
    for nodes in LEVELS[1:]:
        phi = _transform(model, years, u, nodes)
        change = float(w @ (np.abs(phi - before) / (u**2 + 0.25)) / np.pi)
        if change < tol:
            break
        before = phi
    return nodes, change


def _end(model, years):
    """Frequency at which the transform has died out: tried upwards from where it would be 3e-4 at constant volatility."""
    U = 4 / (float(model.a0) * np.sqrt(years))
    while abs(_transform(model, years, [U], LEVELS[-1])[0]) > TOL_TAIL * U and U < LONGEST:
        U *= 1.2
    return U


def spx_otm(model: StochasticVol, years, k):
    """Out-of-the-money prices per forward (n,) at strikes k (n,), put for k < 1, and the bound on their error: see `SpotLaw`."""
    law = SpotLaw.of(model, years)
    return law.otm(k), law.error * max(1.0, float(np.sqrt(np.max(k))))
