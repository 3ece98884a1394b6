"""Prices from the transform on the line Im z = -1/2 (Lewis 2001): every payoff below has
its transform there, and no moment above one is needed."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float

from .path_integral import LEVELS, extrapolated, factor_grid, joint_transform
from .quintic_ou import QuinticOU

NODES = 16  # Gauss-Legendre nodes a panel
SHORTEST = 14.0  # standard deviations of log S spanned by 1/U: transforms of short expiries die out as slowly as 1e-5 there


def panels(U):
    """Panel edges on [0, U]: narrow near the poles at +-i/2, then as wide as the waves k^{-iu} allow while the transform is alive."""
    edges = [0.0, 1.0, 3.0, 7.0, 14.0]
    while edges[-1] < U:
        edges.append(edges[-1] + max(20.0, edges[-1] / 8))
    return np.asarray(edges)


class Contour(eqx.Module):
    """Quadrature nodes u (m,) and weights w (m,) on [0, U]; z = u - i/2."""

    u: Float[Array, " m"]
    w: Float[Array, " m"]

    @classmethod
    def for_stdev(cls, stdev: float, *, nodes: int = NODES):
        """Contour for laws whose log S has a standard deviation of `stdev` or more."""
        x, w = np.polynomial.legendre.leggauss(nodes)
        edges = panels(SHORTEST / stdev)
        half = 0.5 * np.diff(edges)[:, None]
        return cls(jnp.asarray((edges[:-1, None] + half * (1 + x)).ravel()), jnp.asarray((half * w).ravel()))

    @property
    def z(self):
        """(m + 2,) arguments for the transform: u - i/2, then -i and 0, whose values are E[w S] and E[w]."""
        line = jax.lax.complex(self.u, jnp.full_like(self.u, -0.5))
        return jnp.concatenate([line, jnp.array([-1j, 0], complex)])

    @eqx.filter_jit
    def calls(self, phi: Complex[Array, " z"], k: Float[Array, " k"]) -> Float[Array, " k"]:
        """E[w (S - k)+] = E[w S] - E[w min(S, k)], with phi (m + 2,) the values of E[w S^{iz}] at z."""
        return phi[-2].real - self._covered(phi, k)

    @eqx.filter_jit
    def otm(self, phi: Complex[Array, " z"], k: Float[Array, " k"]) -> Float[Array, " k"]:
        """E[w (k - S)+] for k < 1, E[w (S - k)+] for k >= 1."""
        return jnp.where(k < 1, k * phi[-1].real, phi[-2].real) - self._covered(phi, k)

    @eqx.filter_jit
    def exceedance(self, phi: Complex[Array, " z"], k: Float[Array, " k"]) -> Float[Array, " k"]:
        """E[w 1{S > k}] = k^{-1/2}/pi int Re[k^{-iu} phi(u - i/2) / (iu + 1/2)] du."""
        denominator = jax.lax.complex(jnp.full_like(self.u, 0.5), self.u)
        return self._integral(phi[:-2] / denominator, k) / jnp.sqrt(k)

    @eqx.filter_jit
    def quantiles(self, phi: Complex[Array, " z"], levels: Float[Array, " k"], *, steps: int = 60) -> Float[Array, " k"]:
        """Levels s with P(S <= s) = levels, by bisection of log s over [-3, 2]: 2^-60 of it is below rounding."""

        def halve(_, bracket):
            low, high = bracket
            middle = 0.5 * (low + high)
            short = 1 - self.exceedance(phi, jnp.exp(middle)) < levels
            return jnp.where(short, middle, low), jnp.where(short, high, middle)

        low, high = jax.lax.fori_loop(0, steps, halve, (jnp.full_like(levels, -3.0), jnp.full_like(levels, 2.0)))
        return jnp.exp(0.5 * (low + high))

    def _covered(self, phi, k):
        """E[w min(S, k)] = sqrt(k)/pi int Re[k^{-iu} phi(u - i/2)] / (u^2 + 1/4) du, the covered call."""
        pole = 1 / (self.u**2 + 0.25)
        return jnp.sqrt(k) * self._integral(phi[:-2] * jax.lax.complex(pole, jnp.zeros_like(pole)), k)

    def _integral(self, f, k):
        """(1/pi) int Re[k^{-iu} f(u)] du for each k."""
        angle = jnp.log(k)[:, None] * self.u[None, :]
        return (jnp.cos(angle) @ (self.w * f.real) + jnp.sin(angle) @ (self.w * f.imag)) / jnp.pi


def otm_prices(model: QuinticOU, k: Float[Array, "t k"], *, day: float, days: tuple[int, ...], levels=LEVELS):
    """Out-of-the-money prices per forward (t, k) at the times day * days, and their stated errors, extrapolated in the time step.

    k       strike / forward, a row per time
    day     coarsest time step, years
    days    increasing whole numbers
    """
    stdev = float(jnp.sqrt(model.xi0.integral(jnp.asarray(days[0] * day))))
    contour, x, found = Contour.for_stdev(stdev), factor_grid(model, days[-1] * day), []
    for level in levels:
        laws = joint_transform(model, contour.z, dt=day / level, steps=tuple(level * n for n in days), x=x)
        found.append(np.stack([contour.otm(law.mean(jnp.ones_like(x)), row) for law, row in zip(laws, k, strict=True)]))
    return extrapolated(found, levels=levels)
