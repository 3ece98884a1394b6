"""A joint law on finitely many nodes, as linear programmes find them, and what it violates."""

from dataclasses import dataclass

import numpy as np

from .problem import JointProblem
from .programme import Optimum, Programme


@dataclass(frozen=True, slots=True)
class Defects:
    """Largest violations of a joint law, remeasured from its masses.

    spx1, vix, spx2  distance of a price outside its bid-ask, per forward (of a mass from its target in the full-law form)
    mass             |total mass - 1|
    martingale       |E[S2 | s1, v] - s1| at a node that carries mass, forwards
    dispersion       |E[L(S2/s1) | s1, v] - v^2| at a node that carries mass, relative to v^2; 0 where there is no VIX
    """

    spx1: float
    vix: float
    spx2: float
    mass: float
    martingale: float
    dispersion: float

    def worst(self) -> float:
        """The largest of them."""
        return max(getattr(self, name) for name in self.__slots__)


@dataclass(frozen=True, slots=True, eq=False)
class AtomicLaw:
    """Masses p (A,) on the nodes (i, j, k) (A,) of a problem; without VIX every j is 0 and says nothing.

    vix        whether E[L(S2/s1) | s1, v] = v^2 is asked
    """

    problem: JointProblem
    vix: bool
    i: np.ndarray
    j: np.ndarray
    k: np.ndarray
    p: np.ndarray

    @classmethod
    def of(cls, programme: Programme, optimum: Optimum):
        """Gather the pieces that carry mass."""
        used = optimum.mass > 0
        pieces, mass = optimum.columns[used], optimum.mass[used]
        atoms = np.broadcast_to(pieces.node[:, None], pieces.atoms.shape)
        at = programme.kernels.i[atoms].ravel(), programme.kernels.j[atoms].ravel(), pieces.atoms.ravel()
        flat = np.ravel_multi_index(at, programme.problem.shape)
        nodes, back = np.unique(flat, return_inverse=True)
        p = np.bincount(back, (mass[:, None] * pieces.weights).ravel())
        i, j, k = np.unravel_index(nodes[p > 0], programme.problem.shape)
        return cls(programme.problem, programme.vix != "none", i, j, k, p[p > 0])

    def masses(self) -> np.ndarray:
        """(n1, nV, n2) the masses on the whole grid."""
        full = np.zeros(self.problem.shape)
        full[self.i, self.j, self.k] = self.p
        return full

    def expect(self, payoff) -> float:
        """E[f] of an array that broadcasts to (n1, nV, n2)."""
        return float(self.p @ np.broadcast_to(payoff, self.problem.shape)[self.i, self.j, self.k])

    def defects(self) -> Defects:
        """Every constraint, from the masses alone."""
        at = zip(self.problem.axes, (self.i, self.j, self.k), strict=True)
        misses = [_outside(axis, np.bincount(nodes, self.p, len(axis))) for axis, nodes in at]
        (s1, v, s2), tau = (axis.x for axis in self.problem.axes), self.problem.tau
        node = self.i * len(v) + self.j
        mass = np.bincount(node, self.p)
        given = lambda values: np.bincount(node, self.p * values)[mass > 0] / mass[mass > 0]
        drift = np.abs(given(s2[self.k] - s1[self.i])).max()
        square = v[self.j] ** 2
        variance = np.abs(given(-2 / tau * np.log(s2[self.k] / s1[self.i]) / square - 1)).max() if self.vix else 0.0
        return Defects(*misses, float(abs(self.p.sum() - 1)), float(drift), float(variance))


def _outside(axis, mass):
    price = mass @ axis.payoff
    return float(np.maximum(np.maximum(price - axis.ask, axis.bid - price), 0.0).max(initial=0.0))
