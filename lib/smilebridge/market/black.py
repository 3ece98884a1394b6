"""Black-76 in forward-normalised form: strike k = K/F, prices per forward, total volatility s = sigma * sqrt(T).

Everything is reduced to the out-of-the-money call with k >= 1 by the symmetry put(k, s) = k * call(1/k, s), and computed in logarithms,
so that prices keep their digits far in the wings.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import log_ndtr
from jaxtyping import Array, Float

MAX_STEPS = 64  # Newton on log price converges quadratically; bisection takes over where it would leave the bracket
STDEV_RANGE = (1e-8, 1e2)  # bracket of s = sigma * sqrt(T)


def _log_call(x, s):
    """log of the call price at log strike x >= 0 and total volatility s > 0."""
    d1 = -x / s + 0.5 * s
    high, low = log_ndtr(d1), x + log_ndtr(d1 - s)
    return high + jnp.log(-jnp.expm1(jnp.minimum(low - high, -jnp.finfo(high.dtype).tiny)))


def _log_vega(x, s):
    """log of d call / d s at log strike x >= 0: the normal density at d1."""
    return -0.5 * (-x / s + 0.5 * s) ** 2 - 0.5 * jnp.log(2 * jnp.pi)


def _distance(k):
    """|log k|, with the call's slope at k = 1, where the modulus has none."""
    return jnp.where(k < 1, -jnp.log(k), jnp.log(k))


@jax.jit
def black_otm(k: Float[Array, "*n"], s: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """Undiscounted price of the out-of-the-money option: the put for k < 1, the call for k >= 1.

    call(k, s) = N(d1) - k N(d1 - s), d1 = -log(k)/s + s/2.
    k          strike / forward, > 0
    s          sigma * sqrt(T), >= 0
    returns    price / forward, to about 1e-13 relative (2e-11 at s = 0.001) within three standard deviations
    see        Black (1976)

    >>> round(float(black_otm(jnp.array(1.0), jnp.array(0.2))), 12)
    0.079655674554
    """
    safe = jnp.where(s > 0, s, 1.0)
    price = jnp.where(k < 1, k, 1.0) * jnp.exp(_log_call(_distance(k), safe))
    return jnp.where(s > 0, price, jnp.zeros_like(price))


def black_call(k: Float[Array, "*n"], s: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """Undiscounted call price / forward at strike k = K/F and total volatility s."""
    return black_otm(k, s) + jnp.where(k < 1, 1.0 - k, 0.0)


def black_put(k: Float[Array, "*n"], s: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """Undiscounted put price / forward at strike k = K/F and total volatility s."""
    return black_otm(k, s) + jnp.where(k < 1, 0.0, k - 1.0)


@jax.jit
def black_vega(k: Float[Array, "*n"], s: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """d price / d s per forward, the same for call and put; times sqrt(T) it is the vega per unit of implied volatility."""
    safe = jnp.where(s > 0, s, 1.0)
    vega = jnp.minimum(k, 1.0) * jnp.exp(_log_vega(jnp.abs(jnp.log(k)), safe))
    return jnp.where(s > 0, vega, jnp.zeros_like(vega))


@jax.custom_jvp
@jax.jit
def implied_stdev(k: Float[Array, "*n"], otm: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """Total volatility s at which `black_otm(k, s)` equals `otm`.

    Newton on the logarithm of the price (concave and increasing in s), kept inside a shrinking bracket.
    k          strike / forward, > 0
    otm        out-of-the-money price / forward, in (0, min(k, 1))
    returns    s = sigma * sqrt(T); 0 for a price of 0; NaN where no volatility gives the price (negative, or >= min(k, 1))
    """
    k, otm = jnp.broadcast_arrays(k, otm)
    x, cap = jnp.abs(jnp.log(k)), jnp.minimum(k, 1.0)
    valid = (otm > 0) & (otm < cap)
    target = jnp.log(jnp.where(valid, otm / cap, 0.5))
    low, high = jnp.full_like(x, STDEV_RANGE[0]), jnp.full_like(x, STDEV_RANGE[1])

    def unfinished(carry):
        _, _, _, move, step = carry
        return (step < MAX_STEPS) & jnp.any(move > 4 * jnp.finfo(x.dtype).eps)

    def improve(carry):
        s, low, high, _, step = carry
        log_price = _log_call(x, s)
        low, high = jnp.where(log_price <= target, s, low), jnp.where(log_price >= target, s, high)
        newton = s - (log_price - target) * jnp.exp(log_price - _log_vega(x, s))
        inside = (newton > low) & (newton < high)
        trial = jnp.where(inside, newton, jnp.sqrt(low * high))
        trial = jnp.where(log_price == target, s, trial)
        return trial, low, high, jnp.where(valid, jnp.abs(trial - s) / s, 0.0), step + 1

    start = jnp.sqrt(2 * x) + 1e-3  # inflection of the price in s
    s, *_ = jax.lax.while_loop(unfinished, improve, (start, low, high, jnp.ones_like(x), jnp.array(0)))
    return jnp.where(valid, s, jnp.where(otm == 0, 0.0, jnp.nan))


@implied_stdev.defjvp
def _implied_stdev_jvp(primals, tangents):
    """Implicit function: ds = (d otm - d_k otm dk) / vega."""
    (k, otm), (dk, dotm) = primals, tangents
    s = implied_stdev(k, otm)
    slope = jax.jvp(lambda strike: black_otm(strike, jax.lax.stop_gradient(s)), (k,), (dk,))[1]
    return s, (dotm - slope) / black_vega(k, s)


def on_host(formula, k, x):
    """`formula(k, x)` on NumPy vectors, padded to a power of two so that chains of all sizes share a handful of compilations.

    formula    black_otm or implied_stdev
    k, x       (n,) float64
    returns    (n,) NumPy array
    raises     TypeError where JAX would round to float32

    >>> float(on_host(black_otm, np.array([1.0]), np.array([0.2])).round(6)[0])
    0.079656
    """
    if not jax.config.jax_enable_x64:
        raise TypeError("float64 needed: set jax_enable_x64 before the first array")
    padding = max(1024, 1 << (len(k) - 1).bit_length()) - len(k)
    k, x = (np.pad(np.asarray(column, dtype=float), (0, padding), constant_values=fill) for column, fill in ((k, 1.0), (x, 0.1)))
    return np.asarray(formula(jnp.asarray(k), jnp.asarray(x)))[: k.size - padding]
