"""From zero weights to the calibrated ones: trust-region quasi-Newton on the dual, coarse grids first."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .bridge import Bridge

FIRM = 1e-3  # strength of the barrier that keeps errors within their bands
FIRST = 1e-2  # damping at the first level, on the largest curvature
LATER = 1e-6  # at the others
GOOD = 0.05  # share of the promised fall that a step must bring
TRIES = 10
ROUNDING = 1e-9


class Climbed(NamedTuple):
    """Weights, minus the dual there, errors in units of volatility, curvature (in scaled weights) and the number of evaluations."""

    theta: np.ndarray
    loss: float
    error: np.ndarray
    hessian: np.ndarray
    evaluations: int


@eqx.filter_jit
def fined(bridge: Bridge, theta, band):
    """Loss and errors, the barrier of the bands included in the first two: (loss, slope), errors."""
    loss, error = jax.value_and_grad(bridge.loss)(theta)
    z = band * theta
    e = z / (FIRM + jnp.sqrt(FIRM**2 + z**2))
    return loss + (z * e + FIRM * jnp.log1p(-(e**2))).sum(), error + band * e, error


@eqx.filter_jit
def curvature(bridge: Bridge, theta, band):
    """(m, m) second derivative of the fined loss, column by column."""
    along = lambda v: jax.jvp(lambda t: fined(bridge, t, band)[1], (theta,), (v,))[1]
    return jax.lax.map(along, jnp.eye(theta.size))


def climb(bridge, theta, unit, band, hessian, *, tol, damping, max_steps=60) -> Climbed:
    """Minimise from theta on one grid until the largest slope in units of volatility is below `tol`."""
    value, slope, error = evaluate(bridge, theta, band)
    used, lift = 1, damping
    for _ in range(max_steps):
        if np.abs(slope / unit).max() < tol:
            break
        lam, Q = np.linalg.eigh(0.5 * (hessian + hessian.T))
        lam, g = np.maximum(lam, 0.0), slope / unit
        hessian, kept = (Q * lam) @ Q.T, False
        for _ in range(TRIES):
            p = -Q @ ((Q.T @ g) / (lam + (lift + 1e-10) * lam[-1]))
            there, slope2, error2 = evaluate(bridge, theta + p / unit, band)
            used += 1
            fall, promised = value - there, -(p @ g + 0.5 * p @ hessian @ p)
            if np.isfinite(there) and np.isfinite(slope2).all():
                hessian = _updated(hessian, p, slope2 / unit - g)
                flatter = np.abs(slope2 / unit).max() < np.abs(g).max()
                kept = fall > GOOD * promised or (abs(fall) < ROUNDING and flatter)
            if kept:
                lift *= 0.2 if fall > 0.6 * promised else 0.5 if fall > 0.3 * promised else 1.5
                break
            lift = max(6 * lift, 1e-8)
            lam, Q = np.linalg.eigh(hessian)
            lam = np.maximum(lam, 0.0)
        if not kept:
            break
        theta, value, slope, error = theta + p / unit, there, slope2, error2
    return Climbed(theta, value, error / unit, hessian, used)


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
