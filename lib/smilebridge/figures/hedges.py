"""Drawings of duality: verdicts as a market moves, portfolios that win, what they hold, and the ranges that hedges enforce."""

import numpy as np
from matplotlib.ticker import PercentFormatter

from .orders import FADE, LOSS
from .style import INK

SHADES = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2)  # payoff in units of what the portfolio brings; less is left blank
SHADED = np.linspace(0.2, 1.0, len(SHADES))  # inks between them and above
SPAN1, SPAN2 = (0.8, 1.12), (0.65, 1.25)  # drawn ranges of s1 and s2, per forward
TITLE = {"SPX T1": ("mu1", "SPX options, $T_1$"), "VIX T1": ("muV", "VIX options"), "SPX T2": ("mu2", "SPX options, $T_2$")}


def verdicts(ax, moves, found, *, whole):
    """Least fraction of the bid-ask within which a law exists, as the VIX market moves; above one a portfolio wins.

    moves   (n,) of the VIX future, vol points
    found   (n,) arbitrage.Existence;  whole  that of all quotes, unmoved
    """
    fractions = [one.fraction for one in found]
    top = 1.12 * max(1.6, *(fraction for fraction in fractions if np.isfinite(fraction)))
    ax.axhspan(1.0, top, color=LOSS, alpha=0.22, lw=0)
    ax.axhline(1.0, color=INK["text"], lw=0.8)
    ax.plot(moves, fractions, "-o", color=INK["muV"])
    ax.text(0.5, 0.5 * (1 + top), "no law: a portfolio wins", transform=ax.get_yaxis_transform(), ha="center", va="center", color=LOSS)
    ax.text(0.02, 0.5, "a law exists", transform=ax.get_yaxis_transform(), va="center", color=INK["text"])
    ax.plot(0.0, whole.fraction, "o", color=INK["muV"], mfc="none", ms=8, mew=1.8)
    ax.annotate("all quotes", (0.0, whole.fraction), xytext=(9, 0), textcoords="offset points", va="center", color=INK["muV"])
    ax.set(xlabel="VIX future and options moved by (vol points)", ylabel="share of the bid-ask needed", ylim=(0, top))
    ax.yaxis.set_major_formatter(PercentFormatter(1.0))
    return ax


def holdings(axes, portfolio):
    """What each option held costs (up) or brings (down), per cent of the forward, by strike; one panel a market.

    axes    (3,)
    """
    cuts = np.cumsum([len(axis.kind) for axis in portfolio.problem.axes])[:-1]
    for ax, axis, amounts in zip(axes, portfolio.problem.axes, np.split(portfolio.amounts, cuts), strict=True):
        options = axis.kind != "F"
        ink, title = TITLE[axis.market]
        unit = 100.0 if axis.market.startswith("VIX") else 1.0
        money = 100 * amounts * np.where(amounts > 0, axis.ask, axis.bid)
        ax.vlines(unit * axis.strike[options], 0, money[options], color=INK[ink], lw=2.2)
        ax.axhline(0, color=INK["text"], lw=0.8)
        ax.set(title=title, xlabel="strike (points)" if unit > 1 else "strike / forward")
    axes[0].set_ylabel("bought (% of forward)")
    return axes


def payoff_maps(axes, portfolio, *, levels):
    """What a winning portfolio pays over (s1, s2), one panel a value of v, in units of what it brings today; little is left blank.

    axes     (p,);  levels (p,) of v, decimal: the nearest nodes are drawn
    """
    s1, v, s2 = (axis.x for axis in portfolio.problem.axes)
    payoff = portfolio.payoff() / -portfolio.price
    for ax, level in zip(axes, levels, strict=True):
        j = int(np.abs(v - level).argmin())
        drawn = ax.contourf(s1, s2, payoff[:, j, :].T, levels=SHADES, colors=[*FADE(SHADED)], extend="max")
        ax.plot(SPAN1, SPAN1, color=INK["text"], lw=0.8)
        ax.set(title=f"VIX at {100 * v[j]:.0f}", xlabel="$s_1$", xlim=SPAN1, ylim=SPAN2)
        ax.grid(visible=False)
    axes[0].set_ylabel("$s_2$")
    axes[0].figure.colorbar(drawn, ax=list(axes), label="payoff / gain today", format=lambda value, _: f"{value:g}")
    return axes


def futures(ax, rows, quoted):
    """Ranges of the VIX future that no portfolio punishes, one bar a set of quotes; the line is the quoted future.

    rows     {label: arbitrage.Bounds} decimals; vol points drawn
    quoted   decimal
    """
    for y, (low, high) in enumerate((found.lower, found.upper) for found in reversed(rows.values())):
        ax.barh(y, 100 * (high - low), left=100 * low, height=0.42, color=INK["muV"], alpha=0.75)
        for end, side, shift in ((low, "right", -5), (high, "left", 5)):
            ax.annotate(f"{100 * end:.1f}", (100 * end, y), xytext=(shift, 0), textcoords="offset points", ha=side, va="center")
    ax.axvline(100 * quoted, color=INK["text"], lw=1.2, ls="--")
    ax.text(100 * quoted, len(rows) - 0.45, "quoted", ha="center", va="bottom")
    ax.set_yticks(range(len(rows)), list(reversed(rows)))
    ax.set(xlabel="VIX future (vol points)", ylim=(-0.6, len(rows) - 0.4))
    ax.use_sticky_edges = False
    ax.margins(x=0.12)
    ax.grid(visible=False, axis="y")
    return ax


def bands(ax, strikes, ranges):
    """Implied volatilities between which forward-starting calls may trade, the first range around the second.

    strikes   (k,) in units of S1
    ranges    {label: (k, 2) low and high implied vol}, decimals
    """
    (outer, (low, high)), (inner, (least, most)) = ((label, 100 * np.asarray(ends).T) for label, ends in ranges.items())
    ax.fill_between(strikes, most, high, color=INK["market"], alpha=0.55, lw=0, label=outer)
    ax.fill_between(strikes, low, least, color=INK["market"], alpha=0.55, lw=0)
    ax.fill_between(strikes, least, most, color=INK["muV"], alpha=0.35, lw=0, label=inner)
    for end, ink in ((low, "market"), (high, "market"), (least, "muV"), (most, "muV")):
        ax.plot(strikes, end, color=INK[ink], lw=1.4)
    ax.set(xlabel="strike / $S_1$", ylabel="implied vol, $T_1$ to $T_2$ (%)", ylim=(0, None))
    ax.margins(x=0)
    ax.legend(loc="lower left")
    return ax
