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


def _unit(law):
    """Drawn unit of X: VIX points, forwards."""
    return 100.0 if law.name == "muV" else 1.0


def _smiles(laws):
    return laws.triple.spx1, laws.triple.vix, laws.triple.spx2


def _strikes(law):
    """Strikes of a curve over the quotes and somewhat beyond, units of X."""
    low, high = law.strikes[0], law.strikes[-1]
    return jnp.geomspace(low * (low / high) ** BEYOND, high * (high / low) ** BEYOND, N)


def _vol(law, smile, k):
    return np.asarray(law.implied_stdev(k)) / np.sqrt(smile.years)


def fitted_smiles(axes, laws: marginals.Laws):
    """Above, bid-ask bars of three smiles (grey) and the implied volatility of each law (line); below, errors in half-spreads.

    axes    (2, 3)
    """
    for (top, low), law, smile in zip(axes.T, laws, _smiles(laws), strict=True):
        unit, k = _unit(law), _strikes(law)
        top.vlines(unit * law.strikes, 100 * smile.bid_iv, 100 * smile.ask_iv, color=INK["market"], lw=1.2)
        top.plot(unit * k, 100 * _vol(law, smile, k), color=INK[law.name], lw=1.4)
        top.set_title(TITLE[law.name])
        _errors(low, law, smile)
    axes[0, 0].set_ylabel("implied vol (%)")
    axes[1, 0].set_ylabel("error\n(half-spreads)")
    return axes


def _errors(ax, law, smile):
    """Model minus mid at every quote: the bid is at -1, the ask at +1."""
    error = marginals.misses(law, smile)[0]
    ax.axhspan(-1, 1, color=INK["market"], alpha=0.18, lw=0)
    ax.vlines(_unit(law) * law.strikes, 0, error, color=INK[law.name], lw=1.0)
    worst = max(1.3, 1.1 * np.abs(error).max())
    ax.set(xlabel=AXIS[law.name], ylim=(-worst, worst))


def densities(axes, laws: marginals.Laws):
    """Density of each law (line) and of the law fitted alone (broad grey), above linear, below logarithmic; the quoted range is shaded.

    axes    (2, 3)
    """
    for column, law, free in zip(axes.T, laws, laws.free, strict=True):
        unit = _unit(law)
        for ax, shown in zip(column, (SHOWN, SHOWN_LOG), strict=True):
            x = jnp.geomspace(*law.quantile(jnp.array(shown)), N)
            ax.axvspan(unit * law.strikes[0], unit * law.strikes[-1], color=INK["market"], alpha=0.18, lw=0, label="quoted")
            ax.plot(unit * x, free.density(x) / unit, color=INK["market"], lw=4.5, alpha=0.6, label="alone")
            ax.plot(unit * x, law.density(x) / unit, color=INK[law.name], lw=1.4, label="together")
        peak = float(law.density(x).max()) / unit
        column[0].set(title=TITLE[law.name], xlim=[unit * float(q) for q in law.quantile(jnp.array(SHOWN))], ylim=(0, None))
        column[1].set(yscale="log", ylim=(1e-7 * peak, 3 * peak), xlabel=AXIS[law.name])
    axes[0, 0].legend(fontsize=8, handlelength=1.2)
    axes[0, 0].set_ylabel("density")
    axes[1, 0].set_ylabel("density (log)")
    return axes


def moved(axes, laws: marginals.Laws):
    """Change of implied volatility (line) within the bid-ask (bars), both relative to the law fitted alone, bp.

    axes    (3,)
    """
    for ax, law, free, smile in zip(axes, laws, laws.free, _smiles(laws), strict=True):
        unit, k = _unit(law), _strikes(law)
        quoted, change = _vol(free, smile, free.strikes), 1e4 * (_vol(law, smile, k) - _vol(free, smile, k))
        ax.vlines(unit * law.strikes, 1e4 * (smile.bid_iv - quoted), 1e4 * (smile.ask_iv - quoted), color=INK["market"], lw=1.2)
        ax.plot(unit * k, change, color=INK[law.name])
        ax.axhline(0, color=INK["text"], lw=0.8, ls=":")
        asked = (k >= law.strikes[0]) & (k <= law.strikes[-1])
        reach = max(5.0, 3 * np.abs(change[asked]).max())
        ax.set(xlabel=AXIS[law.name], title=TITLE[law.name], ylim=(-reach, reach))
    axes[0].set_ylabel("change of implied vol (bp)")
    return axes


def room(ax, rooms, agreed):
    """For each band the ranges of E[V^2] and of the forward variance, as volatilities; the line is where the laws agreed.

    rooms    {label: marginals.Room}
    agreed   variance, or None where the laws do not agree
    """
    ax.use_sticky_edges = False
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
