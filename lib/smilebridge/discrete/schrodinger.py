"""The dispersion-constrained martingale Schrödinger problem and its dual, with the conditional multipliers eliminated."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from ..arbitrage import JointProblem
from .reference import Reference

BARRIER = 1e-3  # strength nu of the bid-ask barrier: the dual term is smooth on the scale of nu half-spreads of weight
BAND = 1.0  # share of the half-spread that quote errors may reach
FLOOR = -690.0  # log of the least reference mass: zero would give no finite potential


class Schrodinger(eqx.Module):
    """Minimise H(P | R) over joint laws on the admissible nodes that meet instruments, martingality and dispersion.

    Axes (s1, v, s2). Instruments are stacked axis by axis; a feature is (payoff - mid price) / unit, so that its target is zero.

    s1, v, s2     (n1,), (nV,), (n2,) nodes
    log_mass      (n1, nV) reference law of (S1, V); -inf outside the admissible nodes
    log_kernel    (n1, nV, n2) reference law of S2 given (s1, v)
    d, D          (n1, n2) s2/s1 - 1 and L(s2/s1) + (2/tau) (s2/s1 - 1) >= 0
    F1, FV, F2    (n1, m1), (nV, mV), (n2, m2) features
    unit          (m,) half of ask - bid, per forward; 1 where the target is exact
    band          (m,) largest error allowed, in units; 0 where the target is exact
    mid           (m,) middle of bid and ask, per forward: the target mass of a node in the full-law form
    barrier       () strength of the bid-ask barrier
    given         (n1,) law of S1 where it is given node by node, so that u1 follows in closed form; (0,) where S1 has instruments
    full          whether every node of the three laws is an instrument
    """

    s1: Float[Array, " n1"]
    v: Float[Array, " nV"]
    s2: Float[Array, " n2"]
    tau: Float[Array, ""]
    log_mass: Float[Array, "n1 nV"]
    log_kernel: Float[Array, "n1 nV n2"]
    d: Float[Array, "n1 n2"]
    D: Float[Array, "n1 n2"]
    F1: Float[Array, "n1 m1"]
    FV: Float[Array, "nV mV"]
    F2: Float[Array, "n2 m2"]
    unit: Float[Array, " m"]
    band: Float[Array, " m"]
    mid: Float[Array, " m"]
    barrier: Float[Array, ""]
    given: Float[Array, " g"]
    full: bool = eqx.field(static=True)

    @classmethod
    def of(cls, problem: JointProblem, reference: Reference | None = None, *, band: float = BAND, barrier: float = BARRIER):
        """The problem with a reference law (that of the papers unless given).

        band      share of the half-spread that quote errors may reach, in (0, 1]
        barrier   strength of the barrier, > 0: the smaller, the closer to the least entropy inside the band
        """
        if not (0 < band <= 1 and barrier > 0):
            raise ValueError(f"need 0 < band <= 1 and barrier > 0, got {band} and {barrier}")
        reference = Reference.papers(problem) if reference is None else reference
        s1, v, s2 = (jnp.asarray(axis.x) for axis in problem.axes)
        exact = [bool((axis.kind == "N").all()) for axis in problem.axes]
        pinned = exact[0] and not all(exact)
        traded = problem.axes[1:] if pinned else problem.axes
        half = np.concatenate([axis.half_spread for axis in traded])
        unit = np.where(half > 0, half, 1.0)
        split = np.cumsum([len(axis.kind) for axis in traded])[:-1]
        features = [jnp.asarray((a.payoff - a.mid) / u) for a, u in zip(traded, np.split(unit, split), strict=True)]
        features = [jnp.zeros((len(s1), 0)), *features] if pinned else features
        d = s2[None, :] / s1[:, None] - 1
        D = (2 / problem.tau) * (d - jnp.log1p(d))
        return cls(
            s1,
            v,
            s2,
            jnp.asarray(problem.tau),
            jnp.where(problem.admissible, jnp.maximum(reference.log_mass, FLOOR), -jnp.inf),
            jnp.maximum(reference.log_kernel, FLOOR),
            d,
            D,
            *features,
            unit=jnp.asarray(unit),
            band=jnp.asarray(np.where(half > 0, band, 0.0)),
            mid=jnp.asarray(np.concatenate([axis.mid for axis in traded])),
            barrier=jnp.asarray(float(barrier)),
            given=jnp.asarray(problem.axis1.mid if pinned else np.zeros(0)),
            full=all(exact),
        )

    @property
    def pinned(self) -> bool:
        """Whether the law of S1 is given node by node beside quotes of V and S2."""
        return self.given.size > 0

    @property
    def admissible(self) -> Bool[Array, "n1 nV"]:
        """Nodes that may carry mass."""
        return jnp.isfinite(self.log_mass)

    def split(self, a: Float[Array, " m"]):
        """Weights of the instruments of S1, V, S2."""
        m1, mV = self.F1.shape[1], self.FV.shape[1]
        return a[:m1], a[m1 : m1 + mV], a[m1 + mV :]

    def penalty(self, a):
        """Value, slope, curvature (m,) of the bid-ask barrier's dual term: see `bid_ask_barrier`."""
        return bid_ask_barrier(a, self.band, self.barrier)

    def late_potential(self, a: Float[Array, " m"]) -> Float[Array, " n2"]:
        """u2 at the nodes of s2."""
        return self.F2 @ self.split(a)[2]


