"""Laws of S2 given (S1, V): at each node the cheapest kernel with mean s1 and variance v^2, by one simplex over all nodes at once."""

from dataclasses import dataclass

import numpy as np

PIVOTS = 400  # of the simplex, at most; the answer is used as a bound or a column only after it is remeasured
OPTIMAL = 1e-13  # reduced cost that counts as none, relative to the largest cost
STEP = 1e-11  # smallest share that an atom may be traded for
ROUNDING = 1e-12  # relative excess of v^2 over what the nodes of s2 can carry that counts as none


@dataclass(frozen=True, slots=True, eq=False)
class Kernels:
    """The nodes (s1, v) at which some law on the nodes of s2 has the mean and the variance asked for, and the conditions on it.

    i, j       (N,) indices of s1 and v
    rows       (N, n2, d) the conditions, one order each: 1, (s2/s1 - 1) / (v sqrt tau), (L(s2/s1) - v^2) / v^2; a kernel q has
               sum_k q_k rows_k = (1, 0, 0). Without VIX (d = 2) the last is dropped
    start      (N, d) atoms of one kernel at each node
    scale      (N, d - 1) what the conditions were divided by, in s2 and in variance
    """

    i: np.ndarray
    j: np.ndarray
    rows: np.ndarray
    start: np.ndarray
    scale: np.ndarray

    def __len__(self):
        return len(self.i)

    @classmethod
    def with_vix(cls, s1, v, s2, tau):
        """Mean s1 and variance v^2."""
        L1, L2 = -2 / tau * np.log(s1), -2 / tau * np.log(s2)
        i, j = np.nonzero(reachable(s1, v, s2, tau))
        a, square = s1[i], v[j] ** 2
        width = a * v[j] * np.sqrt(tau)
        mean = (s2[None, :] - a[:, None]) / width[:, None]
        variance = (L2[None, :] - (L1[i] + square)[:, None]) / square[:, None]
        rows = np.stack([np.ones_like(mean), mean, variance], axis=2)
        slope = (L2[1:] - L2[0]) / (s2[1:] - s2[0])  # a fan from the first node: each point lies between two of its rays
        right = 1 + np.clip(np.searchsorted(slope, (L1[i] + square - L2[0]) / (a - s2[0])), 1, len(s2) - 2)
        start = np.stack([np.zeros_like(right), right - 1, right], axis=1)
        return cls(i, j, rows, start, np.stack([width, square], axis=1))

    @classmethod
    def without_vix(cls, s1, s2):
        """Mean s1 alone."""
        i = np.flatnonzero((s1 > s2[0]) & (s1 < s2[-1]))
        mean = s2[None, :] / s1[i, None] - 1
        rows = np.stack([np.ones_like(mean), mean], axis=2)
        start = np.broadcast_to([0, len(s2) - 1], (len(i), 2)).copy()
        return cls(i, np.zeros_like(i), rows, start, s1[i, None])

    def cheapest(self, cost, atoms):
        """The kernel of least cost at each node, and the plane below the costs that proves it.

        cost       (N, n2) of one unit of mass at each s2
        atoms      (N, d) of a kernel at each node: where the search starts
        returns    atoms (N, d), weights (N, d), plane (N, d): cost_k >= plane . rows_k with equality on the atoms
        """
        atoms, live, tol = atoms.copy(), np.arange(len(self)), OPTIMAL * np.abs(cost).max(initial=0.0)
        for _ in range(PIVOTS):
            rows = self.rows[live]
            basis = np.take_along_axis(rows, atoms[live, :, None], axis=1)
            plane = np.linalg.solve(basis, np.take_along_axis(cost[live], atoms[live], axis=1)[:, :, None])
            reduced = cost[live] - (rows @ plane)[:, :, 0]
            enter = reduced.argmin(axis=1)
            moving = reduced[np.arange(len(live)), enter] < -tol
            if not moving.any():
                break
            live, enter, basis = live[moving], enter[moving], basis[moving]
            atoms[live, _leaving(basis, rows[moving, enter])] = enter
        return atoms, *self._measured(cost, atoms)

    def misses(self, atoms, weights):
        """(N,) by how much the kernels violate the conditions, remeasured: rounding may spoil one at the edge of what the nodes carry."""
        basis = np.take_along_axis(self.rows, atoms[:, :, None], axis=1)
        found = (weights[:, None, :] @ basis)[:, 0]
        found[:, 0] -= 1.0
        return np.abs(found).max(axis=1)

    def _measured(self, cost, atoms):
        basis = np.take_along_axis(self.rows, atoms[:, :, None], axis=1)
        plane = np.linalg.solve(basis, np.take_along_axis(cost, atoms, axis=1)[:, :, None])[:, :, 0]
        return _weights(basis), plane


def reachable(s1, v, s2, tau):
    """(n1, nV) whether some law on the nodes of s2 has mean s1 and variance v^2.

    L is convex: the variance is least on the two neighbours of s1 and largest on the two ends.
    """
    L1, L2 = -2 / tau * np.log(s1), -2 / tau * np.log(s2)
    least, largest = np.interp(s1, s2, L2) - L1, np.interp(s1, s2[[0, -1]], L2[[0, -1]]) - L1
    square = v[None, :] ** 2
    room = (square * (1 + ROUNDING) >= least[:, None]) & (square * (1 - ROUNDING) <= largest[:, None])
    return room & ((s1 > s2[0]) & (s1 < s2[-1]))[:, None]


def _weights(basis):
    """(N, d) masses on the atoms."""
    unit = np.zeros((*basis.shape[:2], 1))
    unit[:, 0] = 1.0
    return np.maximum(np.linalg.solve(basis.transpose(0, 2, 1), unit)[:, :, 0], 0.0)


def _leaving(basis, row):
    """The atom that is used up first when mass is traded for the entering one."""
    trade = np.linalg.solve(basis.transpose(0, 2, 1), row[:, :, None])[:, :, 0]
    ratio = np.full_like(trade, np.inf)
    np.divide(_weights(basis), trade, out=ratio, where=trade > STEP)
    return ratio.argmin(axis=1)
