"""Drawings of quotes: bid-ask bars, the variance strip by strike, the windows of a day and what they say."""

import numpy as np

from .style import INK


def quoted_smile(ax, smile):
    """Bid-ask bars of one smile, each over its strike. Decimals in, percent drawn."""
    ax.vlines(smile.k, 100 * smile.bid_iv, 100 * smile.ask_iv, color=INK["market"], lw=1.4)
    ax.axvline(1.0, color=INK["text"], lw=0.8, ls=":")
    ax.set(xlabel="strike / forward", ylabel="implied vol (%)", title=f"{smile.market}, {smile.expiry}")
    return ax


def strip_by_strike(ax, k, bid, ask):
    """The integrand of a variance strip: bars from bid to ask, and the area below the mid, puts left of the forward and calls right.

    k          (n,) strike / forward
    bid, ask   (n,) variance a year per unit of k
    """
    mid = 0.5 * (bid + ask)
    for side, name, ink in ((k <= 1.0, "puts", "market"), (k >= 1.0, "calls", "other")):
        ax.fill_between(k, mid, where=side, color=INK[ink], alpha=0.3, lw=0, label=name)
    ax.vlines(k, bid, ask, color=INK["text"], lw=0.9, label="bid-ask")
    ax.axvline(1.0, color=INK["text"], lw=0.8, ls=":")
    ax.set(xlabel="strike / forward", ylabel="variance per unit of strike", ylim=(0, None))
    ax.legend()
    return ax


def mismatch(ax, triples):
    """One row a triple: days by which the SPX options settle after the ends of the VIX option's window."""
    rows = np.arange(len(triples))
    for name, marker, ink, label in (("t1", "o", "mu1", "SPX at T1"), ("t2", "D", "mu2", "SPX at T2")):
        days = [getattr(triple, f"mismatch_{name}_days") for triple in triples]
        ax.hlines(rows + (0.16 if name == "t2" else -0.16), 0, days, color=INK[ink], lw=1.2)
        ax.plot(days, rows + (0.16 if name == "t2" else -0.16), marker, color=INK[ink], label=label)
    ax.axvline(0.0, color=INK["muV"], lw=1.6, label="VIX window")
    ax.set(xlabel="settles later than the window (days)", title="Settlement mismatch")
    return _one_row_each(ax, triples)


def three_roads(ax, triples, from_spx, from_vix):
    """One row a triple: thirty-day volatility as SPX strips and as VIX options say it, bid to ask, and the VIX future.

    from_spx, from_vix   (n, 3) at worst for the seller, mid, at worst for the buyer; decimals in, points drawn
    """
    rows = np.arange(len(triples))
    for shift, band, ink, label in ((-0.16, from_spx, "mu2", "SPX strips"), (0.16, from_vix, "muV", "VIX strip")):
        ax.hlines(rows + shift, 100 * band[:, 0], 100 * band[:, 2], color=INK[ink], lw=5, alpha=0.55, label=label)
        ax.plot(100 * band[:, 1], rows + shift, "|", color=INK[ink], ms=8)
    ax.plot([triple.vix.forward for triple in triples], rows, "o", color=INK["text"], ms=4, label="VIX future")
    ax.set(xlabel="vol points", title="Volatility of the window")
    return _one_row_each(ax, triples)


def _one_row_each(ax, triples):
    ax.set_yticks(range(len(triples)), [str(triple.vix.expiry) for triple in triples])
    ax.set_ylim(len(triples) - 0.5, -0.5)
    ax.grid(visible=False, axis="y")
    ax.legend(loc="upper left", bbox_to_anchor=(0.0, -0.2), ncols=3, handlelength=1.0, columnspacing=1.0, fontsize=8.5)
    return ax
