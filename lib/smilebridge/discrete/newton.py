"""Implied Newton: second order in the instruments' weights, the conditional multipliers eliminated exactly."""

import equinox as eqx
import jax.numpy as jnp

from .climb import DAMPING, LEAST, climb
from .inner import settle
from .linked import Linked
from .schrodinger import Schrodinger
from .sinkhorn import warmed
from .solution import Solution, conclude

GAP = 1e-11  # slope of the dual at which Newton stops: prices in standard deviations of the first law, and conditional residuals
FIRST = 1e-4  # residual of the first inner solve


@eqx.filter_jit
def newton(problem: Schrodinger, *, start: Solution | None = None, tol=GAP, max_steps: int = 60, inner_passes: int = 100) -> Solution:
    """Maximise the dual from zero weights, or from another solution's.

    The steps are those of `climb`; in the full-law form sweeps of the mixed method come first.
    Works under vmap: `eqx.filter_vmap(newton)(problems)`.
    tol        slope of the dual, in standard deviations of the first law
    see        book 06_newton; Bourgey & Guyon (2024)
    """
    a, delta = (jnp.zeros_like(problem.unit), jnp.zeros((2, *problem.log_mass.shape))) if start is None else (start.law.a, start.law.delta)
    delta, law, passes = settle(problem, problem.late_potential(a), delta, jnp.exp(problem.log_mass), tol=FIRST, max_passes=inner_passes)
    if problem.full and start is None:
        a, delta, _, swept = warmed(problem, a, delta, law, inner_passes=inner_passes)
        passes = passes + swept
    damping = DAMPING if start is None else LEAST
    how = {"damping": damping, "tol": tol, "max_steps": max_steps, "inner_passes": inner_passes}
    (end, gap, stalled) = climb(Linked((problem,)), a, (delta,), passes, **how)
    told = {"gap": gap, "tol": tol, "steps": end.steps, "passes": end.passes, "max_steps": max_steps, "stalled": stalled}
    return conclude(problem, end.a, end.delta[0], end.found.alone(), **told)
