"""Sinkhorn's iteration: one block of the dual after the other, as published, and with the conditional pair solved by Newton."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from .certificate import best_hedge, certificate
from .curvature import curvature
from .inner import CARRIES, settle
from .schrodinger import Conditional, Schrodinger, bid_ask_barrier, conditional, outer_mass, tilted
from .solution import Solution, conclude

GAP = 1e-10  # slope at which a sweep is the last: prices per forward or half-spreads, and conditional residuals
WARM = 400  # sweeps that prepare Newton in the full-law form, at most
NEAR = 0.2  # change of log masses in a sweep at which Newton takes over
LIGHTEST = -27.0  # log mass below which a node's change does not count
BLOCK_STEPS = 30  # Newton steps on one variable's own law, at most
BLOCK_TOL = 1e-13
ROUGH = 1e-8  # conditional residual of the sweeps that prepare Newton
SETTLED = 1e-12  # conditional residual of the mixed method at each sweep
CHECK = 20  # sweeps from one question whether the weights prove that no law exists to the next
TINY = 1e-300


class Sweep(NamedTuple):
    a: Array
    delta: Array
    law: Conditional
    steps: Array
    passes: Array
    gap: Array
    sound: Array
    proof: Array


@eqx.filter_jit
def sinkhorn(problem: Schrodinger, *, tol=GAP, max_steps: int = 2000) -> Solution:
    """As published: u1, uV, u2 one after the other, then at each (s1, v) DeltaS from its equation and DeltaL from its own.

    Each scalar equation takes one guarded Newton step a sweep; nothing guards the pair together.
    see        book 05_sinkhorn; Guyon (2020, 2024), section on Sinkhorn's algorithm
    """
    return _sweeps(problem, _scalar, tol=tol, max_steps=max_steps)


@eqx.filter_jit
def newton_sinkhorn(problem: Schrodinger, *, tol=GAP, max_steps: int = 2000, inner_passes: int = 40) -> Solution:
    """The mixed method: u1, uV, u2 one after the other, then the pair (DeltaS, DeltaL) at every (s1, v) solved to the end by Newton.

    see        book 05_sinkhorn; Bourgey & Guyon (2024)
    """
    return _sweeps(problem, _pair(inner_passes), tol=tol, max_steps=max_steps)


def warmed(problem: Schrodinger, a, delta, law, *, inner_passes: int):
    """`WARM` sweeps of the mixed method: weights, multipliers, Conditional, passes."""
    pair = _pair(inner_passes, ROUGH)
    target = jnp.log(jnp.maximum(problem.mid, TINY))

    def unfinished(carry):
        s, moved = carry
        return (s.steps < WARM) & (moved > NEAR)

    def sweep(carry):
        s, _ = carry
        new = _sweep(problem, pair, s)
        return new, jnp.abs(jnp.where(target > LIGHTEST, new.a - s.a, 0.0)).max()

    begin = _begin(a, delta, law), jnp.asarray(jnp.inf)
    end, _ = jax.lax.while_loop(unfinished, sweep, begin)
    return end.a, end.delta, end.law, end.passes


def _sweeps(problem, solve, *, tol, max_steps):
    a, delta = jnp.zeros_like(problem.unit), jnp.zeros((2, *problem.log_mass.shape))
    law = conditional(problem, problem.late_potential(a), delta)
    unfinished = lambda s: (s.steps < max_steps) & (s.gap > tol) & s.sound & ~(s.proof > 0)
    end = jax.lax.while_loop(unfinished, lambda s: _judged(problem, _sound(_sweep(problem, solve, s), s)), _begin(a, delta, law))
    found = curvature(problem, end.a, end.delta)
    residual = jnp.where(found.mass >= CARRIES, found.law.residual, 0.0).max()
    gap = jnp.where(end.sound, jnp.maximum(jnp.abs(found.gradient).max(), residual), jnp.inf)
    return conclude(problem, end.a, end.delta, found, gap=gap, tol=tol, steps=end.steps, passes=end.passes, max_steps=max_steps)


def _begin(a, delta, law):
    return Sweep(a, delta, law, jnp.asarray(0), jnp.asarray(0), jnp.asarray(jnp.inf), jnp.asarray(True), jnp.asarray(-jnp.inf))


def _judged(problem, s: Sweep) -> Sweep:
    """Now and then, whether the weights prove that no law exists."""
    asked = s.steps % CHECK == 0

    def proof():
        return certificate(problem, s.a, best_hedge(problem, problem.late_potential(s.a), s.delta, wanted=asked))

    return s._replace(proof=jax.lax.cond(asked, proof, lambda: s.proof))


def _sound(new: Sweep, old: Sweep) -> Sweep:
    """The new state where all of it is finite; else the old one, which then is the last."""
    finite = jnp.isfinite(new.a).all() & jnp.isfinite(new.delta).all() & jnp.isfinite(new.gap)
    kept = jax.tree.map(lambda n, o: jnp.where(finite, n, o), new, old)
    return kept._replace(steps=new.steps, passes=new.passes, sound=finite)


def _sweep(problem, solve, s: Sweep) -> Sweep:
    """One round over the five blocks; the gap is what the blocks missed when their turn came."""
    a1, aV, a2 = problem.split(s.a)
    terms = _terms(problem)
    mass, _ = outer_mass(problem, s.a, s.law.phi)
    a1, miss1 = _block(problem, problem.F1, mass.sum(axis=1), a1, *terms[0])
    mass, _ = outer_mass(problem, jnp.concatenate([a1, aV, a2]), s.law.phi)
    aV, missV = _block(problem, problem.FV, mass.sum(axis=0), aV, *terms[1])
    mass, _ = outer_mass(problem, jnp.concatenate([a1, aV, a2]), s.law.phi)
    weight, _ = tilted(problem, problem.F2 @ a2, s.delta)
    late = jnp.einsum("ij,ijk->k", mass / weight.sum(axis=-1), weight)
    a2, miss2 = _block(problem, problem.F2, late, a2, *terms[2])
    a = jnp.concatenate([a1, aV, a2])
    delta, law, missed, passes = solve(problem, problem.F2 @ a2, s.delta, mass)
    gap = jnp.max(jnp.stack([miss1, missV, miss2, missed]))
    return Sweep(a, delta, law, s.steps + 1, s.passes + passes + 1, gap, s.sound, s.proof)


def _terms(problem):
    """Targets and bands of the three blocks."""
    return tuple(zip(problem.split(problem.mid), problem.split(problem.band), strict=True))


def _block(problem, F, p, a, mid, band):
    """Weights of one variable's instruments that meet its own targets, the other blocks held; and the miss before.

    In closed form where every node is an instrument: u += log(target / p); else Newton on the tilts of p.
    """
    barrier = lambda a: bid_ask_barrier(a, band, problem.barrier)
    if F.shape[1] == 0:
        return a, jnp.asarray(0.0)
    miss = jnp.abs(p @ F + barrier(a)[1]).max()
    if problem.full:
        return a + jnp.log(jnp.maximum(mid, TINY)) - jnp.log(jnp.maximum(p, TINY)), miss
    base = jnp.log(jnp.maximum(p, TINY)) - F @ a

    def value(a):
        return jax.scipy.special.logsumexp(base + F @ a) + barrier(a)[0].sum()

    def slope(a):
        q = jax.nn.softmax(base + F @ a)
        mean, (_, pull, curve) = q @ F, barrier(a)
        return mean + pull, F.T @ (q[:, None] * F) - mean[:, None] * mean[None, :] + jnp.diag(curve)

    def unfinished(c):
        _, step, _, g = c
        return (step < BLOCK_STEPS) & (jnp.abs(g).max() > BLOCK_TOL)

    def newton(c):
        a, step, damping, g = c
        _, H = slope(a)
        scale = jnp.sqrt(jnp.maximum(jnp.diag(H), 1e-14))
        factor = jax.scipy.linalg.cho_factor(H / scale[:, None] / scale[None, :] + (damping + 1e-12) * jnp.eye(len(a)))
        x = -jax.scipy.linalg.cho_solve(factor, g / scale) / scale
        better = value(a + x) <= value(a) + 1e-15
        a = jnp.where(better, a + x, a)
        return a, step + 1, jnp.where(better, 0.1 * damping, jnp.maximum(10 * damping, 1e-6)), slope(a)[0]

    return jax.lax.while_loop(unfinished, newton, (a, jnp.asarray(0), jnp.asarray(1e-3), slope(a)[0]))[0], miss


def _pair(inner_passes, tol=SETTLED):
    def solve(problem, u2, delta, mass):
        before = conditional(problem, u2, delta)
        missed = jnp.where(mass >= CARRIES, before.residual, 0.0).max()
        delta, law, passes = settle(problem, u2, delta, mass, tol=tol, max_passes=inner_passes)
        return delta, law, missed, passes + 1

    return solve


def _scalar(problem, u2, delta, mass):
    """One Newton step of DeltaS alone, then one of DeltaL alone, at every node."""
    before = conditional(problem, u2, delta)
    missed = jnp.where(mass >= CARRIES, before.residual, 0.0).max()
    delta = delta.at[0].add(-before.g[0] / before.C[0])
    middle = conditional(problem, u2, delta)
    delta = delta.at[1].add(-middle.g[1] / middle.C[2])
    return delta, conditional(problem, u2, delta), missed, jnp.asarray(3)
