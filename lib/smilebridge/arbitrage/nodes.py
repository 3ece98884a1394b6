"""Where a joint law may sit: composite Gauss-Legendre nodes in log x, with panel edges at strikes and room in the tails."""

from itertools import combinations

import numpy as np

from ..marginals import Marginal, Mixture
from ..marginals.mixture import on_strikes

CHEAP = {"mu1": 1e-8, "muV": 1e-7, "mu2": 1e-8}  # price per mean of the option beyond which the nodes end
BEYOND = {"muV": 2.5}  # times the highest quoted strike: no VIX higher than that; far tails of a fitted law are nobody's quotes
SPREAD = 0.25  # nodes follow this power of the density in log x: its tails count, but less than its bulk
REACH = 2.6  # widths of the most volatile window by which S2 may leave the range of S1
MARGIN = 0.75  # and this factor further down
FINE = 4001  # points on which a density is read


def span(law: Mixture | Marginal) -> tuple[float, float]:
    """The stated support: where the option out of the money is worth `CHEAP` of the mean, below and above; V no further than `BEYOND`."""
    if isinstance(law, Marginal):
        worth = np.minimum(np.asarray(law.call(law.x)), np.asarray(law.call(law.x) + law.x - law.mean())) > CHEAP[law.name]
        return float(law.x[np.argmax(worth)]), float(law.x[len(worth) - 1 - np.argmax(worth[::-1])])
    low, high = (float(edge) for edge in law.support())
    x = np.geomspace(max(low, 1e-4 * float(law.mean())), min(high, 1e3 * float(law.mean())), FINE)
    worth = np.flatnonzero(on_strikes(law.otm, x) > CHEAP[law.name] * float(law.mean()))
    return float(x[worth[0]]), min(float(x[worth[-1]]), BEYOND.get(law.name, np.inf) * float(law.strikes[-1]))


def late_span(s1, v, tau) -> tuple[float, float]:
    """Range of S2 that leaves every admissible (s1, v) room for its own law: the stated support of S2.

    s1, v   (low, high) supports
    """
    width = REACH * v[1] * np.sqrt(tau)
    return MARGIN * s1[0] * np.exp(-width), s1[1] * np.exp(width)


def nodes(law: Mixture, n: int, *, strikes, reach) -> tuple[np.ndarray, np.ndarray]:
    """n nodes and weights dx of a composite Gauss-Legendre rule in log x between the ends of `reach`.

    Panels end at strikes, at all of them if n allows two nodes a panel, else at those that share the law's bulk evenly; what lies outside
    the law's own span is cut into a few panels that widen geometrically.
    strikes    (k,) in units of X
    returns    x (n,), dx (n,)
    """
    core, ends = span(law), np.log(np.asarray(reach, float))
    tails = [(ends[0], max(np.log(core[0]), ends[0])), (min(np.log(core[1]), ends[1]), ends[1])]
    tails = [(low, high) if high - low > 1e-6 else None for low, high in tails]
    pieces = max(2, n // 26)
    y = np.linspace(*np.log(core), FINE)
    bulk = (on_strikes(law.density, np.exp(y)) * np.exp(y)) ** SPREAD
    spread = np.concatenate([[0.0], np.cumsum(0.5 * (bulk[1:] + bulk[:-1]))])
    measure = lambda at: np.interp(at, y, spread / spread[-1])
    room = n // 2 - pieces * sum(tail is not None for tail in tails)
    middle = _edges(np.log(np.asarray(strikes, float)), y, measure, max(room, 2))
    low = [] if tails[0] is None else _widening(y[0], tails[0][0], pieces)[::-1]
    high = [] if tails[1] is None else _widening(y[-1], tails[1][1], pieces)
    edges = np.concatenate([low, middle, high])
    return _gauss(edges, _shares(n, np.diff(measure(edges))))


def _edges(strikes, y, measure, panels):
    """Ends of at most `panels` panels over y: strikes, thinned where there are too many, and halved where there are few."""
    inside = np.unique(strikes[(strikes > y[0] + 1e-6) & (strikes < y[-1] - 1e-6)])
    if len(inside) > panels - 1:
        wanted = np.arange(1, panels) / panels
        inside = inside[np.unique(np.abs(measure(inside)[:, None] - wanted[None, :]).argmin(axis=0))]
    return np.concatenate([[y[0]], inside, [y[-1]]])


def _widening(start, end, pieces):
    """Edges from start (left out) to end, each panel wider than the one before."""
    return start + (end - start) * (np.arange(1, pieces + 1) / pieces) ** 2


def _shares(n, measure):
    """Nodes of each panel: two at least, the others where the measure per node is largest."""
    counts = np.full(len(measure), 2)
    if counts.sum() > n:
        raise ValueError(f"{n} nodes cannot carry {len(measure)} panels; need n >= {counts.sum()}")
    for _ in range(n - counts.sum()):
        counts[np.argmax(measure / (counts + 0.5))] += 1
    return counts


def _gauss(edges, counts):
    """Nodes x = e^y and weights dx = x dy of the rule with `counts` points on each panel in y."""
    y, dy = [], []
    for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True):
        node, weight = np.polynomial.legendre.leggauss(int(count))
        y.append(0.5 * (low + high) + 0.5 * (high - low) * node)
        dy.append(0.5 * (high - low) * weight)
    x = np.exp(np.concatenate(y))
    return x, x * np.concatenate(dy)


def blind_spot(x, strikes, otm, calls, half, *, sight: float = 1.0) -> int | None:
    """Index of a quote that no law on the nodes can meet, None where there is none.

    Between two nodes a law's call prices are on a line, and beyond the last ones options out of the money are worth nothing. A butterfly
    with its three strikes between two nodes must therefore be worth nothing within the half-spreads of its legs.
    strikes    (k,) increasing, in units of x
    sight      share of the half-spreads that may be used
    otm, calls, half   (k,) prices out of the money and of calls, half-spreads; per forward
    """
    gap = np.searchsorted(x, strikes)
    for place in np.unique(gap):
        inside = np.flatnonzero(gap == place)
        if len(inside) < 3 or place in (0, len(x)):
            continue
        i, j, l = (inside[part] for part in np.array(list(combinations(range(len(inside)), 3))).T)
        w = (strikes[l] - strikes[j]) / (strikes[l] - strikes[i])
        worth = w * calls[i] - calls[j] + (1 - w) * calls[l]
        excess = np.abs(worth) - sight * (w * half[i] + half[j] + (1 - w) * half[l])
        if excess.max() > 0:
            return int(j[np.argmax(excess)])
    outside = np.flatnonzero((gap == 0) | (gap == len(x)))
    lost = otm[outside] > sight * half[outside]
    return int(outside[np.argmax(lost)]) if lost.any() else None
