"""Where the transport's equation lives: x = ln S, v = sqrt(2 X2 / (T - t)), and the steps in time between the dates of the quotes.

X2, half the variance expected until T, is a process with X2_T = 0 and dX2 = -beta11/2 dt + a martingale. With s = T - t, z = 2 X2 / s:

    dz = (z - beta11)/s dt + (2/s) dM2,
    dv = ((v^2 - c11)/(2 v s) - c22/(2 v)) dt + dM,    c11 = beta11, c12 = beta12/(s v), c22 = beta22/(s v)^2,

c the covariance of (x, v). So X2_T = 0 for every bounded v, and at T - tau the coordinate *is* the VIX.
"""

from dataclasses import dataclass, replace

import jax.numpy as jnp
import numpy as np
from scipy.special import ndtr

from ..continuous.grid import reading
from .stencil import Stencil

ORDER4 = np.array([[1, -8, 0, 8, -1], [-1, 16, -30, 16, -1]]) / 12
SAMPLES = 64  # of the smoothing kernel, per node, where payoffs have a kink
POINTS = 5  # of Gauss and Legendre, per node, where they have none
WIDTH, ROOM = 4.0, 1.6
RUN = 2.3  # standard deviations of ln S over a window at the highest v, which real wings are priced by
LOW, HIGH, REAL = 0.1, 2.8, 4.0  # of v0: lowest v, highest, and highest on real days, whose wings are runs of high volatility
CAP = 1.04  # of the square of the highest v: what variances are bounded by
WIDER = 1.6  # by what v may go higher where quotes ask for more variance than a domain can spend
CLOSE = 0.5  # of v0: over how much of v nodes are dense on real days, whose VIX strikes are close to each other
FLAT = 3.0  # standard deviations of ln S at T1 over which nodes are nearly as dense as at the money


@dataclass(frozen=True, slots=True)
class Dates:
    """Years to: SPX options T1, VIX options TV in [T1, T2), SPX options T2. The VIX is over T2 - TV."""

    T1: float
    TV: float
    T2: float

    def __post_init__(self):
        if not 0 < self.T1 <= self.TV < self.T2:
            raise ValueError(f"dates: need 0 < T1 <= TV < T2, got {self.T1}, {self.TV}, {self.T2} years")

    @property
    def tau(self):
        """Window of the VIX, years."""
        return self.T2 - self.TV


@dataclass(frozen=True, slots=True)
class Domain:
    """What the state and its covariance are confined to; part of the model, the same on all grids.

    x         ln S in [-x, x];  low, high   bounds of v, decimal
    crowd     where nodes crowd: over so much of ln S around zero; around which v, and over how much of it
    cap       largest eigenvalue of c, per year
    fall      per year: v^2 falls at most at this rate, c11 <= v^2 (1 + fall s), so that X2 stays positive whatever the scheme
    closure   years before T2 in which the index is lognormal with volatility v
    """

    x: float
    low: float
    high: float
    cap: float
    crowd: tuple[float, float, float]
    fall: float = 200.0
    closure: float = 2 / 365.25

    @classmethod
    def of(cls, quotes, dates: Dates, v0: float):
        """Wide enough for quotes: x of `WIDTH` standard deviations, `ROOM` furthest strikes, `RUN`; v between LOW and HIGH of v0.

        v must be free to go below the least VIX of the reference: cut off above it, prices of VIX puts are off by 100 bp.
        """
        strikes = np.abs(np.log(np.concatenate([quotes.k1, quotes.k2]))).max()
        high = max((HIGH if quotes.half is None else REAL) * v0, ROOM * max(quotes.kV, default=0.0))
        crowd = float(FLAT * v0 * np.sqrt(dates.T1)), float(v0), float(v0 if quotes.half is None else CLOSE * v0)
        reach = max(WIDTH * v0 * np.sqrt(dates.T2), ROOM * strikes, RUN * high * np.sqrt(dates.tau))
        return cls(float(reach), float(LOW * v0), float(high), float(CAP * high**2), crowd)

    def wider(self, dates: Dates):
        """With a higher bound of v, and as much further in x as that asks for."""
        high = WIDER * self.high
        return replace(self, x=float(max(self.x, RUN * high * np.sqrt(dates.tau))), high=high, cap=CAP * high**2)


@dataclass(frozen=True, slots=True)
class Pace:
    """Steps in time, years: the first after each date, by what each may exceed the last, share of the time left, the longest.

    stable   share of the longest step that is stable whatever the covariance; it is nowhere so large where nodes are dense, and a
             calibration that breaks is taken again with less
    """

    first: float = 0.1 / 365.25
    growth: float = 2.0
    share: float = 0.2
    longest: float = 1.5 / 365.25
    stable: float = 1.8


