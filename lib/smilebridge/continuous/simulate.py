"""Monte Carlo of a calibrated bridge: the stochastic differential equation itself, with the drift that the dual found."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..models import StochasticVol
from .bridge import Bridge
from .clock import Clock
from .flow import differences
from .grid import Grid
from .hedges import Hedges, cell

FINE = 4  # samples of x per node, by Fourier
NO_DATES = np.empty(0), np.empty(0)


class Drift(eqx.Module):
    """d_y u on the nodes: what the drift of y is changed by, over (1 - rho^2) scale^2.

    first    (t, ny, x) up to T1;  second (t, ny, 2, d, x) after it, with its derivative by delta
    w        (ny, 2, d, x) u just after T1 without delta L, and its derivative
    delta    (d,), zero alone without VIX;  y (ny,);  x (x,)
    """

    first: Float[Array, "t1 ny x"]
    second: Float[Array, "t2 ny 2 d x"]
    w: Float[Array, "ny 2 d x"]
    delta: Float[Array, " d"]
    y: Float[Array, " ny"]
    x: Float[Array, " x"]

    @classmethod
    def of(cls, bridge: Bridge, theta, grid: Grid):
        """From the weights of all instruments."""
        slope, _ = differences(len(grid.y), grid.y[1] - grid.y[0])
        x = grid.x[0] + (grid.x[1] - grid.x[0]) / FINE * jnp.arange(FINE * len(grid.x), dtype=float)
        delta = jnp.zeros(1) if bridge.meeting is None else bridge.meeting.delta
        return cls(*_solved(bridge, jnp.asarray(theta), jnp.asarray(slope)), delta, jnp.asarray(grid.y), x)

    def place(self, y, x):
        """Nodes around (y, x) and their weights: cubic in y, linear in x; (path, 8) each."""
        i, f = cell(y, self.y)
        j, g = cell(x, self.x)
        cubic = jnp.stack([-f * (1 - f) * (2 - f) / 6, (1 - f**2) * (2 - f) / 2, f * (1 + f) * (2 - f) / 2, -f * (1 - f**2) / 6])
        rows = _mirrored(i[None] + jnp.arange(-1, 3)[:, None], self.y.size)
        rows, columns = (jnp.repeat(rows, 2, axis=0), jnp.tile(jnp.stack([j, j + 1]), (4, 1)))
        return rows, columns, jnp.repeat(cubic, 2, axis=0) * jnp.tile(jnp.stack([1 - g, g]), (4, 1))

    def before(self, step, share, y, x):
        """d_y u up to T1, `share` of the way from a time of the grid to the next."""
        rows, columns, weight = self.place(y, x)
        now, then = ((self.first[t][rows, columns] * weight).sum(axis=0) for t in (step, step + 1))
        passed = _passed(len(self.first) - 1 - step, share)
        return (1 - passed) * now + passed * then

    def beyond(self, step, share, y, x, d, e):
        """d_y u after T1 for multipliers a share e of the way from delta[d] to delta[d + 1]: cubic, with the slopes at both ends."""
        rows, columns, weight = self.place(y, x)
        passed = _passed(len(self.second) - 1 - step, share)
        field = (1 - passed) * self.second[step] + passed * self.second[step + 1]
        pick = lambda n, at: (field[rows, n, at[None], columns] * weight).sum(axis=0)
        if self.delta.size == 1:
            return pick(0, d)
        width = self.delta[d + 1] - self.delta[d]
        value = (1 + 2 * e) * (1 - e) ** 2 * pick(0, d) + e**2 * (3 - 2 * e) * pick(0, d + 1)
        return value + width * e * (1 - e) * ((1 - e) * pick(1, d) - e * pick(1, d + 1))


class Seen(NamedTuple):
    """Paths at chosen dates of one interval: x (t, path) ln S, gain (t, path, m) of hedges since the interval began."""

    x: Array
    gain: Array


class Simulated(NamedTuple):
    """Paths (path, ...), the second half mirrors of the first.

    x1, y1, x2, y2       ln S and coordinate of volatility at T1 and T2
    V, delta             VIX at T1, decimal, and the multiplier that goes with it; without VIX the root of the expected variance, and 0
    vix                  (path, mV + 1) prices of VIX options and future given the state at T1, before V is drawn; without VIX (path, 0)
    variance1, variance2 int a^2 dt on the two intervals
    entropy              (3, path) half the square of the drift changes before and after T1, and softness times the entropy of V
    hedge1, hedge2       (path, 1 + m) and (path, m2) gains of `Hedges`: of u and all instruments up to T1, of options on S2 after it
    seen                 the two intervals at the dates that were asked for
    """

    x1: Array
    y1: Array
    x2: Array
    y2: Array
    V: Array
    delta: Array
    vix: Array
    variance1: Array
    variance2: Array
    entropy: Array
    hedge1: Array
    hedge2: Array
    seen: tuple[Seen, Seen]


@eqx.filter_jit
def _solved(bridge, theta, slope):
    finer = lambda u: jnp.fft.irfft(jnp.fft.rfft(u, axis=-1), FINE * u.shape[-1], axis=-1) * FINE
    late, delta = bridge.late(theta)
    if delta is None:  # the derivative by delta, at zero: the variance expected of the window, VIX squared
        late, delta = jnp.concatenate([late, jnp.zeros_like(late)], axis=1), jnp.array([[0.0], [1.0]])
    second = bridge.second.history(late, delta)
    first = bridge.first.history(bridge.met(theta, second[0])[:, None, None, :])
    up = lambda u: finer(jnp.einsum("ij,tj...->ti...", slope, u))
    return up(first[:, :, 0, 0]), up(second), finer(second[0])


def _passed(left, share):
    """Weight of the later of two times, `share` of a step after the earlier, `left` steps before a payoff: linear in sqrt(T - t).

    Near a payoff with kinks d_y u dies like that root; linear in t it would be too small in between.
    """
    left = jnp.asarray(left, float)
    return (jnp.sqrt(left) - jnp.sqrt(jnp.maximum(left - share, 0.0))) / (jnp.sqrt(left) - jnp.sqrt(left - 1))


def _mirrored(i, n):
    """Indices reflected at both edges of n cells."""
    i = jnp.where(i < 0, -i - 1, i)
    return jnp.where(i >= n, 2 * n - 1 - i, i)


@eqx.filter_jit
def simulate(
    model: StochasticVol, bridge: Bridge, theta, drift: Drift, hedges: Hedges, n_paths, *, key, substeps=4, tilt=1.0, dates=NO_DATES
) -> Simulated:
    """Paths of S, a and V under the calibrated model, by `stepped`; `tilt` = 0 gives the reference.

    dates   years from today, in (0, T1] and in (T1, T2]: paths step on them exactly, and what they see there is kept
    """
    keys = jax.random.split(key, 3)
    n, T1, T2 = n_paths, hedges.T1, hedges.T2
    counts = drift.first.shape[0] - 1, drift.second.shape[0] - 1
    early, late = Clock.of(counts[0], substeps, dates[0] / T1), Clock.of(counts[1], substeps, (dates[1] - T1) / (T2 - T1))
    begin = (jnp.zeros(n), jnp.full(n, model.start), jnp.zeros(n), jnp.zeros(n), jnp.zeros((n, hedges.held.size)))
    before = lambda step, share, y, x: tilt * drift.before(step, share, y, x)
    (x1, y1, variance1, h1, hedge1), seen1 = _walk(model, begin, keys[0], before, early, T1, hedges.early)
    rows, columns, weight = drift.place(y1, x1)
    w = (drift.w[rows, :, :, columns] * weight[:, :, None, None]).sum(axis=0)
    V, delta, vix, told = _drawn(bridge, theta, w, keys[1])
    d = jnp.clip(jnp.searchsorted(drift.delta, delta) - 1, 0, max(drift.delta.size - 2, 0))
    after = jnp.minimum(d + 1, drift.delta.size - 1)
    e = jnp.clip((delta - drift.delta[d]) / jnp.maximum(drift.delta[after] - drift.delta[d], 1e-12), 0.0, 1.0)
    beyond = lambda step, share, y, x: tilt * drift.beyond(step, share, y, x, d, e)
    begin = (x1, y1, jnp.zeros(n), jnp.zeros(n), jnp.zeros((n, hedges.k.size)))
    hedge = lambda step, share, x, y, gain, noise: hedges.late((step.astype(float) + share) / counts[1] * (T2 - T1), x, gain)
    (x2, y2, variance2, h2, hedge2), seen2 = _walk(model, begin, keys[2], beyond, late, T2 - T1, hedge)
    return Simulated(
        x1, y1, x2, y2, V, delta, vix, variance1, variance2, jnp.stack([h1, h2, told]), hedge1, hedge2, (seen1, seen2)
    )  # fmt: skip


def _drawn(bridge, theta, w, key):
    """V of each path, its multiplier, VIX prices before the draw and its entropy; w (path, 2, d) is u, with its derivative, after T1."""
    if bridge.meeting is None:
        zero = jnp.zeros(len(w))
        return jnp.sqrt(w[:, 1, 0]), zero, jnp.zeros((len(w), 0)), zero
    _, _, aV = bridge.split(theta)
    law, deltas = bridge.meeting.law(w[:, 0].T[None], w[:, 1].T[None], aV @ bridge.FV)
    law, deltas = law[0], deltas[0]
    u = jax.random.uniform(key, (len(w),))
    j = jnp.minimum((jnp.cumsum(law, axis=0) < u[None]).sum(axis=0), law.shape[0] - 1)
    told = bridge.meeting.softness * (law * jnp.log(jnp.maximum(law, 1e-300) / bridge.meeting.weight[:, None])).sum(axis=0)
    return bridge.meeting.v[j], jnp.take_along_axis(deltas, j[None], axis=0)[0], law.T @ bridge.FV.T, told


def _walk(model, state, key, tilt, clock: Clock, years, hedge):
    """One interval: x, y, int a^2 dt, entropy, gains of hedges at its end, and what was `Seen` on the way."""
    half, price = state[0].size // 2, (1 - model.rho**2) * model.scale**2

    def step(carry, now):
        (i, begin, end, slot), key = now
        (x, y, variance, entropy, gains), seen = carry
        dt = years * (end - begin) / clock.count
        z = jax.random.normal(key, (2, half))
        pull = lambda ahead, y, x: tilt(i, end if ahead else begin, y, x)
        x2, y2, here, there = stepped(model, pull, x, y, jnp.concatenate([z, -z], axis=1), dt)
        noise = model.scale * jnp.sqrt(dt) * jnp.concatenate([z[0], -z[0]])
        gains = gains + hedge(i, begin, x, y, jnp.expm1(x2 - x), noise)
        variance = variance + 0.5 * (model.volatility(y) ** 2 + model.volatility(y2) ** 2) * dt
        entropy = entropy + 0.25 * price * (here**2 + there**2) * dt
        seen = Seen(seen.x.at[slot].set(x2), seen.gain.at[slot].set(gains))
        return ((x2, y2, variance, entropy, gains), seen), None

    seen = Seen(*(jnp.zeros((clock.dates + 1, *z.shape)) for z in (state[0], state[-1])))  # the last row takes what no date asks for
    steps = clock.step, clock.begin, clock.end, clock.slot
    state, seen = jax.lax.scan(step, (state, seen), (steps, jax.random.split(key, clock.step.size)))[0]
    return state, Seen(seen.x[:-1], seen.gain[:-1])


def stepped(model: StochasticVol, pull, x, y, z, dt):
    """One step of the model with d_y u added to its drift: x, y after it, and d_y u at both ends.

    y by Heun. Given its path, dx = -a^2/2 dt + rho a dZ + sqrt(1 - rho^2) a dB with B independent: the integral of a dB is exactly normal;
    that of a dZ the mean of a at both ends times the noise, less what makes its mean zero (E[n f(n)] = dt E[f'(n)] for normal n of
    variance dt), the end that of Euler's step before it is reflected. S is a martingale up to dt^2, where y is reflected too.
    pull   function of (0 or 1 step ahead, y, x);  z (2, path) standard normal
    """
    free, noise, other = 1 - model.rho**2, jnp.sqrt(dt) * z[0], jnp.sqrt(dt) * z[1]
    speed = lambda y, pull: model.drift(y) + free * model.scale**2 * pull
    a, here = model.volatility(y), pull(0, y, x)
    euler = y + speed(y, here) * dt + model.scale * noise
    guess = _folded(euler, *model.edges)
    there = pull(1, guess, x - 0.5 * a**2 * dt + a * (model.rho * noise + jnp.sqrt(free) * other))
    y2 = _folded(y + 0.5 * (speed(y, here) + speed(guess, there)) * dt + model.scale * noise, *model.edges)
    square = 0.5 * (a**2 + model.volatility(y2) ** 2)
    end, bend = jax.jvp(model.volatility, (euler,), (jnp.ones_like(y),))
    along = 0.5 * (a + end) * noise - 0.5 * model.scale * bend * dt
    return x - 0.5 * square * dt + model.rho * along + jnp.sqrt(free * square) * other, y2, here, there


def _folded(y, low, high):
    """Reflected at the bounds, once."""
    y = jnp.where(y < low, 2 * low - y, y)
    return jnp.clip(jnp.where(y > high, 2 * high - y, y), low, high)
