"""One picture of a calibrated joint law: three smiles and their errors, the forward-start smile, the law of (S1, V), S2 given both."""

import jax.numpy as jnp
import numpy as np

from .. import arbitrage, discrete
from .style import INK

LAWS = (("mu1", "SPX at T1"), ("muV", "VIX at T1"), ("mu2", "SPX at T2"))
N = 121  # points of a curve
REACH = 2.2  # forward-start strikes are drawn so many standard deviations of the window around the money
SHOWN = 1e-3  # probability left out at each end of an axis of a law
QUANTILES = (0.1, 0.5, 0.9)  # of V, at which the law of S2 / S1 is drawn
DECADES = 4  # of density that are coloured


def calibrated(figure, problem: arbitrage.JointProblem, law: discrete.Law, smiles, bounds):
    """Bid-ask bars under the law's implied volatilities, errors in half-spreads, and below what the quotes do not say.

    figure     an empty figure, about 11 by 8.4 inches
    smiles     SPX T1, VIX T1, SPX T2: (market.Smile, implied vol (n,), error in half-spreads (n,)) each
    bounds     (k, 3) forward-start strikes, least and greatest implied volatility; k = 0 where there are none
    """
    axes = figure.subplot_mosaic([["s0", "s1", "s2"], ["e0", "e1", "e2"], ["start", "joint", "late"]], height_ratios=(3.0, 1.0, 3.2))
    for i, ((name, title), (smile, vol, error)) in enumerate(zip(LAWS, smiles, strict=True)):
        _smile(axes[f"s{i}"], name, title, smile, vol)
        _errors(axes[f"e{i}"], name, smile, error)
        axes[f"e{i}"].sharex(axes[f"s{i}"])
        axes[f"s{i}"].tick_params(labelbottom=False)
    axes["s0"].set_ylabel("implied vol (%)")
    axes["e0"].set_ylabel("half-spreads")
    forward_start_smile(axes["start"], law, bounds)
    spx_and_vix(axes["joint"], law)
    window_return(axes["late"], problem, law)
    return figure


def _unit(smile):
    """Drawn strike per unit of strike / forward: VIX in points, SPX per forward."""
    return smile.forward if smile.market == "VIX" else 1.0


def _smile(ax, name, title, smile, vol):
    ax.vlines(_unit(smile) * smile.k, 100 * smile.bid_iv, 100 * smile.ask_iv, color=INK["market"], lw=1.4, label="bid-ask")
    ax.plot(_unit(smile) * smile.k, 100 * vol, color=INK[name], lw=1.3, label="law")
    ax.set_title(f"{title}, {smile.expiry}")
    ax.legend(loc="lower right" if smile.market == "VIX" else "upper right")


def _errors(ax, name, smile, error):
    ax.axhspan(-1, 1, color=INK["market"], alpha=0.18, lw=0)
    ax.plot(_unit(smile) * smile.k, error, ".", ms=3, color=INK[name])
    ax.set_xlabel("VIX strike (points)" if smile.market == "VIX" else "strike / forward")
    ax.set_ylim(-1.25, 1.25)
    ax.set_title(f"error: {np.sum(np.abs(error) <= 1)} of {len(error)} inside bid-ask", fontsize=9.5)


def forward_start_smile(ax, law, bounds):
    """Implied volatility of (S2/S1 - K)+ over the window, and the bounds as bars. Decimals in, percent drawn."""
    mass = np.asarray(law.mass())
    width = float(mass.sum(axis=0) @ law.v) * float(law.tau) ** 0.5
    k = np.exp(np.linspace(-REACH, REACH, N) * width)
    ax.plot(k, 100 * np.asarray(law.forward_start_iv(jnp.asarray(k))), color=INK["other"], label="law")
    if len(bounds):
        low, high = (100 * np.nan_to_num(bounds[:, side]) for side in (1, 2))
        ax.errorbar(bounds[:, 0], 0.5 * (low + high), 0.5 * (high - low), fmt="none", color=INK["market"], capsize=3, label="bounds")
    ax.set(xlabel="strike / S1", ylabel="implied vol (%)", title="Forward-start calls")
    ax.legend(loc="upper right")
    return ax


def spx_and_vix(ax, law):
    """Density of (S1, V) in colour, on a logarithmic scale, and local VIX: the root of E[V^2 | S1]."""
    mass, s1, v = np.asarray(law.mass()), np.asarray(law.s1), np.asarray(law.v)
    density = mass / np.gradient(s1)[:, None] / np.gradient(v)[None, :]
    shown = np.log10(np.maximum(density, 1e-300) / density.max())
    levels = np.linspace(-DECADES, 0, 2 * DECADES + 1)
    ax.contourf(s1, 100 * v, shown.T, levels=levels, cmap="Blues")
    inside = _within(mass.sum(axis=1))
    ax.plot(s1[inside], 100 * np.asarray(law.local_vix())[inside], color=INK["muV"], label="local VIX")
    across = _within(mass.sum(axis=0))
    ax.set(xlim=s1[inside][[0, -1]], ylim=100 * v[across][[0, -1]], xlabel="S1 / forward", ylabel="V (points)", title="Law of (S1, V)")
    ax.grid(visible=False)
    ax.legend(loc="upper right")
    return ax


def window_return(ax, problem, law):
    """Density of S2/S1 at the median of S1, at three quantiles of V."""
    mass, kernel = np.asarray(law.mass()), np.asarray(law.kernel())
    s1, v, s2 = (np.asarray(x) for x in (law.s1, law.v, law.s2))
    i = int(np.searchsorted(np.cumsum(mass.sum(axis=1)), 0.5))
    below = np.cumsum(mass.sum(axis=0))
    for q, ink in zip(QUANTILES, ("mu1", "muV", "mu2"), strict=True):
        j = int(np.searchsorted(below, q))
        ax.plot(s2 / s1[i], s1[i] * kernel[i, j] / problem.axis2.weight, color=INK[ink], label=f"V = {100 * v[j]:.1f}")
    spread = 4 * v[j] * float(law.tau) ** 0.5
    ax.set(xlim=(np.exp(-spread), np.exp(0.75 * spread)), ylim=(0, None), yticks=[], xlabel="S2 / S1", title=f"S2 given S1 = {s1[i]:.3f}")
    ax.grid(visible=False)
    ax.legend(loc="upper left")
    return ax


def _within(p):
    """Nodes between the outermost quantiles."""
    below = np.cumsum(p)
    return (below > SHOWN) & (below < 1 - SHOWN)
