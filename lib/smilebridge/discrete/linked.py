"""The dual of a chain of windows: what later windows make of S at their start is one more potential of the window before."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from .certificate import best_hedge, ceiling
from .curvature import Curvature, curvature, follow
from .inner import CARRIES, settle
from .law import Law
from .schrodinger import Schrodinger, conditional, early_potential, outer_mass, tilted

SUSPECT = 10.0  # nats of entropy from which each step asks whether its weights, hedged best, prove that no law exists
NOWHERE = -1e30  # potential of a node from which no later node can be reached


class Linked(eqx.Module):
    """Minimise H(P | R) over laws of (S1, V1, S2, V2, S3, ...) on which every window's quotes and conditions hold.

    R and the best P are Markov at the dates that two windows share. With w(s2) = log of the sum over (v2, s3) of R exp(all later
    potentials), 0 after the last window, the dual of the first window with u2 + w in place of u2 is that of the whole chain.

    windows    problems in order; from the second on, S1 has the law that the one before gives it (`pinned`); weights are stacked likewise
    """

    windows: tuple[Schrodinger, ...]

    @classmethod
    def of(cls, problems):
        """Chain of problems: `problems[i].s2` and `problems[i + 1].s1` are the same nodes."""
        first, *others = problems
        given_s1 = lambda log_mass: log_mass - jax.scipy.special.logsumexp(log_mass, axis=1, keepdims=True)
        return cls((first, *(eqx.tree_at(lambda p: p.log_mass, one, given_s1(one.log_mass)) for one in others)))

    def begin(self, *, tol, max_passes):
        """Zero weights and multipliers settled for them; passes."""
        a = jnp.zeros(sum(window.unit.size for window in self.windows))
        delta = tuple(jnp.zeros((2, *window.log_mass.shape)) for window in self.windows)
        mass = tuple(jnp.exp(window.log_mass) for window in self.windows)
        delta, _, passes = self.settle(a, delta, mass, tol=tol, max_passes=max_passes)
        return a, delta, passes

    def laws(self, a, delta, *, tol, max_passes) -> list[Law]:
        """Law of each window, its multipliers settled once more; its reference carries what later windows make of its S2."""
        own, w = self.split(a), [jnp.zeros(self.windows[-1].s2.size)]
        for window, weights, multipliers in reversed(list(zip(self.windows, own, delta, strict=True))):
            w = [message(window, weights, conditional(window, window.late_potential(weights) + w[0], multipliers).phi), *w]
        found, given = [], self.windows[0].given
        for window, weights, multipliers, after in zip(self.windows, own, delta, w[1:], strict=True):
            bent = eqx.tree_at(lambda p: (p.log_kernel, p.given), window, (window.log_kernel + after[None, None, :], given))
            all_nodes = jnp.ones_like(bent.log_mass)
            settled, _, _ = settle(bent, bent.late_potential(weights), multipliers, all_nodes, tol=tol, max_passes=max_passes)
            found.append(Law(bent, weights, settled))
            given = found[-1].marginals()[2]
        return found

    def split(self, a):
        """Weights of each window's own instruments."""
        cuts = [0]
        for window in self.windows:
            cuts.append(cuts[-1] + window.unit.size)
        return [a[low:high] for low, high in zip(cuts, cuts[1:], strict=False)]

    def penalty(self, a):
        """() the barriers' share of the dual."""
        return sum(window.penalty(own)[0].sum() for window, own in zip(self.windows, self.split(a), strict=True))

    def settle(self, a, delta, mass, *, tol, max_passes):
        """From the last window to the first; passes are counted in full."""
        settled, laws, passes, w = [], [], jnp.asarray(0), 0.0
        for window, own, multipliers, weight in reversed(list(zip(self.windows, self.split(a), delta, mass, strict=True))):
            new, law, more = settle(window, window.late_potential(own) + w, multipliers, weight, tol=tol, max_passes=max_passes)
            settled, laws, passes = [new, *settled], [law, *laws], passes + more
            w = message(window, own, law.phi)
        return tuple(settled), tuple(laws), passes

    def trial(self, a, law, mass):
        """Dual value, and the law of (S, V) in each window: that of the first at `a`, the others' as they were."""
        first, total = outer_mass(self.windows[0], self.split(a)[0], law[0].phi)
        return -total - self.penalty(a), (first, *mass[1:])

    def residual(self, mass, law):
        """Largest miss of the conditions where there is mass."""
        return jnp.stack([jnp.where(m >= CARRIES, l.residual, 0.0).max() for m, l in zip(mass, law, strict=True)]).max()

    def curvature(self, a, delta) -> "Ground":
        """Window by window, the later weights as instruments on its S2: their payoff there is E[F | s2]."""
        own = self.split(a)
        bent = [(without_barrier(self.windows[-1]), own[-1])]
        for place in reversed(range(len(own) - 1)):
            w, later = looking_back(*bent[0], delta[place + 1])
            window = straightened(without_barrier(self.windows[place]), w, later, bent[0][1])
            bent = [(window, jnp.concatenate(own[place:])), *bent]
        found, given = [], None
        for (window, weights), multipliers in zip(bent, delta, strict=True):
            window = window if given is None else eqx.tree_at(lambda p: p.given, window, given)
            found.append(curvature(window, weights, multipliers))
            given = found[-1].late
        return self.assembled(a, found, bent)

    def assembled(self, a, found, bent):
        """Sum of the windows' curvatures; each window's own barrier once."""
        first = found[0]
        hessian, reduced = first.hessian, first.reduced
        for one in found[1:]:
            tail = hessian.shape[0] - one.hessian.shape[0]
            hessian = hessian.at[tail:, tail:].add(one.hessian)
            reduced = reduced.at[tail:].add(one.reduced - one.gradient)
        told = [window.penalty(part) for window, part in zip(self.windows, self.split(a), strict=True)]
        value, slope, bend = (jnp.concatenate(part) for part in zip(*told, strict=True))
        names = ("law", "mass", "pull", "response")
        parts = {name: tuple(getattr(one, name) for one in found) for name in names}
        features = tuple(window.F2 for window, _ in bent)
        return Ground(
            value=first.value - value.sum(), gradient=first.gradient - slope, reduced=reduced - slope,
            hessian=hessian + jnp.diag(bend), late=tuple(one.late for one in found), F2=features, **parts,
        )

    def follow(self, delta, ground, da):
        """Multipliers moved to first order with the weights."""
        steps, own = [], self.split(da)
        for place, window in enumerate(self.windows):
            bent = eqx.tree_at(lambda p: p.F2, window, ground.F2[place])
            here = Pulled(ground.pull[place], ground.response[place])
            steps.append(delta[place] + follow(bent, here, jnp.concatenate(own[place:])))
        return tuple(steps)

    def proof(self, a, delta, value, asked):
        """() `certificate` of the chain, the weights hedged best from the last window to the first; asked at high values only."""
        wanted, best = asked & (value > SUSPECT), 0.0
        for window, own, multipliers in reversed(list(zip(self.windows, self.split(a), delta, strict=True))):
            u2 = window.late_potential(own) + best
            best = ceiling(window, own, u2, best_hedge(window, u2, multipliers, wanted=wanted))
            best = jnp.maximum(best, NOWHERE)
        price = -sum((jnp.abs(own) * window.band).sum() for window, own in zip(self.windows, self.split(a), strict=True))
        first = self.windows[0]
        return price - (first.given @ best if first.pinned else best.max())


