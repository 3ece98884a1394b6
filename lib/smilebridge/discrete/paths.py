"""Continuous martingales through a calibrated chain: Bass's construction from date to date."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtr, ndtri
from jax.scipy.stats import norm
from jaxtyping import Array, Float

from .chains import Chain
from .law import Law

FAR = 38.0  # standard deviations that stand for infinity
QUADRATURE = 401  # points of the Brownian motion in a price between dates
ENDS = 8.5  # standard deviations between which they lie
ALIKE = 1e-9  # years within which two times are one
BATCH = 512  # paths whose VIX future is computed at once


class Paths(eqx.Module):
    """Paths of a `Chain` made continuous.

    times       (t,) years: 0, those asked for and the chain's dates, increasing
    S           (path, t) per forward: a continuous martingale
    volatility  (path, t) of S just after each time, decimal; NaN at the last date
    V           (path, window) VIX at the start of each window, decimal
    future      (path, t) mean of the next V given what is known, decimal; NaN after the last, and throughout unless asked for
    tau         (window,) years of VIX variance in each window
    dates       places of the chain's dates in `times`
    """

    times: Float[Array, " t"]
    S: Float[Array, "path t"]
    volatility: Float[Array, "path t"]
    V: Float[Array, "path window"]
    future: Float[Array, "path t"]
    tau: Float[Array, " window"]
    dates: tuple[int, ...] = eqx.field(static=True)

    def realised(self, window: int) -> tuple[Float[Array, " path"], Float[Array, " path"]]:
        """Variance per year of VIX variance in a window (0 is the first) in two ways; their means given V are V^2.

        The log contract, hedged once: 2 (S'/S - 1 - log(S'/S)); and the sum of volatility^2 dt along the path.
        """
        begin, end = self.dates[window : window + 2]
        growth = self.S[:, end] / self.S[:, begin]
        squares = self.volatility[:, begin:end] ** 2 @ jnp.diff(self.times[begin : end + 1])
        return 2 * (growth - 1 - jnp.log(growth)) / self.tau[window], squares / self.tau[window]


class Stretch(NamedTuple):
    """What leads from one date to the next.

    rows     (state, n) laws of S at the end, one for each state at the start
    x        (n,) its nodes
    vix      (n, nV) law of V given S at the end; None at the end of the chain
    v        (nV,) its nodes
    years    length
    """

    rows: Array
    x: Array
    vix: Array | None
    v: Array | None
    years: Array


def paths(chain: Chain, times, n_paths: int, *, key, future: bool = False) -> Paths:
    """Simulate without error in the law: at every date S and V are draws of the chain, in between S is a martingale.

    On a stretch of length T with law p on nodes x at its end, S_t = E[q(B_1) | B_{t/T}], the sum of x_k P(B_1 in cell k | B_{t/T}), with q
    the quantile function of p after the normal law. V is drawn in the same way, by an independent Brownian motion, from its law given S.
    times      years at which S is wanted, > 0 and at most the chain's last date
    future     whether the VIX future is wanted as well: n1 x nV normal laws a path and time
    see        book 09_chains_and_paths; Backhoff-Veraguas, Beiglböck, Huesmann & Källblad (2020)
    """
    dates = np.asarray(chain.dates)
    times = _checked(times, dates)
    state, found = jnp.zeros(n_paths, int), []
    for stretch, began, key in zip(_stretches(chain), [0.0, *dates[:-1]], jax.random.split(key, len(dates)), strict=True):  # noqa: B020
        years = float(stretch.years)
        inside = times[(times > began + ALIKE) & (times < began + years - ALIKE)]
        shares = jnp.asarray(np.concatenate([[0.0], (inside - began) / years, [1.0]]))
        piece, state, V = walked(stretch, state, shares, key, future)
        found.append((np.concatenate([[began], inside]), piece, V))
    last = stretch.x[state]
    unknown = jnp.full((n_paths, 1), jnp.nan)
    ends = last[:, None], unknown, unknown
    S, volatility, ahead = (
        jnp.concatenate([*(piece[i] for _, piece, _ in found), end], axis=1) for i, end in enumerate(ends)
    )
    all_times = np.concatenate([*(t for t, _, _ in found), dates[-1:]])
    places = tuple(int(np.argmin(np.abs(all_times - date))) for date in dates)
    V, tau = jnp.stack([V for *_, V in found[:-1]], axis=1), jnp.stack([law.tau for law in chain.links])
    return Paths(jnp.asarray(all_times), S, volatility, V, ahead, tau, places)


def calls_between(chain: Chain, t: float, k: Float[Array, " k"]) -> Float[Array, " k"]:
    """E[(S_t - k)+] between two dates, by quadrature over the Brownian motion.

    t      years, > 0 and below the chain's last date, and none of its dates: there the law itself has the price
    """
    dates = np.asarray(chain.dates)
    _checked([t], dates)
    if np.abs(dates - t).min() < ALIKE:
        raise ValueError(f"t: {t:.6f} years is a date of the chain, the prices there are those of its laws")
    place = int(np.searchsorted(dates, t))
    stretch, began = _stretches(chain)[place], ([0.0, *dates])[place]
    share = (t - began) / float(stretch.years)
    weight = jnp.ones(1) if place == 0 else chain.links[place - 1].mass().ravel()
    edges, steps = _edges(stretch.rows), jnp.diff(stretch.x)
    b = jnp.linspace(-ENDS, ENDS, QUADRATURE)

    def at(b):
        S = stretch.x[-1] - ndtr((edges - b * jnp.sqrt(share)) / jnp.sqrt(1 - share)) @ steps
        return norm.pdf(b) * (weight @ jnp.maximum(S[:, None] - k[None, :], 0.0))

    return jax.lax.map(at, b).sum(axis=0) * (b[1] - b[0])


class Recovered(NamedTuple):
    """Variance a year that follows a VIX, in groups of paths; see `vix_recovered`.

    expected   (group,) mean V^2 at the start
    log        (group,) mean of the log contract, hedged once
    along      (group,) mean of the sum of volatility^2 dt
    error      (group,) standard error of `log`, from the chain's own kernels
    rare       share of the chain's variance due to the moves that were exchanged for their mean
    """

    expected: Array
    log: Array
    along: Array
    error: Array
    rare: float


def vix_recovered(chain: Chain, walked: Paths, window: int, *, groups: int = 10, seen: float = 10.0) -> Recovered:
    """Do paths realise the VIX from which they start? By both of `Paths.realised`, in groups of equally many paths with neighbouring V.

    Part of the variance sits in moves so rare that paths miss them, or meet one and are far off: no sample error tells. So those that a
    group would see less than `seen` times, given S and V, are exchanged for their mean given S and V, which the chain knows.
    window   0 is the first
    """
    law, v = chain.links[window], walked.V[:, window]
    begin, end = walked.dates[window : window + 2]
    log, along = walked.realised(window)
    tame, spread, rare = _tamed(law, walked.S[:, begin], v, walked.S[:, end], seen * groups / v.size)
    order = np.array_split(np.argsort(np.asarray(v), kind="stable"), groups)
    means = lambda x: jnp.stack([x[one].mean() for one in order])
    error = jnp.sqrt(means(spread**2) / jnp.array([float(len(one)) for one in order]))
    return Recovered(means(v**2), means(tame), means(along - log + tame), error, float(rare))


@eqx.filter_jit
def _tamed(law: Law, s1, v, s2, below):
    """(path,) log contract with moves of conditional probability less than `below` at their mean; its standard deviation; their share."""
    x, kernel, mass = law.s2[None, :] / law.s1[:, None], law.kernel(), law.mass()
    pay = 2 * (x - 1 - jnp.log(x)) / law.tau
    reached = jnp.minimum(jnp.cumsum(kernel, axis=2), jnp.cumsum(kernel[..., ::-1], axis=2)[..., ::-1])
    common = jnp.where(reached < below, 0.0, pay[:, None, :])
    mean, square = (jnp.einsum("ijk,ijk->ij", kernel, power) for power in (common, common**2))
    full = jnp.einsum("ijk,ik->ij", kernel, pay)
    place = lambda nodes, draws: jnp.searchsorted(0.5 * (nodes[1:] + nodes[:-1]), draws)
    i, j, k = place(law.s1, s1), place(law.v, v), place(law.s2, s2)
    spread = jnp.sqrt(jnp.maximum(square - mean**2, 0.0))
    return common[i, j, k] + (full - mean)[i, j], spread[i, j], (mass * (full - mean)).sum() / (mass * full).sum()


def sampling_errors(x, p, draws, k, *, hits: int = 100):
    """Prices of out-of-the-money options from draws against those of the law, in standard errors.

    x, p       (n,) nodes and masses of the law;  draws (path,)
    k          (m,) strikes over the law's mean
    returns    strikes that at least `hits` draws exercise, and (draws' mean - law's mean) / standard error at each
    """
    x, p, draws, k = (np.asarray(part) for part in (x, p, draws, k))
    unit, side = p @ x, np.where(k < 1, -1.0, 1.0)
    otm = lambda s: np.maximum(side * (s[:, None] / unit - k[None, :]), 0.0)
    payoff = otm(draws)
    seen = (payoff > 0).sum(axis=0) >= hits
    miss = (payoff.mean(axis=0) - p @ otm(x))[seen]
    return k[seen], miss / (payoff.std(axis=0)[seen] / np.sqrt(len(draws)))


def _checked(times, dates):
    """Times in order, each once."""
    times = np.unique(np.asarray(times, float))
    if not (np.all(np.isfinite(times)) and np.all(times > 0) and np.all(times <= dates[-1] + ALIKE)):
        raise ValueError(f"times: need 0 < t <= {dates[-1]:.6f} years, the chain's last date; got {times.min()} to {times.max()}")
    return times


def _stretches(chain):
    """To the first date, then window by window."""
    first, after = chain.links[0], [*chain.links[1:], None]
    laws = [Stretch(first.mass().sum(axis=1)[None, :], first.s1, first.vix_given_spx(), first.v, chain.dates[0])]
    for law, following, years in zip(chain.links, after, jnp.diff(chain.dates), strict=True):
        vix, v = (None, None) if following is None else (following.vix_given_spx(), following.v)
        laws.append(Stretch(law.kernel().reshape(-1, law.s2.size), law.s2, vix, v, years))
    return laws


def _edges(p):
    """(..., n - 1) normal quantiles of the cumulated rows, each from the nearer tail."""
    below, above = jnp.cumsum(p, axis=-1)[..., :-1], jnp.cumsum(p[..., ::-1], axis=-1)[..., -2::-1]
    return jnp.clip(jnp.where(below < above, ndtri(below), -ndtri(above)), -FAR, FAR)


@eqx.filter_jit
def walked(stretch, state, shares, key, future):
    """(S, volatility, future) (path, share) at all shares but the last; state and V at the end."""
    edges, steps, n = _edges(stretch.rows)[state], jnp.diff(stretch.x), state.size
    normal = jax.random.normal(key, (2, shares.size - 1, n)) * jnp.sqrt(jnp.diff(shares))[None, :, None]
    B, W = jnp.cumsum(normal, axis=1)
    begun = lambda Z: jnp.concatenate([jnp.zeros((1, n)), Z[:-1]])

    def at(now):
        b, w, share = now
        z = (edges - b[:, None]) / jnp.sqrt(1 - share)
        S = stretch.x[-1] - ndtr(z) @ steps
        volatility = norm.pdf(z) @ steps / jnp.sqrt((1 - share) * stretch.years) / S
        wanted = future and stretch.vix is not None
        return S, volatility, _ahead(stretch, z, w, share) if wanted else jnp.full(n, jnp.nan)

    piece = [part.T for part in jax.lax.map(at, (begun(B), begun(W), shares[:-1]))]
    k = (edges < B[-1][:, None]).sum(axis=1)
    if stretch.vix is None:
        return piece, k, None
    j = (_edges(stretch.vix)[k] < W[-1][:, None]).sum(axis=1)
    return piece, k * stretch.v.size + j, stretch.v[j]


def _ahead(stretch, z, w, share):
    """(path,) E[V | B_t, W_t] at the end of the stretch."""
    cut, steps = _edges(stretch.vix), jnp.diff(stretch.v)

    def one(z, w):
        cell = jnp.diff(ndtr(z), prepend=0.0, append=1.0)
        return cell @ (stretch.v[-1] - ndtr((cut - w) / jnp.sqrt(1 - share)) @ steps)

    return jax.lax.map(lambda zw: one(*zw), (z, w), batch_size=BATCH)