USUAL = Pace()
SAFE = 0.9  # of the longest step that is stable whatever the covariance
QUOTED = Pace(growth=1.6, share=0.15, longest=1 / 365.25, stable=SAFE)  # on real days covariances turn faster, and jump to their bound


@dataclass(frozen=True, slots=True, eq=False)
class Axis:
    """Nodes at equal steps of a coordinate eta: centre + spread sinh(eta), densest at the centre.

    at            (n,) nodes;  centre, spread
    first_at, step  coordinate of the first, and the step
    first, second (5, n) weights of neighbours -2 ... 2 in first and second derivatives of fourth order
    below, above  (2, k) two ghosts beyond each end, linear in the k nodes beside them; in increasing order
    """

    at: np.ndarray
    centre: float
    spread: float
    first_at: float
    step: float
    first: np.ndarray
    second: np.ndarray
    below: np.ndarray
    above: np.ndarray

    @classmethod
    def _of(cls, low, high, n, centre, spread, ghosts):
        eta, h = np.linspace(*np.arcsinh((np.array([low, high]) - centre) / spread), n, retstep=True)
        one, two = _weights(h, spread * np.cosh(eta), spread * np.sinh(eta))
        at = lambda eta: centre + spread * np.sinh(eta)
        below = ghosts(at(eta[0] + h * np.array([-2, -1])), at(eta[:2]))
        above = ghosts(at(eta[-1] + h * np.array([1, 2])), at(eta[-2:]))
        return cls(at(eta), centre, spread, eta[0], h, one, two, below, above)

    @classmethod
    def of_log(cls, reach, n, spread):
        """x on [-reach, reach], densest at zero; beyond both ends functions are linear in e^x, as options are."""

        def ghosts(where, nodes):
            share = (np.exp(where) - np.exp(nodes[0])) / np.diff(np.exp(nodes))
            return np.stack([1 - share, share], axis=1)

        return cls._of(-reach, reach, n, 0.0, spread, ghosts)

    @classmethod
    def of_vix(cls, low, high, n, centre, spread):
        """v from `low` to `high`, densest at `centre`; beyond both ends functions are quadratic in eta."""
        below = np.array([[6.0, -8.0, 3.0], [3.0, -3.0, 1.0]])
        ghosts = lambda where, nodes: below if where[0] < nodes[0] else below[::-1, ::-1]
        return cls._of(low, high, n, centre, spread, ghosts)

    def around(self, y):
        """(n, m) points that lie y (m,) steps from each node."""
        return self.centre + self.spread * np.sinh(self.first_at + self.step * (np.arange(len(self.at))[:, None] + y[None, :]))

    @property
    def origin(self):
        """(4,) centre, spread, coordinate of the first node, step: what it takes to find the cell of a point."""
        return np.array([self.centre, self.spread, self.first_at, self.step])


def _weights(h, slope, bend):
    """Weights (5, n) of first and second derivatives where nodes move by `slope` and `bend` with the coordinate."""
    one, two = ORDER4[0][:, None] / (h * slope)[None, :], ORDER4[1][:, None] / (h * slope)[None, :] ** 2
    return one, two - (bend / slope**2)[None, :] * one


def _kernel(y):
    """Smoothing of Kreiss, Thomee and Widlund (1970) of fourth order, at y in units of the step, zero beyond 3.

    4/3 B3(y) - (B3(y - 1) + B3(y + 1))/6 with B3 the cubic B-spline: moments one to three vanish, and the transform vanishes to fourth
    order at all frequencies that a grid takes for zero, so that a kink between nodes costs no order.
    """
    spline = lambda y: np.where(np.abs(y) < 1, 2 / 3 - y**2 + np.abs(y) ** 3 / 2, np.maximum(2 - np.abs(y), 0.0) ** 3 / 6)
    return 4 / 3 * spline(y) - (spline(y - 1) + spline(y + 1)) / 6


def _dense():
    """Points and weights that smooth a kink."""
    y = 6 * (np.arange(6 * SAMPLES) + 0.5) / (6 * SAMPLES) - 3
    return y, _kernel(y) / _kernel(y).sum()


def _sparse():
    """Fewer points, exact for polynomials, that smooth what is nearly smooth."""
    x, w = np.polynomial.legendre.leggauss(POINTS)
    y = (np.arange(-3, 3)[:, None] + 0.5 * (1 + x)).ravel()
    return y, np.tile(0.5 * w, 6) * _kernel(y)


