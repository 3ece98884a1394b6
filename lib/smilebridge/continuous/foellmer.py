"""Foellmer's process: of all that start as Brownian motion and have a given law at time one, the nearest to Brownian motion.

It is Brownian motion with the drift d_x log h, h(t, x) = E[f(x + sqrt(1 - t) Z)], f = dmu/dN(0, 1), Z standard normal: the heat flow of
the density ratio, run backwards. Its entropy relative to Brownian motion is that of its end, H(mu | N(0, 1)). Source: Foellmer (1985).
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from ..marginals import Mixture

RARE = 1e-10  # components of a smile's law that weigh less are left out
PANELS, NODES, WIDTHS = 128, 16, 9.0  # quadrature of the entropy: panels over the components and so many widths beyond
TABLE = 1501  # nodes on which paths read the drift
HERMITE = 60


class Foellmer(eqx.Module):
    """Bridge from 0 at time 0 to sum_j weight_j N(centre_j, width_j^2) at time 1; x has no unit.

    weight   (n,) positive, unit sum;  centre (n,);  width (n,) positive
    """

    weight: Float[Array, " n"]
    centre: Float[Array, " n"]
    width: Float[Array, " n"]

    @classmethod
    def of(cls, weight, centre, width):
        """From plain numbers; refuses weights that are no law and widths that are not positive."""
        weight, centre, width = (np.atleast_1d(np.asarray(z, float)) for z in (weight, centre, width))
        if not (weight > 0).all() or abs(weight.sum() - 1) > 1e-9:
            raise ValueError(f"weight: need positive masses that sum to one, got {weight}")
        if not (width > 0).all():
            raise ValueError(f"width: must be positive, got {width}")
        return cls(jnp.asarray(weight), jnp.asarray(centre), jnp.asarray(width))

    @classmethod
    def log_of(cls, law: Mixture):
        """To log X, centred and divided by its standard deviation: what is left of a smile without level and forward."""
        means, width, weight = (np.asarray(z)[np.asarray(law.weights) > RARE] for z in (law.means, law.widths, law.weights))
        weight = weight / weight.sum()
        centre = np.log(means) - 0.5 * width**2
        centre = centre - weight @ centre
        sd = np.sqrt(weight @ (width**2 + centre**2))
        return cls.of(weight, centre / sd, width / sd)

    @property
    def ends(self):
        """(low, high) beyond which no component has mass worth a quadrature node."""
        return (self.centre - WIDTHS * self.width).min(), (self.centre + WIDTHS * self.width).max()

    def _terms(self, t, x):
        """log(weight_j h_j) and d_x log h_j, (n, *x) both, h_j the heat flow of one component's density ratio."""
        weight, centre, width = (z.reshape(-1, *(1,) * x.ndim) for z in (self.weight, self.centre, self.width))
        q = 1 - t + t * width**2
        bend = (2 * x[None] * centre - x[None] ** 2 * (1 - width**2) - t * centre**2) / (2 * q)
        return jnp.log(weight) - 0.5 * jnp.log(q) + bend, (centre - x[None] * (1 - width**2)) / q

    def log_h(self, t, x: Float[Array, "*n"]) -> Float[Array, "*n"]:
        """log E[f(x + sqrt(1 - t) Z)], f the density of the end relative to N(0, 1)."""
        return jax.nn.logsumexp(self._terms(t, x)[0], axis=0)

    def drift(self, t, x: Float[Array, "*n"]) -> Float[Array, "*n"]:
        """d_x log h, which is (E[X_1 | X_t = x] - x)/(1 - t)."""
        score, slope = self._terms(t, x)
        return (jax.nn.softmax(score, axis=0) * slope).sum(axis=0)

    def density(self, t, x: Float[Array, "*n"]) -> Float[Array, "*n"]:
        """Density of X_t, t > 0: h times that of Brownian motion."""
        return jnp.exp(self.log_h(t, x) - 0.5 * x**2 / t) / jnp.sqrt(2 * jnp.pi * t)

    def entropy(self) -> Float[Array, ""]:
        """H(mu | N(0, 1)) in nats, by Gauss-Legendre panels."""
        edges = jnp.linspace(*self.ends, PANELS + 1)
        at, by = (jnp.asarray(z) for z in np.polynomial.legendre.leggauss(NODES))
        half = 0.5 * jnp.diff(edges)[:, None]
        x = (edges[:-1, None] + half * (1 + at[None, :])).ravel()
        return ((half * by[None, :]).ravel() * self.density(1.0, x) * self.log_h(1.0, x)).sum()

    @eqx.filter_jit
    def paths(self, n_paths: int, n_steps: int, *, key: Key[Array, ""]) -> tuple[Float[Array, "path t"], Float[Array, " path"]]:
        """Paths at n_steps + 1 times, the second half driven by mirrored noise, and half the integral of drift^2 along each.

        Heun's scheme, with the drift read from a table: linear between nodes, level beyond the ends.
        """
        dt, nodes = 1.0 / n_steps, jnp.linspace(*self.ends, TABLE)
        table = jax.lax.map(lambda t: self.drift(t, nodes), jnp.linspace(0.0, 1.0, n_steps + 1))
        half = jax.random.normal(key, (n_steps, n_paths // 2)) * jnp.sqrt(dt)

        def step(state, now):
            x, cost = state
            first, then, dW = now
            here = jnp.interp(x, nodes, first)
            there = jnp.interp(x + here * dt + dW, nodes, then)
            x = x + 0.5 * (here + there) * dt + dW
            return (x, cost + 0.25 * (here**2 + there**2) * dt), x

        begin = jnp.zeros(2 * (n_paths // 2))
        (_, cost), walked = jax.lax.scan(step, (begin, begin), (table[:-1], table[1:], jnp.concatenate([half, -half], axis=1)))
        return jnp.concatenate([begin[:, None], walked.T], axis=1), cost


def heat_flow(ratio, t, x: Float[Array, " n"]) -> Float[Array, " n"]:
    """E[ratio(x + sqrt(1 - t) Z)] by Gauss-Hermite quadrature, for a `ratio` known only by its values."""
    z, w = (jnp.asarray(part) for part in np.polynomial.hermite_e.hermegauss(HERMITE))
    return ratio(x[:, None] + jnp.sqrt(1 - t) * z[None, :]) @ (w / w.sum())
