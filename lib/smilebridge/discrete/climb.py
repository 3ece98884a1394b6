"""Newton's method on a concave dual: damped steps, each kept only where the dual rises by a share of what was promised."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

DAMPING = 30.0  # Levenberg damping of the first step, on the diagonal of the first Hessian
GROW = 10.0  # factor of the damping after a refused step; the exponent grows with each further one
LEAST = 1e-4  # damping after a refusal, at least, before it grows
GIVEN_UP = 1e12  # damping at which no step is left
KEEP = 1e-3  # share of the promised rise of the dual that a step must bring
SOLVED = 0.3  # residual that nodes with mass must reach for a step to count
FINEST = 1e-4  # standard deviation below which the slope is not measured in it
ROUNDING = 1e-11  # relative rounding of the dual value
INEXACT = 0.1  # inner residual per slope of the dual


class State(NamedTuple):
    """A point of the dual: weights, multipliers, what is known there, and how the climb stands."""

    a: Array
    delta: Any
    found: Any
    damping: Array
    growth: Array
    steps: Array
    passes: Array
    proof: Array


class Summit(NamedTuple):
    """Where the climb ended; `gap` is the slope there, conditional residuals included."""

    state: State
    gap: Array
    stalled: Array


def climb(dual, a, delta, passes, *, damping, tol, max_steps: int, inner_passes: int) -> Summit:
    """Maximise from weights `a` with settled multipliers `delta`.

    Each step solves (H + damping D) x = gradient with H the Schur complement and D the diagonal of the first H, lets the multipliers follow
    to first order, settles them, and keeps the step if the dual rises by a share of what the quadratic model promised: a proof of ascent.
    dual       with methods settle, trial, curvature, follow, residual, proof: see `linked.Linked`
    """
    found = dual.curvature(a, delta)
    scale = jnp.sqrt(jnp.maximum(jnp.diag(found.hessian), 1e-14))
    slope = lambda found: jnp.abs(found.gradient / jnp.maximum(scale, FINEST)).max()

    def unfinished(s: State):
        met = (slope(s.found) <= tol) & (dual.residual(s.found.mass, s.found.law) <= tol)
        return (s.steps < max_steps) & ~met & (s.damping < GIVEN_UP) & ~(s.proof > 0)

    def step(s: State):
        da, promised = _direction(s.found, scale, s.damping)
        a = s.a + da
        inner = jnp.clip(INEXACT * slope(s.found), 0.3 * tol, 0.01)
        delta, law, passes = dual.settle(a, dual.follow(s.delta, s.found, da), s.found.mass, tol=inner, max_passes=inner_passes)
        value, mass = dual.trial(a, law, s.found.mass)
        ratio = _achieved(s.found.value, value, promised)
        kept = (ratio > KEEP) & (dual.residual(mass, law) < SOLVED) & jnp.isfinite(value)
        damping, growth = _damped(s, ratio, kept)
        fresh = jax.lax.cond(kept, lambda: (a, delta, dual.curvature(a, delta)), lambda: (s.a, s.delta, s.found))
        proof = jnp.where(kept, dual.proof(a, delta, value, kept), s.proof)
        return State(*fresh, damping, growth, s.steps + 1, s.passes + passes, proof)

    begin = State(a, delta, found, jnp.asarray(damping), jnp.asarray(GROW), jnp.asarray(0), passes, jnp.asarray(-jnp.inf))
    end = jax.lax.while_loop(unfinished, step, begin)
    return Summit(end, jnp.maximum(slope(end.found), dual.residual(end.found.mass, end.found.law)), end.damping >= GIVEN_UP)


def _direction(found, scale, damping):
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
