"""Drawings of the meeting at T1, where a bridge chooses the VIX and the multiplier of variance that goes with it."""

import numpy as np

from .style import INK

TINTS = ("mu1", "muV", "mu2")


def promises(ax, delta, left):
    """What the multiplier leaves of a promised V, w - delta V^2: a bowl for each, and its least, G(V^2), as a dot.

    delta   (d,) nats per unit of variance;  left   {V, decimal: (d,) nats}, at most three
    """
    for (v, line), tint in zip(left.items(), TINTS, strict=False):
        ax.plot(delta, line, color=INK[tint], label=f"V = {100 * v:.0f}%")
        ax.plot(delta[line.argmin()], line.min(), "o", color=INK[tint])
    ax.set(xlabel="multiplier δ", ylabel="$w - δV^2$ (nats)", xlim=(delta[0], delta[-1]))
    ax.legend(loc="upper center")
    return ax


def choice(ax, v, gain, law, *, strikes, picked, floor=-1.8):
    """What each V is worth against the best, three of them as dots, and the law it is drawn from; strikes are ticks on the floor.

    v   (n,) increasing, decimal;  gain   (n,) u_V + G in nats;  law   (n,) density, any scale;  strikes   (m,) decimal
    """
    gain = gain - gain.max()
    seen = gain > floor
    low, high = v[seen][[0, -1]]
    ax.fill_between(100 * v[seen], floor, floor + 0.8 * law[seen] / law.max(), color=INK["market"], alpha=0.35, lw=0, label="law of V")
    ax.plot(100 * v[seen], gain[seen], color=INK["text"], label="$u_V + G$, less the best")
    for n, tint in zip(picked, TINTS, strict=False):
        ax.plot(100 * v[n], gain[n], "o", color=INK[tint])
    inside = strikes[(strikes > low) & (strikes < high)]
    ax.plot(100 * inside, np.full(len(inside), floor), "|", color=INK["text"], ms=14, mew=2, label="strikes")
    ax.set(xlabel="V (%)", ylabel="nats", xlim=(100 * low, 100 * high), ylim=(floor, 0.75))
    ax.legend(loc="upper left")
    return ax


def vix_by_state(axes, a, prior, bridge):
    """VIX at T1 against volatility, and what the bridge adds to the prior's, for some levels of the index.

    axes     (2,);  a   (n,) decimal a year;  prior   (n,) VIX, decimal
    bridge   {index per forward: (n,) VIX}, at most three
    """
    left, right = axes
    left.plot(100 * a, 100 * prior, color=INK["other"], ls="--", label="prior")
    for (s, v), tint in zip(bridge.items(), TINTS, strict=False):
        left.plot(100 * a, 100 * v, color=INK[tint], label=f"index at {s:.2f}")
        right.plot(100 * a, 100 * (v - prior), color=INK[tint])
    right.axhline(0, color=INK["other"], ls="--")
    for ax in axes:
        ax.set(xlabel="volatility (%)", xlim=(100 * a[0], 100 * a[-1]))
    left.set_ylabel("VIX (%)")
    right.set_ylabel("bridge less prior (points)")
    left.legend()
    return axes
