"""Laws and smiles with a known answer: lognormals, mixtures of a few, quotes around them, and a small day whose truth is in closed form."""

from datetime import date, timedelta

import jax.numpy as jnp
import numpy as np
from hypothesis import strategies as st

from smilebridge import market
from smilebridge.marginals import Mixture

DAY = date(2025, 1, 1)
T1, T2 = 28, 58  # days to the Wednesday of the VIX options, and 30 more
TAU = (T2 - T1) / 365
CHEAP = 1e-9  # bids below this per forward are not quoted


def mixture(means, widths, weights, *, mean=1.0, name="mu1", strikes=(1.0,)):
    """Mixture of lognormals, rescaled to unit mass and the given mean."""
    means, weights = np.asarray(means, float), np.asarray(weights, float) / np.sum(weights)
    means = means * (mean / (means @ weights))
    return Mixture(name, *(jnp.asarray(np.asarray(part, float)) for part in (means, widths, weights, strikes)))


def lognormal(stdev, *, mean=1.0, name="mu1", strikes=(1.0,)):
    """One component."""
    return mixture([1.0], [stdev], [1.0], mean=mean, name=name, strikes=strikes)


def skewed(name="mu1"):
    """A law as skewed as a month of SPX."""
    return mixture([0.7, 0.95, 1.03], [0.15, 0.05, 0.03], [0.03, 0.3, 0.67], name=name)


def fat():
    """A law as skewed as a month of VIX."""
    return mixture([0.85, 1.2, 2.5], [0.15, 0.3, 0.5], [0.75, 0.2, 0.05], name="muV")


def quoted(law, k, half, *, days=30, name="SPX", forward=4000.0, expiry=None):
    """Smile with bid and ask `half` around the out-of-the-money prices of a law of mean one; strikes without a bid are left out.

    k, half    (n,) strikes / forward and half-spreads / forward
    """
    k = np.asarray(k, float)
    mid = np.asarray(law.otm(jnp.asarray(k)))
    return smile(k, mid - half, mid + half, days=days, name=name, forward=forward, expiry=expiry)


def smile(k, bid, ask, *, days=30, name="SPX", forward=4000.0, expiry=None):
    """Smile from bids and asks per forward."""
    kept = (bid > CHEAP) & (ask < 0.999 * np.minimum(k, 1))
    k, bid, ask, years = k[kept], bid[kept], ask[kept], days / 365
    low, high = (np.asarray(market.implied_stdev(jnp.asarray(k), jnp.asarray(side))) / np.sqrt(years) for side in (bid, ask))
    settlement = "am" if name == "VIX" else "pm"
    return market.Smile(name, expiry or DAY + timedelta(days), settlement, years, forward, 1.0, k * forward, low, high, bid, ask)


def flat_day(*, vol=0.2, vol_of_vol=1.0, later=1.0, vix=1.0):
    """A day of lognormal smiles in which E[V^2] is the forward variance exactly: V is lognormal with E[V^2] = vol^2.

    later      factor on the volatility of the later SPX smile
    vix        factor on the VIX future
    """
    stdevs = vol * np.sqrt(np.array([T1, T2]) / 365) * [1.0, later]
    ladder = lambda stdev: np.exp(stdev * np.linspace(-4, 3, 29))
    spx = tuple(quoted(lognormal(s), ladder(s), 2e-3 * s, days=n) for s, n in zip(stdevs, (T1, T2), strict=True))
    width = vol_of_vol * np.sqrt(T1 / 365)
    future = 100 * vix * vol * np.exp(-0.5 * width**2)
    options = quoted(lognormal(width), np.exp(width * np.linspace(-2, 3, 16)), 5e-3 * width, days=T1, name="VIX", forward=future)
    return market.Snapshot(DAY, "flat, made", spx, (options,))


@st.composite
def mixtures(draw, *, name="mu1", n=4):
    """Random mixtures of n lognormals of mean one, smooth and rough ones."""
    scale = draw(st.sampled_from([0.02, 0.1, 0.5]))
    numbers = lambda low, high: np.array(draw(st.lists(st.floats(low, high), min_size=n, max_size=n)))
    return mixture(np.exp(scale * numbers(-2, 2)), scale * np.exp(numbers(-2, 0.5)), np.exp(numbers(-4, 0)), name=name)
