"""Drawings of sensitivities: which quotes move which claims, bid against ask, hedges, VIX calls moved by the SPX, smiles by spot."""

import numpy as np

from .joint import SIGNED
from .laws import TITLE
from .style import INK

MARKS = {"papers": ("mu2", "o"), "correlated": ("mu1", "s"), "true": ("text", "D")}
NAMES = ("slope in log spot", "skew", "their ratio")


def risk_matrix(axes, moves, knots, claims):
    """One row a claim, one panel a smile, one column a bucket of its volatilities; each row is coloured to its own largest move.

    axes     (3,) sharing y
    moves    {law: (f, b) move of each claim, bp}, laws "mu1", "muV", "mu2"
    knots    (b,) middles of the buckets, standard deviations; a column more is the VIX future
    claims   (f,) names
    """
    reach = np.max([np.abs(values).max(axis=1) for values in moves.values()], axis=0)
    for ax, (law, values) in zip(axes, moves.items(), strict=True):
        ax.imshow(np.asarray(values) / reach[:, None], cmap=SIGNED, vmin=-1, vmax=1, aspect="auto")
        ax.set_xticks(range(values.shape[1]), [*knots, "$F_V$"][: values.shape[1]])
        ax.set_title(TITLE[law], color=INK[law])
        ax.grid(visible=False)
        ax.tick_params(length=0)
        ax.spines[["left", "bottom"]].set_visible(False)
    axes[1].set_xlabel("volatilities by strike, in standard deviations")
    axes[0].set_yticks(range(len(reach)), claims)
    right = axes[-1].secondary_yaxis("right")
    right.set_yticks(range(len(reach)), [f"{float(f'{top:.2g}'):g}" for top in reach])
    right.tick_params(length=0)
    right.spines["right"].set_visible(False)
    right.set_ylabel("darkest, bp", color=INK["text"])
    return axes


def both_ends(ax, law, effect, share):
    """Share of the bid in what a quote does to a claim, over the place of the law's price between bid and ask; a dot a quote.

    law      discrete.Law, whose forwards have no ends and stay out
    effect   (m,) |move| of the claim as the quote moves by one half-spread: the dots' size
    share    (m,) d price / d bid over d price / d mid
    """
    posed = law.problem
    area = 4 + 150 * effect / effect[posed.band > 0].max()
    parts = (map(np.asarray, posed.split(column)) for column in (posed.band, posed.penalty(law.a)[1], area, share))
    for name, band, slope, size, bid in zip(TITLE, *parts, strict=True):
        wide = band > 0
        ax.scatter(-slope[wide], 100 * bid[wide], s=size[wide], color=INK[name], alpha=0.6, lw=0, label=TITLE[name])
    ax.set_xticks([-1, 0, 1], ["at the bid", "mid", "at the ask"])
    ax.set(xlabel="price under the law", ylabel="pulled by the bid (%)", ylim=(-4, 104))
    legend = ax.legend(title="quotes of")
    for handle in legend.legend_handles:
        handle.set_sizes([30])
    return ax


def hedged(axes, hedges, before, after):
    """Left, share of each claim's variance that hedges take away, one bar a hedge; right, profit and loss of one claim without and with.

    axes            (2,)
    hedges          {kind: {claim: discrete.Hedge}}
    before, after   (path,) profit and loss, per forward; per cent drawn
    """
    bars, claims = axes[0], list(next(iter(hedges.values())))
    rows = np.arange(len(claims))[::-1]
    for (name, found), ink, size in zip(hedges.items(), (INK["market"], INK["mu2"]), (0.7, 0.36), strict=True):
        bars.barh(rows, [100 * float(found[claim].removed) for claim in claims], height=size, color=ink, label=name)
    bars.set_yticks(rows, claims)
    bars.set(xlabel="variance removed (%)", xlim=(0, 100))
    bars.grid(visible=False, axis="y")
    bars.legend(loc="upper center", bbox_to_anchor=(0.4, 1.13), ncols=2, handlelength=1.2, columnspacing=1.0)
    span = np.percentile(100 * np.asarray(before), [0.2, 99.5])
    edges = np.linspace(*span, 90)
    for sample, ink, name in ((before, INK["market"], "bare"), (after, INK["mu2"], "hedged")):
        axes[1].hist(np.clip(100 * np.asarray(sample), *span), bins=edges, color=ink, alpha=0.75, label=name)
    axes[1].set(xlabel="P&L (% of forward)", yticks=[])
    axes[1].legend()
    return axes


def vix_responses(axes, strikes, released, held):
    """Moves of the VIX future (dotted) and of VIX calls, by strike, as the SPX moves: VIX quotes released, and held.

    axes             (p,) sharing y
    strikes          (k,) decimal; points drawn
    released, held   {title: (1 + k,) moves of the future and of the calls, vol points}
    """
    for ax, (title, moves) in zip(axes, released.items(), strict=True):
        ax.axhline(0, color=INK["text"], lw=0.8)
        ax.axhline(moves[0], color=INK["muV"], lw=1.1, ls=":", label="future")
        ax.plot(100 * strikes, moves[1:], "-o", color=INK["muV"], label="calls")
        ax.plot(100 * strikes, held[title][1:], "--", color=INK["market"], label="calls, held")
        ax.set(title=title, xlabel="VIX strike (points)")
    axes[0].set_ylabel("price move (points)")
    axes[0].legend()
    return axes


def stickiness(axes, found):
    """Slope, skew and ratio, one panel each, one row a market; a mark a law.

    axes    (3,) sharing y
    found   {market: {law: (3,) slope, skew, ratio}}, laws "papers", "correlated", "true"
    """
    rows = np.arange(len(found))[::-1]
    for i, (ax, name) in enumerate(zip(axes, NAMES, strict=True)):
        for law, (ink, mark) in MARKS.items():
            ax.plot([values[law][i] for values in found.values()], rows, mark, color=INK[ink], ms=7, label=law)
        ax.set(title=name, ylim=(-0.5, len(found) - 0.5))
        ax.margins(x=0.2)
        ax.locator_params(axis="x", nbins=5)
    for at in (0, 1):
        axes[2].axvline(at, color=INK["text"], lw=1.0, ls=":")
    axes[0].set_yticks(rows, list(found))
    axes[2].set_xlim(left=-0.1)
    axes[0].figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return axes
