"""Drawings of laws: smiles met, densities, what a condition moved, what quotes leave open, how fast a grid converges."""

import jax.numpy as jnp
import numpy as np

from .. import marginals
from .style import INK

AXIS = {"mu1": "S1 / forward", "muV": "VIX at T1 (points)", "mu2": "S2 / forward"}
TITLE = {"mu1": "SPX at T1", "muV": "VIX at T1", "mu2": "SPX at T2"}
N = 400  # points of a curve
BEYOND = 0.15  # smiles are drawn this share of the quoted range (in log strike) beyond the last quotes
SHOWN = (0.001, 0.999)  # probabilities between which a density is drawn; on the logarithmic scale
SHOWN_LOG = (1e-7, 1 - 1e-7)


def _unit(name):
    """Drawn unit of X: VIX points, forwards."""
    return 100.0 if name == "muV" else 1.0


def _strikes(law):
    """Strikes of a curve over the quotes and somewhat beyond, units of X."""
    low, high = law.strikes[0], law.strikes[-1]
    return jnp.geomspace(low * (low / high) ** BEYOND, high * (high / low) ** BEYOND, N)


def _vol(law, smile, k):
    return np.asarray(law.implied_stdev(k)) / np.sqrt(smile.years)


def fitted_smile(ax, smile, law):
    """Bid-ask bars of one smile (grey) and the implied volatility of its law (line), percent."""
    unit, k = _unit(law.name), _strikes(law)
    ax.vlines(unit * law.strikes, 100 * smile.bid_iv, 100 * smile.ask_iv, color=INK["market"], lw=1.2)
    ax.plot(unit * k, 100 * _vol(law, smile, k), color=INK[law.name], lw=1.4)
    ax.set(ylabel="implied vol (%)" if law.name == "mu1" else None, title=TITLE[law.name])
    return ax


def half_spread_errors(ax, smile, law):
    """Model minus mid at every quote, in half-spreads: the bid is at -1, the ask at +1."""
    error = marginals.misses(law, smile)[0]
    ax.axhspan(-1, 1, color=INK["market"], alpha=0.18, lw=0)
    ax.vlines(_unit(law.name) * law.strikes, 0, error, color=INK[law.name], lw=1.0)
    worst = max(1.3, 1.1 * np.abs(error).max())
    ax.set(xlabel=AXIS[law.name], ylabel="error\n(half-spreads)" if law.name == "mu1" else None, ylim=(-worst, worst))
    return ax


def density(ax, law, free, *, log=False):
    """Density of a law (thick) and of the law fitted alone (dashed); the range of quoted strikes is shaded."""
    unit = _unit(law.name)
    x = jnp.geomspace(*law.quantile(jnp.array(SHOWN_LOG if log else SHOWN)), N)
    found, alone = (np.asarray(one.density(x)) / unit for one in (law, free))
    ax.axvspan(unit * law.strikes[0], unit * law.strikes[-1], color=INK["market"], alpha=0.18, lw=0, label="quoted")
    ax.plot(unit * x, found, color=INK[law.name], label="together")
    ax.plot(unit * x, alone, color=INK["text"], lw=1.1, ls="--", label="alone")
    if log:
        ax.set(yscale="log", ylim=(1e-7 * found.max(), 3 * found.max()), xlabel=AXIS[law.name])
    else:
        ax.set(title=TITLE[law.name], xlim=(unit * x[0], unit * x[-1]), ylim=(0, None))
    if law.name == "mu1" and not log:
        ax.legend(fontsize=8, handlelength=1.2)
    return ax


def moved(ax, smile, law, free):
    """Change of implied volatility (line) within the bid-ask (bars), both relative to the law fitted alone, bp."""
    unit, k = _unit(law.name), _strikes(law)
    quoted, change = _vol(free, smile, free.strikes), 1e4 * (_vol(law, smile, k) - _vol(free, smile, k))
    ax.vlines(unit * law.strikes, 1e4 * (smile.bid_iv - quoted), 1e4 * (smile.ask_iv - quoted), color=INK["market"], lw=1.2)
    ax.plot(unit * k, change, color=INK[law.name])
    ax.axhline(0, color=INK["text"], lw=0.8, ls=":")
    reach = max(1.0, 2.2 * np.abs(change).max())
    ax.set(xlabel=AXIS[law.name], ylabel="change (bp)" if law.name == "mu1" else None, title=TITLE[law.name], ylim=(-reach, reach))
    return ax


def room(ax, rooms, agreed):
    """For each band the ranges of E[V^2] and of the forward variance, as volatilities; the line is where the laws agreed.

    rooms    {label: marginals.Room}
    agreed   variance, or None where the laws do not agree
    """
    for row, one in enumerate(rooms.values()):
        sides = ((one.EV2, "by VIX options", "muV"), (one.forward_variance, "by SPX options", "mu2"))
        for shift, (ends, label, ink) in zip((-0.17, 0.17), sides, strict=True):
            low, high = 100 * np.sqrt(np.maximum(ends, 0.0))
            ax.barh(row + shift, high - low, left=low, height=0.26, color=INK[ink], alpha=0.75, label=label if row == 0 else None)
    if agreed is not None:
        ax.axvline(100 * np.sqrt(agreed), color=INK["text"], lw=1.2, ls="--", label="agreed")
    ax.set_yticks(range(len(rooms)), list(rooms))
    ax.set(xlabel="volatility of the window (vol points)", ylim=(len(rooms) - 0.4, -0.6))
    ax.grid(visible=False, axis="y")
    ax.legend(loc="upper left", bbox_to_anchor=(0.0, -0.2), ncols=3)
    return ax


def grid_convergence(ax, sizes, errors):
    """Errors of grids against their size, one line a law, half-spreads.

    sizes     (m,) points
    errors    {law: (m,) errors}
    """
    for law, error in errors.items():
        ax.plot(sizes, error, "-o", color=INK[law], label=TITLE[law])
    ax.set(xscale="log", yscale="log", xlabel="points of the grid", ylabel="worst error (half-spreads)")
    ax.set_xticks(sizes, [str(size) for size in sizes])
    ax.minorticks_off()
    ax.legend()
    return ax
