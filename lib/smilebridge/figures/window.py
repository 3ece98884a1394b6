"""The puzzle in one picture: a line of time with the thirty-day window on it, and the three smiles that look at it."""

import numpy as np

from .style import INK

TITLES = (("mu1", "S&P 500 at $T_1$"), ("muV", "VIX at $T_1$"), ("mu2", "S&P 500 at $T_2$"))


def window(figure, triple):
    """Today, T1 and T2 on a line; below, the quotes of each smile from bid to ask. Decimals in, percent drawn.

    figure   an empty figure
    triple   the market's Triple
    """
    axes = figure.subplot_mosaic([["line"] * 3, ["mu1", "muV", "mu2"]], height_ratios=(1.0, 2.0))
    _line(axes["line"], triple)
    for (law, title), smile in zip(TITLES, (triple.spx1, triple.vix, triple.spx2), strict=True):
        ax, unit = axes[law], smile.forward if law == "muV" else 1.0
        ax.vlines(unit * smile.k, 100 * smile.bid_iv, 100 * smile.ask_iv, color=INK["market"], lw=1.2)
        ax.set_title(title, color=INK[law])
        ax.set_xlabel("VIX strike (points)" if law == "muV" else "strike / forward")
    axes["mu1"].set_ylabel("implied vol (%)")
    return axes


def _line(ax, triple):
    """Today, T1, T2 to scale, and an arch over the window that V prices."""
    early, late = 365 * triple.spx1.years, 365 * triple.spx2.years
    ax.plot([0, late], [0, 0], color=INK["text"], lw=1.2)
    arch = np.linspace(0, np.pi, 60)
    ax.plot(early + (late - early) * 0.5 * (1 - np.cos(arch)), 0.2 + 0.75 * np.sin(arch), color=INK["muV"], lw=1.8)
    for days, letter, side, ink, when in (
        (0, "", 0, "text", "today"),
        (early, "$S_1$", -14, "mu1", f"$T_1$, {triple.spx1.expiry}"),
        (late, "$S_2$", 14, "mu2", f"$T_2$, {triple.spx2.expiry}"),
    ):
        ax.plot(days, 0, "o", color=INK[ink], ms=7)
        ax.annotate(when, (days, 0), xytext=(0, -16), textcoords="offset points", ha="center", color=INK["text"], fontsize=9.5)
        ax.annotate(letter, (days, 0), xytext=(side, 6), textcoords="offset points", ha="center", color=INK[ink], fontsize=13)
    words = "$V$: the price, at $T_1$,\nof the variance to $T_2$"
    ax.text(0.5 * (early + late), 0.42, words, ha="center", va="center", color=INK["muV"], fontsize=9.5)
    ax.set(xlim=(-0.08 * late, 1.12 * late), ylim=(-0.6, 1.05))
    ax.axis("off")
