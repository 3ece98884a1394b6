"""Drawings of a chain of windows: its smiles, paths from date to date, smiles between dates, and prices that paths repeat."""

import numpy as np

from ..market import implied_stdev
from .joint import shades
from .style import INK

BANDS = ((0.05, 0.95), (0.25, 0.75))  # probabilities between which paths are shaded
TICKS = (10, 12, 15, 17, 20, 22, 25, 30, 35, 40, 50, 60, 80)  # VIX points on logarithmic axes


def chain_smiles(axes, chain, triples):
    """Bid-ask bars and the chain's implied volatilities: above, SPX at every date; below, VIX at the start of every window.

    axes   (2, windows + 1);  triples  of `market.successive`
    """
    first, laws = chain.links[0], [link.marginals() for link in chain.links]
    links = list(zip(chain.links, laws, triples, strict=True))
    spx = [(first.s1, laws[0][0], triples[0].spx1), *((link.s2, p[2], t.spx2) for link, p, t in links)]
    vix = [(link.v, p[1], t.vix) for link, p, t in links]
    for row, ink, cells in ((axes[0], INK["mu2"], spx), (axes[1], INK["muV"], vix)):
        for ax, (x, p, smile) in zip(row, cells, strict=False):
            _smile(ax, smile, _vol(x, p, smile), ink)
            ax.set(title=f"{smile.market} {smile.expiry:%d %b}", xlabel="strike / forward")
        row[0].set_ylabel("implied vol (%)")
    for ax in axes[1][len(vix) :]:
        ax.axis("off")
    return axes


def _smile(ax, smile, vol, ink):
    ax.vlines(smile.k, 100 * smile.bid_iv, 100 * smile.ask_iv, color=INK["market"], lw=1.2)
    ax.plot(smile.k, 100 * vol, color=ink, lw=1.2)


def _vol(x, p, smile):
    """(k,) implied volatility of masses p on x at the smile's strikes."""
    x, p = np.asarray(x), np.asarray(p)
    ratio = x / (p @ x)
    payoff = np.maximum(np.where(smile.k < 1, -1.0, 1.0)[None, :] * (ratio[:, None] - smile.k[None, :]), 0.0)
    return np.asarray(implied_stdev(smile.k, p @ payoff)) / np.sqrt(smile.years)


def path_fan(axes, paths, shown):
    """Above, SPX; below, the VIX future of the next date, in points: bands of all paths, and a few paths in the same inks. Dots: the VIX.

    axes    (2,) sharing x;  shown  indices of the paths drawn as lines
    """
    days, dates = 365 * np.asarray(paths.times), list(paths.dates)
    for ax, values, ink in ((axes[0], np.asarray(paths.S), "mu2"), (axes[1], 100 * np.asarray(paths.future), "muV")):
        known = ~np.isnan(values).all(axis=0)
        for low, high in BANDS:
            edges = np.quantile(values[:, known], [low, high], axis=0)
            ax.fill_between(days[known], *edges, color=INK[ink], alpha=0.15, lw=0)
        for path, line in zip(shown, shades(len(shown)), strict=True):
            for begin, end in zip([0, *dates], [*dates, len(days)], strict=True):
                if begin < end and known[begin:end].any():
                    stretch = slice(begin, end + (ax is axes[0]))
                    ax.plot(days[stretch], values[path, stretch], color=line, lw=1.2)
        for date in dates:
            ax.axvline(days[date], color=INK["text"], lw=0.8, ls=":")
    for path, line in zip(shown, shades(len(shown)), strict=True):
        axes[1].plot(days[dates[: paths.V.shape[1]]], 100 * np.asarray(paths.V[path]), "o", color=line, ms=5)
    axes[0].set(ylabel="SPX / forward")
    axes[1].set(ylabel="VIX and its future\n(points)", xlabel="days", xlim=(0, days[-1]))
    return axes


def between_dates(axes, smiles, vols):
    """Smiles of expiries between the dates of a chain: bid-ask bars that nobody fitted, and what the continuous paths say.

    axes   (m,) sharing y;  smiles  m of them;  vols  m arrays of implied vols at the smiles' strikes
    """
    for ax, smile, vol in zip(axes, smiles, vols, strict=True):
        _smile(ax, smile, np.asarray(vol), INK["mu2"])
        ax.set(title=f"{smile.market} {smile.expiry:%d %b}", xlabel="strike / forward")
    axes[0].set_ylabel("implied vol (%)")
    return axes


def vix_again(axes, groups):
    """Root of the mean realised variance of paths, group by group of the VIX at the start of the window, against that VIX; in points.

    axes     (windows,)
    groups   {window: {way of measuring: (vix, mean variance, its standard error)}}, each (g,), decimals; bars are three
             standard errors; the two ways are set one per cent left and right of their VIX
    """
    for ax, (title, ways) in zip(axes, groups.items(), strict=True):
        for (name, (vix, mean, error)), ink, marker, shift in zip(ways.items(), ("mu2", "muV"), "oD", (0.99, 1.01), strict=False):
            low, middle, high = (100 * np.sqrt(np.maximum(mean + sigmas * error, 0.0)) for sigmas in (-3, 0, 3))
            ax.vlines(100 * shift * vix, low, high, color=INK[ink], lw=1.4)
            ax.plot(100 * shift * vix, middle, marker, color=INK[ink], ms=4, label=name)
        ends = 100 * np.array([0.92 * vix.min(), 1.08 * vix.max()])
        ax.plot(ends, ends, color=INK["text"], lw=0.9, ls=":", zorder=0)
        ax.set(xlabel="VIX at the start (points)", title=title, xscale="log", yscale="log")
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_ticks(TICKS, [str(tick) for tick in TICKS])
            axis.set_ticks([], minor=True)
        ax.set(xlim=ends, ylim=ends * np.array([0.95, 1.1]))
    axes[0].set_ylabel("root of mean variance after it")
    axes[0].legend()
    return axes


def repriced(axes, scores):
    """Errors of simulated prices in their own standard errors, over strike; the band is three on either side.

    axes     (m,) sharing y;  scores  {market: (strike / forward, error / standard error)}
    """
    for ax, (market, (k, score)) in zip(axes, scores.items(), strict=True):
        ink = "muV" if market.startswith("VIX") else "mu2"
        ax.axhspan(-3, 3, color=INK["market"], alpha=0.18, lw=0)
        ax.vlines(k, 0, score, color=INK[ink], lw=0.8)
        ax.plot(k, score, ".", color=INK[ink], ms=3)
        ax.set(title=market, xlabel="strike / forward", ylim=(-4.5, 4.5))
    axes[0].set_ylabel("error\n(standard errors)")
    return axes
