"""A law as a mixture of lognormals on fixed nodes: prices, moments, probabilities in closed form, positive and smooth by construction."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtr
from jaxtyping import Array, Float

from ..market import black_otm, implied_stdev

BISECTIONS = 100  # of a bracket in log x: the quantile is exact to rounding
EDGE_WIDTHS = 9.0  # a component has mass below 1e-18 beyond this many widths


class Mixture(eqx.Module):
    """Law of X > 0 with density sum_j weights_j * lognormal(mean means_j, log-width widths_j).

    name       "mu1", "muV", "mu2": heads every message
    means      (n,) component means, in units of X (s = S/F, or v as a decimal)
    widths     (n,) standard deviation of log X within a component
    weights    (n,) positive, unit sum
    strikes    (k,) quoted strikes in units of X: panel edges of `grid`
    """

    name: str = eqx.field(static=True)
    means: Float[Array, " n"]
    widths: Float[Array, " n"]
    weights: Float[Array, " n"]
    strikes: Float[Array, " k"]

    def __check_init__(self):
        if self.means.dtype != jnp.float64:
            raise TypeError(f"{self.name}: float64 needed, got {self.means.dtype}; set jax_enable_x64 before the first array")

    @property
    def _centres(self):
        return jnp.log(self.means) - 0.5 * self.widths**2

    def _scores(self, x):
        """(k, n) standard scores of log x in each component."""
        return (jnp.log(x)[:, None] - self._centres[None, :]) / self.widths[None, :]

    @eqx.filter_jit
    def otm(self, k: Float[Array, " k"]) -> Float[Array, " k"]:
        """Out-of-the-money price at strike k (put below the mean, call from there on), units of X."""
        return component_otm(k, self.mean(), self.means, self.widths) @ self.weights

    def call(self, k: Float[Array, " k"]) -> Float[Array, " k"]:
        """E[(X - k)+], units of X."""
        return self.otm(k) + jnp.where(k < self.mean(), self.mean() - k, 0.0)

    def put(self, k: Float[Array, " k"]) -> Float[Array, " k"]:
        """E[(k - X)+], units of X."""
        return self.otm(k) + jnp.where(k < self.mean(), 0.0, k - self.mean())

    @eqx.filter_jit
    def density(self, x: Float[Array, " k"]) -> Float[Array, " k"]:
        """Density at x > 0, per unit of X."""
        bell = jnp.exp(-0.5 * self._scores(x) ** 2) / jnp.sqrt(2 * jnp.pi)
        return bell @ (self.weights / self.widths) / x

    @eqx.filter_jit
    def cdf(self, x: Float[Array, " k"]) -> Float[Array, " k"]:
        """P(X <= x) for x > 0."""
        return ndtr(self._scores(x)) @ self.weights

    @eqx.filter_jit
    def survival(self, x: Float[Array, " k"]) -> Float[Array, " k"]:
        """P(X > x) for x > 0, with its digits in the upper tail."""
        return ndtr(-self._scores(x)) @ self.weights

    @eqx.filter_jit
    def quantile(self, u: Float[Array, " k"]) -> Float[Array, " k"]:
        """x with P(X <= x) = u, for u in (0, 1), by bisection in log x."""

        def halve(_, bracket):
            low, high = bracket
            middle = 0.5 * (low + high)
            below = self.cdf(jnp.exp(middle)) < u
            return jnp.where(below, middle, low), jnp.where(below, high, middle)

        low, high = (jnp.full_like(u, jnp.log(edge)) for edge in self.support())
        return jnp.exp(jax.lax.fori_loop(0, BISECTIONS, halve, (low, high))[1])

    def mean(self) -> Float[Array, ""]:
        """E[X]."""
        return self.weights @ self.means

    def second_moment(self) -> Float[Array, ""]:
        """E[X^2]: for muV, the variance that VIX options imply."""
        return self.weights @ (self.means**2 * jnp.exp(self.widths**2))

    def log_contract(self, tau) -> Float[Array, ""]:
        """E[L(X)] with L(x) = -(2/tau) log x, variance a year."""
        return -2.0 / tau * (self.weights @ self._centres)

    def support(self) -> tuple[Float[Array, ""], Float[Array, ""]]:
        """Numerical support: outside it lies less than 1e-18 of the mass."""
        return (
            jnp.exp(jnp.min(self._centres - EDGE_WIDTHS * self.widths)),
            jnp.exp(jnp.max(self._centres + EDGE_WIDTHS * self.widths)),
        )

    def implied_stdev(self, k: Float[Array, " k"]) -> Float[Array, " k"]:
        """Black-76 total volatility sigma * sqrt(T) at strike k, units of X."""
        return implied_stdev(k / self.mean(), self.otm(k) / self.mean())


def on_strikes(formula, k):
    """`formula(k)` on a NumPy vector, padded to a power of two so that smiles of all sizes share a handful of compilations.

    formula    a method of a Mixture
    k          (n,) strikes, n = 0 allowed
    returns    (n,) NumPy array
    """
    padding = max(64, 1 << (len(k) - 1).bit_length() if len(k) else 0) - len(k)
    return np.asarray(formula(jnp.asarray(np.pad(np.asarray(k, float), (0, padding), constant_values=1.0))))[: len(k)]


@jax.jit
def component_otm(k: Float[Array, " k"], forward, means: Float[Array, " n"], widths: Float[Array, " n"]) -> Float[Array, "k n"]:
    """Price under each component of the option that is out of the money for `forward`; sums of positive terms only, so no digits cancel."""
    k, means, widths = jnp.broadcast_arrays(k[:, None], means[None, :], widths[None, :])
    intrinsic = jnp.where((k < forward) == (k < means), 0.0, jnp.where(k < means, means - k, k - means))
    return means * black_otm(k / means, widths) + intrinsic
