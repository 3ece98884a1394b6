"""Joint transform of spot and factor, E[S_t^{iz}; X_t = x], by quadrature of the discretised path integral.

Given the factor's path, S is lognormal; what is left is the expectation of a product of functions of X at the time steps. The transition
law of X is Gaussian, so that product is summed exactly, step after step, on a uniform grid (the trapezoidal rule converges faster than
any power for smooth, decaying integrands). The only error is that of the trapezoidal rule in time: even powers of the step, removed by
`extrapolated`.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float

from .quintic_ou import QuinticOU

N_GRID = 193  # nodes in x: 1.8 or more per standard deviation of a quarter of a day's step, in the published sets
REACH = 8.5  # standard deviations of X on either side: V^2 moments lose less than 1e-13
LEVELS = (1, 2, 4)  # refinements of the time step that `extrapolated` combines


class Transform(eqx.Module):
    """A transform of log S at every node of the factor.

    x        (n,) uniform grid of the factor
    z        (m,) complex arguments
    values   (n, m) complex: E[S_t^{iz}; X_t = x] as a density in x (joint), or E[(S_t/S_s)^{iz} | X_s = x] (conditional)
    """

    x: Float[Array, " n"]
    z: Complex[Array, " m"]
    values: Complex[Array, "n m"]

    @property
    def h(self):
        """Spacing of the grid: the quadrature weight of every node."""
        return self.x[1] - self.x[0]

    @eqx.filter_jit
    def mean(self, weight: Float[Array, " n"]) -> Complex[Array, " m"]:
        """(m,) sum over the nodes with weight (n,): E[w(X_t) S_t^{iz}] of a joint law, or an average of conditional ones."""
        return _carried(weight[None, :] * self.h, self.values)[0]


def _complex(x):
    """Real array as a complex one."""
    return jax.lax.complex(x, jnp.zeros_like(x))


def _log_weights(model, z, dt, x, i):
    """At step i: the exponent per unit of time and the exponent of the boundary term, both (n, m)."""
    sigma, m, boundary = model.spot_weights(jnp.asarray(i, float) * dt, x)
    s, half = (1j * z)[None, :], 0.5 * sigma**2
    linear, square = _complex(model.rho * m + half)[:, None], _complex((1 - model.rho**2) * half)[:, None]
    return s * (s * square - linear), s * _complex(model.rho * boundary)[:, None]


def _half_step(model, z, dt, x, i):
    """exp(half a step of the exponent) at step i."""
    return jnp.exp(_complex(0.5 * dt) * _log_weights(model, z, dt, x, i)[0])


@eqx.filter_jit
def _source(model, z, x):
    """Unit mass at X = 0 at time 0, where the boundary function vanishes: (n, m)."""
    mass = jnp.where(jnp.arange(x.size) == x.size // 2, 1 / (x[1] - x[0]), 0.0)
    return _complex(jnp.broadcast_to(mass[:, None], (x.size, z.size)))


def _kernel(model, x, dt):
    """(n, n) transition densities times the spacing: rows arrive, columns leave."""
    spread, decay = jnp.sqrt(model.factor_variance(dt)), jnp.exp(-model.reversion * dt)
    gap = (x[:, None] - decay * x[None, :]) / spread
    return (x[1] - x[0]) / (spread * jnp.sqrt(2 * jnp.pi)) * jnp.exp(-0.5 * gap**2)


def _carried(kernel, values):
    """Real kernel times complex values."""
    return jax.lax.complex(kernel @ values.real, kernel @ values.imag)


@eqx.filter_jit
def _advance(model, z, x, values, dt, begin, end):
    """From step `begin` to step `end` forwards; returns the values without and with the boundary factor."""
    kernel = _kernel(model, x, dt)
    half = lambda i: _half_step(model, z, dt, x, i)

    def step(i, carry):
        values, before = carry
        after = half(i + 1)
        return after * _carried(kernel, before * values), after

    values, _ = jax.lax.fori_loop(begin, end, step, (values, half(begin)))
    return values, values * jnp.exp(_log_weights(model, z, dt, x, end)[1])


@eqx.filter_jit
def _recede(model, z, x, dt, begin, end):
    """E[(S_end / S_begin)^{iz} | X_begin = x], from step `end` backwards."""
    kernel = _kernel(model, x, dt).T
    half = lambda i: _half_step(model, z, dt, x, i)

    def step(i, carry):
        values, after = carry
        before = half(end - 1 - i)
        return before * _carried(kernel, after * values), before

    final = jnp.exp(_log_weights(model, z, dt, x, end)[1])
    values, _ = jax.lax.fori_loop(0, end - begin, step, (final, half(end)))
    return values * jnp.exp(-_log_weights(model, z, dt, x, begin)[1])


def factor_grid(model: QuinticOU, years, *, n_grid: int = N_GRID, reach: float = REACH) -> Float[Array, " n"]:
    """Uniform grid wide enough for X up to `years`; n_grid is odd, so that the start x = 0 is a node."""
    return reach * jnp.sqrt(model.factor_variance(jnp.asarray(years, float))) * jnp.linspace(-1.0, 1.0, n_grid)


def joint_transform(model: QuinticOU, z, *, dt, steps, x) -> list[Transform]:
    """E[S_t^{iz}; X_t = x] from (S, X) = (1, 0) at time 0, at the times dt * steps.

    z       (m,) complex arguments with 0 <= -Im z <= 1
    dt      step, years
    steps   increasing whole numbers of steps
    x       (n,) from `factor_grid`, for the last time or later
    """
    z, dt, found = jnp.asarray(z, complex), jnp.asarray(dt, float), []
    values = _source(model, z, x)
    for begin, end in zip((0, *steps[:-1]), steps, strict=True):
        values, complete = _advance(model, z, x, values, dt, jnp.asarray(begin), jnp.asarray(end))
        found.append(Transform(x, z, complete))
    return found


def conditional_transform(model: QuinticOU, z, *, dt, begin, end, x) -> Transform:
    """E[(S_end / S_begin)^{iz} | X_begin = x] at the nodes x (n,): the law of the forward-start return given the VIX's factor.

    dt          step, years
    begin, end  whole numbers of steps
    """
    z, dt = jnp.asarray(z, complex), jnp.asarray(dt, float)
    return Transform(x, z, _recede(model, z, x, dt, jnp.asarray(begin), jnp.asarray(end)))


def extrapolated(values, *, levels=LEVELS) -> tuple[np.ndarray, np.ndarray]:
    """Limit of values (len(levels), ...) as the step, proportional to 1/levels, goes to zero, and the stated error.

    The error of the trapezoidal rule is c2 dt^2 + c4 dt^4 + ...: the limit removes one power per level. The error stated is the distance
    to the limit without the coarsest level, which is larger than the true one.
    """
    values, levels = np.asarray(values), np.asarray(levels, float)

    def limit(some, taken):
        weights = np.linalg.solve(np.vander(1 / taken**2, increasing=True).T, np.eye(len(taken))[0])
        return np.tensordot(weights, some, 1)

    finest = limit(values, levels)
    return np.asarray(finest), np.asarray(np.abs(finest - limit(values[1:], levels[1:])))
