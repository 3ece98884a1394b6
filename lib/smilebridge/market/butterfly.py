"""Quotes that no arbitrage-free smile can meet: the linear programme with the fewest half-spreads of slack."""

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array

TOL_SLACK = 1e-6  # half-spreads
SUSPECTS = 3  # worst quotes tried, each with its two neighbours, before one is set aside
DEAR = 1e3  # cost of missing the others when one quote stands alone
ONE_BY_ONE = 12  # quotes set aside singly before all that are missed go at once


def convexity(k):
    """(rows, columns, values, floor): call prices c at strikes k > 0 admit no static arbitrage iff A @ c >= floor.

    Row 0: the slope from the forward, c(0) = 1, is at least -1; rows 1 ... n-1: slopes increase; row n: the last is at most 0.
    rows, columns, values   entries of the (n + 1, n) matrix A
    """
    n, pace = len(k), 1.0 / np.diff(k, prepend=0.0)
    j = np.arange(n)
    here = pace.copy()  # slope j enters row j with +, row j + 1 with -
    rows = np.concatenate([j, j[1:], j + 1, j[1:] + 1])
    columns = np.concatenate([j, j[1:] - 1, j, j[1:] - 1])
    values = np.concatenate([here, -here[1:], -here, here[1:]])
    floor = np.zeros(n + 1)
    floor[0], floor[1] = pace[0] - 1.0, -pace[0]
    return rows, columns, values, floor


def slack(k, call_bid, call_ask, *, cost=1.0):
    """Half-spreads by which each quote must be missed so that the others are met: (n,) least in sum, zero where no arbitrage shows.

    k                   (n,) increasing strikes / forward
    call_bid, call_ask  (n,) per forward
    cost                (n,) or scalar weight of each miss in the sum
    """
    n, half, mid = len(k), 0.5 * (call_ask - call_bid), 0.5 * (call_bid + call_ask)
    rows, columns, values, floor = convexity(k)
    room = np.bincount(rows, values * mid[columns], n + 1) - floor
    scaled = values * half[columns]
    size = np.zeros(n + 1)
    np.maximum.at(size, rows, np.abs(scaled))
    scaled = scaled / size[rows]
    blocks = np.concatenate([-scaled, -scaled, scaled]), (np.tile(rows, 3), np.concatenate([columns, columns + n, columns + 2 * n]))
    solved = linprog(
        np.r_[np.zeros(n), np.tile(np.broadcast_to(cost, n), 2)],
        A_ub=csr_array(blocks, shape=(n + 1, 3 * n)),
        b_ub=room / size,
        bounds=np.r_[np.tile([-1.0, 1.0], (n, 1)), np.tile([0.0, np.inf], (2 * n, 1))],
        method="highs",
        options={"primal_feasibility_tolerance": 1e-9, "dual_feasibility_tolerance": 1e-9},
    )
    assert solved.status == 0, f"elastic programme must be feasible: {solved.message}"
    return solved.x[n : 2 * n] + solved.x[2 * n :]


def misses(k, call_bid, call_ask):
    """{index: half-spreads missed} of the quotes to set aside so that the rest is free of butterfly arbitrage.

    One by one: of the quotes missed most and their neighbours, the one without which the others miss least; of several such, the one
    that lies farthest from where the others put it.
    """
    kept, found = np.arange(len(k)), {}
    while len(kept) >= 2:
        quotes = k[kept], call_bid[kept], call_ask[kept]
        excess = slack(*quotes)
        guilty = np.flatnonzero(excess > TOL_SLACK)
        if not len(guilty):
            break
        if len(found) < ONE_BY_ONE:
            guilty, miss = _guiltiest(quotes, excess, guilty)
            found[int(kept[guilty])] = miss
        else:
            found |= {int(kept[i]): float(excess[i]) for i in guilty}
        kept = np.delete(kept, guilty)
    return found


def _guiltiest(quotes, excess, guilty):
    """(index, half-spreads missed) of the quote to set aside."""
    n = len(excess)
    worst = np.argsort(-excess)[: min(SUSPECTS, len(guilty))]
    suspects = sorted({int(i) for w in worst for i in (w - 1, w, w + 1) if 0 <= i < n})
    left = {i: slack(*(np.delete(column, i) for column in quotes)).sum() if n > 2 else 0.0 for i in suspects}
    best = [i for i in suspects if left[i] <= min(left.values()) + TOL_SLACK * n]
    alone = {i: float(slack(*quotes, cost=np.where(np.arange(n) == i, 1.0, DEAR))[i]) for i in best}
    return max(alone.items(), key=lambda item: item[1])
