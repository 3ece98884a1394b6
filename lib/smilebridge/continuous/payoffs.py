"""A calibrated bridge as a model of the path: the price of any payoff, and smiles that nobody quotes."""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from ..market import black_vega, implied_stdev
from ..models import Estimate
from .calibrated import Calibrated
from .hedges import Hedges
from .simulate import Drift, simulate


@dataclass(frozen=True, slots=True, eq=False)
class Paths:
    """Paths of a calibrated bridge where payoffs look at them. Within a batch the second half mirrors the first.

    s1, v, s2   (path,) index at T1 and T2 per forward, VIX at T1, decimal
    dates       (t,) years, increasing;  s (path, t) the index there
    gains       (pair, c) of trades that cost nothing, over mirrored paths: in S at every date; in u and all instruments by the bridge's
                own prices up to T1, and in options on S2 by Black-Scholes after it (`Hedges`), at every date; in VIX instruments while V
                is drawn
    batches     of equally many paths
    """

    s1: np.ndarray
    v: np.ndarray
    s2: np.ndarray
    dates: np.ndarray
    s: np.ndarray
    gains: np.ndarray
    batches: int

    @classmethod
    def of(cls, found: Calibrated, n_paths: int, *, key, dates=(), batches=1, substeps=4, tilt=1.0):
        """Simulates the model that `found` is, and keeps S at T1, T2 and at other `dates`, years, which paths hit exactly.

        n_paths   of a batch, even;  tilt  0 simulates the reference instead
        raises    ValueError naming a date that is not in (0, T2], or an odd number of paths
        """
        if n_paths < 4 or n_paths % 2 or batches < 1:
            raise ValueError(f"paths: need an even number of four or more, in mirrored pairs, and a batch, got {n_paths} and {batches}")
        T1, T2, dates = found.grid.T1, found.grid.T2, np.unique(np.asarray(dates, float))
        if (outside := dates[~((dates > 0) & (dates <= T2))]).size:
            raise ValueError(f"date {outside[0]:g}: need 0 < date <= T2 = {T2:g} years")
        theta, parts = jnp.asarray(found.theta), (dates[dates <= T1], dates[dates > T1])
        drift, hedges = Drift.of(found.bridge, theta, found.grid), Hedges.of(found.bridge, theta, found.grid, found.quotes)
        walk = lambda one: simulate(
            found.model, found.bridge, theta, drift, hedges, n_paths, key=one, substeps=substeps, tilt=tilt, dates=parts
        )
        runs = (jax.tree.map(np.asarray, walk(one)) for one in jax.random.split(key, batches))
        s1, v, s2, s, gains = (np.concatenate(part) for part in zip(*(_kept(found, run) for run in runs), strict=True))
        return cls(s1, v, s2, dates, s, gains, batches)

    def price(self, payoff: Callable, *dates) -> Estimate:
        """Price and standard error of payoff(s1, v, s2, *s), s the index at `dates`; arrays (path,), the result (path,) or (path, k).

        What it costs to hedge the payoff with the gains is taken off: nothing. The amounts are fitted on every other pair of paths and used
        on the rest, so they are known before the paths are, and there is no bias.
        """
        pay = np.asarray(payoff(self.s1, self.v, self.s2, *(self._at(date) for date in dates)), float)
        pairs = _paired(pay.reshape(len(pay), -1), self.batches)
        rest = np.empty_like(pairs)
        for use, fit in ((slice(0, None, 2), slice(1, None, 2)), (slice(1, None, 2), slice(0, None, 2))):
            amounts = _amounts(self.gains[fit], pairs[fit])
            rest[use] = pairs[use] - self.gains[use] @ amounts
        error = rest.std(axis=0, ddof=1) / np.sqrt(len(rest))
        return Estimate(*(jnp.asarray(z.reshape(pay.shape[1:])) for z in (rest.mean(axis=0), error)))

    def smile(self, date, k) -> Estimate:
        """Implied volatilities at strikes k (m,) per forward, decimal, with standard errors, at one of the dates.

        raises   ValueError naming a date at which the paths were not kept, or a strike at which they say nothing
        """
        k, years = np.asarray(k, float), float(date)
        if not (k > 0).all():
            raise ValueError(f"strikes: need positive ones, per forward, got {k.min():g}")
        otm = self.price(lambda s1, v, s2, s: np.maximum(np.where(k < 1, k - s[:, None], s[:, None] - k), 0.0), date)
        if (mute := k[~(np.asarray(otm.value) > 2 * np.asarray(otm.error))]).size:
            raise ValueError(f"strike {mute[0]:g} at {years:g} years: its price is within two standard errors of zero; take more paths")
        stdev, root = implied_stdev(jnp.asarray(k), otm.value), np.sqrt(years)
        return Estimate(stdev / root, otm.error / (black_vega(jnp.asarray(k), stdev) * root))

    def _at(self, date):
        """(path,) the index at a date."""
        if date not in self.dates:
            raise ValueError(f"date {date:g}: the paths were kept at {', '.join(f'{d:g}' for d in self.dates) or 'no date'} only")
        return self.s[:, np.searchsorted(self.dates, date)]


def _kept(found: Calibrated, run):
    """s1, v, s2, s and gains of one batch."""
    s1, s2, s = np.exp(run.x1), np.exp(run.x2), np.exp(np.concatenate([seen.x for seen in run.seen]).T)
    level = np.concatenate([s, s1[:, None], s2[:, None]], axis=1) - 1
    hedged = [*(gain for seen in run.seen for gain in seen.gain), run.hedge1, run.hedge2]
    gains = np.concatenate([level, *hedged, _drawn(found.quotes, run)], axis=1)
    return s1, run.V, s2, s, _paired(gains, 1)


def _drawn(quotes, run):
    """(path, mV + 1) VIX options and future on the V that was drawn, less their price before."""
    if quotes.future is None:
        return run.vix
    V, k = run.V[:, None], quotes.kV
    return np.concatenate([np.maximum(np.where(k < quotes.future, k - V, V - k), 0.0), V], axis=1) - run.vix


def _paired(z, batches):
    """Means over mirrored paths, batch by batch: (path, c) to (path / 2, c)."""
    return z.reshape(batches, 2, -1, z.shape[1]).mean(axis=1).reshape(-1, z.shape[1])


def _amounts(gains, pay):
    """(c, k) of the trades that leave the least variance of the payoffs."""
    gains, pay = gains - gains.mean(axis=0), pay - pay.mean(axis=0)
    unit = np.maximum(gains.std(axis=0), 1e-12)
    gains = gains / unit
    return np.linalg.lstsq(gains.T @ gains, gains.T @ pay, rcond=1e-10)[0] / unit[:, None]
