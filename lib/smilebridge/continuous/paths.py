"""Paths of a calibrated bridge up to T1, time by time: what is seen on the way to the smiles."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from ..models import StochasticVol
from .simulate import Drift, stepped

SEEN = 1e-3  # share of paths beyond either end of a picture


class FirstPaths(NamedTuple):
    """Paths up to T1, the second half with mirrored noise.

    times   (t,) years;  x (path, t) ln S;  y (path, t) coordinate of volatility
    """

    times: Float[Array, " t"]
    x: Float[Array, "path t"]
    y: Float[Array, "path t"]


@eqx.filter_jit
def first_paths(model: StochasticVol, drift: Drift, T1, n_paths: int, *, key: Key[Array, ""], substeps: int = 8, tilt=1.0) -> FirstPaths:
    """Paths of (x, y) at `substeps` times within each step of the drift, by `stepped`; tilt = 0 gives the model without the bridge."""
    total = (drift.first.shape[0] - 1) * substeps
    normal = jax.random.normal(key, (total, 2, n_paths // 2))

    def step(state, now):
        i, z = now
        pull = lambda ahead, y, x: tilt * drift.before(i // substeps, (i % substeps + ahead) / substeps, y, x)
        x, y, *_ = stepped(model, pull, *state, jnp.concatenate([z, -z], axis=1), T1 / total)
        return (x, y), (x, y)

    begin = jnp.zeros(2 * (n_paths // 2)), jnp.full(2 * (n_paths // 2), model.start)
    _, walked = jax.lax.scan(step, begin, (jnp.arange(total), normal))
    x, y = (jnp.concatenate([first[:, None], then.T], axis=1) for first, then in zip(begin, walked, strict=True))
    return FirstPaths(jnp.linspace(0.0, T1, total + 1), x, y)


class AddedDrift(NamedTuple):
    """What a bridge adds to the drift of y at one time up to T1, where paths are.

    s (x,) index;  a (ny,) volatility;  added (ny, x) per year;  states (path, 2) S and a of the paths
    """

    s: np.ndarray
    a: np.ndarray
    added: np.ndarray
    states: np.ndarray


def added_drift(model: StochasticVol, drift: Drift, walked: FirstPaths, share: float) -> AddedDrift:
    """(1 - rho^2) scale^2 d_y u at `share` of the way to T1, on the nodes between extreme quantiles of the paths at T1."""
    x, y = (np.asarray(z)[:, round(share * (z.shape[1] - 1))] for z in (walked.x, walked.y))
    field = np.asarray(drift.first)[round(share * (len(drift.first) - 1))]
    seen = [_within(nodes, end[:, -1]) for nodes, end in ((drift.y, walked.y), (drift.x, walked.x))]
    added = float((1 - model.rho**2) * model.scale**2) * field[np.ix_(*seen)]
    a = lambda y: np.asarray(model.volatility(jnp.asarray(y)))
    return AddedDrift(np.exp(np.asarray(drift.x)[seen[1]]), a(drift.y[seen[0]]), added, np.stack([np.exp(x), a(y)], axis=1))


def _within(nodes, sample):
    low, high = np.quantile(sample, [SEEN, 1 - SEEN])
    return (np.asarray(nodes) >= low) & (np.asarray(nodes) <= high)
