"""Drawings of solvers at work: errors that fall, duals that rise, and where a law departs from its reference."""

import numpy as np

from .style import INK

# Solvers own no law's ink: purple for Newton, greys for the sweeps, broken lines for what stops short.
STROKE = {
    "newton": dict(color=INK["other"], ls="-", marker="o"),
    "newton_sinkhorn": dict(color=INK["market"], ls="-", marker="s"),
    "sinkhorn": dict(color=INK["text"], ls=":", marker="^"),
    "lbfgs": dict(color=INK["other"], ls="--", marker="None"),
}
NAME = {"newton": "implied Newton", "newton_sinkhorn": "mixed Sinkhorn", "sinkhorn": "published Sinkhorn", "lbfgs": "L-BFGS"}
SHADES = 13  # steps of the map of a log ratio


def convergence(ax, traces, *, work="sweeps", title="", limit=(1e-14, 1e4), tol=None):
    """Error against work on two logarithmic axes, a line a solver; what is not finite is left out.

    traces   {solver: (work (n,), error (n,))}, solvers named as in `NAME`
    limit    (low, high) errors drawn;  tol  the accuracy asked for, drawn across
    """
    for solver, (spent, error) in traces.items():
        error = np.asarray(error, float)
        shown = np.isfinite(error) & (error > 0)
        ax.loglog(np.asarray(spent)[shown], error[shown], label=NAME[solver], ms=3.5, **STROKE[solver])
    if tol is not None:
        ax.axhline(tol, color=INK["text"], lw=0.8)
        at = dict(xycoords=("axes fraction", "data"), xytext=(0, 4), textcoords="offset points")
        ax.annotate("accuracy asked for", (0.02, tol), color=INK["text"], **at)
    ax.set(xlabel=work, ylabel="largest of five defects", title=title, ylim=limit)
    ax.legend()
    return ax


def together(axes):
    """Panels that share their vertical axis: its label on the first alone, one legend above all."""
    for ax in axes[1:]:
        ax.set_ylabel("")
    for ax in axes:
        ax.get_legend().remove()
    handles, labels = axes[0].get_legend_handles_labels()
    axes[0].figure.legend(handles, labels, loc="outside upper center", ncols=len(labels))
    return axes


def dual_rise(ax, sweeps, values, *, lawful):
    """Dual values (nats) sweep by sweep on two logarithmic axes: level where a law exists, without end where none does.

    sweeps   (n,);  values {factor on VIX levels: (n,)} positive;  lawful  factor at which a law exists
    """
    for factor, rise in values.items():
        stroke = dict(color=INK["mu2"], ls="-", marker="o") if factor == lawful else dict(color=INK["other"], ls="--", marker="o")
        ax.loglog(sweeps, rise, **stroke)
        word, end = f"VIX levels times {factor:g}", (sweeps[-1], rise[-1])
        ax.annotate(word, end, xytext=(6, -4), textcoords="offset points", color=stroke["color"])
    ax.set(xlabel="sweeps", ylabel="dual value (nats)", xlim=(sweeps[0] / 1.2, 6 * sweeps[-1]))
    return ax


def departure(ax, s1, v, ratio, *, span=3.0):
    """Map of log2 of P over R for (S1, V): blue where the law puts more mass than its reference, rust where less.

    s1 (n1,) per forward, v (nV,) decimal (drawn in per cent);  ratio (n1, nV) log2;  span  powers of two shown on either side
    """
    from matplotlib.colors import LinearSegmentedColormap, to_rgba

    inks = [to_rgba(INK["muV"], 0.9), to_rgba(INK["muV"], 0.0), to_rgba(INK["mu1"], 0.0), to_rgba(INK["mu1"], 0.9)]
    shade = LinearSegmentedColormap.from_list("departure", list(zip((0.0, 0.5, 0.5, 1.0), inks, strict=True)))
    levels = np.linspace(-span, span, SHADES)
    drawn = ax.contourf(s1, 100 * np.asarray(v), np.asarray(ratio).T, levels=levels, cmap=shade, extend="both")
    ax.contour(s1, 100 * np.asarray(v), np.asarray(ratio).T, levels=[0.0], colors=INK["text"], linewidths=0.8)
    bar = ax.figure.colorbar(drawn, ax=ax, label="times the reference's mass", ticks=range(-int(span), int(span) + 1))
    bar.set_ticklabels([f"{2.0**power:g}" for power in range(-int(span), int(span) + 1)])
    ax.set(xlabel="$s_1$, index at $T_1$ / forward", ylabel="$v$, VIX at $T_1$ (%)")
    ax.grid(False)
    return ax


def growth(ax, nodes, passes):
    """Work against the size of the grid on two logarithmic axes, a line a solver.

    nodes    (n,) n1 nV n2;  passes {solver: (n,)} passes over the grid
    """
    for solver, spent in passes.items():
        ax.loglog(nodes, spent, label=NAME[solver], **STROKE[solver])
    most = max(max(spent) for spent in passes.values())
    ax.set(xlabel="nodes of the grid", ylabel="passes over the grid", ylim=(1.0, 10.0 * most))
    ax.legend()
    return ax
