"""The dual of semimartingale transport: its value, whose gradient is model minus market price, and the covariances behind it.

Over covariances c of (x, v), with the drifts that X2_T = 0 and a martingale S dictate, and all prices met, minimise the mean of
int |c - cbar|^2 dt / W. The dual is the supremum over weights theta of theta . price - u(0), with u from T2 backwards and theta's payoffs
added at their dates,

    u_t + v u_v / (2 s) + sup_c {<B, c> - |c - cbar|^2 / W} = 0,
    B11 = (u_xx - u_x)/2 - u_v/(2 v s),   B12 = u_xv/2,   B22 = (u_vv - u_v/v)/2.

The distance is Frobenius' in the coordinates (x, v), not in (X1, X2), whose second part is smaller by s v; at low v and near T2, c11 counts
relative to v^2 (`stretch`).

Each step is one of Runge, Kutta and Legendre's of second order (Meyer, Balsara and Aslam 2014) with the supremum taken anew at every stage.
As c attains it, the derivative of the scheme by theta is the linear scheme with c held (envelope theorem): model prices are those of that
scheme, and their gradient is exact. Source: Guo, Loeper, Obloj and Wang (2022).
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from ..continuous import Quotes
from .grid import Domain, Grid
from .projection import inner, maximiser
from .stencil import Stencil
from .today import Today

WEIGHT = 1e-3  # W: squared distances count so much per nat


class Transport(eqx.Module):
    """u(0) as a function of the weights of all instruments: SPX at T1, SPX at T2, VIX options, VIX future.

    stencil   derivatives;  v (nv,) nodes
    s, dt, at_vix, at_spx (nt,);  cbar  (nt, 3, 1 or nx, nv) reference
    F1 (m1, nx);  F2 (m2, nx, nv);  FV (mV + 1, nv);  target (m,) prices;  today   where u is read
    """

    stencil: Stencil
    v: Float[Array, " nv"]
    s: Float[Array, " nt"]
    dt: Float[Array, " nt"]
    at_vix: Bool[Array, " nt"]
    at_spx: Bool[Array, " nt"]
    cbar: Float[Array, "nt 3 nx1 nv"]
    F1: Float[Array, "m1 nx"]
    F2: Float[Array, "m2 nx nv"]
    FV: Float[Array, "mV nv"]
    target: Float[Array, " m"]
    today: Today
    domain: Domain = eqx.field(static=True)
    stages: int = eqx.field(static=True)
    free: bool = eqx.field(static=True)

    @classmethod
    def of(cls, grid: Grid, quotes: Quotes, cbar, v0: float, *, room=0.0, free=True):
        """Operators on a grid; v0 is v today, known up to `room`: see `Today`.

        cbar   (nt, 3, 1 or nx, nv) the reference
        free   whether covariances may leave it; if not, all is linear and the gradient at any weights is the reference's prices
        """
        future = np.inf if quotes.future is None else quotes.future
        FV = grid.vix_now(quotes.kV, future, quotes.basis)[: None if quotes.future else 0]
        fields = grid.v.at, grid.s, grid.dt, grid.at_vix, grid.at_spx, cbar
        payoffs = grid.spx_now(quotes.k1), grid.spx_closing(quotes.k2), FV, quotes.prices
        today = Today.of(grid, v0, room)
        return cls(grid.stencil, *map(jnp.asarray, (*fields, *payoffs)), today, grid.domain, grid.stages, free)

    def split(self, theta):
        """Weights of S1, S2 and VIX instruments."""
        m1, m2 = len(self.F1), len(self.F2)
        return theta[:m1], theta[m1 : m1 + m2], theta[m1 + m2 :]

    def covariance(self, u, s, cbar):
        """(3, nx, nv) the covariance that attains the supremum."""
        return _freed(u, self.stencil, self.v, s, cbar, self.domain)[1]

    def speed(self, u, s, cbar):
        """(nx, nv) -u_t."""
        rule = _speed if self.free else held
        return rule(u, self.stencil, self.v, s, cbar, self.domain)

    def paid(self, theta):
        """What falls due: (nx, nv) at T2's closure, (nx, nv) VIX options and SPX options of T1."""
        a1, a2, aV = self.split(theta)
        late = jnp.tensordot(a2, self.F2, 1)
        shape = late.shape
        return late, jnp.broadcast_to((aV @ self.FV)[None, :], shape), jnp.broadcast_to((a1 @ self.F1)[:, None], shape)

    def steps(self, theta, seen):
        """u(0) on the grid, and `seen(u at both ends, s, cbar)` of every step, backwards in time."""
        u, vix, spx = self.paid(theta)

        def step(u, now):
            s, dt, at_vix, at_spx, cbar = now
            u = u + jnp.where(at_vix, vix, 0.0) + jnp.where(at_spx, spx, 0.0)
            then = legendre(lambda u: self.speed(u, s, cbar), u, dt, self.stages)
            return then, seen(u, then, s, cbar)

        return jax.lax.scan(step, u, (self.s, self.dt, self.at_vix, self.at_spx, self.cbar))

    def bound(self, theta):
        """What |u| cannot exceed: all payoffs at their largest, since staying at the reference costs nothing."""
        return sum(jnp.abs(paid).max() for paid in self.paid(theta))

    def potential(self, theta: Float[Array, " m"]) -> Float[Array, ""]:
        """u today."""
        u, _ = self.steps(theta, lambda *_: None)
        return self.today.value(u)

    def loss(self, theta: Float[Array, " m"]) -> Float[Array, ""]:
        """Minus the dual, convex; its gradient is model minus market price."""
        return self.potential(theta) - self.target @ theta


