"""Drawings of what quotes leave open: forward-start smiles under several references, dials, and laws whose truth is known."""

import jax.numpy as jnp
import numpy as np

from ..market import implied_stdev
from ..market.truth import STRIKES
from .style import INK

LINES = {"papers": ("mu2", "-"), "correlated": ("mu1", "--"), "leaning": ("other", "-."), "both": ("muV", (0, (6, 1.5)))}
DOTTED = dict(color=INK["text"], lw=1.0, ls=":")


def _line(name):
    """Ink and dash of a reference, the same on every drawing."""
    ink, dash = LINES[name]
    return {"color": INK[ink], "ls": dash, "label": name}


def forward_starts(ax, k, laws):
    """Implied volatility of forward-starting calls, one line a law. Percent drawn.

    k       (k,) strikes per S1
    laws    {reference: discrete.Law}
    """
    for name, law in laws.items():
        ax.plot(k, 100 * law.forward_start_iv(k), **_line(name))
    ax.axvline(1.0, **DOTTED)
    ax.set(xlabel="strike / $S_1$", ylabel="implied vol (%)")
    ax.legend()
    return ax


def dials(axes, panels, *, used):
    """A volatility against one choice at a time, all on one scale; the dotted line is the value used elsewhere.

    axes     (m,) sharing y
    panels   {label: {setting: vol}};  used  vol; decimals in, vol points drawn
    """
    for ax, (label, vols) in zip(axes, panels.items(), strict=True):
        at, words = np.arange(len(vols)), ["×".join(map(str, x)) if isinstance(x, tuple) else str(x) for x in vols]
        ax.axhline(100 * used, **DOTTED)
        ax.plot(at, 100 * np.array(list(vols.values())), "o", color=INK["mu2"], ms=6)
        ax.set_xticks(at, words, rotation=40, ha="right", rotation_mode="anchor")
        ax.set(title=label, xlim=(-0.5, len(vols) - 0.5))
    axes[0].set_ylabel("forward-start vol (points)")
    return axes


def against_truth(axes, laws, truth, *, title=""):
    """Above, implied volatility of forward-starting calls less the true one; below, local VIX by decile of S1, the truth as dots.

    axes     (2,)
    laws     {reference: discrete.Law};  truth  market.Truth
    """
    strikes, at = jnp.array(STRIKES), np.arange(1, 11)
    otm = jnp.asarray(truth.value.forward_start) - jnp.maximum(1.0 - strikes, 0.0)
    axes[0].axhline(0, color=INK["text"], lw=1.0)
    for name, law in laws.items():
        true = implied_stdev(strikes, otm) / jnp.sqrt(law.tau)
        axes[0].plot(strikes, 100 * (law.forward_start_iv(strikes) - true), marker="o", **_line(name))
        axes[1].plot(at, 100 * local_vix_by_decile(law), **_line(name))
    axes[1].plot(at, 100 * np.sqrt(truth.value.local_vix2), "o", color=INK["text"], ms=5.5, label="true", zorder=3)
    axes[0].set(title=title, xlabel="strike / $S_1$")
    axes[1].set(xlabel="decile of $S_1$", xticks=at[::3])
    if axes[0].get_subplotspec().is_first_col():
        axes[0].set_ylabel("vol less true\n(points)")
        axes[1].set_ylabel("local VIX\n(points)")
        axes[1].legend(fontsize=8)
    return axes


def local_vix_by_decile(law):
    """(10,) sqrt(E[V^2 | S1 in its i-th decile]) of a law on nodes, a node's mass shared by the deciles that it spans; decimal."""
    mass = law.mass()
    reached = np.concatenate([[0.0], np.cumsum(mass.sum(axis=1))])
    carried = np.concatenate([[0.0], np.cumsum(mass @ law.v**2)])
    return np.sqrt(10 * np.diff(np.interp(np.arange(11) / 10 * reached[-1], reached, carried)))
