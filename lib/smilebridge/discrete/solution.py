"""What every solver returns: a law, a status, and the evidence, remeasured from the law."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from .certificate import best_hedge, certificate
from .curvature import Curvature
from .inner import CARRIES
from .law import Law
from .schrodinger import Schrodinger, scales

TOL = 1e-10  # largest defect of a converged law: prices per forward, S2's mean per s1, E[L] relative to v^2


class Status(eqx.Enumeration):
    """Each entry is advice."""

    converged = ""
    max_steps = "steps spent before the constraints were met: raise max_steps, or ask arbitrage.existence whether a law exists"
    infeasible = "no law on these nodes: the weights, rechecked on every node, are a portfolio that wins; see arbitrage.existence"
    stalled = "no step raises the dual any more: quotes or targets at the edge of what the nodes can carry; see arbitrage.existence"
    nonfinite = "a potential left the finite range: check the input, and arbitrage.existence"


class NotConvergedError(RuntimeError):
    """Raised by `Solution.require`."""


class Defects(eqx.Module):
    """Largest violations of the law, remeasured from it.

    mu1, muV, mu2   prices (masses in the full-law form) off their targets or outside their bid-ask, per forward
    martingale      |E[S2 | s1, v] / s1 - 1| over nodes that carry mass (1e-12 or more)
    dispersion      |E[L(S2/s1) | s1, v] / v^2 - 1| over the same nodes
    """

    mu1: Float[Array, ""]
    muV: Float[Array, ""]
    mu2: Float[Array, ""]
    martingale: Float[Array, ""]
    dispersion: Float[Array, ""]

    def worst(self):
        """The largest of the five."""
        return jnp.max(jnp.stack([self.mu1, self.muV, self.mu2, self.martingale, self.dispersion]))

    def __str__(self):
        return ", ".join(f"{name} {float(getattr(self, name)):.1e}" for name in self.__annotations__)


class Solution(eqx.Module):
    """A law with its verdict; of a vmapped solve, a batch of them.

    gap          () largest slope of the dual, instruments in standard deviations of the first law
    value        () dual value: entropy H(P | R) less the barrier's share
    certificate  () nats by which the weights, hedged as well as can be at every node where no law was met, fall short of their price at
                 their best node; positive proves that no law exists on these nodes
    steps        () outer steps, tried or taken; passes () evaluations of one exponential over the grid
    """

    law: Law
    status: Status
    defects: Defects
    gap: Float[Array, ""]
    value: Float[Array, ""]
    certificate: Float[Array, ""]
    steps: Int[Array, ""]
    passes: Int[Array, ""]

    @property
    def amounts(self) -> Float[Array, " m"]:
        """Of the instruments in the order of `JointProblem.contracts` (those of V and S2 where the law of S1 is given), per forward.

        Hedged as well as can be they win if `certificate` is positive: see `arbitrage.existence`.
        """
        return -self.law.a / self.law.problem.unit

    def require(self):
        """Itself if converged; NotConvergedError with advice and evidence otherwise. Host side only."""
        if not bool((self.status == Status.converged).all()):
            raise NotConvergedError(f"{Status[self.status]} (steps={self.steps}, {self.defects})")
        return self


def defects(problem: Schrodinger, found: Curvature) -> Defects:
    """Measure a law at a point of the dual."""
    means = jnp.concatenate([found.mass.sum(axis=1) @ problem.F1, found.mass.sum(axis=0) @ problem.FV, found.late @ problem.F2])
    outside = problem.unit * jnp.maximum(jnp.abs(means) - jnp.where(problem.band > 0, 1.0, 0.0), 0.0)
    carries = found.mass >= CARRIES
    worst = lambda misses: jnp.where(carries, jnp.abs(misses), 0.0).max()
    i1, _ = scales(problem)
    mu1, muV, mu2 = (part.max(initial=0.0) for part in problem.split(outside))
    mu1 = jnp.abs(found.mass.sum(axis=1) - problem.given).max() if problem.pinned else mu1
    return Defects(mu1, muV, mu2, worst(found.law.g[0] / i1[None, :]), worst(found.law.dispersion))


def conclude(problem: Schrodinger, a, delta, found: Curvature, *, gap, tol, steps, passes, max_steps, stalled=False) -> Solution:
    """The verdict from the point reached."""
    measured = defects(problem, found)
    met = (measured.worst() <= TOL) & (gap <= tol)
    proof = certificate(problem, a, best_hedge(problem, problem.late_potential(a), delta, wanted=~met))
    status = Status.where(steps >= max_steps, Status.max_steps, Status.stalled)
    status = Status.where(jnp.asarray(stalled), Status.stalled, status)
    status = Status.where(proof > 0, Status.infeasible, status)
    status = Status.where(met, Status.converged, status)
    status = Status.where(jnp.isfinite(measured.worst()) & jnp.isfinite(gap), status, Status.nonfinite)
    return Solution(Law(problem, a, delta), status, measured, gap, found.value, proof, steps, passes)
