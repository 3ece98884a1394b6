"""Drawings of one joint law of (S1, V, S2): smiles met, residuals, density, conditional laws and smiles, deltas."""

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, TwoSlopeNorm, to_rgba

from ..market import implied_stdev
from .laws import AXIS, TITLE
from .style import INK

CARRIES = 1e-12  # node masses below are left blank
SHOWN = (0.002, 0.998)  # probabilities of S1 and V between which maps are drawn
DECADES = 10.0 ** np.arange(-5, 1)  # of the highest density: levels of a joint density
FADE = LinearSegmentedColormap.from_list("fade", [to_rgba(INK["muV"], 0.06), to_rgba(INK["muV"], 0.95)])
SIGNED = LinearSegmentedColormap.from_list("signed", [INK["mu1"], to_rgba(INK["market"], 0.15), INK["muV"]])
COOL_WARM = LinearSegmentedColormap.from_list("cool-warm", [INK["mu1"], INK["other"], INK["muV"]])
BELL = np.linspace(-4, 4, 161)
ROUND = {"s1": (0.4, 0.5, 0.6, 0.7, 0.8, 1.0, 1.2), "v": (5, 7, 10, 15, 20, 30, 40, 60, 80, 120)}
DELTAS = ("$\\Delta_S$, per forward", "$\\Delta_L$, per unit of variance")


def shades(n):
    """n inks from cool to warm, for families of curves."""
    return [COOL_WARM(at) for at in np.linspace(0, 1, n)]


def law_smiles(axes, law, triple):
    """Above, bid-ask bars of three smiles and the law's implied volatilities; below, errors in half-spreads.

    axes   (2, 3);  law, discrete.Law in market-strike form
    """
    posed = law.problem
    features, units, mids = (posed.F1, posed.FV, posed.F2), posed.split(posed.unit), posed.split(posed.mid)
    smiles = triple.spx1, triple.vix, triple.spx2
    for (top, low), name, p, F, unit, mid, smile in zip(axes.T, TITLE, law.marginals(), features, units, mids, smiles, strict=True):
        n, scale = len(smile), 100 * triple.vix_future if name == "muV" else 1.0
        error = np.asarray(p @ F)[:n]
        vol = np.asarray(implied_stdev(smile.k, np.asarray(mid)[:n] + np.asarray(unit)[:n] * error)) / np.sqrt(smile.years)
        top.vlines(scale * smile.k, 100 * smile.bid_iv, 100 * smile.ask_iv, color=INK["market"], lw=1.2)
        top.plot(scale * smile.k, 100 * vol, color=INK[name], lw=1.2)
        low.axhspan(-1, 1, color=INK["market"], alpha=0.18, lw=0)
        low.vlines(scale * smile.k, 0, error, color=INK[name], lw=1.0)
        top.set_title(TITLE[name])
        low.set(xlabel=AXIS[name], ylim=(-1.3, 1.3))
    axes[0, 0].set_ylabel("implied vol (%)")
    axes[1, 0].set_ylabel("error\n(half-spreads)")
    return axes


def residual_maps(axes, law, residuals):
    """Decimal logarithm of |residual| at every node that carries mass.

    axes        (2,)
    residuals   {title: (n1, nV) relative residual}
    """
    seen = np.asarray(law.mass()) > CARRIES
    for ax, (title, residual) in zip(axes, residuals.items(), strict=True):
        size = np.log10(np.maximum(np.abs(np.asarray(residual)), 1e-17))
        drawn = ax.pcolormesh(law.s1, 100 * law.v, np.ma.masked_array(size, ~seen).T, vmin=-16, vmax=-9, cmap="viridis", rasterized=True)
        ax.set(xlabel="$s_1$", title=title, xscale="log", yscale="log")
        _plain_ticks(ax, law, seen)
    axes[0].set_ylabel("VIX (points)")
    axes[0].figure.colorbar(drawn, ax=list(axes), label="$\\log_{10}$ of the residual")
    return axes


def _plain_ticks(ax, law, seen):
    """A few round numbers on two logarithmic axes, limited to what is seen."""
    s1, v = np.asarray(law.s1)[seen.any(axis=1)], 100 * np.asarray(law.v)[seen.any(axis=0)]
    for axis, ends, ticks in ((ax.xaxis, s1, ROUND["s1"]), (ax.yaxis, v, ROUND["v"])):
        kept = [tick for tick in ticks if ends[0] <= tick <= ends[-1]]
        axis.set_ticks(kept, [f"{tick:g}" for tick in kept])
        axis.set_ticks([], minor=True)
    ax.set(xlim=(s1[0], s1[-1]), ylim=(v[0], v[-1]))
    ax.grid(False)


def _window(p, x):
    """Where the masses p reach the probabilities `SHOWN`."""
    return [float(x[np.searchsorted(np.cumsum(p), level)]) for level in SHOWN]


