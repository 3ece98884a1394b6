"""The pair (DeltaS, DeltaL) at every (s1, v): all nodes at once, each by its own guarded Newton iteration in two unknowns."""

import jax
import jax.numpy as jnp

from .schrodinger import Schrodinger, conditional, solve2

CARRIES = 1e-12  # mass from which on a node's residual counts in full
LIGHT = 1e-6  # residual allowed at lighter nodes
FULL_STEP = 0.05  # residual below which a node in good standing takes plain Newton steps
GAIN = 1e-4  # share of the promised decrease that a step must keep
ROUNDING = 4e-15  # relative rounding of phi


def settle(problem: Schrodinger, u2, delta, mass, *, tol, max_passes: int):
    """Minimise phi over delta at each node: the law of S2 given (s1, v) gets its mean and its variance.

    phi is smooth and convex in the two multipliers; a step is shortened by |g| / radius on the diagonal, kept where phi falls, and the
    radius of the node grows or shrinks by what the step achieved.
    mass       (n1, nV) how much each node matters: below `CARRIES` a residual of `LIGHT` will do
    returns    delta (2, n1, nV), Conditional, passes over the grid
    """
    allowed = jnp.where(mass >= CARRIES, tol, jnp.maximum(tol, LIGHT))

    def unfinished(carry):
        _, law, _, passes = carry
        return (passes < max_passes) & ~(law.residual <= allowed).all()

    def step(carry):
        delta, law, radius, passes = carry
        size = jnp.sqrt((law.g**2).sum(axis=0))
        ridge = jnp.where((size > FULL_STEP) | (radius < 1.0), size / radius, 0.0)
        move = solve2(law.C, -law.g, ridge + 1e-14)
        promised = -(move * law.g).sum(axis=0)
        trial = conditional(problem, u2, delta + move)
        fall = law.phi - trial.phi
        kept = (fall >= GAIN * promised - ROUNDING * (1 + jnp.abs(law.phi))) & jnp.isfinite(trial.phi)
        choose = lambda new, old: jnp.where(kept.reshape((1,) * (new.ndim - 2) + kept.shape), new, old)
        radius = jnp.where(kept, jnp.where(fall >= 0.4 * promised, 3 * radius, radius), 0.25 * radius)
        return choose(delta + move, delta), jax.tree.map(choose, trial, law), radius, passes + 1

    start = conditional(problem, u2, delta)
    carry = delta, start, jnp.ones_like(start.phi), jnp.asarray(1)
    delta, law, _, passes = jax.lax.while_loop(unfinished, step, carry)
    return delta, law, passes
