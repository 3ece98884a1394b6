"""The dual of the VIX-constrained martingale Schroedinger bridge, and all that the calibrated model is made of (Guyon 2022)."""

from dataclasses import dataclass, field

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.stats import norm

from ..market import Triple, implied_stdev
from ..models import QuotedMarket, StochasticVol
from .flow import Flow
from .grid import PLAIN, Grid
from .meeting import Meeting
from .quoted import WITHIN, chosen, mids

SOFTNESS = 0.02
EXACT = 5e-5  # half-width of the band of a quote without bid and ask, in units of volatility
AIM = 0.8  # share of the bid-ask within which a calibration tries to stay
LEAST = 1e-3  # price of a unit of volatility, at least: quotes far out would weigh without bound
CORE = 20.0  # multipliers are spaced evenly below, geometrically above


@dataclass(frozen=True, slots=True, eq=False)
class Quotes:
    """What the bridge must meet: out-of-the-money prices per forward (puts below it), V in decimals.

    k1, price1   SPX at T1;  k2, price2   SPX at T2;  kV, priceV   VIX at T1, empty for a bridge to SPX smiles alone
    future       E[V], None without VIX
    half         (m,) half of the bid-ask of all instruments in this order, the future last; zero where a price is exact, None if all are
    basis        realised variance of the window less V^2, annual: zero by definition of the VIX, unless a constant is to take it
    """

    k1: np.ndarray
    price1: np.ndarray
    k2: np.ndarray
    price2: np.ndarray
    kV: np.ndarray = field(default_factory=lambda: np.empty(0))
    priceV: np.ndarray = field(default_factory=lambda: np.empty(0))
    future: float | None = None
    half: np.ndarray | None = None
    basis: float = 0.0

    def __post_init__(self):
        for name, k, price in (("S1", self.k1, self.price1), ("S2", self.k2, self.price2), ("VIX", self.kV, self.priceV)):
            if np.shape(k) != np.shape(price) or not (np.isfinite(k).all() and np.isfinite(price).all()):
                raise ValueError(f"{name} quotes: need a finite price for each strike, got {np.size(k)} strikes, {np.size(price)} prices")
        if self.future is not None and not 0 < self.future < np.inf:
            raise ValueError(f"VIX future: need a positive number, decimal, got {self.future}")

    @classmethod
    def of_triple(cls, triple: Triple, *, n=(15, 15, 15), within=WITHIN, plain=PLAIN, basis=0.0):
        """Mids and half-spreads of a real day, the forwards and the VIX future exact; at most n quotes of S1, S2 and VIX.

        within   quotes further out than so many of their own standard deviations are left out: a bounded volatility may not reach them
        plain    so are puts struck below e^{-plain} forwards: there payoffs are bent, see `Grid`
        basis    as of `Identity.basis`: where VIX quotes ask for more variance than SPX quotes, a constant takes the difference
        raises   QuoteError naming a smile with too few quotes
        """
        future, lowest = triple.vix.forward / 100, np.exp(-plain)
        smiles = (triple.spx1, lowest, 1.0), (triple.spx2, lowest, 1.0), (triple.vix, 0.0, future)
        pick = lambda smile, few, low: chosen(smile, few, within=within, lowest=low)
        kept = [mids(smile, pick(smile, few, low), unit) for (smile, low, unit), few in zip(smiles, n, strict=True)]
        half = np.concatenate([*(spread for _, _, spread in kept), [0.0]])
        return cls(*(part for strikes, price, _ in kept for part in (strikes, price)), future=future, half=half, basis=float(basis))

    @classmethod
    def of_market(cls, market: QuotedMarket):
        """What a model's market quotes."""
        return cls(market.k1, market.price1, market.k2, market.price2, market.kV, market.priceV, float(market.future))

    @property
    def counts(self):
        """(m1, m2, mV), the future left out."""
        return len(self.k1), len(self.k2), len(self.kV)

    @property
    def prices(self):
        """(m,) of all instruments, in the order of the weights: S1, S2 and VIX options, the future last."""
        return np.concatenate([self.price1, self.price2, self.priceV, [] if self.future is None else [self.future]])

    def spread(self, theta) -> float:
        """Half of the bid-ask of a portfolio: what a dual that is taken at mids promises too much."""
        return 0.0 if self.half is None else float(self.half @ np.abs(theta))

    def vols(self, T1, T2, TV=None):
        """Implied volatilities of S1, S2 and VIX options, decimal; the VIX's is that of V. TV, years to VIX options, is T1 unless given."""
        smiles = [(self.k1, self.price1, T1), (self.k2, self.price2, T2)]
        smiles += [] if self.future is None else [(self.kV / self.future, self.priceV / self.future, TV or T1)]
        return [np.asarray(implied_stdev(*map(jnp.asarray, (k, otm)))) / np.sqrt(T) for k, otm, T in smiles]

    def units(self, T1, T2, TV=None):
        """(m,) price of one unit of volatility of each instrument: Black's vega, at least `LEAST`; one for the future."""
        forwards, years = (1.0, 1.0, self.future), (T1, T2, TV or T1)
        vegas = []
        for k, vol, forward, T in zip((self.k1, self.k2, self.kV), self.vols(T1, T2, TV), forwards, years, strict=False):
            k = k / forward
            sd = vol * np.sqrt(T)
            vegas.append(forward * np.sqrt(T) * norm.pdf(-np.log(k) / sd + sd / 2))
        return np.maximum(np.concatenate([*vegas, [] if self.future is None else [1.0]]), LEAST)

    def band(self, T1, T2, TV=None, *, share=1.0):
        """(m,) largest error of a price with which it counts as met: half of the bid-ask, and at least `EXACT` units of volatility.

        share   of the bid-ask: a calibration that aims at `AIM` of it has room to stop before it is exact
        """
        exact = EXACT * self.units(T1, T2, TV)
        return exact if self.half is None else np.maximum(share * self.half, exact)


