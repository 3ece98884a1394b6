"""From zero weights to the calibrated ones: trust-region quasi-Newton on the dual, coarse grids first."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

FIRM = 1e-3  # strength of the barrier that keeps errors within their bands
FIRST, LATER = 1e-2, 1e-6  # damping on the first grid and on the others
GOOD = 0.05  # share of the promised fall that a step must bring
TRIES = 10
ROUNDING = 1e-9


class Standing(NamedTuple):
    """Where a climb stands between two steps: all that the next one needs, but what the dual itself tells.

    theta         (m,) weights
    hessian       (m, m) curvature, in weights times units of volatility
    damping       on the largest curvature
    steps         taken, grid by grid, the last entry for the grid in hand
    evaluations   of the dual, the same
    """

    theta: np.ndarray
    hessian: np.ndarray
    damping: float = FIRST
    steps: tuple[int, ...] = (0,)
    evaluations: tuple[int, ...] = (0,)

    @property
    def place(self) -> int:
        """Of the grid in hand among all grids."""
        return len(self.steps) - 1

    def onward(self, hessian):
        """At the foot of the next grid."""
        return Standing(self.theta, hessian, LATER, (*self.steps, 0), (*self.evaluations, 0))

    def tried(self, evaluations: int):
        """After so many evaluations more."""
        return self._replace(evaluations=(*self.evaluations[:-1], self.evaluations[-1] + evaluations))

    def stepped(self, theta, hessian, damping):
        """After a step."""
        return Standing(theta, hessian, damping, (*self.steps[:-1], self.steps[-1] + 1), self.evaluations)


@eqx.filter_jit
def fined(bridge: eqx.Module, theta, band):
    """Loss and errors, the barrier of the bands included in the first two: (loss, slope), errors."""
    loss, error = jax.value_and_grad(bridge.loss)(theta)
    z = band * theta
    e = z / (FIRM + jnp.sqrt(FIRM**2 + z**2))
    return loss + (z * e + FIRM * jnp.log1p(-(e**2))).sum(), error + band * e, error


@eqx.filter_jit
def curvature(bridge: eqx.Module, theta, band):
    """(m, m) second derivative of the fined loss, column by column."""
    along = lambda v: jax.jvp(lambda t: fined(bridge, t, band)[1], (theta,), (v,))[1]
    return jax.lax.map(along, jnp.eye(theta.size))


def climb(bridge, begin: Standing, unit, band, *, tol, max_steps=60, told=lambda standing, error: None) -> Standing:
    """Minimise on one grid until the largest slope in units of volatility is below `tol`, or no step helps.

    told     called before the first step and after each: where the climb stands, and (m,) errors in units of volatility
    """
    standing = begin if begin.evaluations[-1] else begin.tried(1)
    seen = evaluate(bridge, standing.theta, band)
    told(standing, seen[2] / unit)
    while standing.steps[-1] < max_steps and not np.abs(seen[1] / unit).max() < tol:
        standing, seen = _step(bridge, standing, seen, unit, band)
        if seen is None:
            break
        told(standing, seen[2] / unit)
    return standing


def _step(bridge, standing, seen, unit, band):
    """The next standing and what the dual tells there; the same standing and None where no step brings what it promises."""
    value, slope, _ = seen
    g, lift = slope / unit, standing.damping
    lam, Q = _split(standing.hessian)
    hessian = (Q * lam) @ Q.T
    for tries in range(1, TRIES + 1):
        p = -Q @ ((Q.T @ g) / (lam + (lift + 1e-10) * lam[-1]))
        theta = standing.theta + p / unit
        there = evaluate(bridge, theta, band)
        fall, promised = value - there[0], -(p @ g + 0.5 * p @ hessian @ p)
        if np.isfinite(there[0]) and np.isfinite(there[1]).all():
            hessian = _updated(hessian, p, there[1] / unit - g)
            flatter = np.abs(there[1] / unit).max() < np.abs(g).max()
            if fall > GOOD * promised or (abs(fall) < ROUNDING and flatter):
                lift *= 0.2 if fall > 0.6 * promised else 0.5 if fall > 0.3 * promised else 1.5
                return standing.tried(tries).stepped(theta, hessian, lift), there
        lift = max(6 * lift, 1e-8)
        lam, Q = _split(hessian)
    return standing.tried(TRIES), None


def _split(hessian):
    """Eigenvalues, negative ones as zero, and eigenvectors."""
    lam, Q = np.linalg.eigh(0.5 * (hessian + hessian.T))
    return np.maximum(lam, 0.0), Q


def evaluate(bridge, theta, band):
    """`fined` as plain numbers and arrays."""
    value, slope, error = fined(bridge, jnp.asarray(theta), jnp.asarray(band))
    return float(value), np.asarray(slope), np.asarray(error)


def _updated(H, p, y):
    """BFGS with Powell's damping."""
    Hp = H @ p
    bend, seen = p @ Hp, p @ y
    if seen <= 1e-14 or bend <= 0:
        return H
    share = 1.0 if seen >= 0.1 * bend else 0.9 * bend / (bend - seen)
    r = share * y + (1 - share) * Hp
    return H - np.outer(Hp, Hp) / bend + np.outer(r, r) / (p @ r)
