"""Three laws that agree: E[V^2] = E[L(S2)] - E[L(S1)], and mu1 before mu2 in convex order, by the least change that quotes allow.

Two treatments are tried in turn, least first; each refits the three smiles together with the identity as one more exact row:

    "wings"     no quote moves by more than 0.1 half-spreads from the free fit: only what quotes do not pin moves
    "bid-ask"   every quote stays inside 0.95 half-spreads of its mid

Before each, a linear programme over the masses alone (any positive masses on the nodes, no smoothness asked) tells how near the identity
can be brought inside the band. Everything is linear in the masses, so a gap that remains there is a proof within this family of laws.
"""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import scipy.linalg
import scipy.optimize

from .mixture import Mixture, component_otm
from .programme import Programme, minimise
from .smooth import INSIDE, RELIEF, Fit

PINNED = 0.1  # half-spreads a quote may move in treatment "wings"
SLACK = 0.04  # half-spreads by which the steep part of the penalty begins inside the band
TAIL_ROOM = 2.0  # tails of the reconciled laws may be this many times as wide as those of the free fits
RATIO_RANGE = (1e-3, 1e3)  # of masses to those of the free fit, in the proof
N_CALENDAR = 160  # strikes at which calendar spreads are kept non-negative
CALENDAR_UNIT = 1e-2  # share of the late option's price that counts as one in the penalty on calendar spreads
CALENDAR_MARGIN = 0.1  # units by which a calendar spread stays positive
TOL_GAP = 1e-9  # variance a year: a gap that the proof counts as closed


def reconcile(fits: tuple[Fit, Fit, Fit], tau):
    """The nearest consistent laws and the treatment that was needed.

    fits       free fits of (mu1, muV, mu2)
    tau        window T2 - T1 in years
    returns    (laws, "wings" | "bid-ask" | "refused", gap); when "refused" the laws are the free ones and gap is what remains of E[V^2] -
               forward variance at best over all masses inside the bid-ask: 0 if masses could close it but no smooth laws do, infinite if
               none keep the calendar spreads positive
    """
    free = np.concatenate([fit.problem.errors(fit.g) for fit in fits])
    problem, g = _stack(fits, tau), np.concatenate([fit.g for fit in fits])
    wide = np.maximum(np.abs(free), INSIDE)
    pinned = problem._replace(mid=problem.mid + free, comfort=np.full_like(free, PINNED - SLACK))
    inside = problem._replace(comfort=wide - SLACK)
    for treatment, trial, low, high in (("wings", pinned, free - PINNED, free + PINNED), ("bid-ask", inside, -wide, wide)):
        gap = smallest_gap(problem, g, low, high)
        if abs(gap) > TOL_GAP:
            continue
        found = g
        for relief in RELIEF[:2]:
            found = minimise(trial._replace(roughness=relief * trial.roughness), found)
            if _met(problem, found, low, high):
                return _laws(fits, problem, found), treatment, 0.0
    return tuple(fit.law for fit in fits), "refused", float(gap * fits[1].law.second_moment())


def in_order(fits: tuple[Fit, Fit, Fit], tau):
    """The free laws, refitted inside the bid-ask where mu1 would not precede mu2 in convex order; the identity is left open (basis model).

    Where no refit succeeds these are the free laws, out of order as they are: `arbitrage.convex_order` names the spread that wins.
    """
    problem, g = _stack(fits, tau), np.concatenate([fit.g for fit in fits])
    problem = problem._replace(rows=problem.rows[:-1], target=problem.target[:-1])
    free, wide = tuple(fit.law for fit in fits), np.maximum(np.abs(problem.errors(g)), INSIDE)
    if (problem.order @ problem.masses(g)).min() >= 0:
        return free
    for relief in RELIEF:
        g = minimise(problem._replace(roughness=relief * problem.roughness, comfort=wide - SLACK), g)
        if _met(problem, g, -wide, wide):
            return _laws(fits, problem, g)
    return free


