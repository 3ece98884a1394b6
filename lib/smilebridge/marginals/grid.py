"""A law on finitely many points: composite Gauss quadrature with panel edges at the quoted strikes."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .mixture import Mixture

TOL_MASS = 1e-12  # masses must sum to one this closely
TOL_MOMENT = 1e-12  # relative miss allowed in mean, E[log], E[X^2] and in every quoted price per mean
MAX_CHANGE = 0.5  # largest relative change of a mass when the moments are restored
FINE = 40  # Gauss-Legendre points per panel (in log x) that stand for the law inside it
NEGLIGIBLE = 1e-17  # share of a panel's largest fine mass below which a fine point is left out
CARRIES = 1e-11  # nodes with less mass than this are not moved when the moments are restored
MIN_SPARE = 16  # nodes needed beyond two a panel, to carry E[log X] and E[X^2]


class Marginal(eqx.Module):
    """Law on a finite grid: x (n,) increasing support (s = S/F, or v as a decimal); p (n,) masses, non-negative, unit sum."""

    name: str = eqx.field(static=True)
    x: Float[Array, " n"]
    p: Float[Array, " n"]

    def __check_init__(self):
        if self.x.dtype != jnp.float64:
            raise TypeError(f"{self.name}: float64 needed, got {self.x.dtype}; set jax_enable_x64 before the first array")

    @classmethod
    def from_masses(cls, name, x, p):
        """Checked constructor: increasing x > 0, finite masses >= 0 that sum to one within 1e-12.

        >>> Marginal.from_masses("mu1", [0.9, 1.1], [0.5, 0.6])
        Traceback (most recent call last):
        ValueError: mu1: masses sum to 1.1, need 1
        """
        x, p = np.asarray(x, float), np.asarray(p, float)
        if x.ndim != 1 or x.shape != p.shape or not len(x):
            raise ValueError(f"{name}: need as many masses as points, got {p.shape} for {x.shape}")
        if not (np.all(np.isfinite(x)) and np.all(x > 0) and np.all(np.diff(x) > 0)):
            raise ValueError(f"{name}: points must be positive, finite and increasing")
        if not np.all(p >= 0):
            raise ValueError(f"{name}: mass {p[~(p >= 0)][0]:g} at x = {x[~(p >= 0)][0]:g}, need >= 0")
        if abs(p.sum() - 1) > TOL_MASS:
            raise ValueError(f"{name}: masses sum to {p.sum():.15g}, need 1")
        return cls(name, jnp.asarray(x), jnp.asarray(p))

    def mean(self) -> Float[Array, ""]:
        """E[X]."""
        return self.p @ self.x

    def call(self, k: Float[Array, " k"]) -> Float[Array, " k"]:
        """E[(X - k)+], units of X."""
        return jnp.maximum(self.x[None, :] - k[:, None], 0.0) @ self.p

    def second_moment(self) -> Float[Array, ""]:
        """E[X^2]."""
        return self.p @ self.x**2

    def log_contract(self, tau) -> Float[Array, ""]:
        """E[L(X)] with L(x) = -(2/tau) log x, variance a year."""
        return -2.0 / tau * (self.p @ jnp.log(self.x))


def grid(law: Mixture, n: int, *, strikes=None) -> Marginal:
    """The law on n points: mass, mean, E[log X], E[X^2] and the price of every strike to 1e-12.

    Each panel between strikes carries the Gauss rule of the law itself on it, which keeps mass and mean of the panel, hence every price
    at its edges. The masses are then moved by the least relative amount that restores E[log X] and E[X^2] too.
    strikes    (k,) panel edges in units of X; the law's quoted strikes unless given
    refuses    n too small for the strikes: ValueError naming the n that would do
    """
    edges = np.sort(np.asarray(law.strikes if strikes is None else strikes, float))
    least = 2 * (len(edges) + 1) + MIN_SPARE
    if n < least:
        raise ValueError(f"{law.name}: {n} points cannot carry {len(edges)} strikes; need n >= {least} or fewer `strikes`")
    panels = _panels(law, edges)
    counts = _allocate(panels, n)
    nodes = [_gauss(x, p, q) for (x, p), q in zip(panels, counts, strict=True)]
    x, p = (np.concatenate(part) for part in zip(*nodes, strict=True))
    return Marginal.from_masses(law.name, x, _restore(law, x, p, edges))


def _panels(law, edges):
    """For each panel fine points and masses with the law's own mass and mean of the panel."""
    low, high = (float(edge) for edge in law.support())
    bounds = np.log(np.r_[min(low, 0.5 * edges[0]), edges, max(high, 2 * edges[-1])])
    node, weight = np.polynomial.legendre.leggauss(FINE)
    centre, half = 0.5 * (bounds[1:] + bounds[:-1]), 0.5 * (bounds[1:] - bounds[:-1])
    x = np.exp(centre[:, None] + half[:, None] * node)
    p = np.asarray(law.density(jnp.asarray(x.ravel()))).reshape(x.shape) * x * half[:, None] * weight
    mass, first = _panel_moments(law, edges)
    return [_matched(points, masses, *moments) for points, masses, *moments in zip(x, p, mass, first, strict=True)]


