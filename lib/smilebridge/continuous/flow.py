"""One step back in time of the bridge's equation, split into the noise that the control may tilt and the noise that it may not.

d_t u + L u + (1 - rho^2) scale^2 (d_y u)^2 / 2 = 0,   L the generator of dx = -a^2/2 dt + a dW, dy = drift dt + scale dZ.

With dZ = rho dW + sqrt(1 - rho^2) dW' the part of W' and of the drift is, by Cole and Hopf, linear in e^u: over a step u becomes
log(K e^u), K the law of y after the step. The part of W is linear in u, and diagonal or one matrix a frequency after Fourier in x.
Strang's composition of the two is of second order in the step, whatever its length. Source: Guyon (2022), the HJB equation; the
splitting is ours.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import scipy.linalg as sla
from jaxtyping import Array, Complex, Float
from threadpoolctl import threadpool_limits

from ..models import StochasticVol
from .grid import Grid

OUTSIDE = 1e-12  # share of a step's law that may lie beyond the neighbouring block
HALVES = 8  # Runge-Kutta steps along the drift in a time step
LEAST = 1e-100  # of K e^u over its largest, its inverse cube still a number: below, a tilt reaches further than the kernel
WIDE = 0.7  # standard deviation of a step of y, in nodes, from which sums over nodes stand for integrals


class Flow(eqx.Module):
    """Operators of one time step.

    kernel   (block, 3, row, column) law of y after a step of W' and the drift: rows of a block, columns of its neighbours and of itself
    whole    a step of W: (wave, ny) factors where rho = 0, (wave, ny, ny) matrices otherwise
    half     half of it, the same
    source, source_half   (ny,) the expected int a^2 dt / tau over a step, and over half of it
    count    steps
    """

    kernel: Float[Array, "block 3 row column"]
    whole: Complex[Array, "wave ny *ny2"]
    half: Complex[Array, "wave ny *ny2"]
    source: Float[Array, " ny"]
    source_half: Float[Array, " ny"]
    count: int = eqx.field(static=True)

    @classmethod
    def of(cls, model: StochasticVol, grid: Grid, years: float, count: int):
        """Operators for `count` steps over `years`."""
        h = years / count
        with threadpool_limits(1):  # many small matrices: threads cost fifty times what they save
            half, extra_half = _spot(model, grid, h / 2)
            whole = half**2 if half.ndim == 2 else half @ half
        extra = extra_half + (extra_half if half.ndim == 2 else half[0].real @ extra_half)
        return cls(*map(jnp.asarray, (_blocks(_kernel(model, grid, h)), whole, half, extra, extra_half)), count)

    def back(self, u: Float[Array, "ny n d nx"], delta=None) -> Float[Array, "ny n d nx"]:
        """From the end of the interval to its beginning: u (n = 1), or u and its derivative by delta (n = 2).

        delta   (n, d) times int a^2 dt / tau is added: the multipliers, and ones for the derivative
        """
        u = self._noise(u, self.half, self.source_half, delta)
        step = jax.checkpoint(lambda u: self._noise(_tilt(u, self.kernel), self.whole, self.source, delta))
        u, _ = jax.lax.scan(lambda u, _: (step(u), None), u, None, length=self.count - 1)
        return self._noise(_tilt(u, self.kernel), self.half, self.source_half, delta)

    def history(self, u: Float[Array, "ny n d nx"], delta=None) -> Float[Array, "t ny n d nx"]:
        """u at all count + 1 times of the interval, in the order of time."""
        noise = lambda u: self._noise(u, self.half, self.source_half, delta)
        _, found = jax.lax.scan(lambda u, _: (noise(_tilt(noise(u), self.kernel)),) * 2, u, None, length=self.count)
        return jnp.concatenate([found[::-1], u[None]])

    def _noise(self, u, op, source, delta):
        """A step of W, and the variance int a^2 dt / tau expected in it, `delta` (1 or 2, d) times."""
        U = jnp.fft.rfft(u, axis=-1)
        U = U * op.T[:, None, None, :] if op.ndim == 2 else jnp.einsum("kij,j...k->i...k", op, U)
        u = jnp.fft.irfft(U, u.shape[-1], axis=-1)
        return u if delta is None else u + source[:, None, None, None] * delta[None, :, :, None]


def _tilt(u, kernel):
    """u <- log K e^u along y, and for the derivative p of u stacked under it p <- K(e^u p) / K e^u.

    u    (ny, 1 or 2, d, nx)
    """
    blocks, _, size, _ = kernel.shape
    flat = u.reshape(blocks, size, u.shape[1], -1)
    top = jax.lax.stop_gradient(flat[:, :, 0].max(axis=1))
    e = jnp.exp(flat[:, :, 0] - top[:, None])
    parts = jnp.stack([e, *(e * flat[:, :, i] for i in range(1, u.shape[1]))], axis=2).reshape(blocks, size, -1)
    padded = lambda part: jnp.concatenate([part[:1], part, part[-1:]])
    shift = lambda part, i: padded(part)[i : i + blocks]
    beside = jnp.stack([shift(top, i) for i in range(3)], axis=1)
    most = beside.max(axis=1)
    scale = jnp.exp(beside - most[:, None])
    sums = [jnp.einsum("bij,bjn->bin", kernel[:, i], shift(parts, i)).reshape(blocks, size, u.shape[1], -1) for i in range(3)]
    found = sum(part * scale[:, i, None, None] for i, part in enumerate(sums))
    total = jnp.maximum(found[:, :, 0], LEAST)
    value = jnp.log(total) + most[:, None]
    return jnp.stack([value, *(found[:, :, i] / total for i in range(1, u.shape[1]))], axis=2).reshape(u.shape)


def _kernel(model, grid, h):
    """(ny, ny) law of y after a step: Gaussian about the path of the drift, reflected at the edges; mean and variance to third order in h.

    The variance is that of noise which the drift stretches (Simpson's rule); the mean moves as the drift bends over that variance.
    """
    drift = lambda y: np.asarray(model.drift(jnp.asarray(y)))
    low, high = (float(edge) for edge in model.edges)
    inside = lambda y: np.clip(y, low, high)

    def flow(y, years):
        d = years / HALVES
        for _ in range(HALVES):
            k1 = drift(inside(y))
            k2 = drift(inside(y + d / 2 * k1))
            k3 = drift(inside(y + d / 2 * k2))
            y = inside(y + d / 6 * (k1 + 2 * k2 + 2 * k3 + drift(inside(y + d * k3))))
        return y

    y, dy = grid.y, grid.y[1] - grid.y[0]
    small, free = 1e-3 * dy, (1 - float(model.rho) ** 2) * float(model.scale) ** 2
    middle = flow(y, h / 2)
    apart = lambda at, years: (flow(at + small, years) - flow(at - small, years)) / (2 * small)
    variance = free * h * (1 + 4 * apart(middle, h / 2) ** 2 + apart(y, h) ** 2) / 6
    bent = (drift(inside(middle + dy)) - 2 * drift(middle) + drift(inside(middle - dy))) / dy**2
    sd = np.sqrt(np.maximum(variance, 0.25 * free * h))
    if sd.min() < WIDE * dy:
        raise ValueError(f"grid: a step moves y by {sd.min() / dy:.2f} nodes, need {WIDE}; take fewer steps or more nodes of y")
    at = (inside(flow(y, h) + 0.25 * free * h**2 * bent))[:, None]
    images = (y[None, :], 2 * low - y[None, :], 2 * high - y[None, :])
    law = sum(np.exp(-0.5 * ((image - at) / sd[:, None]) ** 2) for image in images)
    return law / law.sum(axis=1, keepdims=True)


def _blocks(law):
    """The bands of a kernel as `Flow.kernel`, in the smallest blocks of which none reaches beyond its neighbours; rows sum to one."""
    n = len(law)
    for size in (size for size in range(4, n + 1) if n % size == 0):
        count = n // size
        bands = np.zeros((count, 3, size, size))
        for block in range(count):
            for place, other in enumerate((block - 1, block, block + 1)):
                if 0 <= other < count:
                    bands[block, place] = law[block * size : (block + 1) * size, other * size : (other + 1) * size]
        kept = bands.sum(axis=(1, 3))
        if kept.min() > 1 - OUTSIDE:
            break
    return bands / kept[:, None, :, None]


def _spot(model, grid, h):
    """exp(h G) for each frequency k, G the generator of the W-noise, and (ny,) the expected int a^2 dt / tau over h."""
    k, a2 = grid.wave, grid.a**2
    drop = -0.5 * a2[None, :] * (k**2 + 1j * k)[:, None]
    rho, scale = float(model.rho), float(model.scale)
    if rho == 0:
        op = np.exp(h * drop)
        op[-1] = op[-1].real
        return op, h * a2 / grid.tau
    first, second = differences(len(grid.y), grid.y[1] - grid.y[0])
    along, across = rho * scale * grid.a[:, None] * first, 0.5 * (rho * scale) ** 2 * second
    op = np.stack([sla.expm(h * (np.diag(d) + 1j * q * along + across)) for d, q in zip(drop, k, strict=True)])
    op[-1] = op[-1].real
    n = len(a2)
    wide = np.zeros((n + 1, n + 1))
    wide[:n, :n], wide[:n, n] = h * across, h * a2 / grid.tau
    return op, sla.expm(wide)[:n, n]


def differences(n, step):
    """(n, n) first and second derivative of fourth order, even about both edges."""
    first, second = np.zeros((n, n)), np.zeros((n, n))
    for offset, one, two in ((-2, 1, -1), (-1, -8, 16), (0, 0, -30), (1, 8, 16), (2, -1, -1)):
        for i in range(n):
            j = i + offset
            j = -j - 1 if j < 0 else (2 * n - 1 - j if j >= n else j)
            first[i, j] += one / (12 * step)
            second[i, j] += two / (12 * step**2)
    return first, second
