"""Heston in closed form: SPX by its characteristic function, the VIX by the noncentral chi-squared law of the variance.

dS/S = sqrt(w) dW, dw = kappa (theta - w) dt + xi sqrt(w) dZ, d<W, Z> = rho dt. No bounds: this is the market that a calibration is asked
to meet, and the reference that it departs from. Sources: Heston (1993); Albrecher et al. (2007) for the branch of the logarithm;
Cox, Ingersoll and Ross (1985) for the law of w.
"""

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from scipy.stats import ncx2

from ..models import Contour

NODES = 24  # Gauss-Legendre nodes a panel
PANELS = 40
POWER = 6  # nodes crowd to zero variance like their index to this power: there the density may be singular
TAIL = 1e-15  # probability beyond the last node


def share(kappa, years):
    """r with E[int_0^years w dt / years] = theta + r (w0 - theta): (1 - e^{-kappa years}) / (kappa years)."""
    return -np.expm1(-kappa * years) / (kappa * years)


@dataclass(frozen=True, slots=True)
class Heston:
    """Parameters of a law of (S, w).

    kappa   mean reversion, per year;  theta  level of w, annual variance
    xi      volatility of w, per square root of a year, times sqrt(w);  rho  correlation, in (-1, 1)
    """

    kappa: float
    theta: float
    xi: float
    rho: float

    def __post_init__(self):
        if not (self.kappa > 0 and self.theta > 0 and self.xi > 0 and -1 < self.rho < 1):
            raise ValueError(f"Heston: need kappa, theta, xi > 0 and rho in (-1, 1), got {self}")

    def variance(self, vix, years):
        """w at which the VIX over `years` is `vix`, decimal; negative below the least VIX that the model has."""
        return self.theta + (np.asarray(vix) ** 2 - self.theta) / share(self.kappa, years)

    def vix(self, w, years):
        """VIX over `years` when the variance is w, decimal."""
        return np.sqrt(self.theta + share(self.kappa, years) * (np.asarray(w) - self.theta))

    def transform(self, p, w0, years):
        """E[(S_T/S_0)^p] for complex p (n,) with 0 <= Re p <= 1."""
        b = self.kappa - self.rho * self.xi * p
        d = np.sqrt(b**2 - self.xi**2 * (p**2 - p))
        g, decay = (b - d) / (b + d), np.exp(-d * years)
        C = (b - d) * years - 2 * np.log((1 - g * decay) / (1 - g))
        D = (b - d) * (1 - decay) / (1 - g * decay)
        return np.exp((self.kappa * self.theta * C + D * w0) / self.xi**2)

    def spx_otm(self, w0, years, k):
        """Out-of-the-money prices (n,) per forward at strikes k (n,): put for k < 1, else call."""
        contour = Contour.for_stdev(0.5 * self.vix(w0, years) * np.sqrt(years))
        phi = np.append(self.transform(0.5 + 1j * np.asarray(contour.u), w0, years), [1.0, 1.0])
        return np.asarray(contour.otm(jnp.asarray(phi), jnp.asarray(k, float)))

    def vix_otm(self, w0, years, tau, v):
        """VIX future, and out-of-the-money prices (n,) at levels v (n,), put below the future; VIX over tau, decimals.

        int P(V <= y) dy up to v, and int P(V > y) dy from v: no derivative of the payoff is needed.
        """
        grow = self.xi**2 * -np.expm1(-self.kappa * years) / (4 * self.kappa)
        df, away = 4 * self.kappa * self.theta / self.xi**2, w0 * np.exp(-self.kappa * years) / grow
        most = grow * ncx2.isf(TAIL, df, away)
        over = lambda w: ncx2.sf(w / grow, df, away)
        call = lambda w: _integral(lambda u: over(u) * self._slope(u, tau), w, most)
        put = lambda w: _integral(lambda u: (1 - over(u)) * self._slope(u, tau), 0.0, w)
        future = float(self.vix(0.0, tau) + call(0.0))
        level = np.clip(self.variance(v, tau), 0.0, most)
        return future, np.array([put(w) if k < future else call(w) for k, w in zip(v, level, strict=True)])

    def _slope(self, w, tau):
        """dV/dw."""
        return 0.5 * share(self.kappa, tau) / self.vix(w, tau)


def _integral(f, low, high):
    """int f, in w = t^POWER."""
    x, weight = np.polynomial.legendre.leggauss(NODES)
    edges = np.linspace(low ** (1 / POWER), high ** (1 / POWER), PANELS + 1)
    half = 0.5 * np.diff(edges)[:, None]
    t = edges[:-1, None] + half * (1 + x)
    return float((half * weight * f(t**POWER) * POWER * t ** (POWER - 1)).sum())
