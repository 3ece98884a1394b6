"""The joint law of (S1, V, S2) behind a synthetic market: what a calibration to its quotes should find, or bound.

V is a function of the factor X at T1. Given X, S1 and S2/S1 are independent and known by their transforms, so every number below is an
integral over X: no random numbers, and errors are numerical.
"""

from dataclasses import dataclass, fields
from datetime import date, timedelta
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np

from .. import models
from .black import implied_stdev
from .synthetic import CALENDARS, DAY, SYNTHETIC

LEVELS = (0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
DECILES = slice(2, 11)  # of LEVELS
STRIKES = (0.9, 0.95, 1.0, 1.05, 1.1)
AT_MONEY = STRIKES.index(1.0)
TINY, WIDTH = 1e-30, 0.1  # complex step for E log S, width of the second difference for E (log S)^2
STEP = 0.5  # half of the width over which the slope of a window's smile is taken, in units of v sqrt(tau)
RARE = 1e-12  # densities times spacing below it do not enter the stickiness


@dataclass(frozen=True, slots=True)
class Statistics:
    """Numbers of the joint law; S per its forward, V decimal, variance annual.

    EV, EV2             () E[V], E[V^2]
    forward_variance    () E[L(S2)] - E[L(S1)], from the laws of S1 and S2; nobody imposed that it equals EV2
    correlation         () of log S1 and log V
    s1, v, s2           (13,) quantiles at `LEVELS`; entries 2 to 10 are the edges of the deciles below
    local_vix2          (10,) E[V^2 | S1 in its i-th decile]
    copula              (10, 10) P(S1 in its i-th decile, V in its j-th)
    forward_start       (5,) E[(S2/S1 - K)+] at `STRIKES`
    forward_start_by_v  (10,) E[(S2/S1 - 1)+ | V in its j-th decile]
    straddle            () E|S2 - S1|
    stickiness          (3,) slope, skew and their ratio for the window's smile given the factor (see `discrete.skew_stickiness`)
    """

    EV: np.ndarray
    EV2: np.ndarray
    forward_variance: np.ndarray
    correlation: np.ndarray
    s1: np.ndarray
    v: np.ndarray
    s2: np.ndarray
    local_vix2: np.ndarray
    copula: np.ndarray
    forward_start: np.ndarray
    forward_start_by_v: np.ndarray
    straddle: np.ndarray
    stickiness: np.ndarray


@dataclass(frozen=True, slots=True)
class Truth:
    """What holds in the synthetic market `name` at T1 = `vix_expiry`, T2 = T1 + 30 days.

    years   T1; T2 = years + 30/365
    error   of each entry of `value`: numerical (time step), not statistical
    """

    name: str
    vix_expiry: date
    years: float
    value: Statistics
    error: Statistics


@cache
def truth(name: str, vix_expiry: date | None = None) -> Truth:
    """Statistics of (S1, V, S2) in the market `synthetic(name)`; its first VIX expiry unless another is named."""
    expiry, days = _expiry(name, vix_expiry)
    model = models.QuinticOU.named(name)
    factor = _Factor.at(model, days)
    found = [_statistics(factor, _Laws.at(model, factor, days, level)) for level in models.LEVELS]
    limits = [models.extrapolated(np.stack([getattr(one, field.name) for one in found])) for field in fields(Statistics)]
    value, error = (Statistics(*part) for part in zip(*limits, strict=True))
    return Truth(name, expiry, days * DAY, value, error)


def _expiry(name, asked):
    """The VIX expiry and its days."""
    if name not in CALENDARS:
        raise ValueError(f"no synthetic market {name!r}: choose from {', '.join(SYNTHETIC)}")
    known = {CALENDARS[name].day + timedelta(days): days for days in CALENDARS[name].vix}
    expiry = asked if asked is not None else min(known)
    if expiry not in known:
        raise ValueError(f"synthetic market {name!r} has no VIX expiry {expiry}: choose from {', '.join(map(str, known))}")
    return expiry, known[expiry]


@dataclass(frozen=True, slots=True)
class _Factor:
    """X at T1: uniform nodes x (n,), its density, V at the nodes, quantiles of V, and weights (10, n) of integrals over deciles of V."""

    law: models.VixLaw
    x: np.ndarray
    density: np.ndarray
    v: np.ndarray
    v_quantiles: np.ndarray
    cells: np.ndarray

    @classmethod
    def at(cls, model, days):
        law = models.VixLaw.of(model, days * DAY)
        x = np.asarray(models.factor_grid(model, (days + 30) * DAY))
        density = np.exp(-0.5 * (x / law.stdev) ** 2) / (law.stdev * np.sqrt(2 * np.pi))
        quantiles = law.quantiles(LEVELS)
        return cls(law, x, density, law.vix(x / law.stdev), quantiles, _cells(law, x, quantiles[DECILES]))

    def mean(self, values):
        """sum of values (n, ...) times density times dx."""
        return self.density @ values * (self.x[1] - self.x[0])


def _cells(law, x, edges):
    """(10, n) integral of a smooth function, given on the uniform nodes x, over {V in cell j}: sinc interpolation to split panels."""
    z, width = law.panels(edges)
    inside = np.abs(z * law.stdev) < x[-1]
    y, width = z[inside] * law.stdev, width[inside] * law.stdev
    sinc = np.sinc((y[:, None] - x[None, :]) / (x[1] - x[0]))
    cell = np.searchsorted(edges, law.vix(z[inside]))
    return np.stack([(width * (cell == j)) @ sinc for j in range(len(edges) + 1)])


@dataclass(frozen=True, slots=True)
class _Laws:
    """Transforms with time steps of 1/level day: of (S1, X), of (S2, X at T2), of S2/S1 given X."""

    contour: models.Contour
    first: models.Transform
    second: models.Transform
    later: models.Transform

    @classmethod
    def at(cls, model, factor, days, level):
        early = float(jnp.sqrt(model.xi0.integral(jnp.asarray(days * DAY))))
        contour = models.Contour.for_stdev(min(early, float(factor.v.min()) * np.sqrt(models.TAU)))
        z = jnp.concatenate([contour.z, jnp.array([TINY, WIDTH, 2 * WIDTH], complex)])
        begin, end = level * days, level * (days + 30)
        first, second = models.joint_transform(model, z, dt=DAY / level, steps=(begin, end), x=jnp.asarray(factor.x))
        later = models.conditional_transform(model, contour.z, dt=DAY / level, begin=begin, end=end, x=first.x)
        return cls(contour, first, second, later)

    def mean(self, transform, weight=None):
        """(m + 2,) E[w S^{iz}] on the contour, and (3,) the extra arguments."""
        phi = transform.mean(jnp.ones_like(transform.x) if weight is None else jnp.asarray(weight))
        return phi[:-3], np.asarray(phi[-3:])

    def quantiles(self, transform):
        """Of S at `LEVELS`."""
        return np.asarray(self.contour.quantiles(self.mean(transform)[0], jnp.asarray(LEVELS)))

    def log_mean(self, transform):
        """E[log S], by a complex step."""
        return self.mean(transform)[1][0].imag / TINY

    def forward_start(self):
        """(n, 5) E[(S2/S1 - K)+ | X = x]."""
        return np.asarray(jax.vmap(lambda phi: self.contour.calls(phi, jnp.asarray(STRIKES)))(self.later.values))

    def share_density(self):
        """(n,) E[S1; X = x]."""
        return np.asarray(self.first.values[:, self.contour.u.size].real)


def _statistics(factor, laws):
    """All statistics at one time step."""
    s1, forward_start = laws.quantiles(laws.first), laws.forward_start()
    at_money, law = forward_start[:, AT_MONEY], factor.law
    straddle = 2 * laws.share_density() @ at_money * (factor.x[1] - factor.x[0])
    by_v = factor.cells @ (factor.density * at_money) / factor.cells.dot(factor.density)
    carried = -2 / models.TAU * (laws.log_mean(laws.second) - laws.log_mean(laws.first))
    scalars = map(np.asarray, (law.mean(), law.mean(2), carried, _correlation(factor, laws)))
    local, copula = _local_vix2(factor, laws, s1[DECILES]), _copula(factor, laws, s1[DECILES])
    s2, start = laws.quantiles(laws.second), factor.mean(forward_start)
    ends = by_v, np.asarray(straddle), _stickiness(factor, laws)
    return Statistics(*scalars, s1, factor.v_quantiles, s2, local, copula, start, *ends)


def _correlation(factor, laws):
    """Correlation of log S1 and log V."""
    log_v = np.log(factor.v)
    log_s, variance_s = _log_spot(factor, laws)
    variance_v = factor.mean(log_v**2) - factor.mean(log_v) ** 2
    covariance = log_s @ log_v - log_s.sum() * factor.mean(log_v)
    return covariance / np.sqrt(variance_s * variance_v)


def _log_spot(factor, laws):
    """(n,) E[log S1; X in the node's cell] and () Var(log S1)."""
    log_s = np.asarray(laws.first.values[:, -3].imag) / TINY * (factor.x[1] - factor.x[0])
    _, near, far = laws.mean(laws.first)[1].real
    curvature = lambda value, width: 2 * (1 - value) / width**2
    return log_s, (4 * curvature(near, WIDTH) - curvature(far, 2 * WIDTH)) / 3 - log_s.sum() ** 2


def _stickiness(factor, laws):
    """(3,) Cov(vol, log S1) / Var(log S1), E[skew] and their ratio, vol and skew of the window's smile at the money given X."""
    width = STEP * factor.v * np.sqrt(models.TAU)
    k = jnp.asarray(np.exp(width[:, None] * np.array([-1.0, 0.0, 1.0])))
    otm = jax.vmap(laws.contour.otm)(laws.later.values, k)
    seen = factor.density * (factor.x[1] - factor.x[0]) > RARE
    down, vol, up = np.where(seen[:, None], implied_stdev(k, otm) / np.sqrt(models.TAU), 0.0).T
    log_s, variance_s = _log_spot(factor, laws)
    slope = (log_s @ vol - log_s.sum() * factor.mean(vol)) / variance_s
    skew = factor.mean((up - down) / (2 * width))
    return np.array([slope, skew, slope / skew])


def _local_vix2(factor, laws, edges):
    """(10,) E[V^2 | S1 in decile]."""
    above = laws.contour.exceedance(laws.mean(laws.first, factor.v**2)[0], jnp.asarray(edges))
    return -10 * np.diff(np.r_[factor.law.mean(2), above, 0.0])


def _copula(factor, laws, edges):
    """(10, 10) probabilities of the cells."""
    above = jax.vmap(lambda phi: laws.contour.exceedance(phi, jnp.asarray(edges)))(laws.first.values[:, :-3])
    ladder = np.concatenate([factor.density[:, None], above, np.zeros((len(factor.x), 1))], axis=1)
    return -np.diff(ladder, axis=1).T @ factor.cells.T
