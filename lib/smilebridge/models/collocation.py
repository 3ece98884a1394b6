"""Chebyshev collocation of a reflected diffusion's generator, and its exponential: expectations of smooth functions to rounding.

The unknown is a polynomial that obeys its conditions at both edges, known by its values at the interior nodes: slope zero for
expectations, no flux for densities. Time goes by the four-stage
Radau IIA method (order seven, L-stable: components that decay fast are damped, not only bounded), applied as a sum of resolvents.
"""

from dataclasses import dataclass
from math import comb, factorial

import jax.numpy as jnp
import numpy as np
from numpy.polynomial import legendre

from .stochastic_vol import StochasticVol

REACH = 8.0  # standard deviations of y kept on either side of its deterministic path: what is left out weighs less than 1e-14
LEVELS = (48, 64, 86, 108, 136, 170)  # nodes tried in turn, until two answers agree
STEPS_PER_NODE = 0.25  # steps of time for a node: both errors fall together
STAGES = 4
BELL = 7.5  # e^{-BELL^2/2} = 6e-13


def _resolvent_sum():
    """Poles z (4,) and residues c (4,) of the stability function of Radau IIA, the [3/4] Pade approximant of exp."""
    p, q = STAGES - 1, STAGES
    above = [comb(p, j) * factorial(p + q - j) / factorial(p + q) for j in range(p, -1, -1)]
    below = [comb(q, j) * factorial(p + q - j) * (-1) ** j / factorial(p + q) for j in range(q, -1, -1)]
    z, slope = np.roots(below), np.polyder(below)
    for _ in range(3):
        z = z - np.polyval(below, z) / np.polyval(slope, z)
    return z, np.polyval(above, z) / np.polyval(slope, z)


def steps_for(nodes):
    """Steps of time that go with so many nodes."""
    return int(np.ceil(STEPS_PER_NODE * nodes))


def exponential_action(G, years, v, *, steps):
    """exp(years G) v, real or complex as G is.

    G       (n, n) generator, per year
    v       (n,) or (n, m)
    steps   of Radau IIA; the error falls with their seventh power
    """
    poles, residues = _resolvent_sum()
    shifted = (years / steps) * G[None] - poles[:, None, None] * np.eye(len(G))[None]
    step = np.tensordot(residues, np.linalg.inv(shifted), 1)
    step = step.real if np.isrealobj(G) else step
    for _ in range(steps):
        v = step @ v
    return v


@dataclass(frozen=True, slots=True)
class Collocation:
    """Polynomials on [low, high] that obey f' = slope f at both ends, by their values at n interior nodes.

    nodes        (n + 2,) Chebyshev points with both ends, decreasing
    derivative   (n + 2, n + 2) from values to derivatives at all nodes
    closure      (n + 2, n) values at all nodes from those inside: the ends follow from the slopes
    """

    nodes: np.ndarray
    derivative: np.ndarray
    closure: np.ndarray

    @classmethod
    def on(cls, low, high, n, *, slopes=(0.0, 0.0)):
        """Collocation on [low, high] with n interior nodes; slopes at low and high, in logarithmic terms."""
        x = np.cos(np.pi * np.arange(n + 2) / (n + 1))
        ends = np.r_[2.0, np.ones(n), 2.0] * (-1.0) ** np.arange(n + 2)
        D = np.outer(ends, 1 / ends) / (x[:, None] - x[None, :] + np.eye(n + 2))
        D = (D - np.diag(D.sum(1))) * (2 / (high - low))
        inside, edge = np.arange(1, n + 1), np.array([0, n + 1])
        closure = np.zeros((n + 2, n))
        closure[inside] = np.eye(n)
        closure[edge] = -np.linalg.solve(D[np.ix_(edge, edge)] - np.diag(slopes[::-1]), D[np.ix_(edge, inside)])
        return cls(low + 0.5 * (high - low) * (x + 1), D, closure)

    @property
    def y(self):
        """(n,) interior nodes."""
        return self.nodes[1:-1]

    def at(self, y):
        """(m, n) matrix from interior values to values at y (m,)."""
        return self._barycentric(y) @ self.closure

    def _barycentric(self, y):
        """(m, n + 2) matrix from values at all nodes to values at y (m,)."""
        weights = (-1.0) ** np.arange(self.nodes.size)
        weights[[0, -1]] *= 0.5
        gap = np.asarray(y, float)[:, None] - self.nodes[None, :]
        hit = gap == 0
        rows = np.where(hit.any(1)[:, None], hit, weights / np.where(hit, 1.0, gap))
        return rows / rows.sum(1)[:, None]

    def generator(self, drift, scale):
        """(n, n) f -> drift f' + scale^2/2 f'' at the interior nodes, drift (n,) real or complex."""
        first = self.derivative @ self.closure
        return drift[:, None] * first[1:-1] + 0.5 * scale**2 * (self.derivative @ first)[1:-1]

    def adjoint(self, drift, scale):
        """(n, n) p -> -(drift p)' + scale^2/2 p'' at the interior nodes, drift (n + 2,) at all nodes: the generator's on densities."""
        flux = 0.5 * scale**2 * self.derivative @ self.closure - drift[:, None] * self.closure
        return (self.derivative @ flux)[1:-1]

    def point_mass(self, y):
        """(n,) delta function at y: half as many Legendre terms as there are nodes, times a bell that takes their ripples from the ends.

        The bell falls to 1e-12 at the nearer end; both factors, and so their product, are resolved.
        """
        low, high = self.nodes[-1], self.nodes[0]
        unit = lambda y: (2 * y - low - high) / (high - low)
        terms = np.arange(self.nodes.size // 2)
        here, there = (legendre.legvander(unit(z), terms[-1]) for z in (np.array([y]), self.y))
        ripples = there @ ((2 * terms + 1) / (high - low) * here[0])
        return ripples * np.exp(-0.5 * (BELL * (self.y - y) / min(y - low, high - y)) ** 2)


def drift_of(model: StochasticVol, y):
    """Drift of the model at NumPy nodes y (n,)."""
    return np.asarray(model.drift(jnp.asarray(y)))


def volatility_of(model: StochasticVol, y):
    """Volatility of the model at NumPy nodes y (n,)."""
    return np.asarray(model.volatility(jnp.asarray(y)))


def window(model: StochasticVol, years, *, reach=REACH):
    """(low, high) of y up to `years`: the deterministic path, `reach` standard deviations of the noise on either side, within the edges.

    Where the drift falls with y, y strays from that path no further than its noise. So it does in all three models, but for a square
    root of dimension below one near zero, where low cuts the window anyway.
    """
    low, high = (float(edge) for edge in model.edges)
    table = np.linspace(low, high, 2001)
    drift, path = drift_of(model, table), [float(model.start)]
    for _ in range(200):
        ahead = path[-1] + 0.005 * years * np.interp(path[-1], table, drift)
        path.append(min(max(ahead, low), high))
    room = reach * float(model.scale) * np.sqrt(years)
    return max(low, min(path) - room), min(high, max(path) + room)
