"""The law of the volatility at T1 and of the VIX, a function of it: VIX_T^2 = (1/tau) E[int_T^{T+tau} a^2 dt | y_T].

The density of y solves the forward equation p_t = (scale^2/2 p' - drift p)' from a point mass, without flux at the edges. Prices of VIX
options come from Gauss-Legendre panels that end at their kinks.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.polynomial import Chebyshev
from scipy.optimize import brentq
from threadpoolctl import threadpool_limits

from .collocation import LEVELS, REACH, Collocation, drift_of, exponential_action, steps_for, volatility_of, window
from .stochastic_vol import StochasticVol

FINER = (*LEVELS, 240, 340)  # nodes: one real exponential each, so that wide windows are cheap as well
TOL_VIX = 1e-11  # agreement of two levels at which refinement stops, decimal a year
PANEL = 0.5  # widest panel of quadrature, in standard deviations of the noise
NODES = 16


@dataclass(frozen=True, slots=True)
class Profile:
    """A function of y, known by its values at the nodes of a collocation."""

    grid: Collocation
    values: np.ndarray

    def __call__(self, y):
        """Values at y, any shape."""
        return (self.grid.at(np.ravel(y)) @ self.values).reshape(np.shape(y))

    @property
    def ends(self):
        """(low, high) where it is known."""
        return self.grid.nodes[-1], self.grid.nodes[0]

    def integral(self):
        """Antiderivative that vanishes at the lower end, as a Chebyshev series."""
        series = Chebyshev.interpolate(self, self.values.size + 1, domain=self.ends)
        return series.integ(lbnd=self.ends[0])


def _refined(evaluate, tol, change):
    """First `evaluate(nodes)` that is within `tol` of the level before, or the last, and how far it is."""
    before, error = evaluate(FINER[0]), np.inf
    for nodes in FINER[1:]:
        found = evaluate(nodes)
        error = change(before, found)
        if error < tol:
            break
        before = found
    return found, error


def _variance(model, low, high, tau, n):
    """E[int_0^tau a^2 dt / tau | y0] on [low, high]: f_t = G f + a^2/tau from f = 0, the generator bordered by its source."""
    grid = Collocation.on(low, high, n)
    G = np.zeros((n + 1, n + 1))
    G[:n, :n] = grid.generator(drift_of(model, grid.y), float(model.scale))
    G[:n, n] = volatility_of(model, grid.y) ** 2 / tau
    return Profile(grid, exponential_action(G, tau, np.eye(n + 1)[n], steps=steps_for(n))[:n])


def _density(model, low, high, years, n):
    """Density of y_T on [low, high]."""
    scale, ends = float(model.scale), drift_of(model, np.array([low, high]))
    grid = Collocation.on(low, high, n, slopes=2 * ends / scale**2)
    F = grid.adjoint(drift_of(model, grid.nodes), scale)
    return Profile(grid, exponential_action(F, years, grid.point_mass(float(model.start)), steps=steps_for(n)))


def _with_room(model, low, high, tau):
    """The interval [low, high] and `REACH` standard deviations of what y moves in tau, within the edges."""
    room = REACH * float(model.scale) * np.sqrt(tau)
    return max(float(model.edges[0]), low - room), min(float(model.edges[1]), high + room)


def vix_of(model: StochasticVol, y, tau, *, tol=TOL_VIX):
    """VIX, sqrt(E[int_0^tau a^2 dt / tau | y0 = y]), decimal, at y of any shape; and the largest change from the level before.

    The reflection at the model's bounds is part of the answer: near them the VIX flattens.
    """
    y = np.asarray(y, float)
    low, high = _with_room(model, y.min(), y.max(), tau)
    with threadpool_limits(1):
        vix = lambda n: np.sqrt(_variance(model, low, high, tau, n)(y))
        return _refined(vix, tol, lambda a, b: float(np.max(np.abs(a - b))))


@dataclass(frozen=True, slots=True)
class VolatilityLaw:
    """Law of y at T and the VIX V(y) over the tau years from there.

    density    of y at T
    variance   V^2 as a function of y
    panel      widest panel of quadrature in y
    error      of E[V] and of every VIX option, decimal: by how much the level before could differ
    """

    density: Profile
    variance: Profile
    panel: float
    error: float

    @classmethod
    def of(cls, model: StochasticVol, years, tau, *, tol=TOL_VIX):
        """Law at `years` > 0, VIX over `tau`; both refined until two levels agree to `tol`, or up to the last: read `error`."""
        low, high = window(model, years)
        wide, panel = _with_room(model, low, high, tau), PANEL * float(model.scale) * np.sqrt(years)
        y, w = _panels(low, high, panel)
        vix = lambda variance: np.sqrt(np.maximum(variance(y), 0.0))
        with threadpool_limits(1):
            rough = w * vix(_variance(model, *wide, tau, LEVELS[-1]))
            off = lambda a, b: float(rough @ np.abs(a(y) - b(y)))
            density, error = _refined(lambda n: _density(model, low, high, years, n), tol, off)
            mass = w * np.abs(density(y))
            off = lambda a, b: float(mass @ np.abs(vix(a) - vix(b)))
            variance, more = _refined(lambda n: _variance(model, *wide, tau, n), tol, off)
        return cls(density, variance, panel, error + more)

    def less(self, basis: float):
        """The law of sqrt(V^2 - basis); a basis, annual variance, must be below the least V^2: ValueError."""
        variance = Profile(self.variance.grid, self.variance.values - basis)
        if basis and variance.values.min() <= 0:
            raise ValueError(f"basis {basis:.6f}: need less than the least V^2 of the law, {self.variance.values.min():.6f}")
        return replace(self, variance=variance)

    def vix(self, y):
        """V(y), decimal."""
        return np.sqrt(self.variance(y))

    def quadrature(self, v=()):
        """Nodes y (n,) and masses (n,), on panels that end where V crosses a level v."""
        y, w = _panels(*self.density.ends, self.panel, self.crossings(v))
        return y, w * self.density(y)

    def crossings(self, v):
        """y at which V = v, for those levels v that V reaches."""
        low, high = self.density.ends
        least, most = self.vix(np.array([low, high]))
        gap = lambda y, level: float(self.vix(y)) - level
        return np.array([brentq(gap, low, high, args=(level,), xtol=1e-14) for level in np.ravel(v) if least < level < most])

    def mean(self, power=1):
        """E[V^power]: the VIX future for power 1, forward variance for power 2."""
        y, mass = self.quadrature()
        return float(mass @ self.vix(y) ** power)

    def calls(self, v):
        """E[(V - v)+] for levels v (n,)."""
        y, mass = self.quadrature(v)
        return np.maximum(self.vix(y)[None, :] - np.asarray(v)[:, None], 0.0) @ mass

    def puts(self, v):
        """E[(v - V)+] for levels v (n,)."""
        y, mass = self.quadrature(v)
        return np.maximum(np.asarray(v)[:, None] - self.vix(y)[None, :], 0.0) @ mass

    def otm(self, v):
        """Out-of-the-money prices (n,): the put for v below the future, else the call."""
        return np.where(np.asarray(v) < self.mean(), self.puts(v), self.calls(v))

    def quantiles(self, levels):
        """Levels v with P(V <= v) = levels (n,)."""
        low, high = self.density.ends
        below = self.density.integral()
        return self.vix(np.array([brentq(lambda y, level=level: below(y) - level, low, high, xtol=1e-12) for level in np.ravel(levels)]))


def _panels(low, high, width, splits=()):
    """Gauss-Legendre nodes (n,), increasing, and weights (n,) on [low, high], in panels of `width` at most that end at the splits."""
    x, w = np.polynomial.legendre.leggauss(NODES)
    edges = np.union1d(np.linspace(low, high, 1 + int(np.ceil((high - low) / width))), splits)
    half = 0.5 * np.diff(edges)[:, None]
    return (edges[:-1, None] + half * (1 + x)).ravel(), (half * w).ravel()


def vix_otm(model: StochasticVol, years, tau, v):
    """VIX future, out-of-the-money prices (n,) at strikes v (n,), put below the future, and their error: see `VolatilityLaw`."""
    law = VolatilityLaw.of(model, years, tau)
    return law.mean(), law.otm(v), law.error
