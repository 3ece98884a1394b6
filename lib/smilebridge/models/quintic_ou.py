"""The quintic Ornstein-Uhlenbeck volatility model: SPX and VIX driven by one Gaussian factor (Abi Jaber, Illand & Li 2023).

sigma_t = sqrt(xi0(t)) p(X_t) / sqrt(E p(X_t)^2),   p(x) = a0 + a1 x + a3 x^3 + a5 x^5,
X_t = eps^{H-1/2} int_0^t exp(-(1/2 - H)(t - s)/eps) dW_s,   d<B, W> = rho dt,   dS/S = sigma dB.
The forward variance curve is xi0 by construction, and VIX_T^2 is a polynomial of degree ten in the Gaussian X_T.
"""

from dataclasses import dataclass
from math import comb

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.polynomial import polynomial as poly
from scipy.optimize import brentq

TAU = 30 / 365  # the VIX looks thirty days ahead, ACT/365
MOMENTS = tuple(float(np.prod(np.arange(1.0, 2 * m, 2.0))) for m in range(6))  # E Z^(2m) of a standard normal


class ForwardVariance(eqx.Module):
    """Forward variance curve xi0(t) = start e^{-speed t} + end (1 - e^{-speed t}), annual variance, t in years."""

    start: Float[Array, ""]
    speed: Float[Array, ""]
    end: Float[Array, ""]

    def __call__(self, t: Float[Array, "*n"]) -> Float[Array, "*n"]:
        """xi0(t) = E[sigma_t^2]."""
        return self.end + (self.start - self.end) * jnp.exp(-self.speed * t)

    def integral(self, t: Float[Array, "*n"]) -> Float[Array, "*n"]:
        """int_0^t xi0 = E[-2 log S_t]."""
        return self.end * t - (self.start - self.end) * jnp.expm1(-self.speed * t) / self.speed


class QuinticOU(eqx.Module):
    """Parameters of the model; S starts at 1 and X at 0.

    rho   correlation of spot and factor, in (-1, 0]: then S is a true martingale (odd degree, a5 > 0)
    H     roughness; mean reversion (1/2 - H)/eps, so H < 1/2
    a     (6,) coefficients of p in increasing degree; degrees two and four vanish in the published model
    eps   time scale in years
    """

    rho: Float[Array, ""]
    H: Float[Array, ""]
    a: Float[Array, " 6"]
    xi0: ForwardVariance
    eps: Float[Array, ""]

    @classmethod
    def from_parameters(cls, *, rho, H, a, xi0, eps=1 / 52):
        """From plain numbers: a = (a0, a1, a3, a5), xi0 = (start, speed, end). Refuses what makes S a strict local martingale."""
        a0, a1, a3, a5 = a
        if not (-1 < rho <= 0 and H < 0.5 and eps > 0 and min(a) >= 0 and min(xi0) > 0):
            raise ValueError(f"quintic OU: need -1 < rho <= 0, H < 1/2, eps > 0, a >= 0, xi0 > 0, got {rho}, {H}, {eps}, {a}, {xi0}")
        number = lambda value: jnp.asarray(value, float)
        return cls(number(rho), number(H), number([a0, a1, 0.0, a3, 0.0, a5]), ForwardVariance(*map(number, xi0)), number(eps))

    @classmethod
    def named(cls, name):
        """A parameter set of `PARAMETERS`: "calm", "normal" or "stressed"."""
        return cls.from_parameters(**PARAMETERS[name])

    @property
    def reversion(self):
        """Mean reversion of X, per year."""
        return (0.5 - self.H) / self.eps

    @property
    def scale(self):
        """Volatility of X: eps^{H - 1/2}."""
        return self.eps ** (self.H - 0.5)

    def factor_variance(self, t: Float[Array, "*n"]) -> Float[Array, "*n"]:
        """Var X_t = scale^2 (1 - e^{-2 reversion t}) / (2 reversion)."""
        return -(self.scale**2) * jnp.expm1(-2 * self.reversion * t) / (2 * self.reversion)

    def second_moment(self, t: Float[Array, "*n"]) -> Float[Array, "*n"]:
        """E p(X_t)^2."""
        moments = jnp.convolve(self.a, self.a)[::2] * jnp.asarray(MOMENTS)
        return jnp.polyval(moments[::-1], self.factor_variance(t))

    def level(self, t: Float[Array, "*n"]) -> Float[Array, "*n"]:
        """sigma_t / p(X_t) = sqrt(xi0(t) / E p(X_t)^2)."""
        return jnp.sqrt(self.xi0(t) / self.second_moment(t))

    def spot_weights(self, t: Float[Array, ""], x: Float[Array, " n"]) -> tuple[Float[Array, " n"], ...]:
        """The three functions of (t, x) that turn every stochastic integral of the model into an ordinary one.

        With P' = p and c = level: int_0^T sigma dW = c P(X_T)/scale |_0^T - int_0^T m dt (Ito's formula for c(t) P(X_t)), so
        log S_T = rho (boundary_T - int m dt) - 1/2 int sigma^2 dt + sqrt(1 - rho^2) int sigma dW'.
        returns   sigma (t, x), m (t, x) and boundary (t, x) = c(t) P(x) / scale
        """
        level, slope = jax.value_and_grad(self.level)(t)
        rising = self.a[::-1]
        p, slope_p, P = (jnp.polyval(q, x) for q in (rising, jnp.polyder(rising), jnp.polyint(rising)))
        m = (slope * P + 0.5 * self.scale**2 * level * slope_p - self.reversion * x * level * p) / self.scale
        return level * p, m, level * P / self.scale


