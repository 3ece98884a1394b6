"""The joint law as an object: any expectation, marginals, conditionals, local VIX, forward starts, samples."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..market import implied_stdev
from .schrodinger import Schrodinger, conditional, early_potential, outer_mass, tilted


class Law(eqx.Module):
    """P = R exp(u1 + uV + u2 + DeltaS (s2 - s1) + DeltaL (L(s2/s1) - v^2)) on the nodes of a problem, normalised.

    a       (m,) weights of the instruments, in units of their features
    delta   (2, n1, nV) multipliers of the two conditional constraints, in the units of g1, g2
    """

    problem: Schrodinger
    a: Float[Array, " m"]
    delta: Float[Array, "2 n1 nV"]

    @property
    def s1(self):
        """(n1,) nodes."""
        return self.problem.s1

    @property
    def v(self):
        """(nV,) nodes."""
        return self.problem.v

    @property
    def s2(self):
        """(n2,) nodes."""
        return self.problem.s2

    @property
    def tau(self):
        """() window, years."""
        return self.problem.tau

    @property
    def potentials(self):
        """u1 (n1,), uV (nV,), u2 (n2,): log-density, up to constants."""
        u2 = self.problem.late_potential(self.a)
        u1, _ = early_potential(self.problem, self.a, conditional(self.problem, u2, self.delta).phi)
        return u1, self.problem.FV @ self.problem.split(self.a)[1], u2

    @property
    def deltaL(self) -> Float[Array, "n1 nV"]:
        """Multiplier of L(s2/s1) - v^2, per unit of variance."""
        return self.delta[1] / self.v[None, :] ** 2

    @property
    def deltaS(self) -> Float[Array, "n1 nV"]:
        """Multiplier of s2 - s1, per forward."""
        slope = self.delta[0] / (self.v * jnp.sqrt(self.tau))[None, :] + (2 / self.tau) * self.deltaL
        return slope / self.s1[:, None]

    @eqx.filter_jit
    def mass(self) -> Float[Array, "n1 nV"]:
        """Law of (S1, V)."""
        phi = conditional(self.problem, self.problem.late_potential(self.a), self.delta).phi
        return outer_mass(self.problem, self.a, phi)[0]

    @eqx.filter_jit
    def kernel(self) -> Float[Array, "n1 nV n2"]:
        """Law of S2 given (s1, v)."""
        weight, _ = tilted(self.problem, self.problem.late_potential(self.a), self.delta)
        return weight / weight.sum(axis=-1, keepdims=True)

    @eqx.filter_jit
    def masses(self) -> Float[Array, "n1 nV n2"]:
        """The joint law, node by node."""
        return self.mass()[..., None] * self.kernel()

    def marginals(self):
        """p1 (n1,), pV (nV,), p2 (n2,)."""
        P = self.masses()
        return P.sum(axis=(1, 2)), P.sum(axis=(0, 2)), P.sum(axis=(0, 1))

    def expect(self, payoff) -> Float[Array, ""]:
        """E[f(S1, V, S2)].

        payoff   a function of s1 (n1, 1, 1), v (1, nV, 1), s2 (1, 1, n2), e.g. one of `arbitrage.PAYOFFS`
        """
        return (self.masses() * self.on_nodes(payoff)).sum()

    def on_nodes(self, payoff):
        """(n1, nV, n2) the payoff at every node."""
        values = payoff(self.s1[:, None, None], self.v[None, :, None], self.s2[None, None, :])
        return jnp.broadcast_to(values, (self.s1.size, self.v.size, self.s2.size))

    def local_vix(self) -> Float[Array, " n1"]:
        """sqrt(E[V^2 | S1 = s1]), decimal."""
        mass = self.mass()
        return jnp.sqrt(mass @ self.v**2 / mass.sum(axis=1))

    def vix_given_spx(self) -> Float[Array, "n1 nV"]:
        """Law of V given S1 = s1, row by row, however little mass s1 has."""
        phi = conditional(self.problem, self.problem.late_potential(self.a), self.delta).phi
        return jax.nn.softmax(early_potential(self.problem, self.a, phi)[1], axis=1)

    def spx_given_vix(self) -> Float[Array, "nV n1"]:
        """Law of S1 given V = v, row by row."""
        mass = self.mass().T
        return mass / mass.sum(axis=1, keepdims=True)

    @eqx.filter_jit
    def forward_start(self, k: Float[Array, " k"]) -> Float[Array, " k"]:
        """E[(S2/S1 - k)+]."""
        P12 = self.masses().sum(axis=1)
        ratio = self.s2[None, :] / self.s1[:, None]
        return jax.lax.map(lambda k: (P12 * jnp.maximum(ratio - k, 0.0)).sum(), k)

    def forward_start_iv(self, k: Float[Array, " k"]) -> Float[Array, " k"]:
        """Implied volatility of the forward-starting calls over the window."""
        otm = self.forward_start(k) - jnp.maximum(1.0 - k, 0.0)
        return implied_stdev(k, otm) / jnp.sqrt(self.tau)

    def returns_given(self) -> Float[Array, "n1 nV n2"]:
        """R = log(s2/s1) / (v sqrt tau) + v sqrt(tau) / 2 at every node: standard normal under the papers' reference."""
        width = (self.v * jnp.sqrt(self.tau))[None, :, None]
        return jnp.log(self.s2[None, None, :] / self.s1[:, None, None]) / width + 0.5 * width

    def correlation(self) -> Float[Array, ""]:
        """Of log S1 and log V."""
        mass, x, y = self.mass(), jnp.log(self.s1), jnp.log(self.v)
        p1, pV = mass.sum(axis=1), mass.sum(axis=0)
        x, y = x - p1 @ x, y - pV @ y
        return x @ mass @ y / jnp.sqrt((p1 @ x**2) * (pV @ y**2))

    def entropy(self) -> dict[str, Float[Array, ""]]:
        """H(P | R), split into that of (S1, V) and the mean of that of S2 given both; nats."""
        mass, reference = self.mass(), self.problem.log_mass
        reference = reference - jax.scipy.special.logsumexp(reference)
        log = lambda p: jnp.log(jnp.maximum(p, 1e-300))
        outer = jnp.where(mass > 0, mass * (log(mass) - reference), 0.0).sum()
        kernel, prior = self.kernel(), self.problem.log_kernel
        prior = prior - jax.scipy.special.logsumexp(prior, axis=-1, keepdims=True)
        inner = (mass * jnp.where(kernel > 0, kernel * (log(kernel) - prior), 0.0).sum(axis=-1)).sum()
        return {"total": outer + inner, "spx_vix": outer, "window": inner}

    def sample(self, n_paths: int, *, key) -> tuple[Float[Array, " path"], Float[Array, " path"], Float[Array, " path"]]:
        """Exact draws (s1, v, s2) from the nodes, by inverse transform."""
        first, second = jax.random.split(key)
        i, j = jnp.divmod(draw(self.mass().ravel(), jax.random.uniform(first, (n_paths,))), self.v.size)
        k = draw(self.kernel()[i, j], jax.random.uniform(second, (n_paths,)))
        return self.s1[i], self.v[j], self.s2[k]


def draw(p, u):
    """(path,) indices with probabilities p (n,), or (path, n), each path its own; u (path,) uniforms."""
    edges = jnp.cumsum(p, axis=-1)
    find = jnp.searchsorted if p.ndim == 1 else jax.vmap(jnp.searchsorted)
    return jnp.minimum(find(edges, u * edges[..., -1]), p.shape[-1] - 1)