def multipliers(n: int, low: float, high: float, *, core: float = CORE):
    """(n,) increasing multipliers from -low to high with zero between."""
    return core * np.sinh(np.linspace(-np.arcsinh(low / core), np.arcsinh(high / core), n))


class Bridge(eqx.Module):
    """u(0) as a function of the weights theta of all instruments: S1 options, S2 options, VIX options, VIX future.

    F1, F2   (m, nx) payoffs; FV (mV + 1, nv); target (m,) their prices
    """

    first: Flow
    second: Flow
    meeting: Meeting | None
    F1: Float[Array, "m1 nx"]
    F2: Float[Array, "m2 nx"]
    FV: Float[Array, "mV nv"]
    target: Float[Array, " m"]
    start: Float[Array, " ny"]

    @classmethod
    def of(cls, model: StochasticVol, quotes: Quotes, grid: Grid, delta=None, *, softness=SOFTNESS):
        """Operators on a grid; with VIX quotes, for multipliers `delta` (d,)."""
        (P1, one1), (P2, one2) = grid.options(quotes.k1), grid.options(quotes.k2)
        spot = [quotes.price1 - one1, quotes.price2 - one2]
        if quotes.future is None:
            meeting, FV, target = None, np.empty((0, 0)), np.concatenate(spot)
        else:
            ends = float(model.low), float(model.high)
            meeting = Meeting.of([*quotes.kV, quotes.future], ends, delta, softness, quotes.basis)
            v, side = np.asarray(meeting.v), np.where(quotes.kV < quotes.future, -1.0, 1.0)
            FV = np.concatenate([np.maximum(side[:, None] * (v[None, :] - quotes.kV[:, None]), 0.0), v[None]])
            target = np.concatenate([*spot, quotes.priceV, [quotes.future]])
        flows = Flow.of(model, grid, grid.T1, grid.steps[0]), Flow.of(model, grid, grid.tau, grid.steps[1])
        return cls(*flows, meeting, *map(jnp.asarray, (P1, P2, FV, target, grid.start)))

    def split(self, theta):
        """Weights of S1, S2 and VIX instruments."""
        m1, m2 = len(self.F1), len(self.F2)
        return theta[:m1], theta[m1 : m1 + m2], theta[m1 + m2 :]

    def late(self, theta):
        """Terminal condition at T2 without delta L, and what delta adds to it on the way; see `Flow.back`.

        (ny, 2, d, nx) with its derivative by delta, and (2, d); without VIX (ny, 1, 1, nx) and None
        """
        _, a2, _ = self.split(theta)
        ny, nx = self.start.size, self.F2.shape[1]
        if self.meeting is None:
            return jnp.broadcast_to((a2 @ self.F2)[None, None, None, :], (ny, 1, 1, nx)), None
        u = jnp.broadcast_to((a2 @ self.F2)[None, None, None, :], (ny, 1, self.meeting.delta.size, nx))
        delta = jnp.stack([self.meeting.delta, jnp.ones_like(self.meeting.delta)])
        return jnp.concatenate([u, jnp.zeros_like(u)], axis=1), delta

    def met(self, theta, w):
        """(ny, nx): u just before T1 from u just after."""
        a1, _, aV = self.split(theta)
        after = w[:, 0, 0] if self.meeting is None else self.meeting(w[:, 0], w[:, 1], aV @ self.FV)
        return after + (a1 @ self.F1)[None, :]

    def potential(self, theta: Float[Array, " m"]) -> Float[Array, ""]:
        """u(0, S0, a0)."""
        w = self.second.back(*self.late(theta))
        u = self.first.back(self.met(theta, w)[:, None, None, :])
        return self.start @ u[:, 0, 0, u.shape[-1] // 2]

    def loss(self, theta: Float[Array, " m"]) -> Float[Array, ""]:
        """Minus the dual: u(0) - theta . price, convex; its gradient is model minus market price."""
        return self.potential(theta) - self.target @ theta


@eqx.filter_jit
def loss_and_errors(bridge: Bridge, theta):
    """Minus the dual and its gradient, model minus market price of each instrument."""
    return jax.value_and_grad(bridge.loss)(theta)
