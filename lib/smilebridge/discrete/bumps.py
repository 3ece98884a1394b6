"""Moves of the market as moves of quotes: implied volatilities up, the index up along a smile that stays or follows."""

import equinox as eqx
import jax.numpy as jnp
from jax.scipy.special import ndtr
from jaxtyping import Array, Float

from ..arbitrage import JointProblem
from ..marginals import Laws
from ..market import black_vega
from .risks import AXES
from .schrodinger import Schrodinger


def vol_bump(problem: JointProblem, laws: Laws, market: str, *, weight=None) -> Float[Array, " m"]:
    """d price / d implied volatility of one smile's options, all together: its vegas at the fitted volatilities; zero elsewhere.

    market     "SPX T1", "VIX T1" or "SPX T2"
    weight     how much of the bump a quote takes, a function of z = log(K/F) / (sigma sqrt T); all of it unless given
    returns    (m,) price per forward per unit of volatility; forwards stay
    refuses    a market that is not one of `AXES`; a problem whose targets are masses of nodes
    see        Black (1976)
    """
    _known(market)

    def vegas(axis, law, years):
        k, s = jnp.asarray(axis.strike) / float(law.mean()), law.implied_stdev(jnp.asarray(axis.strike))
        return (1.0 if weight is None else weight(jnp.log(k) / s)) * black_vega(k, s) * jnp.sqrt(years)

    return _stacked(problem, laws, (market,), vegas)


def spot_bump(problem: JointProblem, laws: Laws, *, stickiness: float = 1.0, markets=("SPX T1", "SPX T2")) -> Float[Array, " m"]:
    """d price / d log spot of SPX options that keep their moneyness k, when the volatility at k moves by stickiness * skew.

    Sticky strike: the new smile is sigma(k e^h), so that d sigma / dh = sigma'(log k), times the vega
    dq/dh = stickiness * k (P(S <= k) - N(log k / s + s/2)), the smile's digital put less Black's. At stickiness 0 smiles follow the index
    and no forward-normalised price moves.

    stickiness   0 sticky moneyness, 1 sticky strike: the skew-stickiness ratio of both smiles
    markets      smiles that move
    returns      (m,) price per forward per unit of log spot; forwards stay, since prices are per forward
    see          Bergomi (2009)
    """
    for market in markets:
        _known(market)

    def slopes(axis, law, _):
        k, s = jnp.asarray(axis.strike), law.implied_stdev(jnp.asarray(axis.strike))
        return stickiness * k * (law.cdf(k) - ndtr(jnp.log(k) / s + 0.5 * s))

    return _stacked(problem, laws, markets, slopes)


def future_bump(problem: JointProblem, laws: Laws) -> Float[Array, " m"]:
    """d price / d log future of the VIX future and its options, whose volatilities stay at their strikes: 1 and the Black deltas.

    returns    (m,) price per forward per unit of log future; zero for the SPX
    """

    def deltas(axis, law, _):
        k, s = jnp.asarray(axis.strike) / float(law.mean()), law.implied_stdev(jnp.asarray(axis.strike))
        return ndtr(-jnp.log(k) / s + 0.5 * s) - jnp.where(jnp.asarray(axis.kind == "P"), 1.0, 0.0)

    return _stacked(problem, laws, ("VIX T1",), deltas, forward=1.0)


def moved(posed: Schrodinger, bid: Float[Array, " m"], ask: Float[Array, " m"]) -> Schrodinger:
    """The problem with every bid and ask moved, per forward: what recalibration solves.

    bid, ask   moves, not levels; an exact target takes the middle of the two
    """
    exact = posed.band == 0
    unit = jnp.where(exact, posed.unit, posed.unit + 0.5 * (ask - bid))
    mid = posed.mid + 0.5 * (bid + ask)
    first, vix, late = (
        (F * old[None, :] + at[None, :] - to[None, :]) / new[None, :]
        for F, old, at, to, new in zip((posed.F1, posed.FV, posed.F2), *map(posed.split, (posed.unit, posed.mid, mid, unit)), strict=True)
    )
    return eqx.tree_at(lambda p: (p.F1, p.FV, p.F2, p.unit, p.mid), posed, (first, vix, late, unit, mid))


def _known(market):
    if market not in AXES:
        raise ValueError(f"no market {market!r}; there are {AXES}")


def _stacked(problem, laws, markets, formula, *, forward=0.0):
    """(m,) `formula(axis, law, years)` at the options of some markets, `forward` at their forwards, zero in the others."""
    if any((axis.kind == "N").any() for axis in problem.axes):
        raise ValueError("bumps are of quotes: this problem has masses of nodes as targets")
    years = laws.triple.spx1.years, laws.triple.vix.years, laws.triple.spx2.years
    parts = []
    for axis, law, T in zip(problem.axes, laws, years, strict=True):
        if axis.market in markets:
            parts.append(jnp.where(jnp.asarray(axis.kind == "F"), forward, formula(axis, law, T)))
        else:
            parts.append(jnp.zeros(len(axis.kind)))
    return jnp.concatenate(parts)
