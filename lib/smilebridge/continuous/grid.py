"""Where the bridge's equations live: x = ln S periodic, y on cells between the bounds of volatility, time in equal steps."""

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

from ..models import StochasticVol

REACH = 1.1  # x runs over [-REACH, REACH)
PLAIN = 0.9  # and payoffs are themselves for |x| <= PLAIN, bent beyond to close the circle
OVER = 64  # samples per node from which a payoff's Fourier coefficients are taken


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Nodes of x, y and time.

    x        (nx,) equal steps on [-reach, reach), S = e^x; zero is a node
    y        (ny,) centres of equal cells between the edges of the model, at which y is reflected
    a        (ny,) volatility there
    plain    |x| up to which payoffs are themselves
    start    (ny,) weights that read a function of y at the model's start
    steps    numbers of time steps up to T1 and from T1 to T2
    T1, T2   years
    """

    x: np.ndarray
    y: np.ndarray
    a: np.ndarray
    plain: float
    start: np.ndarray
    steps: tuple[int, int]
    T1: float
    T2: float

    @classmethod
    def of(cls, model: StochasticVol, T1, T2, *, nx: int, ny: int, steps: tuple[int, int], reach=REACH, plain=PLAIN):
        """Grid for a model between dates 0 < T1 < T2."""
        if not 0 < T1 < T2:
            raise ValueError(f"dates: need 0 < T1 < T2, got {T1} and {T2} years")
        if nx < 8 or nx % 2 or ny < 8 or min(steps) < 1:
            raise ValueError(f"grid: need nx even and >= 8, ny >= 8 and at least one step, got {nx}, {ny}, {steps}")
        low, high = (float(edge) for edge in model.edges)
        y = low + (high - low) * (np.arange(ny) + 0.5) / ny
        x = -reach + 2 * reach * np.arange(nx) / nx
        a = np.asarray(model.volatility(jnp.asarray(y)))
        return cls(x, y, a, plain, reading(y, float(model.start)), steps, float(T1), float(T2))

    @property
    def shape(self):
        """(nx, ny)."""
        return len(self.x), len(self.y)

    @property
    def tau(self):
        """T2 - T1, years."""
        return self.T2 - self.T1

    @property
    def wave(self):
        """(nx/2 + 1,) frequencies of x."""
        return np.pi / -self.x[0] * np.arange(len(self.x) // 2 + 1)

    def options(self, k) -> tuple[np.ndarray, np.ndarray]:
        """Out-of-the-money payoffs on x (m, nx), band-limited; amounts of S (m,) to be added: a call is (S - k)+ - S, plus S.

        Sampled densely, closed smoothly over the circle where |x| > plain, and cut off at the grid's own frequencies: a mean under a
        law that is smooth on the grid is then as accurate as the law itself, wherever the strike lies between nodes.
        """
        k, nx, reach = np.asarray(k, float), len(self.x), -self.x[0]
        fine = -reach + 2 * reach * np.arange(nx * OVER) / (nx * OVER)
        s = np.exp(fine)[None, :]
        call = (k >= 1)[:, None]
        pay = np.where(call, np.maximum(s - k[:, None], 0.0) - s, np.maximum(k[:, None] - s, 0.0))
        out = np.abs(fine) > self.plain
        turn = np.where(fine > 0, fine - self.plain, fine + 2 * reach - self.plain) / (2 * (reach - self.plain))
        bend = turn**3 * (10 - 15 * turn + 6 * turn**2)
        low, high = (np.array([np.interp(at, fine, row) for row in pay])[:, None] for at in (-self.plain, self.plain))
        pay = np.where(out[None, :], high + (low - high) * bend[None, :], pay)
        wave = np.fft.rfft(pay, axis=1)[:, : nx // 2 + 1] / OVER
        wave[:, -1] = wave[:, -1].real
        return np.fft.irfft(wave, nx, axis=1), np.where(k >= 1, 1.0, 0.0)


def reading(y, at):
    """Weights of the polynomial of degree five through the six nodes nearest to `at`."""
    first = int(np.clip(np.searchsorted(y, at) - 3, 0, len(y) - 6))
    near = np.arange(first, first + 6)
    weight = np.zeros(len(y))
    for i in near:
        others = near[near != i]
        weight[i] = np.prod((at - y[others]) / (y[i] - y[others]))
    return weight