class Pulled(NamedTuple):
    """What `follow` reads of a `Curvature`."""

    pull: Array
    response: Array


class Ground(NamedTuple):
    """`Curvature` of a chain: tuples hold one entry a window; F2 are the straightened windows' features of S2."""

    law: tuple
    mass: tuple
    late: tuple
    value: Array
    gradient: Array
    reduced: Array
    hessian: Array
    pull: tuple
    response: tuple
    F2: tuple

    def alone(self) -> Curvature:
        """That of the only window."""
        parts = (part[0] for part in (self.law, self.mass, self.late, self.pull, self.response))
        law, mass, late, pull, response = parts
        return Curvature(law, mass, late, self.value, self.gradient, self.reduced, self.hessian, pull, response)


def message(window: Schrodinger, a, phi):
    """(n1,) w at the start of a window."""
    return jax.scipy.special.logsumexp(early_potential(window, a, phi)[1], axis=1)


def without_barrier(window: Schrodinger) -> Schrodinger:
    """The window as if its targets were exact."""
    return eqx.tree_at(lambda p: p.band, window, jnp.zeros_like(window.band))


def straightened(window: Schrodinger, w, later, a) -> Schrodinger:
    """The window with w(s2) as the later instruments' payoffs times their weights, exact here and to first order around."""
    band = jnp.concatenate([window.band, jnp.zeros(a.size)])
    new = window.log_kernel + (w - later @ a)[None, None, :], jnp.concatenate([window.F2, later], axis=1), band
    return eqx.tree_at(lambda p: (p.log_kernel, p.F2, p.band), window, new)


def looking_back(window: Schrodinger, a, delta):
    """w(s1) and (n1, m) the mean features given s1, at the start of a window."""
    u2 = window.late_potential(a)
    weight, _ = tilted(window, u2, delta)
    phi = conditional(window, u2, delta).phi
    given_s1 = jax.nn.softmax(early_potential(window, a, phi)[1], axis=1)
    rows = jnp.einsum("ij,ijk->ik", given_s1 / weight.sum(axis=-1), weight)
    return message(window, a, phi), jnp.concatenate([given_s1 @ window.FV, rows @ window.F2], axis=1)
