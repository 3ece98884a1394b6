"""A calibrated bridge: three smiles before and after, and below by how much grid and paths miss the quotes."""

import numpy as np

from .style import INK

BARS = 3.0  # standard errors
ROOM = 1.6  # of the errors' axis, over the quotes' widths or the second largest bar


def bridged(figure, smiles):
    """Implied volatilities, decimals, drawn in per cent; errors in basis points of volatility.

    figure   an empty figure, about 11 by 6 inches
    smiles   {"SPX T1" | "VIX T1" | "SPX T2": (7, n) strike as drawn, quote, half its width, reference, grid, paths, standard error}
    """
    axes = figure.subplots(2, len(smiles), sharex="col", squeeze=False, height_ratios=(2.4, 1.0))
    for (above, below), (title, smile) in zip(axes.T, smiles.items(), strict=True):
        k, quote, half, reference, grid, paths, se = np.asarray(smile)
        above.plot(k, 100 * quote, "_", color=INK["market"], ms=9, mew=2.2, label="quoted")
        above.vlines(k, 100 * (quote - half), 100 * (quote + half), color=INK["market"], lw=1.4)
        above.plot(k, 100 * reference, color=INK["other"], ls="--", label="reference")
        above.plot(k, 100 * grid, color=INK["mu2"], label="bridge")
        above.set_title(title)
        below.fill_between(k, -1e4 * half, 1e4 * half, color=INK["market"], alpha=0.18, lw=0)
        below.plot(k, 1e4 * (grid - quote), ".", color=INK["mu2"], ms=4, label="grid")
        below.errorbar(k, 1e4 * (paths - quote), BARS * 1e4 * se, fmt="none", ecolor=INK["mu1"], lw=1.2, label=f"paths, {BARS:g} s.e.")
        below.axhline(0.0, color=INK["text"], lw=0.6)
        below.set(xlabel="VIX strike (points)" if title.startswith("VIX") else "strike", ylim=_span(half, paths - quote, se))
    axes[0, 0].set_ylabel("implied vol (%)")
    axes[1, 0].set_ylabel("error (bp of vol)")
    axes[0, 0].legend()
    axes[1, 0].legend(fontsize=8, ncols=2)
    return figure


def _span(half, off, se):
    """Symmetric; the widest bar, mostly that of a far wing, may stick out."""
    ends = np.sort(1e4 * np.nan_to_num(np.abs(off) + BARS * se))
    reach = ROOM * max(1e4 * half.max(), ends[-2] if len(ends) > 1 else ends[-1])
    return -reach, reach
