"""One smile -> the smoothest law inside its bid-ask.

The roughness of the log density g(y) over log-moneyness is int (l^3 g''')^2 dy/l with a local scale l. A third-derivative penalty leaves
quadratics free (Silverman 1982): where quotes are silent g continues as a parabola, so the tails are lognormal. Beyond the last quotes g
decreases outwards and is at least as curved as the lognormal of the last quoted ask: that is the tail rule, and it bounds the widths.
"""

from dataclasses import dataclass
from math import factorial

import jax.numpy as jnp
import numpy as np

from ..market import QuoteError, Smile
from .mixture import Mixture, component_otm, on_strikes
from .programme import Programme, minimise

N_NODES = 96  # the same for every law, so that laws of many days stack under vmap
GROWTH = 1.2  # node spacing grows like sqrt(atm^2 + (GROWTH * y)^2)
SCALE = 0.35  # the local scale of roughness grows like sqrt(atm^2 + (SCALE * y)^2)
TAIL_WIDTHS = 6.5  # nodes reach this many tail widths beyond the last quote
ROUGHNESS = 1e-3  # weight of the roughness against the mean squared error in half-spreads
RELIEF = (1.0, 1e-2, 1e-4)  # factors on the roughness, tried in turn until every quote is within INSIDE
INSIDE = 0.95  # half-spreads from mid
COMFORT = 0.8  # half-spreads around mid within which errors cost little
MIN_QUOTES = 3


@dataclass(frozen=True, slots=True)
class Fit:
    """A law with the programme and log density it came from, kept so that a triple can be refitted together."""

    law: Mixture
    problem: Programme
    g: np.ndarray


def fit_smile(smile: Smile, *, name: str, unit: float = 1.0) -> Fit:
    """Smoothest law whose option prices lie inside the bid-ask of `smile`.

    name       "mu1", "muV" or "mu2"
    unit       forward of the law in its own unit: 1 for S/F, F_V/100 for the VIX
    refuses    fewer than three quotes, a locked quote (`QuoteError`)
    returns    Fit; quotes that no smooth law meets are met as nearly as possible: measure with `misses`
    see        book 02_marginals; Silverman (1982)
    """
    if len(smile) < MIN_QUOTES:
        raise QuoteError(smile, f"at least {MIN_QUOTES} two-sided quotes needed for a law, got {len(smile)}")
    if (locked := smile.strikes[smile.bid >= smile.ask]).size:
        raise QuoteError(smile, f"bid equals ask at strike {locked[0]:g}: no width to fit in")
    y, problem = discretise(smile)
    g = _starting_log_density(smile, y)
    for relief in RELIEF:
        g = minimise(problem._replace(roughness=relief * problem.roughness), g)
        if np.abs(problem.errors(g)).max() <= INSIDE:
            break
    return Fit(_mixture(name, smile, y, problem, g, unit), problem, g)


def misses(law: Mixture, smile: Smile):
    """(q,) model minus mid in half-spreads, and (q,) implied volatility of the model on the smile's clock."""
    k = smile.k * float(law.mean())
    model, stdev = on_strikes(law.otm, k) / float(law.mean()), on_strikes(law.implied_stdev, k)
    return (model - 0.5 * (smile.bid + smile.ask)) / (0.5 * (smile.ask - smile.bid)), stdev / np.sqrt(smile.years)


def discretise(smile: Smile):
    """Nodes y (n,) in log-moneyness and the programme of one smile; each component is a lognormal as wide as its node spacing."""
    half = 0.5 * (smile.ask - smile.bid)
    stdev, quoted = 0.5 * (smile.bid_iv + smile.ask_iv) * np.sqrt(smile.years), np.log(smile.k)
    atm = float(np.interp(0.0, quoted, stdev))
    tails = np.maximum(smile.ask_iv[[0, -1]] * np.sqrt(smile.years), atm)
    y = _nodes(min(quoted[0], -2 * atm) - TAIL_WIDTHS * tails[0], max(quoted[-1], 2 * atm) + TAIL_WIDTHS * tails[1], atm)
    spacing, means, q = np.gradient(y), np.exp(y), len(smile)
    prices = np.asarray(component_otm(jnp.asarray(smile.k), 1.0, jnp.asarray(means), jnp.asarray(spacing))) / half[:, None]
    shape, bound = _tail_rule(y, quoted, tails, atm)
    problem = Programme(
        spacing=spacing,
        prices=prices,
        mid=0.5 * (smile.bid + smile.ask) / half,
        comfort=np.full(q, COMFORT),
        share=np.full(q, 1 / q),
        roughness=_roughness(y, atm),
        shape=shape,
        bound=bound,
        rows=np.vstack([np.ones_like(y), (means - 1) / atm]),
        target=np.array([1.0, 0.0]),
        order=np.zeros((0, len(y))),
        blocks=((slice(0, q), slice(0, len(y))),),
    )
    return y, problem


def _mixture(name, smile, y, problem, g, unit):
    means, masses = unit * np.exp(y), problem.masses(g)
    return Mixture(name, *map(jnp.asarray, (means, problem.spacing, masses, unit * smile.k)))


def _nodes(low, high, atm):
    scale = atm / GROWTH
    return scale * np.sinh(np.linspace(np.arcsinh(low / scale), np.arcsinh(high / scale), N_NODES))


def _derivative(y, order):
    """Divided-difference matrix of the given order (m, n) and the points (m,) where it sits."""
    stencils = [y[i : i + order + 1] for i in range(len(y) - order)]
    rows = np.zeros((len(stencils), len(y)))
    for i, x in enumerate(stencils):
        gaps = x[:, None] - x[None, :] + np.eye(order + 1)
        rows[i, i : i + order + 1] = factorial(order) / gaps.prod(axis=1)
    return rows, np.array([x.mean() for x in stencils])


def _roughness(y, atm):
    """(n, n) matrix of int (l^3 g''')^2 dy / l with local scale l = sqrt(atm^2 + (SCALE y)^2)."""
    third, at = _derivative(y, 3)
    scale = np.sqrt(atm**2 + (SCALE * at) ** 2)
    rows = (scale**3 * np.sqrt(np.gradient(at) / scale))[:, None] * third
    return ROUGHNESS * rows.T @ rows


def _tail_rule(y, quoted, tails, atm):
    """Rows A and bounds b of A g <= b: beyond the quotes tail^2 g'' <= -1 and g decreasing outwards."""
    second, at = _derivative(y, 2)
    left, right = at < min(quoted[0], 0.0), at > max(quoted[-1], 0.0)
    curvature = np.vstack([tails[0] ** 2 * second[left], tails[1] ** 2 * second[right]])
    first, at = _derivative(y, 1)
    slope = atm * np.vstack([-first[at < min(quoted[0], -atm)], first[at > max(quoted[-1], atm)]])
    return np.vstack([curvature, slope]), np.r_[-np.ones(len(curvature)), np.zeros(len(slope))]


def _starting_log_density(smile, y):
    """Log of the normal density of each node's own quoted volatility, flat beyond the quotes."""
    stdev = np.interp(y, np.log(smile.k), 0.5 * (smile.bid_iv + smile.ask_iv) * np.sqrt(smile.years))
    return -0.5 * ((y + 0.5 * stdev**2) / stdev) ** 2
