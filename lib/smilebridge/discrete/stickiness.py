"""Skew-stickiness ratio of a joint law: how the smile of the window moves when the index does, in units of its slope."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..market import implied_stdev
from ..market.truth import STEP
from .inner import CARRIES
from .law import Law


class Stickiness(eqx.Module):
    """At-the-money volatility of the window's smile against the index, over the states (s1, v).

    ratio      () slope / skew: 0 where smiles follow the index, 1 where they stay at their strikes
    slope      () Cov(vol, log S1) / Var(log S1)
    skew       () E[d vol / d log k] at the money, mean over states
    vol        (n1, nV) at-the-money implied volatility given (s1, v); 0 where there is no mass
    skews      (n1, nV) d vol / d log k at the money given (s1, v); 0 where there is no mass
    """

    ratio: Float[Array, ""]
    slope: Float[Array, ""]
    skew: Float[Array, ""]
    vol: Float[Array, "n1 nV"]
    skews: Float[Array, "n1 nV"]

    @property
    def triple(self) -> Float[Array, "3"]:
        """Slope, skew, ratio: as in `market.Statistics.stickiness`."""
        return jnp.stack([self.slope, self.skew, self.ratio])


@eqx.filter_jit
def skew_stickiness(law: Law, *, step: float = STEP) -> Stickiness:
    """R = Cov(sigma(S1, V), log S1) / (Var(log S1) E[sigma'(S1, V)]), sigma the implied volatility of (S2/S1 - 1)+ given (s1, v).

    The slope sigma' is a central difference over log k = +- step v sqrt(tau). The mean of the conditional slopes is the unit, not the slope
    of the forward-starting smile: with log S1 normal and a smile f that stays at its strikes, sigma = f(log S1), and Stein's lemma
    Cov(f(X), X) = Var(X) E[f'(X)] makes R = 1 for every f. If the law of S2/S1 depends on v alone and V is independent of S1, R = 0.
    step       in standard deviations of the window
    returns    `Stickiness`; ratio is infinite or NaN where the window has no skew
    see        book 08_risks; Bergomi (2009)
    """
    mass, kernel, ratio = law.mass(), law.kernel(), (law.s2[None, :] / law.s1[:, None])[:, None, :]
    width = step * law.v * jnp.sqrt(law.tau)
    carries = mass >= CARRIES

    def vol(shift):
        k = jnp.broadcast_to(jnp.exp(shift)[None, :], mass.shape)
        put = k < 1
        otm = (kernel * jnp.maximum(jnp.where(put, -1.0, 1.0)[..., None] * (ratio - k[..., None]), 0.0)).sum(axis=-1)
        safe = jnp.where(carries & (otm > 0) & (otm < jnp.minimum(k, 1.0)), otm, 0.0)
        return implied_stdev(k, safe) / jnp.sqrt(law.tau)

    down, at, up = jax.lax.map(vol, jnp.stack([-width, 0 * width, width]))
    p = jnp.where(carries & (down > 0) & (at > 0) & (up > 0), mass, 0.0)
    p = p / p.sum()
    x = jnp.log(law.s1) - p.sum(axis=1) @ jnp.log(law.s1)
    skews = (up - down) / (2 * width)[None, :]
    slope, skew = x @ (p * at).sum(axis=1) / (p.sum(axis=1) @ x**2), (p * skews).sum()
    return Stickiness(slope / skew, slope, skew, at, skews)