def bid_ask_barrier(a, band, nu):
    """Value, slope, curvature of the dual term of the barrier -nu log(1 - (e/band)^2) on each quote's error e = slope.

    With z = band * a and e/band = z / (nu + sqrt(nu^2 + z^2)), so that 1 - (e/band)^2 = 2 nu / (nu + sqrt(nu^2 + z^2)): finite for
    every a; zero for exact targets.
    """
    z = band * a
    root = jnp.hypot(nu, z)
    share = z / (nu + root)
    return z * share + nu * jnp.log(2 * nu / (nu + root)), band * share, band**2 * nu / (root * (nu + root))


class Conditional(eqx.Module):
    """Law of S2 given each (s1, v) at given potentials: exp(u2 + delta . g) times the reference kernel, normalised.

    g1 = d / (v sqrt tau), g2 = D / v^2 - 1 are the two constraints, of order one at every node.

    phi         (n1, nV) log of the normalising sum, with the constant of g2
    g           (2, n1, nV) means of g1, g2: zero when both constraints hold
    C           (3, n1, nV) covariances of g: 11, 12, 22
    dispersion  (n1, nV) E[L(S2/s1)] / v^2 - 1 = g2 - 2 g1 / (v sqrt tau)
    """

    phi: Float[Array, "n1 nV"]
    g: Float[Array, "2 n1 nV"]
    C: Float[Array, "3 n1 nV"]
    dispersion: Float[Array, "n1 nV"]

    @property
    def residual(self):
        """(n1, nV) the largest miss of the constraints."""
        return jnp.maximum(jnp.abs(self.g).max(axis=0), jnp.abs(self.dispersion))


def scales(problem: Schrodinger):
    """(nV,), (nV,) factors of d and D in g1 and g2."""
    return 1 / (problem.v * jnp.sqrt(problem.tau)), 1 / problem.v**2


def tilted(problem: Schrodinger, u2, delta):
    """(n1, nV, n2) unnormalised weights of S2 given (s1, v), largest one, and (n1, nV) the log of what was divided out."""
    i1, i2 = scales(problem)
    slope1, slope2 = (delta[0] * i1[None, :])[..., None], (delta[1] * i2[None, :])[..., None]
    exponent = problem.log_kernel + u2[None, None, :] + slope1 * problem.d[:, None, :] + slope2 * problem.D[:, None, :]
    top = exponent.max(axis=-1)
    return jnp.exp(exponent - top[..., None]), top


def conditional(problem: Schrodinger, u2, delta) -> Conditional:
    """One pass over the grid: normalisation, means and covariances of the two constraints."""
    weight, top = tilted(problem, u2, delta)
    return summarise(problem, weight, top, delta)


def summarise(problem, weight, top, delta):
    """`Conditional` from the weights of `tilted`."""
    d, D = problem.d, problem.D
    basis = jnp.stack([jnp.ones_like(d), d, D, d * d, d * D, D * D], axis=-1)
    sums = jnp.einsum("ijk,ikf->ijf", weight, basis)
    total = sums[..., 0]
    _, d_, D_, dd, dD, DD = jnp.moveaxis(sums / total[..., None], -1, 0)
    i1, i2 = (i[None, :] for i in scales(problem))
    g = jnp.stack([d_ * i1, D_ * i2 - 1])
    C = jnp.stack([dd * i1**2 - g[0] ** 2, dD * i1 * i2 - d_ * i1 * D_ * i2, DD * i2**2 - (D_ * i2) ** 2])
    seen = problem.admissible[None]
    still = jnp.array([1.0, 0.0, 1.0])[:, None, None]
    g, C = jnp.where(seen, g, 0.0), jnp.where(seen, C, still)
    return Conditional(top + jnp.log(total) - delta[1], g, C, g[1] - 2 * i1 * g[0])


def solve2(C, b, ridge=0.0):
    """x with (C + ridge) x = b for symmetric 2 x 2 systems stored as (11, 12, 22)."""
    c11, c12, c22 = C[0] + ridge, C[1], C[2] + ridge
    det = c11 * c22 - c12 * c12
    return jnp.stack([c22 * b[0] - c12 * b[1], c11 * b[1] - c12 * b[0]]) / det[None]


def early_potential(problem: Schrodinger, a, phi):
    """(n1,) u1, and (n1, nV) log of the law of (S1, V) without it, up to a constant.

    Where the law of S1 is given, u1(s1) = log of its mass less log of the row's.
    """
    a1, aV, _ = problem.split(a)
    rest = jnp.where(problem.admissible, problem.log_mass + (problem.FV @ aV)[None, :] + phi, -jnp.inf)
    if problem.pinned:
        return jnp.log(jnp.maximum(problem.given, 1e-300)) - jax.scipy.special.logsumexp(rest, axis=1), rest
    return problem.F1 @ a1, rest


def outer_mass(problem: Schrodinger, a, phi):
    """(n1, nV) law of (S1, V), and the log of the total mass; less E[u1] where u1 has made that zero."""
    u1, rest = early_potential(problem, a, phi)
    log_mass = u1[:, None] + rest
    if problem.pinned:
        return jnp.exp(log_mass), -problem.given @ u1
    total = jax.scipy.special.logsumexp(log_mass)
    return jnp.exp(log_mass - total), total
