"""Smoothest log densities under linear price constraints: the optimisation shared by one smile and by a reconciled triple.

Unknown is g, the log of the mixing density on nodes; the masses w = spacing * exp(g) enter every price linearly. Minimised is

    g' roughness g / 2  +  sum share * error^2 / 2  +  steepness * (sum beyond(|error| - comfort)^2 + sum beyond(rules)^2) / 2

under the exact rows  rows @ w = target  (masses, means, perhaps the variance identity). error = prices @ w - mid in half-spreads; the rules
are shape @ g <= bound (tails) and order @ w >= 0 (calendar spreads). beyond(x) is max(x, 0) with its corner rounded off, so that Newton's
model stays good across it.
"""

from typing import NamedTuple

import numpy as np
import scipy.linalg
from threadpoolctl import threadpool_limits

STEEPNESS = (0.1, 3.0, 60.0)  # of the penalties, by continuation
MAX_STEPS = 80  # Newton steps for each steepness
TOL_GAIN = 1e-6  # stop when a step can gain less than this share of the objective
TOL_ROWS = 1e-14  # equality rows are of order one
DAMPING = (1e-3, 1e-9, 1e9)  # first, least and largest Levenberg damping of g
MAX_CHANGE = 4.0  # largest change of g in one step
ROUND = 0.02  # half-spreads (and units of the rules) over which the corner of a penalty is rounded off
SEEN = 1e-9  # rules that weigh less than this in the Hessian are left out of it
CLIP = 3.0  # bound on the tilts used to restore equality rows


class Programme(NamedTuple):
    """The data of one minimisation.

    spacing (n,); prices (q, n) with mid, comfort, share (q,); roughness (n, n); shape (m, n) with bound (m,);
    rows (e, n) with target (e,); order (c, n)
    blocks     (rows of prices, nodes) of each law: elsewhere prices are zero
    """

    spacing: np.ndarray
    prices: np.ndarray
    mid: np.ndarray
    comfort: np.ndarray
    share: np.ndarray
    roughness: np.ndarray
    shape: np.ndarray
    bound: np.ndarray
    rows: np.ndarray
    target: np.ndarray
    order: np.ndarray
    blocks: tuple[tuple[slice, slice], ...]

    def masses(self, g):
        """(n,) masses of the nodes."""
        return self.spacing * np.exp(g)

    def errors(self, g):
        """(q,) model minus mid, in half-spreads."""
        return self.prices @ self.masses(g) - self.mid


def minimise(problem: Programme, g, *, steepness=STEEPNESS):
    """Newton from g, one continuation in steepness; every iterate meets the equality rows to rounding.

    On one thread: the matrices are small, and sums in one order give the same bits on every machine.
    """
    with threadpool_limits(1):
        multipliers = np.zeros(len(problem.target))
        g = restore(problem, g)
        for steep in steepness:
            g, multipliers = _descend(problem, g, multipliers, steep)
    return g


def restore(problem, g):
    """Tilt g along the (clipped) equality rows until they hold."""
    tilts = np.clip(problem.rows, -CLIP, CLIP)
    for _ in range(60):
        w = problem.masses(g)
        defect = problem.target - problem.rows @ w
        if np.abs(defect).max() < TOL_ROWS:
            break
        step = np.linalg.solve((problem.rows * w) @ tilts.T, defect)
        g = g + min(1.0, 1.0 / np.abs(step).max()) * (step @ tilts)
    return g


def _beyond(x):
    """max(x, 0) rounded off over ROUND, with first and second derivative."""
    root = np.sqrt(x**2 + ROUND**2)
    return 0.5 * (x + root), 0.5 * (1 + x / root), 0.5 * ROUND**2 / root**3


def _value(problem, g, steep):
    error, w = problem.errors(g), problem.masses(g)
    if not np.all(np.isfinite(w)):
        return np.inf
    excess = np.concatenate([np.abs(error) - problem.comfort, problem.shape @ g - problem.bound, -problem.order @ w])
    return 0.5 * (g @ problem.roughness @ g + problem.share @ error**2 + steep * np.sum(_beyond(excess)[0] ** 2))


def _expansion(problem, g, multipliers, steep):
    """Gradient and Hessian at g. The Hessian is the Lagrangian's; its diagonal part (from w = exp g) is clipped at zero."""
    w, error = problem.masses(g), problem.errors(g)
    far, rate, bend = _beyond(np.abs(error) - problem.comfort)
    slope = problem.share * error + steep * far * rate * np.sign(error)
    curve = problem.share + steep * (rate**2 + far * bend)
    tail, tail_rate, tail_bend = _beyond(problem.shape @ g - problem.bound)
    late, late_rate, late_bend = _beyond(-problem.order @ w)
    gradient_w = problem.prices.T @ slope - steep * problem.order.T @ (late * late_rate)
    gradient = problem.roughness @ g + w * gradient_w + steep * problem.shape.T @ (tail * tail_rate)
    hessian = problem.roughness + np.diag(np.maximum(w * (gradient_w + problem.rows.T @ multipliers), 0))
    for quotes, nodes in problem.blocks:
        hessian[nodes, nodes] += _gram(problem.prices[quotes, nodes] * w[nodes], curve[quotes])
    hessian += _gram(problem.shape, steep * (tail_rate**2 + tail * tail_bend))
    hessian += _gram(problem.order * w, steep * (late_rate**2 + late * late_bend))
    return gradient, hessian


def _gram(rows, weight):
    """Sum of weight * row' row over the rows that weigh."""
    seen = weight > SEEN
    return (rows[seen].T * weight[seen]) @ rows[seen]


def _descend(problem, g, multipliers, steep):
    """Levenberg-damped Newton steps in the tangent space of the equality rows, accepted on actual over predicted gain."""
    value, damping = _value(problem, g, steep), DAMPING[0]
    gradient, hessian = _expansion(problem, g, multipliers, steep)
    for _ in range(MAX_STEPS):
        step, new_multipliers = _newton_step(gradient, hessian, problem.rows * problem.masses(g), damping)
        gain = -(gradient @ step + 0.5 * step @ hessian @ step)
        trial = restore(problem, g + step) if np.abs(step).max() < MAX_CHANGE else None
        new_value = np.inf if trial is None else _value(problem, trial, steep)
        ratio = (value - new_value) / max(gain, 1e-300)
        finished = gain < TOL_GAIN * max(value, 1e-3) and trial is not None
        if ratio > 0.05:
            g, value, multipliers = trial, new_value, new_multipliers
            gradient, hessian = _expansion(problem, g, multipliers, steep)
        damping = np.clip(damping / 6 if ratio > 0.75 else damping if ratio > 0.25 else 5 * damping, *DAMPING[1:])
        if finished:
            break
    return g, multipliers


def _newton_step(gradient, hessian, rows, damping):
    """Minimiser of the damped quadratic model with rows @ step = 0, and the multipliers of the rows."""
    factor = scipy.linalg.cho_factor(hessian + damping * np.eye(len(gradient)))
    newton, columns = scipy.linalg.cho_solve(factor, gradient), scipy.linalg.cho_solve(factor, rows.T)
    multipliers = -np.linalg.solve(rows @ columns, rows @ newton)
    return -newton - columns @ multipliers, multipliers
