"""Nodes for linear programmes: every strike, both ends of a stated support, and points between."""

from dataclasses import replace

import numpy as np

from .problem import Axis, JointProblem

APART = 1e-9  # nodes closer than this, in log x, are one


def lattice(problem: JointProblem, *, n=(30, 20, 40), span=None) -> JointProblem:
    """The same instruments on other nodes: n points evenly spread in log x over the span, and every strike inside it.

    A law may sit anywhere in its support, and where payoffs have kinks it gains by sitting on them: on nodes between strikes alone a
    fair market can look arbitrageable. Market-strike form only.
    n          (3,) points beside the strikes, for S1, V, S2
    span       ((low, high), ...) of S1, V, S2: the stated support; where the problem's nodes end unless given
    refuses    the full-law form, whose nodes are its targets
    """
    span = [(axis.x[0], axis.x[-1]) for axis in problem.axes] if span is None else span
    axes = [_moved(axis, count, *map(float, ends)) for axis, count, ends in zip(problem.axes, n, span, strict=True)]
    return replace(problem, axis1=axes[0], axisV=axes[1], axis2=axes[2])


def _moved(axis: Axis, count, low, high) -> Axis:
    if (axis.kind == "N").any():
        raise ValueError(f"{axis.market}: the full-law form has its masses as targets; its nodes cannot move")
    if not 0 < low < axis.forward < high:
        raise ValueError(f"{axis.market}: the support must hold the forward {axis.forward:g}, got ({low:g}, {high:g})")
    inside = axis.strike[(axis.strike > low) & (axis.strike < high)]
    x = np.unique(np.concatenate([np.geomspace(low, high, count), inside]))
    x = np.r_[x[0], x[1:][np.diff(np.log(x)) > APART]]
    return replace(axis, x=x, weight=np.gradient(x), payoff=_payoffs(axis, x))


def _payoffs(axis, x):
    """(n, m) at the new nodes, per forward."""
    call = (x[:, None] - axis.strike[None, :]) / axis.forward
    kind = axis.kind[None, :]
    return np.where(kind == "F", call, np.maximum(np.where(kind == "P", -call, call), 0.0))
