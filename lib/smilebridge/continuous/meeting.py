"""At T1 the two intervals meet: the VIX is chosen, and with it the multiplier of variance for all that follows."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

PANEL = 8  # Gauss-Legendre nodes of V in a panel
WIDEST = 0.25  # of a panel, in log v
TINY = 1e-14  # difference of slopes from which they count as two


class Meeting(eqx.Module):
    """u(T1) = softness log sum_j weight_j exp((uV(v_j) + G(v_j^2 + basis)) / softness),   G(q) = min_delta w(delta) - delta q.

    That is sup_v inf_delta of Guyon (2022), with V drawn from a law around the best v instead of sitting on it: the sup smoothed by
    `softness` times the entropy of that law relative to `weight`. w is u just after T1 without delta L(s). As a function of delta it is
    convex, and known with its slope at the multipliers of the grid; between them it is a convex spline with one more knot. Delta is
    bounded by the ends of the grid: there G goes on along its tangent, so every v stays possible, and that only raises u.

    v          (nv,) nodes of the VIX, decimal
    weight     (nv,) their reference masses
    delta      (d,) increasing multipliers
    softness   nats per nat
    basis      annual variance that the window is expected to have beyond V^2: zero but for quotes that leave no room
    """

    v: Float[Array, " nv"]
    weight: Float[Array, " nv"]
    delta: Float[Array, " d"]
    softness: Float[Array, ""]
    basis: Float[Array, ""]

    @classmethod
    def of(cls, strikes, ends, delta, softness, basis=0.0):
        """Nodes between `ends` with panels that end at the strikes; reference masses uniform in log v."""
        inside = [k for k in np.sort(np.asarray(strikes, float)) if ends[0] < k < ends[1]]
        edges = np.log(np.concatenate([[ends[0]], inside, [ends[1]]]))
        finer = [np.linspace(a, b, 1 + int(np.ceil((b - a) / WIDEST)))[:-1] for a, b in zip(edges, edges[1:], strict=False)]
        edges = np.append(np.concatenate(finer), edges[-1])
        at, by = np.polynomial.legendre.leggauss(PANEL)
        half = 0.5 * np.diff(edges)[:, None]
        v, weight = np.exp(edges[:-1, None] + half * (1 + at)).ravel(), (half * by).ravel()
        return cls(*map(jnp.asarray, (v, weight / weight.sum(), np.asarray(delta, float), float(softness), float(basis))))

    def __call__(self, w: Float[Array, "ny d nx"], slope: Float[Array, "ny d nx"], uV: Float[Array, " nv"]) -> Float[Array, "ny nx"]:
        """u(T1) without the potential of S1."""
        score, _ = self._scores(w, slope, uV)
        return self.softness * jax.scipy.special.logsumexp(score, axis=1)

    def law(self, w, slope, uV) -> tuple[Float[Array, "ny nv nx"], Float[Array, "ny nv nx"]]:
        """Law of V given (y, x), and the multiplier that goes with each v."""
        score, delta = self._scores(w, slope, uV)
        return jax.nn.softmax(score, axis=1), delta

    def _scores(self, w, slope, uV):
        """(uV + G) / softness + log weight, and the delta of each v; (ny, nv, nx)."""
        G, delta = self._legendre(w, slope)
        return (uV[None, :, None] + G) / self.softness + jnp.log(self.weight)[None, :, None], delta

    def _legendre(self, w, slope):
        """G(v^2 + basis) and where it is reached. The place is held fixed under differentiation: there G does not depend on it."""
        slope, q = jax.lax.cummax(slope, axis=1), self.v[None, :, None] ** 2 + self.basis
        below = (jax.lax.stop_gradient(slope)[:, :, None, :] <= q[:, None]).sum(axis=1)
        at = jnp.clip(below - 1, 0, self.delta.size - 2)
        begin, width = self.delta[at], jnp.diff(self.delta)[at]
        pick = lambda z, by: jnp.take_along_axis(z, at + by, axis=1)
        w0, w1, s0, s1 = pick(w, 0), pick(w, 1), pick(slope, 0), pick(slope, 1)
        chord = (w1 - w0) / width
        knot, middle = _knotted(chord, s0, s1)
        left, right = (q - s0) * knot / jnp.maximum(middle - s0, TINY), 1 - (s1 - q) * (1 - knot) / jnp.maximum(s1 - middle, TINY)
        t = jax.lax.stop_gradient(jnp.where(q <= middle, jnp.clip(left, 0.0, knot), jnp.clip(right, knot, 1.0)))
        early = w0 + width * t * (s0 + 0.5 * (middle - s0) * t / knot)
        late = w1 - width * (1 - t) * (s1 - 0.5 * (s1 - middle) * (1 - t) / (1 - knot))
        delta = begin + width * t
        return jnp.where(t <= knot, early, late) - delta * q, delta


def _knotted(chord, s0, s1):
    """Place in (0, 1) of a knot and slope there: the piecewise linear slope from s0 to s1 has the mean `chord` (Schumaker 1983)."""
    share = jnp.clip((chord - s0) / jnp.maximum(s1 - s0, TINY), 1e-6, 1 - 1e-6)
    knot = jnp.where(share < 0.25, 1 - 2 * share, jnp.where(share > 0.75, 2 * (1 - share), 0.5))
    return knot, s0 + (s1 - s0) * jnp.clip(2 * share - 0.5, 0.0, 1.0)
