"""Drawings of processes that end where they must: their drift, their paths, and smiles before and after."""

import numpy as np

from .style import INK

# Before and after are the two models of every drawing; the market is grey as everywhere.
STROKE = {"prior": dict(color=INK["other"], ls="--"), "bridge": dict(color=INK["mu2"], ls="-")}
SHADES = 12  # steps of the map of a drift
TICKS = (5, 10, 20, 40, 80)  # volatilities marked on a logarithmic axis, per cent


def _pushes(ax, across, up, field, *, span, label):
    """Map of a drift, blue where it pushes up and rust where down, with its colour bar."""
    from matplotlib.colors import LinearSegmentedColormap, to_rgba

    inks = [to_rgba(INK["muV"], 0.9), to_rgba(INK["muV"], 0.0), to_rgba(INK["mu1"], 0.0), to_rgba(INK["mu1"], 0.9)]
    shade = LinearSegmentedColormap.from_list("pushes", list(zip((0.0, 0.5, 0.5, 1.0), inks, strict=True)))
    drawn = ax.contourf(across, up, field, levels=np.linspace(-span, span, SHADES + 1), cmap=shade, extend="both")
    ax.grid(False)
    return ax.figure.colorbar(drawn, ax=ax, label=label, ticks=np.linspace(-span, span, 5)) if label else None


def foellmer(axes, times, walked, field, ends, density, *, span):
    """Left, a drift over time and place, with paths; right, where they end, turned on its side.

    axes      (2,) sharing y
    times     (t,);  walked (path, t) the paths drawn
    field     (x (m,), drift (m, t)) no units;  span  drift at which colours end
    ends      (path,) at time one;  density (x (m,), asked for (m,), normal (m,))
    """
    left, right = axes
    x, drift = field
    _pushes(left, times, x, drift, span=span, label="drift")
    left.plot(times, np.asarray(walked).T, color=INK["text"], lw=0.7)
    left.set(xlabel="time", ylabel="place", xlim=(0, 1), ylim=(x[0], x[-1]))
    at, asked, normal = density
    bins = dict(bins=np.linspace(x[0], x[-1], 61), density=True, orientation="horizontal")
    right.hist(ends, color=INK["market"], alpha=0.5, label="paths", **bins)
    right.plot(asked, at, color=INK["mu1"], label="asked for")
    right.plot(normal, at, color=INK["other"], ls="--", label="Brownian motion")
    right.set(xlabel="density at time 1")
    right.legend(loc="lower right")
    return axes


def before_and_after(axes, smiles, names=("prior", "bridge")):
    """Smiles of a market without spreads, of a prior and of its bridge; implied volatilities in decimals, drawn in per cent.

    axes     (m,);  smiles  {title: (k (n,), market (n,), before (n,), after (n,))};  names  of before and after
    """
    for ax, (title, (k, market, *models)) in zip(axes, smiles.items(), strict=True):
        ax.plot(k, 100 * np.asarray(market), "_", color=INK["market"], ms=11, mew=2.4, label="market")
        for name, vol, stroke in zip(names, models, STROKE.values(), strict=True):
            ax.plot(k, 100 * np.asarray(vol), label=name, **stroke)
        ax.set(title=title, xlabel="strike / forward")
    axes[0].set_ylabel("implied vol (%)")
    axes[0].legend()
    return axes


def drift_changes(axes, changes, *, span, shown=400):
    """What a bridge adds to the drift of log volatility, over index and volatility, with states of paths; a map a time.

    axes      (m,) sharing y;  changes  {title: continuous.AddedDrift};  span  drift a year at which colours end
    """
    for ax, (title, change) in zip(axes, changes.items(), strict=True):
        s, percent = change.s, 100 * change.a
        _pushes(ax, s, percent, change.added, span=span, label="added drift of log vol, a year" if ax is axes[-1] else "")
        ax.plot(change.states[:shown, 0], 100 * change.states[:shown, 1], ".", color=INK["text"], ms=1.5, alpha=0.6)
        ax.set(title=title, xlabel="index / forward", xlim=(s[0], s[-1]), yscale="log", ylim=(percent[0], percent[-1]))
        ticks = [t for t in TICKS if percent[0] <= t <= percent[-1]]
        ax.set_yticks(ticks, [str(t) for t in ticks])
        ax.set_yticks([], minor=True)
    axes[0].set_ylabel("volatility (%)")
    return axes


def by_horizon(ax, days, correlations, *, single):
    """Correlation of index and volatility, both in logarithms, against the days that have passed.

    correlations   {"market" | "prior" | "bridge": (t,)};  single  {the same: that of a single step}
    """
    for name, line in correlations.items():
        stroke = STROKE.get(name, dict(color=INK["market"], ls="-", lw=3))
        ax.plot(days, line, label=name, **stroke)
        ax.plot(0, single[name], "o", color=stroke["color"], ms=6, clip_on=False, zorder=3)
    ax.set(xlabel="days since today", ylabel="correlation of\nindex and volatility", xlim=(0, days[-1]))
    ax.legend()
    return ax
