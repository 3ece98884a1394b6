"""References: the covariance that a calibrated model should stay near to, as a function of time left, x and v."""

from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from scipy.ndimage import gaussian_filter1d

from .diffusion import Diffusion
from .grid import Grid, hats
from .heston import Heston, share
from .transport import attained

DAYS = 365.25


@dataclass(frozen=True, slots=True)
class AffineReference:
    """The covariance of (x, v) where the variance w has an affine drift: dw = kappa (theta - w) dt + xi w^power dZ, d<W, Z> = rho dt.

    With r = (1 - e^{-kappa s})/(kappa s), w = theta + (v^2 - theta)/r, and X2 = s v^2/2 moves by r s/2 dw. So c11 = w,
    c12 = rho xi r w^{power + 1/2} / (2 v), c22 = (xi r w^power / (2 v))^2. Powers from 1 make VIX smiles that rise with the strike.

    floor   below the least v that the model has, w would be negative: it is kept above zero, at w = 0 at `floor` v^2
    """

    kappa: float
    theta: float
    xi: float
    rho: float
    power: float = 0.5
    floor: float = 0.0

    def covariance(self, s, x, v):
        """(3, 1, nv) at s years to T2."""
        r = share(self.kappa, s)
        w = self.theta + (v**2 - self.theta) / r
        w = 0.5 * (w + np.hypot(w, 2 * self.floor * v**2))
        noise = self.xi * r * w**self.power / (2 * v)
        return np.stack([w, self.rho * np.sqrt(w) * noise, noise**2])[:, None]


@dataclass(frozen=True, slots=True)
class HestonReference:
    """The covariance of (x, v) in a Heston model."""

    model: Heston

    def covariance(self, s, x, v):
        """(3, 1, nv) at s years to T2."""
        model = self.model
        return AffineReference(model.kappa, model.theta, model.xi, model.rho).covariance(s, x, v)


@dataclass(frozen=True, slots=True)
class ConstantReference:
    """The same covariance everywhere: c11 = vol^2, c22 = noise^2, c12 = rho vol noise."""

    vol: float
    noise: float
    rho: float

    def __post_init__(self):
        if not (self.vol >= 0 and self.noise >= 0 and -1 <= self.rho <= 1):
            raise ValueError(f"constant reference: need vol, noise >= 0 and rho in [-1, 1], got {self}")

    @classmethod
    def of(cls, c):
        """From c11, c12, c22."""
        vol, noise = float(np.sqrt(c[0])), float(np.sqrt(c[2]))
        return cls(vol, noise, float(c[1] / (vol * noise)))

    def covariance(self, s, x, v):
        """(3, 1, nv) at any time."""
        c = np.array([self.vol**2, self.rho * self.vol * self.noise, self.noise**2])
        return np.broadcast_to(c[:, None, None], (3, 1, len(v)))


@dataclass(frozen=True, slots=True, eq=False)
class SmoothedReference:
    """A calibrated covariance without its edges: what the next calibration may depart from.

    s  (nt,) years to T2;  x (nx,);  v (nv,);  c (nt, 3, nx, nv); between the nodes linear, beyond them constant
    """

    s: np.ndarray
    x: np.ndarray
    v: np.ndarray
    c: np.ndarray

    @classmethod
    def of(cls, model: Diffusion, *, days=3.0, widths=(1.5, 1.5)):
        """Means of Gaussian weights: standard deviations in days, and in nodes of x and v. A mean of covariances is one."""
        s, c = model.grid.s, model.c
        for axis, width in zip((2, 3), widths, strict=True):
            c = gaussian_filter1d(c, width, axis=axis, mode="nearest")
        near = model.grid.dt[None, :] * np.exp(-0.5 * ((s[:, None] - s[None, :]) * DAYS / days) ** 2)
        return cls(s, model.grid.x.at, model.grid.v.at, np.tensordot(near / near.sum(axis=1)[:, None], c, 1))

    def covariance(self, s, x, v):
        """(3, nx, nv) at s years to T2."""
        return hats(self.x, x) @ np.tensordot(hats(self.s, np.array([s]))[0], self.c, 1) @ hats(self.v, v).T


def sampled(reference, grid: Grid) -> np.ndarray:
    """(nt, 3, 1 or nx, nv) the reference in the middle of every step, brought into the domain: the nearest covariance that is allowed."""
    c = np.stack([reference.covariance(s, grid.x.at, grid.v.at) for s in grid.s])
    return np.asarray(_allowed(jnp.asarray(c), jnp.asarray(grid.s), jnp.asarray(grid.v.at), grid.domain))


@eqx.filter_jit
def _allowed(c, s, v, domain):
    return jax.vmap(lambda s, c: attained(jnp.zeros_like(c), v, s, c, domain)[1])(s, c)
