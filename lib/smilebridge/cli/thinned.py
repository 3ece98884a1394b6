"""Fewer quotes on the same nodes: bounds that take seconds and can only be wider."""

from dataclasses import replace

import numpy as np

from .. import arbitrage


def thinned(problem: arbitrage.JointProblem, count: int) -> arbitrage.JointProblem:
    """The same nodes, asked to meet at most so many quotes of each smile, evenly chosen; forwards stay. Bounds can only widen."""
    axes = []
    for axis in problem.axes:
        options = np.flatnonzero(axis.kind != "F")
        chosen = options[np.unique(np.linspace(0, len(options) - 1, min(count, len(options))).round().astype(int))]
        kept = np.union1d(chosen, np.flatnonzero(axis.kind == "F"))
        columns = {name: getattr(axis, name)[..., kept] for name in ("kind", "strike", "payoff", "bid", "ask")}
        axes.append(replace(axis, **columns))
    return arbitrage.JointProblem(*axes, problem.tau)
