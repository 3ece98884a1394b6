"""One picture of three laws: smiles over their quotes, errors, densities, and the room between the two SPX laws."""

import jax.numpy as jnp
import numpy as np

from .. import arbitrage, marginals
from .style import INK

N = 400  # points of a curve
MARGIN = 0.15  # smiles are drawn this share of the quoted range beyond the last quotes
LAWS = (("mu1", "SPX at T1"), ("muV", "VIX at T1"), ("mu2", "SPX at T2"))
SHOWN = (0.002, 0.998)  # probabilities between which densities are drawn


def triple(figure, laws: marginals.Laws, order: arbitrage.ConvexOrder):
    """Three smiles with bid-ask bars and errors in half-spreads, the densities, and late calls minus early ones.

    figure     an empty figure, about 11 by 7.4 inches
    """
    axes = figure.subplot_mosaic([["s0", "s1", "s2"], ["e0", "e1", "e2"], ["spx", "vix", "gap"]], height_ratios=(3.0, 1.0, 2.6))
    smiles = (laws.triple.spx1, laws.triple.vix, laws.triple.spx2)
    for i, (law, smile, fit) in enumerate(zip(laws, smiles, laws.smiles, strict=True)):
        shown = (law, laws.free[i]) if laws.identity.moved_bp else (law,)
        _smile(axes[f"s{i}"], shown, smile, LAWS[i][1])
        _errors(axes[f"e{i}"], law, smile, fit)
        axes[f"e{i}"].sharex(axes[f"s{i}"])
        axes[f"s{i}"].tick_params(labelbottom=False)
    axes["s0"].set_ylabel("implied vol (%)")
    axes["e0"].set_ylabel("half-spreads")
    _densities(axes["spx"], (laws.mu1, laws.mu2), "SPX / forward", 1.0)
    _densities(axes["vix"], (laws.muV,), "VIX (points)", 100.0)
    _gap(axes["gap"], laws, order)
    figure.suptitle(_headline(laws), x=0.01, ha="left", fontsize=12)
    return figure


def _headline(laws):
    identity = laws.identity
    vix, spx = (f"{100 * max(variance, 0.0) ** 0.5:.2f}" for variance in (identity.EV2, identity.forward_variance))
    apart = {"basis": "a constant basis takes the difference", "refused": "no laws inside the bid-ask agree"}
    if identity.treatment in apart:
        said = f"\u221aE[V\u00b2] is {vix} vol points, \u221aforward variance {spx}: {apart[identity.treatment]}"
    else:
        moved = f"moved for it by at most {identity.moved_bp:.0f} bp at 1- and 5-delta"
        said = f"\u221aE[V\u00b2] = {vix} vol points = \u221aforward variance; {moved}"
    return f"{laws.triple}\n{said}"


def _unit(smile):
    """Drawn strike per unit of strike / forward: VIX in points, SPX per forward."""
    return smile.forward if smile.market == "VIX" else 1.0


def _smile(ax, laws, smile, title):
    """`laws` is the law, and where the identity moved it the one fitted alone."""
    low, high, unit = smile.k[0], smile.k[-1], _unit(smile)
    k = jnp.geomspace(low * (low / high) ** MARGIN, high * (high / low) ** MARGIN, N)
    ax.vlines(unit * smile.k, 100 * smile.bid_iv, 100 * smile.ask_iv, color=INK["market"], lw=1.4, label="bid-ask")
    for law, style, label in zip(laws, ("-", ":"), ("law", "fitted alone"), strict=False):
        vol = np.asarray(law.implied_stdev(k * law.mean())) / np.sqrt(smile.years)
        ax.plot(unit * np.asarray(k), 100 * vol, style, color=INK[law.name], lw=1.3, label=label)
    ax.set_title(f"{title}, {smile.expiry}")
    ax.legend(loc="lower right" if smile.market == "VIX" else "upper right")


def _errors(ax, law, smile, fit):
    error, _ = marginals.misses(law, smile)
    ax.axhspan(-1, 1, color=INK["market"], alpha=0.18, lw=0)
    ax.plot(_unit(smile) * smile.k, error, ".", ms=3, color=INK[law.name])
    ax.set_xlabel("VIX strike (points)" if smile.market == "VIX" else "strike / forward")
    ax.set_ylim(*(np.array([-1.0, 1.0]) * max(1.5, 1.1 * np.abs(error).max())))
    ax.set_title(f"error: {fit.inside} of {fit.quotes} quotes inside bid-ask", fontsize=9.5)


def _densities(ax, laws, label, unit):
    for law in laws:
        low, high = np.asarray(law.quantile(jnp.array(SHOWN)))
        x = jnp.linspace(low, high, N)
        p = np.asarray(law.density(x)) / unit
        ax.plot(unit * np.asarray(x), p, color=INK[law.name], label=dict(LAWS)[law.name])
        ax.fill_between(unit * np.asarray(x), p, color=INK[law.name], alpha=0.12, lw=0)
    ax.set(xlabel=label, ylim=(0, None), yticks=[], title="Densities" if len(laws) > 1 else "Density")
    ax.grid(visible=False)
    ax.legend(loc="upper left" if len(laws) > 1 else "upper right")


def _gap(ax, laws, order):
    low, high = np.asarray(laws.mu2.quantile(jnp.array(SHOWN)))
    k = jnp.linspace(low, high, N)
    gap = 1e4 * np.asarray(arbitrage.call_gap(laws.mu1, laws.mu2, k))
    ax.fill_between(np.asarray(k), gap, where=gap >= 0, color=INK["mu2"], alpha=0.25, lw=0)
    ax.fill_between(np.asarray(k), gap, where=gap < 0, color=INK["muV"], alpha=0.6, lw=0)
    ax.plot(np.asarray(k), gap, color=INK["mu2"])
    said = "never negative" if order.holds else f"negative at {order.strike:.3f}"
    ax.set(xlabel="strike / forward", ylabel="bp of the forward", title=f"Calls, T2 less T1: {said}")