def joint_densities(axes, found, problem, laws):
    """Density of (S1, V) by decades below its peak, and the local VIX as a line; one panel a law.

    found           {title: discrete.Law} on the same nodes
    problem, laws   what the nodes and their prior masses came from
    """
    first = next(iter(found.values()))
    (p1, pV, _), s1, v = first.marginals(), first.s1, first.v
    prior = laws.mu1.density(s1)[:, None] * laws.muV.density(v)[None, :] / (problem.axis1.weight[:, None] * problem.axisV.weight[None, :])
    (low, high), span = _window(pV, v), _window(p1, s1)
    for ax, (title, law) in zip(axes, found.items(), strict=True):
        density = np.asarray(law.mass() * prior)
        ax.contourf(s1, 100 * v, (density / density.max()).T, levels=DECADES, norm="log", cmap=FADE)
        ax.plot(s1, 100 * law.local_vix(), color=INK["mu1"], lw=2.0, label="local VIX")
        ax.set(xlabel=AXIS["mu1"], ylabel=AXIS["muV"], title=title, xlim=span, ylim=(95 * low, 100 * high))
        ax.grid(False)
        ax.label_outer()
    axes[0].legend()
    return axes


def conditional_densities(axes, law, problem, i, j):
    """Above, density of S2 given (s1, v); below, of the normalised return; dotted, the bells of the papers' reference.

    axes       (2, len(i)), a column for each s1
    problem    whose nodes of s2 have lengths;  i, j  indices of s1 and of v
    """
    density = law.kernel() / problem.axis2.weight[None, None, :]
    s2, tau, R = np.asarray(law.s2), float(law.tau), np.asarray(law.returns_given())
    bell = np.exp(-0.5 * BELL**2) / np.sqrt(2 * np.pi)
    for (top, low), at in zip(axes.T, i, strict=True):
        for node, ink in zip(j, shades(len(j)), strict=True):
            s1, v = float(law.s1[at]), float(law.v[node])
            width, f = v * np.sqrt(tau), np.asarray(density[at, node])
            late = s1 * np.exp(width * (BELL - 0.5 * width))
            top.plot(s2, f, color=ink, lw=1.4, label=f"{100 * v:.1f}")
            top.plot(late, bell / (late * width), color=ink, lw=1.0, ls=":")
            low.plot(R[at, node], f * s2 * width, color=ink, lw=1.4)
        low.plot(BELL, bell, color=INK["text"], lw=1.4, ls=":")
        widest = float(law.v[j[-1]]) * np.sqrt(tau)
        top.set(title=f"$s_1$ = {s1:.3f}", xlim=s1 * np.exp(np.array([-3.0, 2.2]) * widest))
        low.set(xlim=(-4, 3), xlabel="normalised return")
        top.set_xlabel("$s_2$")
    for ax in axes[:, -1]:
        ax.set_ylim(bottom=0)
    axes[0, 0].set_ylabel("density of $S_2$")
    axes[1, 0].set_ylabel("density of $R$")
    axes[0, 0].legend(title="VIX", loc="upper left", fontsize=8, title_fontsize=8, handlelength=1.0)
    return axes


def conditional_smiles(axes, law, triple, i, j):
    """SPX smiles at T2 given VIX, VIX smiles given the index; strikes relative to the conditional mean. Percent drawn.

    axes   (2,);  i, j  indices of s1 and of v
    """
    P, k_spx, k_vix = np.asarray(law.masses()), np.linspace(0.86, 1.07, 43), np.linspace(0.85, 1.6, 43)
    given_v = {f"{100 * law.v[at]:.1f}": (law.s2, P[:, at].sum(axis=0)) for at in j}
    given_s = {f"{law.s1[at]:.3f}": (law.v, P[at].sum(axis=1)) for at in i}
    drawn = ((k_spx, given_v, triple.spx2, "VIX", TITLE["mu2"]), (k_vix, given_s, triple.vix, "$s_1$", TITLE["muV"]))
    for ax, (k, family, smile, word, title) in zip(axes, drawn, strict=True):
        for (name, (x, p)), ink in zip(family.items(), shades(len(family)), strict=True):
            ax.plot(k, 100 * _vol(np.asarray(x), p / p.sum(), k) / np.sqrt(smile.years), color=ink, label=name)
        ax.set(xlabel="strike / conditional mean", title=title)
        ax.legend(title=f"given {word}", fontsize=8, title_fontsize=8)
    axes[0].set_ylabel("implied vol (%)")
    return axes


def _vol(x, p, k):
    """(k,) total implied volatility of masses p on x, at strikes k times the mean."""
    ratio = x / (p @ x)
    payoff = np.maximum(np.where(k < 1, -1.0, 1.0)[None, :] * (ratio[:, None] - k[None, :]), 0.0)
    return np.asarray(implied_stdev(k, p @ payoff))


def delta_maps(axes, law):
    """deltaS and deltaL over (s1, v), where (S1, V) is likely; blue negative, rust positive.

    axes   (2,)
    """
    mass = np.asarray(law.mass())
    likely = mass > 1e-5 * mass.max()
    for ax, values, title in zip(axes, (law.deltaS, law.deltaL), DELTAS, strict=True):
        values = np.ma.masked_array(np.asarray(values), ~likely)
        reach = float(np.percentile(np.abs(values.compressed()), 98))
        norm = TwoSlopeNorm(0.0, -reach, reach)
        drawn = ax.pcolormesh(law.s1, 100 * law.v, values.T, norm=norm, cmap=SIGNED, rasterized=True)
        ax.set(xlabel="$s_1$", title=title, xscale="log", yscale="log")
        _plain_ticks(ax, law, likely)
        ax.figure.colorbar(drawn, ax=ax, extend="both")
    axes[0].set_ylabel("VIX (points)")
    return axes
