"""Three laws that agree: E[V^2] = E[L(S2)] - E[L(S1)], and mu1 before mu2 in convex order, by the least change that quotes allow.

Two treatments are tried in turn, least first; each refits the three smiles together with the identity as one more exact row:

    "wings"     no quote moves by more than 0.1 half-spreads from the free fit: only what quotes do not pin moves
    "bid-ask"   every quote stays inside 0.95 half-spreads of its mid

Before each, a linear programme over the masses alone (each within a thousandfold of the free fit's, no smoothness asked) tells how near
the identity can be brought inside the band. Everything is linear in the masses, so a gap that remains there is a proof within this family
of laws.
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
RATIO_RANGE = (1e-3, 1e3)  # of masses to those of the free fit, in the proof; smooth refits may go further in the tails
BEYOND = np.array([1.0, 2.0, 4.0])  # component widths beyond the outermost component where calendar spreads are struck too
CHEAP = 1e-10  # forwards: options cheaper than this count as if they cost it
CALENDAR_UNIT = 1e-2  # share of the dearer option's price that counts as one in the penalty on calendar spreads
CALENDAR_MARGIN = 0.1  # units by which a calendar spread stays positive
TOL_GAP = 1e-9  # variance a year: a gap that the proof counts as closed


def reconcile(fits: tuple[Fit, Fit, Fit], tau):
    """The nearest consistent laws and the treatment that was needed.

    fits       free fits of (mu1, muV, mu2)
    tau        window T2 - T1 in years
    returns    (laws, "wings" | "bid-ask" | "refused", gap); when "refused" the laws are the free ones and gap is what remains of E[V^2] -
               forward variance at best over all masses inside the bid-ask: 0 if masses could close it but no smooth laws do, infinite if
               none within `RATIO_RANGE` of the free ones keep the calendar spreads positive
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
    if _ordered(problem, g):
        return free
    for relief in RELIEF:
        g = minimise(problem._replace(roughness=relief * problem.roughness, comfort=wide - SLACK), g)
        if _met(problem, g, -wide, wide):
            return _laws(fits, problem, g)
    return free


def _met(problem, g, low, high):
    """Whether every quote error is in [low, high] and calendar spreads keep half of their margin."""
    error = problem.errors(g)
    return bool(np.all((error >= low) & (error <= high)) and _ordered(problem, g))


def _ordered(problem, g):
    """Whether calendar spreads keep half of their margin."""
    return bool((problem.order @ problem.masses(g)).min() >= -0.5 * CALENDAR_MARGIN)


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
    """(c, n) calendar spreads over the masses, in units of the dearer option's price, less a margin.

    Struck at every component of either law, between neighbours and beyond the outermost: no dip of the spread is much narrower.
    """
    strikes = _strikes(early, late)
    otm = [np.asarray(component_otm(jnp.asarray(strikes), 1.0, law.means, law.widths)) for law in (early, late)]
    dearer = np.maximum(*(prices @ np.asarray(law.weights) for prices, law in zip(otm, (early, late), strict=True)))
    rows = np.hstack([-otm[0], np.zeros((len(strikes), n_vix)), (1 - CALENDAR_UNIT * CALENDAR_MARGIN) * otm[1]])
    return rows / (CALENDAR_UNIT * np.maximum(dearer, CHEAP))[:, None]


def _strikes(early, late):
    """Means of all components, geometric means of neighbours, and steps of component widths beyond the outermost."""
    means = np.sort(np.concatenate([early.means, late.means]))
    low, high = (max(float(law.widths[end]) for law in (early, late)) for end in (0, -1))
    return np.concatenate([means[0] * np.exp(-low * BEYOND), means, np.sqrt(means[1:] * means[:-1]), means[-1] * np.exp(high * BEYOND)])


def smallest_gap(problem: Programme, g, low, high):
    """E[V^2] - forward variance nearest to zero over all positive masses on the nodes with every quote error in [low, high].

    Only equalities, bands and calendar spreads (where options cost `CHEAP` or more) bind; a gap returned here cannot be closed by any law
    on these nodes whose masses are within `RATIO_RANGE` of the free fit's. Share of E[V^2].
    """
    w, n, (least, most) = problem.masses(g), len(g), RATIO_RANGE
    error, order = problem.errors(g), problem.order[np.abs(problem.order) @ w >= 1 / CALENDAR_UNIT]
    room = most * w  # changes of masses are counted in it, for HiGHS takes coefficients below 1e-9 for zeros
    split = np.zeros((len(problem.target), 2))
    split[-1] = -1.0, 1.0  # gap = positive part - negative part
    rows = np.vstack([problem.prices, -problem.prices, -order]) * room
    answer = scipy.optimize.linprog(
        np.r_[np.zeros(n), 1.0, 1.0],
        A_ub=np.hstack([rows, np.zeros((len(rows), 2))]),
        b_ub=np.r_[high - error, error - low, order @ w + 0.5 * CALENDAR_MARGIN],
        A_eq=np.hstack([problem.rows * room, split]),
        b_eq=problem.target - problem.rows @ w,
        bounds=[((least - 1) / most, (most - 1) / most)] * n + [(0, None)] * 2,
        method="highs-ipm",  # the dual simplex has called a vertex optimal that was not
    )
    return float(answer.x[-2] - answer.x[-1]) if answer.success else np.inf


def _laws(fits, problem, g):
    parts = np.split(problem.masses(g), np.cumsum([len(fit.g) for fit in fits])[:-1])
    return tuple(eqx.tree_at(lambda law: law.weights, fit.law, jnp.asarray(part)) for fit, part in zip(fits, parts, strict=True))