@eqx.filter_jit
def _curves(model, years, lag):
    """xi0 / E p^2 on the window, decay and variance of X over each lag, Var X_T."""
    decay = jnp.exp(-model.reversion * lag)
    return model.level(years + lag) ** 2, decay, model.factor_variance(lag), model.factor_variance(years)


def vix_polynomial(model: QuinticOU, years: float, *, n_nodes: int = 48) -> tuple[np.ndarray, float]:
    """Coefficients q (11,), increasing degree in x, of VIX_T^2 = sum_n q_n X_T^n (annual variance), and the standard deviation of X_T.

    VIX_T^2 = (1/tau) int_T^{T+tau} xi0(u) E[p(X_u)^2 | X_T] / E p(X_u)^2 du, X_u | X_T = x normal with mean e^{-reversion (u-T)} x
    and variance Var X_{u-T}; Gauss-Legendre in u (smooth integrand).
    """
    nodes, weights = np.polynomial.legendre.leggauss(n_nodes)
    lag = 0.5 * TAU * (nodes + 1)
    squared = np.convolve(model.a, model.a)
    curve, decay, spread, variance = map(np.asarray, _curves(model, jnp.asarray(float(years)), jnp.asarray(lag)))
    q = np.zeros(11)
    for n in range(11):
        for m in range(n // 2 + 1):
            q[n - 2 * m] += squared[n] * comb(n, 2 * m) * MOMENTS[m] * 0.5 * np.sum(weights * curve * decay ** (n - 2 * m) * spread**m)
    return q, float(np.sqrt(variance))


REACH = 12.0  # standard deviations of Z kept on either side: what is left out weighs less than 1e-30
PANEL = 0.5  # widest panel in z; 16 nodes on it leave rounding errors only
NODES = 16


@dataclass(frozen=True, slots=True)
class VixLaw:
    """Law of V = VIX_T (decimal): V^2 = q(sqrt(Var X_T) Z), Z standard normal. Prices by Gauss-Legendre between the kinks.

    years   T
    stdev   standard deviation of X_T
    q       (11,) coefficients of V^2 as a polynomial of X_T, increasing degree
    """

    years: float
    stdev: float
    q: np.ndarray

    @classmethod
    def of(cls, model, years):
        """Law of the VIX at T = years > 0."""
        q, stdev = vix_polynomial(model, years)
        return cls(years, stdev, q)

    def vix(self, z):
        """V at Z = z."""
        return np.sqrt(poly.polyval(self.stdev * np.asarray(z), self.q))

    def kinks(self, v):
        """Sorted z at which V crosses one of the levels v (n,)."""
        roots = [poly.polyroots(poly.polysub(self.q, [level**2])) for level in np.atleast_1d(v)]
        flat = np.concatenate(roots) / self.stdev if roots else np.zeros(0)
        real = flat[np.abs(flat.imag) < 1e-9 * (1 + np.abs(flat.real))].real
        return np.sort(real[np.abs(real) < REACH])

    def panels(self, v=()):
        """Nodes z (n,) and weights dz (n,) of Gauss-Legendre panels on the line, split where V crosses one of the levels v."""
        edges = np.union1d(np.arange(-REACH, REACH + PANEL / 2, PANEL), self.kinks(v))
        nodes, weights = np.polynomial.legendre.leggauss(NODES)
        half = 0.5 * np.diff(edges)[:, None]
        return (edges[:-1, None] + half * (1 + nodes)).ravel(), (half * weights).ravel()

    def quadrature(self, v=()):
        """The same nodes z (n,) with their standard normal masses (n,)."""
        z, width = self.panels(v)
        return z, width * np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)

    def mean(self, power=1):
        """E[V^power]: the VIX future for power 1, forward variance for power 2."""
        z, mass = self.quadrature()
        return float(mass @ self.vix(z) ** power)

    def calls(self, v):
        """E[(V - v)+] for levels v (n,), to about 1e-14."""
        z, mass = self.quadrature(v)
        return np.maximum(self.vix(z)[None, :] - np.asarray(v)[:, None], 0.0) @ mass

    def puts(self, v):
        """E[(v - V)+] for levels v (n,): integrated on its own, so that small puts keep their digits."""
        z, mass = self.quadrature(v)
        return np.maximum(np.asarray(v)[:, None] - self.vix(z)[None, :], 0.0) @ mass

    def cdf(self, v):
        """P(V <= v) for levels v (n,)."""
        z, mass = self.quadrature(v)
        return (self.vix(z)[None, :] <= np.asarray(v)[:, None]) @ mass

    def quantiles(self, levels):
        """Levels v with P(V <= v) = levels."""
        high = float(np.max(self.vix(np.array([-REACH, REACH]))))
        return np.array([brentq(lambda v, p=p: self.cdf([v])[0] - p, 0.0, high, xtol=1e-15, rtol=1e-14) for p in levels])


# calm and normal: Abi Jaber, Illand & Li (2023); stressed: ours, a steep inverted curve (35% vol now, 16% in the long run)
PARAMETERS = {
    "calm": dict(rho=-0.7316, H=-0.1382, a=(0.8169, 0.274, 0.1717, 0.0036), xi0=(0.0084, 2.0436, 0.0441)),
    "normal": dict(rho=-0.7001, H=0.141, a=(0.7558, 1.0, 0.0885, 0.4421), xi0=(0.012, 2.027, 0.033)),
    "stressed": dict(rho=-0.75, H=0.1, a=(0.9, 0.7, 0.1, 0.1), xi0=(0.125, 7.0, 0.027)),
}
