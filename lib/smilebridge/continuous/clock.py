"""When paths step: equally within the steps of the grid, and on every date that is asked for."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

SAME = 1e-9  # steps of the grid, within which a date is on an equal step


class Clock(eqx.Module):
    """Steps of paths on one interval, in the order of time. A date on one of the equal steps adds a step of no length.

    step         (n,) time step of the grid in which it lies
    begin, end   (n,) its ends, as shares of that step
    slot         (n,) number of the date at its end; `dates`, one too many, where there is none
    count        steps of the grid
    dates        how many
    """

    step: Int[Array, " n"]
    begin: Float[Array, " n"]
    end: Float[Array, " n"]
    slot: Int[Array, " n"]
    count: int = eqx.field(static=True)
    dates: int = eqx.field(static=True)

    @classmethod
    def of(cls, count: int, substeps: int, shares: Float[Array, " t"]):
        """`substeps` equal steps in each of the grid's, and the dates at `shares` (t,) of the interval, in (0, 1].

        >>> clock = Clock.of(2, 2, jnp.array([0.375]))
        >>> [clock.step.tolist(), clock.begin.tolist(), clock.end.tolist(), clock.slot.tolist()]
        [[0, 0, 0, 1, 1], [0.0, 0.5, 0.75, 0.0, 0.5], [0.5, 0.75, 1.0, 0.5, 1.0], [1, 0, 1, 1, 1]]
        """
        total = count * substeps
        at = count * jnp.asarray(shares, float)
        equal = jnp.round(substeps * at) / substeps
        ends = jnp.concatenate([jnp.arange(1, total + 1) / substeps, jnp.where(jnp.abs(at - equal) < SAME, equal, at)])
        order = jnp.argsort(ends)
        ends = ends[order]
        begins = jnp.concatenate([jnp.zeros(1), ends[:-1]])
        step = jnp.clip(jnp.floor(begins), 0, count - 1)
        slot = jnp.where(order >= total, order - total, shares.size)
        return cls(step.astype(int), begins - step, ends - step, slot, count, shares.size)
