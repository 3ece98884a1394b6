"""Drawings of a calibrated bridge at work: what it misses, what it decides at T1, how it gets there, what its paths say of the VIX."""

import numpy as np

from .bridges import TICKS, _pushes
from .style import INK

BARS = 3.0  # standard errors
TINTS = ("muV", "other", "mu1", "mu2", "market")
LEVELS = np.array([8, 10, 12, 14, 16, 18, 20, 25, 30, 40, 50])  # lines of equal VIX, points


def missed(axes, errors):
    """Below each smile: model less market in basis points of volatility, on the grid and by paths.

    axes     (m,), in the last row of their figure;  errors   {title: (k (n,), grid (n,), paths (n,), standard error (n,))}, decimals
    """
    for ax, (k, grid, paths, se) in zip(axes, errors.values(), strict=True):
        ax.axhline(0.0, color=INK["text"], lw=0.6)
        ax.errorbar(k, 1e4 * paths, BARS * 1e4 * se, fmt="none", ecolor=INK["mu1"], lw=1.2, label=f"paths, {BARS:g} s.e.")
        ax.plot(k, 1e4 * grid, ".", color=INK["mu2"], ms=4, label="grid")
        ax.set(xlabel="strike / forward", ylim=_span(1e4 * (np.abs(paths) + BARS * se)))
    axes[0].set_ylabel("error (bp)")
    axes[len(axes) // 2].legend(fontsize=7.5, loc="upper center", ncols=2, borderaxespad=0.1, columnspacing=0.8, handletextpad=0.3)
    for ax in set(axes[0].figure.axes) - set(axes):
        ax.set_xlabel("")
    return axes


def _span(ends):
    """Symmetric, a little beyond the second widest bar: that of a far wing may stick out."""
    reach = 1.5 * np.sort(ends)[-2 if len(ends) > 2 else -1]
    return -reach, reach


def decided(axes, states, cloud, *, span, shown=400):
    """What is decided at T1 in each state: the multiplier of variance, and lines of equal VIX over states of paths.

    axes     (2,) sharing y;  states   continuous.Surfaces;  cloud   (path, 2) S and a
    span     multiplier at which colours end
    """
    low, high = np.quantile(cloud, [1e-3, 1 - 1e-3], axis=0)
    sees, seea = (states.s >= low[0]) & (states.s <= high[0]), (states.a >= low[1]) & (states.a <= high[1])
    s, a, at = states.s[sees], 100 * states.a[seea], np.ix_(seea, sees)
    left, right = axes
    _pushes(left, s, a, states.delta[at], span=span, label="multiplier δ*")
    left.plot(cloud[:shown, 0], 100 * cloud[:shown, 1], ".", color=INK["text"], ms=1.5, alpha=0.6)
    lines = right.contour(s, a, 100 * states.v[at], levels=LEVELS, colors=INK["muV"], linewidths=1.3)
    right.clabel(lines, fmt="%g", fontsize=8)
    right.plot(cloud[:shown, 0], 100 * cloud[:shown, 1], ".", color=INK["text"], ms=1.5, alpha=0.35)
    ticks = [tick for tick in TICKS if a[0] <= tick <= a[-1]]
    for ax, title in zip(axes, ("δ*(s, a)", "VIX, points"), strict=True):
        ax.set(title=title, xlabel="index / forward", xlim=(s[0], s[-1]), yscale="log", ylim=(a[0], a[-1]))
        ax.set_yticks(ticks, [str(tick) for tick in ticks])
        ax.set_yticks([], minor=True)
    right.grid(False)
    left.set_ylabel("volatility (%)")
    return axes


def walks(axes, days, S, a, V):
    """A few paths up to T1: the index, the volatility, and as a diamond the VIX that each of them meets.

    axes   (2,);  days   (t,);  S, a   (path, t) index per forward and decimal volatility;  V   (path,) decimal; at most five paths
    """
    above, below = axes
    for tint, index, vol, vix in zip(TINTS, S, a, V, strict=False):
        above.plot(days, index, color=INK[tint], lw=1.1)
        below.plot(days, 100 * vol, color=INK[tint], lw=1.1)
        below.plot(days[-1], 100 * vix, "D", color=INK[tint], ms=6, clip_on=False, zorder=3)
    above.set(title="index / forward", xlabel="days", xlim=(0, days[-1]))
    below.set(title="volatility, and VIX at $T_1$ (%)", xlabel="days", xlim=(0, days[-1]))
    return axes


def kept_promises(ax, groups, *, date="T_1"):
    """Variance realised after the VIX's date less V squared, in per cent of E[V^2], within groups of paths by V.

    date     its symbol;  groups   {name: (g, 3)} mean V, mean and standard error of the difference, decimals; at most five
    """
    ax.axhline(0.0, color=INK["text"], lw=0.8)
    for n, (tint, (name, by_vix)) in enumerate(zip(TINTS[2:], groups.items(), strict=False)):
        V, mean, se = 100 * np.asarray(by_vix).T
        ax.errorbar(V * (1 + 0.012 * n), mean, BARS * se, fmt="o", ms=4, color=INK[tint], lw=1.4, label=name)
    ax.set(xlabel=f"VIX at ${date}$ (points), tenths of all paths", ylabel="realised less V², %")
    if len(groups) > 1:
        ax.legend()
    return ax


def by_volatility(ax, decided, *, span=(0.08, 0.5)):
    """The multiplier of variance at today's index against volatility, the first of some models solid.

    decided   {name: continuous.Surfaces}, at most five;  span   volatilities drawn, decimal
    """
    ax.axhline(0.0, color=INK["text"], lw=0.6)
    for n, (tint, (name, states)) in enumerate(zip(("mu2", "mu1", "muV", "other", "market"), decided.items(), strict=False)):
        seen = (states.a >= span[0]) & (states.a <= span[1])
        ax.plot(100 * states.a[seen], states.delta[seen, np.abs(states.s - 1).argmin()], color=INK[tint], ls="--" if n else "-", label=name)
    ax.set(xlabel="volatility (%)", ylabel="multiplier δ*", xlim=(100 * span[0], 100 * span[1]))
    ax.legend()
    return ax
