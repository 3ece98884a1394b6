"""Hedges by the bridge's own prices: what takes the noise out of a Monte Carlo price without moving its mean."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtr
from jaxtyping import Array, Float

from .bridge import Bridge, Quotes
from .flow import differences
from .grid import Grid


class Hedges(eqx.Module):
    """Sensitivities of all instruments, and of u, to the two noises.

    slope    (t, ny, nx, 1 + m, 2) up to T1: d_x and d_y of u and of the bridge's own price of each instrument, less `held` times S
    held     (1 + m,) 1 for options quoted as calls on S, 0 otherwise; for u, which holds theta of them, their sum
    x, y     nodes
    k, vol   (m2,) strikes and implied volatilities of S2 options, which are hedged by Black-Scholes after T1
    T1, T2   years
    """

    slope: Float[Array, "t ny nx k 2"]
    held: Float[Array, " k"]
    x: Float[Array, " nx"]
    y: Float[Array, " ny"]
    k: Float[Array, " m2"]
    vol: Float[Array, " m2"]
    T1: Float[Array, ""]
    T2: Float[Array, ""]

    @classmethod
    def of(cls, bridge: Bridge, theta, grid: Grid, quotes: Quotes):
        """For the weights of all instruments."""
        along, _ = differences(len(grid.y), grid.y[1] - grid.y[0])
        calls = [(np.asarray(k) >= 1).astype(float) for k in (quotes.k1, quotes.k2)]
        held = np.concatenate([*calls, np.zeros(len(bridge.target) - len(quotes.k1) - len(quotes.k2))])
        held = np.append(held @ np.asarray(theta), held)
        slope = _slopes(bridge, jnp.asarray(theta), jnp.asarray(grid.wave), jnp.asarray(along))
        rest = held, grid.x, grid.y, quotes.k2, quotes.vols(grid.T1, grid.T2)[1], grid.T1, grid.T2
        return cls(slope, *(jnp.asarray(z, float) for z in rest))

    def early(self, step, share, x, y, gain, noise):
        """(path, 1 + m) gains of one step up to T1: gain = S' / S - 1, noise the move of y that Z makes."""
        step = jnp.where(share < 0.5, step, step + 1)
        (i, f), (j, g) = cell(y, self.y), cell(x, self.x)
        corner = lambda di, dj, weight: self.slope[step, i + di, (j + dj) % self.x.size] * weight[:, None, None]
        slope = corner(0, 0, (1 - f) * (1 - g)) + corner(0, 1, (1 - f) * g) + corner(1, 0, f * (1 - g)) + corner(1, 1, f * g)
        return (slope[..., 0] + self.held[None] * jnp.exp(x)[:, None]) * gain[:, None] + slope[..., 1] * noise[:, None]

    def late(self, passed, x, gain):
        """(path, m2) gains of one step, `passed` years after T1."""
        sd = self.vol[None] * jnp.sqrt(jnp.maximum(self.T2 - self.T1 - passed, 1e-8))
        delta = ndtr((x[:, None] - jnp.log(self.k)[None]) / sd + 0.5 * sd) - (self.k < 1).astype(float)[None]
        return delta * (jnp.exp(x) * gain)[:, None]


@eqx.filter_jit
def _slopes(bridge, theta, wave, along):
    late, delta = bridge.late(theta)
    ny, nx, d = late.shape[0], late.shape[-1], late.shape[2]
    if delta is None:
        late, delta = jnp.concatenate([late, jnp.zeros_like(late)], axis=1), jnp.array([[0.0], [1.0]])
    claims = jnp.broadcast_to(bridge.F2[None, :, None, :], (ny, len(bridge.F2), d, nx))
    sources = jnp.concatenate([delta, jnp.zeros((len(bridge.F2), d))])
    found = bridge.second.back(jnp.concatenate([late, claims], axis=1), sources)
    w, price2 = found[:, :2], found[:, 2:]
    expected2, expectedV = _expected(bridge, theta, w, price2)
    price1 = jnp.broadcast_to(bridge.F1[None], (ny, *bridge.F1.shape))
    met = bridge.met(theta, w)[:, None]
    history = bridge.first.history(jnp.concatenate([met, price1, expected2, expectedV], axis=1)[:, :, None, :])[:, :, :, 0]
    by_x = jnp.fft.irfft(jax.lax.complex(0 * wave, wave)[None, None, None] * jnp.fft.rfft(history, axis=-1), nx, axis=-1)
    by_y = jnp.einsum("ij,tjkx->tikx", along, history)
    return jnp.moveaxis(jnp.stack([by_x, by_y], axis=-1), 2, 3)


def _expected(bridge, theta, w, price2):
    """Prices just before T1, the draw of V before us, of S2 options (ny, m2, nx) and of VIX instruments (ny, mV, nx)."""
    ny, nx = w.shape[0], w.shape[-1]
    if bridge.meeting is None:
        return price2[:, :, 0], jnp.zeros((ny, 0, nx))
    law, deltas = bridge.meeting.law(w[:, 0], w[:, 1], bridge.split(theta)[2] @ bridge.FV)
    nodes = bridge.meeting.delta
    at = jnp.clip(jnp.searchsorted(nodes, deltas) - 1, 0, nodes.size - 2)
    share = (deltas - nodes[at]) / jnp.diff(nodes)[at]

    def mean(price):
        low, high = (jnp.take_along_axis(price, at + by, axis=1) for by in (0, 1))
        return (law * (low + share * (high - low))).sum(axis=1)

    second = jax.lax.map(mean, jnp.moveaxis(price2, 1, 0))
    return jnp.moveaxis(second, 0, 1), jnp.einsum("mv,yvx->ymx", bridge.FV, law)


def cell(at, nodes):
    """Node below and share of the way to the next, on equal steps."""
    f = (at - nodes[0]) / (nodes[1] - nodes[0])
    i = jnp.clip(jnp.floor(f), 0, nodes.size - 2)
    return i.astype(int), f - i
