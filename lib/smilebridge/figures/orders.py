"""Drawings of convex order: call gaps, calendar spreads, martingale couplings, and the chord that a known VIX must meet."""

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, to_rgba

from .style import INK

BP = 1e4  # basis points in one forward
STEP = 2.5  # per cent of payoff between two shades
LOSS = INK["other"]  # the ink of what must not be
FADE = LinearSegmentedColormap.from_list("fade", [to_rgba(LOSS, 0.0), to_rgba(LOSS, 0.9)])


def call_gap(ax, k, gap, *, spread=None, title=""):
    """Late calls minus early calls (forward units in, bp drawn): green above zero, purple below.

    k, gap   (n,) strikes per forward and gaps
    spread   the calendar spread that wins, marked at its strike; None where the order holds
    """
    gap = BP * np.asarray(gap)
    ax.fill_between(k, gap, where=gap >= 0, interpolate=True, color=INK["mu2"], alpha=0.25, lw=0)
    ax.fill_between(k, gap, where=gap <= 0, interpolate=True, color=LOSS, alpha=0.45, lw=0)
    ax.plot(k, gap, color=INK["mu2"])
    ax.axhline(0, color=INK["text"], lw=0.8)
    if spread is not None:
        ax.plot(spread.strike, BP * spread.price, "o", color=LOSS)
        ax.annotate("free money", (spread.strike, BP * spread.price), xytext=(-10, -2), textcoords="offset points", ha="right", color=LOSS)
    ax.set(xlabel="strike / forward", ylabel="late minus early call (bp)", title=title)
    ax.margins(x=0)
    return ax


def calendar_payoff(ax, s1, s2, payoff, *, strike):
    """What the hedged calendar spread pays, over where the index ends.

    s1, s2   (n1,), (n2,) per forward;  payoff (n1, n2) forward units;  strike per forward
    """
    payoff = np.ma.masked_less_equal(100 * np.asarray(payoff), 0.0)
    drawn = ax.contourf(s1, s2, payoff.T, levels=np.arange(0.0, payoff.max() + STEP, STEP), cmap=FADE)
    ax.axvline(strike, color=INK["text"], lw=0.8)
    ax.axhline(strike, color=INK["text"], lw=0.8)
    words = dict(color=INK["text"], ha="center", va="center", transform=ax.transAxes)
    left, below = (float((strike - s[0]) / (s[-1] - s[0])) for s in (s1, s2))
    ax.text(left / 2, below + 0.35 * (1 - below), "rose through $k$:\npays $s_2 - k$", **words)
    ax.text((1 + left) / 2, 0.8 * below, "fell through $k$:\npays $k - s_2$", **words)
    ax.text(left / 2, below / 2, "pays nothing", **words)
    ax.text((1 + left) / 2, (1 + below) / 2, "pays nothing", **words)
    ax.figure.colorbar(drawn, ax=ax, label="payoff (% of forward)")
    ax.set(xlabel="$s_1$, index at $T_1$ / forward", ylabel="$s_2$, index at $T_2$ / forward")
    ax.grid(False)
    return ax


def joint_masses(ax, s1, s2, mass, *, span, largest=90.0):
    """Each possible pair of the index at both dates, with area in proportion to its mass; the diagonal is "no move".

    s1, s2   (n1,), (n2,) per forward;  mass (n1, n2)
    span     (2,) range drawn on both axes;  largest  area of the heaviest dot, square points
    """
    i, j = np.nonzero(np.asarray(mass) > 0)
    ax.plot(span, span, color=INK["text"], lw=0.8)
    ax.scatter(np.asarray(s1)[i], np.asarray(s2)[j], s=largest * mass[i, j] / mass.max(), color=INK["mu2"], lw=0)
    ax.set(xlabel="$s_1$, index at $T_1$ / forward", ylabel="$s_2$, index at $T_2$ / forward", xlim=span, ylim=span)
    return ax


def vol_ruler(ax, rows):
    """One line a triple of laws: VIX future and root of E[V^2] (by VIX options), root of forward variance (by SPX options).

    rows   {name: (muV, Necessary)}; vol points drawn
    """
    for y, (vix, need) in enumerate(reversed(rows.values())):
        future, square = float(vix.mean()), float(vix.second_moment()) ** 0.5
        forward = future + need.jensen_slack
        first = y == 0
        ax.plot([100 * future, 100 * max(square, forward)], [y, y], color=INK["text"], lw=0.8, zorder=1)
        ax.plot(100 * forward, y, "|", color=INK["mu2"], ms=26, mew=3, label=r"$\sqrt{E[L(S_2)] - E[L(S_1)]}$" if first else None)
        ax.plot(100 * square, y, "D", color=INK["muV"], ms=7, label=r"$\sqrt{E[V^2]}$" if first else None)
        ax.plot(100 * future, y, "o", color=INK["muV"], mfc="none", ms=8, mew=1.8, label="VIX future" if first else None)
    ax.set_yticks(range(len(rows)), reversed(rows))
    ax.set(xlabel="vol points", ylim=(-0.6, len(rows) - 0.4))
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
    ax.grid(False, axis="y")
    return ax


def chord(ax, s, curve, ends, targets):
    """The hedged log contract on its curve, the chord between the two ends of S2, and what two values of V ask for at s = 1.

    s         (n,) per forward;  curve  the payoff as a function of s;  ends (2,) the two points of mu2
    targets   (2,) low and high V^2;  all in variance a year
    """
    ax.plot(s, curve(s), color=INK["mu2"])
    ax.plot(ends, curve(ends), "o-", color=INK["mu2"], lw=1.0)
    ax.plot(np.ones(2), targets, "D", color=INK["muV"], ms=7)
    ax.annotate("hedged log contract", (s[12], curve(s[12])), xytext=(10, 0), textcoords="offset points", color=INK["mu2"])
    words = "where every average of the two ends lies"
    ax.annotate(words, (1.0, curve(ends).mean()), xytext=(0, 8), textcoords="offset points", ha="center", color=INK["mu2"])
    for target, word in zip(targets, ("low $V$", "high $V$"), strict=True):
        ax.annotate(word, (1.0, target), xytext=(10, -3), textcoords="offset points", color=INK["muV"])
    ax.set(xlabel="$s_2$, index at $T_2$ / forward", ylabel="variance a year")
    return ax
