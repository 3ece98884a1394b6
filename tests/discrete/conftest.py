"""Problems that several tests solve, made once."""

from functools import cache

import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtr

from smilebridge import arbitrage, discrete, marginals, market

NODES = (36, 34, 56)


@cache
def laws_of(name):
    """The reconciled laws of a market's first VIX expiry."""
    snapshot = market.load(name)
    return marginals.from_quotes(snapshot, snapshot.vix[0].expiry)


@cache
def problem_of(name, form):
    """`quotes`: every quote an interval; `strikes`: exact prices at ten strikes a smile; `full`: three grids."""
    laws = laws_of(name)
    if form == "quotes":
        return arbitrage.JointProblem.from_quotes(laws)
    if form == "full":
        levels = ndtr(jnp.linspace(-2.5, 2.5, 6))
        grids = (marginals.grid(law, n, strikes=law.quantile(levels)) for law, n in zip(laws, NODES, strict=True))
        return arbitrage.JointProblem.from_laws(*grids, laws.tau)
    levels = ndtr(jnp.linspace(-2.2, 2.2, 10))
    strikes = [np.asarray(law.quantile(levels)) for law in laws]
    return arbitrage.JointProblem.from_strikes(*laws, laws.tau, strikes=strikes, n=(40, 30, 64))


@cache
def solved(name, form):
    """Newton's solution."""
    return discrete.newton(discrete.Schrodinger.of(problem_of(name, form)))