def black_otm(x, k, variance):
    """Out-of-the-money option on e^x struck at k when ln S has this variance still to come; put for k < 1. Any shapes."""
    sd = np.sqrt(variance)
    d1 = (x - np.log(k)) / sd + 0.5 * sd
    call = np.exp(x) * ndtr(d1) - k * ndtr(d1 - sd)
    return call - (np.exp(x) - k) if k < 1 else call


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Nodes of x and v, and steps backwards in time.

    x, v        axes
    left        (nt + 1,) years to T2 at the ends of the steps, increasing from the closure to T2
    stages      of each step, as many as stability asks for
    """

    dates: Dates
    domain: Domain
    x: Axis
    v: Axis
    left: np.ndarray
    stages: int

    @classmethod
    def of(cls, dates: Dates, nx: int, nv: int, *, domain: Domain, pace=USUAL):
        """nx nodes of x and nv of v."""
        ends = [domain.closure, dates.tau, dates.T2 - dates.T1, dates.T2]
        parts = [_steps(*pair, pace) for pair in zip(ends, ends[1:], strict=False) if pair[1] > pair[0]]
        left = np.concatenate([[domain.closure], *(part[1:] for part in parts)])
        return cls._on(dates, domain, nx, nv, left, pace.stable)

    def resized(self, nx: int, nv: int):
        """The same steps on other nodes, stable whatever the covariance."""
        return self._on(self.dates, self.domain, nx, nv, self.left, SAFE)

    @classmethod
    def _on(cls, dates, domain, nx, nv, left, stable):
        x, v = Axis.of_log(domain.x, nx, domain.crowd[0]), Axis.of_vix(domain.low, domain.high, nv, *domain.crowd[1:])
        fast = 4 / 3 * domain.cap * (1 / np.diff(x.at).min() ** 2 + 1 / np.diff(v.at).min() ** 2)
        needed = 4 * np.diff(left).max() * fast / stable
        stages = max(3, int(np.ceil((np.sqrt(9 + 4 * needed) - 1) / 2)))
        return cls(dates, domain, x, v, left, stages)

    def _begins(self, years):
        return np.isclose(self.left[:-1], years, rtol=0, atol=1e-12)

    @property
    def at_vix(self):
        """(nt,) whether VIX options pay at the later end of a step."""
        return self._begins(self.dates.tau)

    @property
    def at_spx(self):
        """(nt,) the same of the first SPX options."""
        return self._begins(self.dates.T2 - self.dates.T1)

    @property
    def dt(self):
        """(nt,) lengths of the steps."""
        return np.diff(self.left)

    @property
    def s(self):
        """(nt,) years to T2 that stand for a step: with it z grows by exactly the ratio of its ends when c11 = 0."""
        return self.dt / np.log(self.left[1:] / self.left[:-1])

    @property
    def shape(self):
        """(nx, nv)."""
        return len(self.x.at), len(self.v.at)

    @property
    def stencil(self):
        """Its derivatives."""
        x, v = self.x, self.v
        weights = 0.5 * (x.second - x.first), x.first, v.first, v.second
        return Stencil(*map(jnp.asarray, (*weights, x.below, x.above, v.below, v.above)))

    def spx_now(self, k):
        """(m, nx) out-of-the-money payoffs, smoothed."""
        y, weight = _dense()
        S = np.exp(self.x.around(y))
        return np.stack([np.maximum(strike - S if strike < 1 else S - strike, 0.0) @ weight for strike in k])

    def spx_closing(self, k):
        """(m, nx, nv) prices of out-of-the-money options when the closure begins, smoothed."""
        y, weight = _sparse()
        x, variance = self.x.around(y)[:, None, :], (self.v.at**2 * self.domain.closure)[None, :, None]
        return np.stack([black_otm(x, strike, variance) @ weight for strike in k])

    def vix_now(self, k, future, basis=0.0):
        """(m + 1, nv) payoffs of VIX options, put below the future, smoothed; the VIX itself last. basis  v^2 less VIX^2."""
        y, weight = _dense()
        V = np.sqrt(np.maximum(self.v.around(y) ** 2 - basis, 0.0))
        whole = np.sqrt(np.maximum(self.v.at**2 - basis, 0.0))
        return np.stack([*(np.maximum(strike - V if strike < future else V - strike, 0.0) @ weight for strike in k), whole])

    def reading(self, v0):
        """(nx,) and (nv,) weights that read a function at x = 0, v = v0."""
        return reading(self.x.at, 0.0), reading(self.v.at, v0)


def _steps(low, high, pace):
    """Years left at the ends of steps from `low` to `high`: short at first, then ever longer."""
    at, step = [low], pace.first
    while at[-1] < high - 1e-12:
        step = min(step, pace.longest, pace.share * at[-1])
        at.append(at[-1] + step)
        step *= pace.growth
    at = np.array(at)
    return low + (at - low) * (high - low) / (at[-1] - low)


def hats(nodes, at):
    """(len(at), len(nodes)) weights of linear interpolation."""
    i = np.clip(np.searchsorted(nodes, at) - 1, 0, len(nodes) - 2)
    f = np.clip((at - nodes[i]) / (nodes[i + 1] - nodes[i]), 0.0, 1.0)
    weight = np.zeros((len(at), len(nodes)))
    weight[np.arange(len(at)), i], weight[np.arange(len(at)), i + 1] = 1 - f, f
    return weight
