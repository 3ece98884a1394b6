"""Chains of maturities: one joint law a window, glued by conditional independence at the dates that two windows share."""

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..arbitrage import JointProblem
from ..marginals import Laws
from .climb import DAMPING, climb
from .curvature import curvature
from .law import Law, draw
from .linked import Linked
from .newton import FIRST
from .reference import Reference
from .schrodinger import Schrodinger
from .solution import NotConvergedError, defects

GLUED = 1e-10  # largest difference of masses of S where two windows meet
TOL = 1e-10  # slope of the dual
DEFECT = 1e-9  # largest defect of a chain that is returned: multipliers of a thousand nats in far tails leave roundings of 1e-10
SETTLED = 1e-12  # conditional residual of the links that are returned


class Chain(eqx.Module):
    """S and V at the dates T1 < T2 < ...: given S at a date, what follows is independent of what came before (Guyon 2024).

    links    joint laws of (S_i, V_i, S_{i+1}), each on the nodes of S on which the one before ends
    dates    (date,) T1, T2, ...: years; the tau of a link counts VIX variance and need not be the time between them
    """

    links: tuple[Law, ...]
    dates: Float[Array, " date"]

    def __check_init__(self):
        if self.dates.shape != (len(self.links) + 1,) or not bool((jnp.diff(self.dates, prepend=0.0) > 0).all()):
            raise ValueError(f"dates: need {len(self.links) + 1} increasing years > 0, got {self.dates}")
        for place, (late, law) in enumerate(zip(self.links, self.links[1:], strict=False), start=2):
            if law.s1.shape != late.s2.shape or not bool((law.s1 == late.s2).all()):
                raise ValueError(f"window {place}: S starts on {law.s1.size} nodes other than those on which window {place - 1} ends")
            if (miss := float(jnp.abs(law.marginals()[0] - late.marginals()[2]).max())) > GLUED:
                raise ValueError(f"window {place}: the law of S at its start is {miss:.1e} off that at the end of window {place - 1}")

    @classmethod
    def calibrate(cls, windows: Sequence[Laws], *, n=None, **how):
        """The chain for windows end to end, every quote an interval; see `of`.

        windows     laws of the triples of `market.successive`
        n           nodes of s1, v, s2 in the first window; the others keep those of v and s2
        """
        dates = [windows[0].triple.spx1.years, *(laws.triple.spx2.years for laws in windows)]
        return cls.of(JointProblem.end_to_end(windows, n=n), dates, **how)

    @classmethod
    def of(cls, problems, dates, *, reference=Reference.papers, tol=TOL, max_steps: int = 200, inner_passes: int = 200):
        """The chain nearest in entropy to the chain of references that meets the instruments and conditions of all windows at once.

        problems    as from `JointProblem.end_to_end`
        dates       T1, T2, ..., one more than problems: years
        reference   function of a `JointProblem`; from the second window on its laws given S count, not that of S
        refuses     no such chain found: `NotConvergedError` with the defects of each window, remeasured
        """
        dual = Linked.of([Schrodinger.of(problem, reference(problem)) for problem in problems])
        links, found, proof = _climbed(dual, tol, max_steps, inner_passes)
        if not all(float(one.worst()) <= DEFECT for one in found):
            told = "; ".join(f"window {place}: {one}" for place, one in enumerate(found, start=1))
            why = "exists on these nodes, the weights are a portfolio that wins" if proof > 0 else f"was found in {max_steps} steps"
            raise NotConvergedError(f"no chain {why}; {told}")
        return cls(tuple(links), jnp.asarray(dates))

    def transitions(self) -> list[Float[Array, "n m"]]:
        """Law of S_{i+1} given S_i, window by window."""
        return [jnp.einsum("ij,ijk->ik", law.vix_given_spx(), law.kernel()) for law in self.links]

    def expect(self, payoff) -> Float[Array, ""]:
        """E[f(S1, S2, ...)] by enumeration of all paths on the nodes.

        payoff   function of as many arguments as there are dates, each along its own axis: s1 (n1, 1, ...), s2 (1, n2, 1, ...), ...
        """
        nodes = [self.links[0].s1, *(law.s2 for law in self.links)]
        first, later = nodes[0], nodes[1:]
        grids = jnp.meshgrid(*later, indexing="ij", sparse=True)
        steps = self.transitions()

        def given(row):
            s1, p = row
            for step in steps[1:]:
                p = p[..., None] * step
            return (p * payoff(s1, *grids)).sum()

        return self.links[0].mass().sum(axis=1) @ jax.lax.map(given, (first, steps[0]))

    def sample(self, n_paths: int, *, key) -> tuple[Float[Array, "path date"], Float[Array, "path window"]]:
        """Exact draws of S at every date and of V at the start of every window."""
        first, *rest = jax.random.split(key, 1 + len(self.links))
        state = draw(self.links[0].mass().sum(axis=1), jax.random.uniform(first, (n_paths,)))
        S, V = [self.links[0].s1[state]], []
        for law, own in zip(self.links, rest, strict=True):
            u = jax.random.uniform(own, (2, n_paths))
            j = draw(law.vix_given_spx()[state], u[0])
            state = draw(law.kernel()[state, j], u[1])
            S, V = [*S, law.s2[state]], [*V, law.v[j]]
        return jnp.stack(S, axis=1), jnp.stack(V, axis=1)


@eqx.filter_jit
def _climbed(dual: Linked, tol, max_steps, inner_passes):
    """Links, their defects, remeasured, and the certificate."""
    a, delta, passes = dual.begin(tol=FIRST, max_passes=inner_passes)
    top = climb(dual, a, delta, passes, damping=DAMPING, tol=tol, max_steps=max_steps, inner_passes=inner_passes).state
    links = dual.laws(top.a, top.delta, tol=SETTLED, max_passes=inner_passes)
    return links, [defects(law.problem, curvature(law.problem, law.a, law.delta)) for law in links], top.proof
