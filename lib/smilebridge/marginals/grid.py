"""A law on finitely many points: composite Gauss quadrature with panel edges at the quoted strikes."""

import heapq

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .mixture import EDGE_WIDTHS, Mixture, on_strikes

TOL_MASS = 1e-12  # masses must sum to one this closely
TOL_MOMENT = 1e-12  # relative miss allowed in mean, E[log], E[X^2] and in every quoted price per mean
MAX_CHANGE = 0.5  # largest relative change of a mass when the moments are restored
FINE = 10  # Gauss-Legendre points (in log x), at least, in each piece of the line: they stand for the law
FINE_PER_POINT = 8  # fine points, at least, for each point of the grid
CUTS = np.linspace(-EDGE_WIDTHS, EDGE_WIDTHS, 13)  # ends of the pieces, in widths around the centre of every component
NEGLIGIBLE = 1e-17  # share of a panel's largest fine mass below which a fine point is left out
WORTHLESS = 1e-13  # price per mean below which a strike needs no panel
EMPTY = 1e-20  # mass below which a panel carries no points
AGREE = 0.1  # relative difference of fine and closed-form masses beyond which a panel is below rounding
MIN_FINE = 6  # fine points that a panel needs to be halved
MIN_SPARE = 16  # points needed beyond two a panel, to carry E[log X] and E[X^2]


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

    Panels end at the strikes and are halved where two points would miss E[log X] most. Each carries the two-point Gauss rule of the law
    itself on it, which keeps its mass and mean, hence every price at its ends, and its share of E[X^2]. The masses are then moved by
    little, those of rare points least, to restore E[log X] too.
    strikes    (k,) in units of X; the law's quoted strikes unless given
    refuses    n too small for the strikes: ValueError naming the n that would do; strikes that are no strikes
    """
    strikes = _checked(law.name, law.strikes if strikes is None else strikes)
    edges = strikes[on_strikes(law.otm, strikes) > WORTHLESS * float(law.mean())]
    least = 2 * (len(edges) + 1) + MIN_SPARE
    if n < least:
        raise ValueError(f"{law.name}: {n} points cannot carry {len(edges)} strikes; need n >= {least} or fewer `strikes`")
    panels = _halved(_panels(law, edges, n), n)
    widest = int(np.argmax([_two_point_miss(*panel) for panel in panels]))
    nodes = [_gauss(x, p, 2 + (n % 2 if i == widest else 0)) for i, (x, p) in enumerate(panels)]
    x, p = (np.concatenate(part) for part in zip(*nodes, strict=True))
    return Marginal.from_masses(law.name, x, _restore(law, x, p, strikes))


def _checked(name, strikes):
    """Strikes, each once, in order."""
    strikes = np.unique(np.asarray(strikes, float))
    broken = ~(np.isfinite(strikes) & (strikes > 0))
    if broken.any():
        raise ValueError(f"{name}: strikes must be positive and finite, got {strikes[broken][0]}")
    return strikes


def _panels(law, edges, n):
    """For each panel that is not empty fine points and masses with the law's own mass and mean of the panel."""
    widths = np.asarray(law.widths)
    cuts = np.log(law.means)[:, None] - 0.5 * widths[:, None] ** 2 + widths[:, None] * CUTS
    bounds = np.unique(np.r_[cuts.ravel(), np.log(edges)])
    node, weight = np.polynomial.legendre.leggauss(max(FINE, FINE_PER_POINT * n // (len(bounds) - 1)))
    centre, half = 0.5 * (bounds[1:] + bounds[:-1]), 0.5 * (bounds[1:] - bounds[:-1])
    x = np.exp(centre[:, None] + half[:, None] * node)
    p = on_strikes(law.density, x.ravel()).reshape(x.shape) * x * half[:, None] * weight
    pieces = np.searchsorted(bounds, np.log(edges))
    points, masses = (np.split(values, pieces) for values in (x, p))
    panels = zip(points, masses, *_panel_moments(law, edges), strict=True)
    return [_matched(*panel) for panel in panels if panel[1].sum() > EMPTY]


def _halved(panels, n):
    """n // 2 panels, in order: again and again the one that misses most is cut at its mean of log x."""
    queue = [(-_two_point_miss(x, p), x[0], x, p) for x, p in panels]
    heapq.heapify(queue)
    while len(queue) < n // 2:
        miss, _, x, p = heapq.heappop(queue)
        if miss == 0:
            raise ValueError(f"{n} points are more than the sums behind the grid resolve; {2 * len(queue)} are possible")
        cut = np.clip(np.searchsorted(np.log(x), p @ np.log(x) / p.sum()), MIN_FINE // 2, len(x) - MIN_FINE // 2)
        for half in (slice(None, cut), slice(cut, None)):
            heapq.heappush(queue, (-_two_point_miss(x[half], p[half]), x[half][0], x[half], p[half]))
    return [(x, p) for _, _, x, p in sorted(queue, key=lambda entry: entry[1])]


def _two_point_miss(x, p):
    """Size of the two-point rule's error for a smooth function of log x: mass * std^4; 0 where too few fine points are left to cut."""
    mass = p.sum()
    variance = p @ (np.log(x) - p @ np.log(x) / mass) ** 2 / mass
    return mass * variance**2 if len(x) >= MIN_FINE else 0.0


def _panel_moments(law, edges):
    """Mass and first moment of each panel: differences of the nearer tail, so that small panels keep their digits."""
    mean = float(law.mean())
    below, above = np.r_[0.0, on_strikes(law.cdf, edges), 1.0], np.r_[1.0, on_strikes(law.survival, edges), 0.0]
    first_below = np.r_[0.0, edges * below[1:-1] - on_strikes(law.put, edges), mean]
    first_above = np.r_[mean, edges * above[1:-1] + on_strikes(law.call, edges), 0.0]
    left = np.r_[edges, np.inf] <= mean
    return np.where(left, np.diff(below), -np.diff(above)), np.where(left, np.diff(first_below), -np.diff(first_above))


def _matched(x, p, mass, first):
    """Scale and tilt fine masses to the closed-form mass and mean of the panel, where these have digits; empty points are left out."""
    seen = p > NEGLIGIBLE * p.max()  # also flattens the pieces
    x, p = x[seen], p[seen]
    if not abs(mass / p.sum() - 1) < AGREE:
        return x, p
    p = p * (mass / p.sum())
    centre = p @ x / mass
    tilt = (first / mass - centre) / (p @ (x - centre) ** 2 / mass) * (x - centre)
    return x, p * (1 + tilt) if np.abs(tilt).max() < AGREE else p


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


def _restore(law, x, p, strikes):
    """Masses p (1 + d) with the least sum p^(1/2) d^2 that meet every moment."""
    mean = float(law.mean())
    payoff = np.where(strikes[:, None] < mean, np.maximum(strikes[:, None] - x, 0), np.maximum(x - strikes[:, None], 0)) / mean
    log_mean, square = -0.5 * float(law.log_contract(1.0)), float(law.second_moment())
    rows = np.vstack([np.ones_like(x), x / mean, np.log(x / mean), x**2 / square, payoff])
    target = np.r_[1.0, 1.0, log_mean - np.log(mean), 1.0, on_strikes(law.otm, strikes) / mean]
    priced = np.r_[np.ones(4, bool), target[4:] > WORTHLESS]
    scale = np.maximum(np.abs(target), 1e-9)
    for _ in range(4):
        defect = target - rows @ p
        if np.abs(defect).max() < 0.01 * TOL_MOMENT:
            break
        weighted = (rows * p**0.75 / scale[:, None])[priced]
        change = np.linalg.lstsq(weighted, (defect / scale)[priced], rcond=1e-13)[0] / p**0.25
        if np.abs(change).max() > MAX_CHANGE:
            raise ValueError(f"{law.name}: {len(x)} points are too few for E[log X] and E[X^2] beside {len(strikes)} strikes; ask for more")
        p = p * (1 + change)
    worst = np.abs(target - rows @ p).max()
    if worst > TOL_MOMENT:
        raise ValueError(f"{law.name}: moments met to {worst:.1e} only on {len(x)} points, need {TOL_MOMENT:g}; ask for more points")
    return p
