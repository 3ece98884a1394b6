"""Reference laws R of (S1, V, S2): what a calibrated law departs from as little as it can."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.special import ndtri

from ..arbitrage import JointProblem

COARSE = 1.0  # least width of the reference law of log S2, in gaps between nodes


class Reference(eqx.Module):
    """R = law of (S1, V) times kernel of S2, as logarithms; each kernel row and the law sum to one.

    log_mass     (n1, nV)
    log_kernel   (n1, nV, n2)
    """

    log_mass: Float[Array, "n1 nV"]
    log_kernel: Float[Array, "n1 nV n2"]

    @classmethod
    def papers(cls, problem: JointProblem):
        """S1 and V independent; S2 given both lognormal with mean s1 and volatility v over the window (Guyon 2020)."""
        return cls.correlated(problem, 0.0)

    @classmethod
    def correlated(cls, problem: JointProblem, rho: float):
        """S1 and V joined by a Gaussian copula with correlation rho (negative: the index falls as the VIX rises); S2 lognormal."""
        if not -1 < rho < 1:
            raise ValueError(f"rho: need -1 < rho < 1, got {rho}")
        p1, pV = (axis.weight / axis.weight.sum() for axis in problem.axes[:2])
        z1, zV = (ndtri(np.clip(np.cumsum(p) - 0.5 * p, 1e-15, 1 - 1e-15)) for p in (p1, pV))
        z1, zV = z1[:, None], zV[None, :]
        copula = -(rho**2 * (z1**2 + zV**2) - 2 * rho * z1 * zV) / (2 * (1 - rho**2))
        log_mass = jnp.asarray(np.log(np.maximum(p1, 1e-300))[:, None] + np.log(np.maximum(pV, 1e-300))[None, :] + copula)
        return cls(log_mass - jax.scipy.special.logsumexp(log_mass), lognormal_kernel(problem))

    @classmethod
    def from_masses(cls, R):
        """Any joint law on the nodes: R (n1, nV, n2), non-negative, with positive sum at each (s1, v)."""
        R = np.asarray(R, float)
        if R.ndim != 3 or not (np.all(np.isfinite(R)) and np.all(R >= 0) and np.all(R.sum(axis=-1) > 0)):
            raise ValueError(f"reference: need finite masses >= 0 of shape (n1, nV, n2), positive at each (s1, v); got {R.shape}")
        first = R.sum(axis=-1)
        kernel = np.maximum(R / first[..., None], 1e-300)
        return cls(jnp.asarray(np.log(first / first.sum())), jnp.asarray(np.log(kernel)))


def lognormal_kernel(problem: JointProblem):
    """(n1, nV, n2) log of the lognormal density at s2 times the node's length, normalised on the nodes.

    Where the bell is narrower than the gap between the nodes around s1, it takes the width of the gap: the nodes cannot tell the two apart.
    """
    s1, v, s2 = (jnp.asarray(axis.x) for axis in problem.axes)
    gap = np.interp(np.log(problem.axis1.x), np.log(problem.axis2.x), np.gradient(np.log(problem.axis2.x)))
    width = jnp.maximum((v * jnp.sqrt(problem.tau))[None, :], COARSE * gap[:, None])[..., None]
    z = (jnp.log(s2)[None, None, :] - jnp.log(s1)[:, None, None]) / width + 0.5 * width
    log_kernel = -0.5 * z**2 + jnp.asarray(np.log(problem.axis2.weight / problem.axis2.x))[None, None, :]
    return log_kernel - jax.scipy.special.logsumexp(log_kernel, axis=-1, keepdims=True)
