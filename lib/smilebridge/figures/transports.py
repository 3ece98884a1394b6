"""Drawings of a diffusion whose covariance was free: what became of it."""

import numpy as np

from .style import INK

TINTS = "mu2", "mu1", "muV"


def covariances(axes, v, models):
    """Volatility of the index, volatility of the VIX and their correlation against the VIX; the reference dashed.

    axes     (3,);  v  (nv,) VIX, decimal
    models   {label: (reference (3, nv), model (3, nv))} c11, c12, c22 of (ln S, v), at most three
    """
    for tint, (label, pair) in zip(TINTS, models.items(), strict=False):
        for stroke, (c11, c12, c22) in zip(("--", "-"), pair, strict=True):
            spread = np.sqrt(np.maximum(c11 * c22, 0.0))
            turned = np.where(spread > 0, c12 / np.where(spread > 0, spread, 1.0), np.nan)
            lines = 100 * np.sqrt(c11), 100 * np.sqrt(c22), turned
            for ax, line in zip(axes, lines, strict=True):
                ax.plot(100 * np.asarray(v), line, stroke, color=INK[tint], label=label if stroke == "-" else None)
    titles = "index volatility (%)", "VIX volatility (points / √year)", "correlation"
    for ax, title in zip(axes, titles, strict=True):
        ax.set(title=title, xlabel="VIX (points)")
    axes[2].set_ylim(-1.05, 1.05)
    axes[0].legend()
    return axes
