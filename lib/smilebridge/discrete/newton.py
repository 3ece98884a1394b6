"""Implied Newton: second order in the instruments' weights, the conditional multipliers eliminated exactly."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from .curvature import Curvature, curvature, follow
from .inner import CARRIES, settle
from .schrodinger import Schrodinger, outer_mass
from .sinkhorn import warmed
from .solution import Solution, certificate, conclude

GAP = 1e-11  # slope of the dual at which Newton stops: prices in standard deviations of the first law, and conditional residuals
DAMPING = 30.0  # Levenberg damping of the first step, on the diagonal of the first Hessian
GROW = 10.0  # factor of the damping after a refused step; the exponent grows with each further one
LEAST = 1e-4  # damping after a refusal, at least, before it grows
GIVEN_UP = 1e12  # damping at which no step is left
KEEP = 1e-3  # share of the promised rise of the dual that a step must bring
SOLVED = 0.3  # residual that nodes with mass must reach for a step to count
FINEST = 1e-4  # standard deviation below which the slope is not measured in it
ROUNDING = 1e-11  # relative rounding of the dual value
FIRST = 1e-4  # residual of the first inner solve
INEXACT = 0.1  # inner residual per slope of the dual


class State(NamedTuple):
    a: Array
    delta: Array
    found: Curvature
    damping: Array
    growth: Array
    steps: Array
    passes: Array
    proof: Array


@eqx.filter_jit
def newton(problem: Schrodinger, *, start: Solution | None = None, tol=GAP, max_steps: int = 60, inner_passes: int = 100) -> Solution:
    """Maximise the dual from zero weights, or from another solution's.

    Each step solves (H + damping D) x = gradient with H the Schur complement and D the diagonal of the first H, lets the multipliers follow
    to first order, settles them, and keeps the step if the dual rises by a share of what the quadratic model promised: a proof of ascent.
    Works under vmap: `eqx.filter_vmap(newton)(problems)`.
    tol        slope of the dual, in standard deviations of the first law
    see        book 06_newton; Bourgey & Guyon (2024)
    """
    a, delta = (jnp.zeros_like(problem.unit), jnp.zeros((2, *problem.log_mass.shape))) if start is None else (start.law.a, start.law.delta)
    delta, law, passes = settle(problem, problem.late_potential(a), delta, jnp.exp(problem.log_mass), tol=FIRST, max_passes=inner_passes)
    if problem.full and start is None:
        a, delta, law, swept = warmed(problem, a, delta, law, inner_passes=inner_passes)
        passes = passes + swept
    found = curvature(problem, a, delta)
    scale = jnp.sqrt(jnp.maximum(jnp.diag(found.hessian), 1e-14))
    slope = lambda found: jnp.abs(found.gradient / jnp.maximum(scale, FINEST)).max()
    residual = lambda found: jnp.where(found.mass >= CARRIES, found.law.residual, 0.0).max()
    damping = jnp.asarray(DAMPING if start is None else LEAST)

    def unfinished(s: State):
        met = (slope(s.found) <= tol) & (residual(s.found) <= tol)
        return (s.steps < max_steps) & ~met & (s.damping < GIVEN_UP) & ~(s.proof > 0)

    def step(s: State):
        da, promised = _direction(s.found, scale, s.damping)
        a = s.a + da
        inner = jnp.clip(INEXACT * slope(s.found), 0.3 * tol, 0.01)
        moved = s.delta + follow(problem, s.found, da)
        delta, law, passes = settle(problem, problem.late_potential(a), moved, s.found.mass, tol=inner, max_passes=inner_passes)
        mass, total = outer_mass(problem, a, law.phi)
        value = -total - problem.penalty(a)[0].sum()
        ratio = _achieved(s.found.value, value, promised)
        solved = jnp.where(mass >= CARRIES, law.residual, 0.0).max() < SOLVED
        kept = (ratio > KEEP) & solved & jnp.isfinite(value)
        damping, growth = _damped(s, ratio, kept)
        fresh = jax.lax.cond(kept, lambda: (a, delta, curvature(problem, a, delta)), lambda: (s.a, s.delta, s.found))
        proof = jnp.where(kept, certificate(problem, a, delta), s.proof)
        return State(*fresh, damping, growth, s.steps + 1, s.passes + passes, proof)

    begin = State(a, delta, found, damping, jnp.asarray(GROW), jnp.asarray(0), passes, jnp.asarray(-jnp.inf))
    end = jax.lax.while_loop(unfinished, step, begin)
    gap = jnp.maximum(slope(end.found), residual(end.found))
    told = {"steps": end.steps, "passes": end.passes, "max_steps": max_steps, "stalled": end.damping >= GIVEN_UP}
    return conclude(problem, end.a, end.delta, end.found, gap=gap, tol=tol, **told)


def _direction(found: Curvature, scale, damping):
    """Damped Newton direction and the rise that the quadratic model promises."""
    H, g = found.hessian / scale[:, None] / scale[None, :], found.reduced / scale
    factor = jax.scipy.linalg.cho_factor(H + (damping + 1e-15) * jnp.eye(len(g)))
    x = jax.scipy.linalg.cho_solve(factor, g)
    x = jnp.where(jnp.isfinite(x), x, 0.0)
    return x / scale, g @ x - 0.5 * x @ H @ x


def _achieved(before, after, promised):
    """Rise of the dual over the promise; 1 where both are below rounding."""
    noise = ROUNDING * (1 + jnp.abs(before))
    return jnp.where((promised < noise) & (after >= before - noise), 1.0, (after - before) / jnp.maximum(promised, 1e-300))


def _damped(s: State, ratio, kept):
    """Damping of the next step: down by up to ten as the model proves right, up ever faster as it fails (Nielsen 1999)."""
    shrink = jnp.clip(1 - (2 * jnp.minimum(ratio, 1.0) - 1) ** 3, 0.1, 2.0)
    damping = jnp.where(kept, s.damping * shrink, jnp.maximum(s.damping, LEAST) * s.growth)
    return damping, jnp.where(kept, GROW, s.growth * GROW)