def _products(stencil, v, u, s):
    """v u_v / (2 s), and B (3, nx, nv)."""
    bent, by_v, curled, crossed = stencil.derivatives(u)
    v = v[None, :]
    pull = by_v / (2 * v * s)
    return pull * v**2, jnp.stack([bent - pull, 0.5 * crossed, 0.5 * (curled - by_v / v)])


def stretch(domain: Domain, s, v):
    """(3, nv) what c11, c12, c22 are measured in: p^2, p and 1, with p^2 = v^2 (1 + fall s) / cap where that is below one.

    In these units a cap on eigenvalues also bounds c11 by v^2 (1 + fall s), and changes of c11 count relative to it.
    """
    p = jnp.minimum(1.0, v * jnp.sqrt((1 + domain.fall * s) / domain.cap))
    return jnp.stack([p**2, p, jnp.ones_like(p)])


def attained(B, v, s, cbar, domain):
    """The supremum, and the covariance that attains it."""
    scale = stretch(domain, s, v)[:, None, :]
    edge = (jnp.arange(v.size) == v.size - 1).astype(int) - (jnp.arange(v.size) == 0).astype(int)
    B, cbar = B * scale, cbar / scale
    c = maximiser(WEIGHT * B, cbar, edge, (domain.cap, v**2 / scale[0, 0]))
    return inner(B, c) - inner(c - cbar, c - cbar) / WEIGHT, c * scale


def _freed(u, stencil, v, s, cbar, domain):
    """-u_t and the covariance that attains it."""
    carried, B = _products(stencil, v, u, s)
    gain, c = attained(B, v, s, cbar, domain)
    return carried + gain, c


def _fixed(u, stencil, v, s, c, domain):
    """-u_t under a covariance, and that covariance."""
    carried, B = _products(stencil, v, u, s)
    return carried + inner(B, c), jnp.broadcast_to(c, B.shape)


def _with_adjoint(rule):
    """-u_t, with the derivative by u of the linear equation under the covariance that attains it (envelope theorem).

    rule   -u_t and that covariance
    """

    def forward(u, stencil, v, s, cbar, domain):
        value, c = rule(u, stencil, v, s, cbar, domain)
        return value, (stencil, v, s, c)

    def back(domain, kept, g):
        return (generator_transposed(*kept, g), *(None,) * 4)

    speed = jax.custom_vjp(lambda *given: rule(*given)[0], nondiff_argnums=(5,))
    speed.defvjp(forward, back)
    return speed


_speed, held = _with_adjoint(_freed), _with_adjoint(_fixed)


def generator_transposed(stencil, v, s, c, g):
    """(nx, nv) the adjoint of the linear equation's generator under c (3, nx, nv), applied to g."""
    v = v[None, :]
    drift = (v - c[0] / v) / (2 * s) - c[2] / (2 * v)
    return stencil.transposed(c[0] * g, drift * g, 0.5 * c[2] * g, c[1] * g)


def legendre(speed, u, dt, stages):
    """One step of u' = speed(u) by Runge, Kutta and Legendre, of second order; stable up to (stages^2 + stages - 2)/4 of Euler's."""
    j = np.arange(stages + 1.0)
    b = np.full(stages + 1, 1 / 3)
    b[2:] = (j[2:] ** 2 + j[2:] - 2) / (2 * j[2:] * (j[2:] + 1))
    w = 4 / (stages**2 + stages - 2)
    mu, nu = (2 * j[2:] - 1) / j[2:] * b[2:] / b[1:-1], -(j[2:] - 1) / j[2:] * b[2:] / b[:-2]
    table = np.stack([mu, nu, 1 - mu - nu, mu * w, -(1 - b[1:-1]) * mu * w], axis=1)
    begin = speed(u)

    def stage(pair, k):
        before, last = pair
        return (last, k[0] * last + k[1] * before + k[2] * u + dt * (k[3] * speed(last) + k[4] * begin)), None

    return jax.lax.scan(stage, (u, u + b[1] * w * dt * begin), jnp.asarray(table))[0][1]