def _met(problem, g, low, high):
    """Whether every quote error is in [low, high] and calendar spreads keep half of their margin."""
    error, order = problem.errors(g), problem.order @ problem.masses(g)
    return bool(np.all((error >= low) & (error <= high)) and order.min() >= -0.5 * CALENDAR_MARGIN)


def _stack(fits, tau):
    """The programme of the three smiles together; the last equality row is the variance identity, scaled to order one."""
    problems, block = [fit.problem for fit in fits], scipy.linalg.block_diag
    early, vix, late = (fit.law for fit in fits)
    logs = [-2.0 / tau * np.asarray(jnp.log(law.means) - 0.5 * law.widths**2) for law in (early, late)]
    square = np.asarray(vix.means**2 * jnp.exp(vix.widths**2))
    identity = np.concatenate([logs[0], square, -logs[1]]) / float(vix.second_moment())
    flat = lambda field: np.concatenate([getattr(p, field) for p in problems])
    return Programme(
        spacing=flat("spacing"),
        prices=block(*[p.prices for p in problems]),
        mid=flat("mid"),
        comfort=flat("comfort"),
        share=flat("share"),
        roughness=block(*[p.roughness for p in problems]),
        shape=block(*[p.shape for p in problems]),
        bound=flat("bound") / TAIL_ROOM**2,
        rows=np.vstack([block(*[p.rows for p in problems]), identity]),
        target=np.r_[flat("target"), 0.0],
        order=_calendar(early, late, len(vix.weights)),
        blocks=tuple(zip(_slices(p.mid for p in problems), _slices(p.spacing for p in problems), strict=True)),
    )


def _slices(parts):
    ends = np.cumsum([0, *map(len, parts)])
    return [slice(a, b) for a, b in zip(ends[:-1], ends[1:], strict=True)]


def _calendar(early: Mixture, late: Mixture, n_vix):
    """(c, n) calendar spreads over the masses, in units of the late option's price, less a margin."""
    edges = [float(x) for law in (early, late) for x in law.quantile(jnp.array([1e-11, 1 - 1e-11]))]
    strikes = jnp.geomspace(min(edges), max(edges), N_CALENDAR)
    otm = [np.asarray(component_otm(strikes, 1.0, law.means, law.widths)) for law in (early, late)]
    unit = CALENDAR_UNIT * (otm[1] @ np.asarray(late.weights))[:, None]
    return np.hstack([-otm[0] / unit, np.zeros((N_CALENDAR, n_vix)), (1 - CALENDAR_UNIT * CALENDAR_MARGIN) * otm[1] / unit])


def smallest_gap(problem: Programme, g, low, high):
    """E[V^2] - forward variance nearest to zero over all positive masses on the nodes with every quote error in [low, high].

    Only equalities, bands and calendar spreads bind; a gap returned here cannot be closed by any law on these nodes. Share of E[V^2].
    """
    w, n = problem.masses(g), len(g)
    error = problem.errors(g)
    prices, order = problem.prices * w, problem.order * w
    split = np.zeros((len(problem.target), 2))
    split[-1] = -1.0, 1.0  # gap = positive part - negative part
    rows = np.vstack([prices, -prices, -order])
    answer = scipy.optimize.linprog(
        np.r_[np.zeros(n), 1.0, 1.0],
        A_ub=np.hstack([rows, np.zeros((len(rows), 2))]),
        b_ub=np.r_[high - error, error - low, order.sum(axis=1)],
        A_eq=np.hstack([problem.rows * w, split]),
        b_eq=problem.target - problem.rows @ w,
        bounds=[(RATIO_RANGE[0] - 1, RATIO_RANGE[1] - 1)] * n + [(0, None)] * 2,
        method="highs",
    )
    return float(answer.x[-2] - answer.x[-1]) if answer.success else np.inf


def _laws(fits, problem, g):
    parts = np.split(problem.masses(g), np.cumsum([len(fit.g) for fit in fits])[:-1])
    return tuple(eqx.tree_at(lambda law: law.weights, fit.law, jnp.asarray(part)) for fit, part in zip(fits, parts, strict=True))