def _panel_moments(law, edges):
    """Mass and first moment of each panel: differences of the nearer tail, so that small panels keep their digits."""
    k, mean = jnp.asarray(edges), float(law.mean())
    below, above = np.r_[0.0, np.asarray(law.cdf(k)), 1.0], np.r_[1.0, np.asarray(law.survival(k)), 0.0]
    first_below = np.r_[0.0, edges * below[1:-1] - np.asarray(law.put(k)), mean]
    first_above = np.r_[mean, edges * above[1:-1] + np.asarray(law.call(k)), 0.0]
    left = np.r_[edges, np.inf] <= mean
    return np.where(left, np.diff(below), -np.diff(above)), np.where(left, np.diff(first_below), -np.diff(first_above))


def _matched(x, p, mass, first):
    """Scale and tilt fine masses to the closed-form mass and mean of the panel; points that carry nothing are left out."""
    seen = p > NEGLIGIBLE * p.max()
    x, p = x[seen], p[seen]
    p = p * (mass / p.sum())
    centre = p @ x / mass
    tilt = (first / mass - centre) / (p @ (x - centre) ** 2 / mass)
    return x, p * (1 + tilt * (x - centre))


def _allocate(panels, n):
    """Nodes per panel: two each, the rest where mass^(1/2) * width in log x per node is largest."""
    weight = np.array([np.sqrt(p.sum()) * np.log(x[-1] / x[0]) for x, p in panels])
    size, counts = np.array([len(x) for x, _ in panels]), np.full(len(panels), 2)
    for _ in range(n - 2 * len(panels)):
        counts[np.argmax(weight / counts * (counts < size // 3))] += 1
    return counts


def _gauss(x, p, q):
    """Gauss rule with q nodes of the discrete measure (x, p), by Lanczos and the Jacobi matrix (Golub & Welsch 1969)."""
    mass = p.sum()
    centre, scale = 0.5 * (x[0] + x[-1]), 0.5 * (x[-1] - x[0])
    z, basis = (x - centre) / scale, [np.sqrt(p / mass)]
    diagonal, off = [], []
    for _ in range(q):
        moved = z * basis[-1]
        diagonal.append(basis[-1] @ moved)
        for vector in basis:
            moved = moved - (vector @ moved) * vector
        off.append(np.linalg.norm(moved))
        basis.append(moved / off[-1])
    values, vectors = np.linalg.eigh(np.diag(diagonal) + np.diag(off[:-1], 1) + np.diag(off[:-1], -1))
    return centre + scale * values, mass * vectors[0] ** 2


def _restore(law, x, p, edges):
    """Masses p (1 + d) with the least sum p d^2 that meet every moment."""
    mean = float(law.mean())
    payoff = np.where(edges[:, None] < mean, np.maximum(edges[:, None] - x, 0), np.maximum(x - edges[:, None], 0)) / mean
    log_mean, square = -0.5 * float(law.log_contract(1.0)), float(law.second_moment())
    rows = np.vstack([np.ones_like(x), x / mean, np.log(x / mean), x**2 / square, payoff])
    target = np.r_[1.0, 1.0, log_mean - np.log(mean), 1.0, np.asarray(law.otm(jnp.asarray(edges))) / mean]
    scale = np.maximum(np.abs(target), 1e-9)[:, None]
    for _ in range(4):
        defect = target - rows @ p
        if np.abs(defect).max() < 0.01 * TOL_MOMENT:
            break
        weighted = rows * np.sqrt(np.where(p > CARRIES, p, 0.0)) / scale
        change = np.linalg.lstsq(weighted, defect / scale[:, 0], rcond=1e-13)[0] / np.sqrt(np.maximum(p, CARRIES))
        if np.abs(change).max() > MAX_CHANGE:
            raise ValueError(f"{law.name}: {len(x)} points are too few for E[log X] and E[X^2] beside {len(edges)} strikes; ask for more")
        p = p * (1 + change)
    worst = np.abs(target - rows @ p).max()
    if worst > TOL_MOMENT:
        raise ValueError(f"{law.name}: moments met to {worst:.1e} only on {len(x)} points, need {TOL_MOMENT:g}; ask for more points")
    return p
