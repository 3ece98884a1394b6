"""Conditional Monte Carlo (Romano & Touzi 1997): given the factor's Brownian motion W, log S is normal, so only W is simulated.

The second road beside `path_integral`: the same discretised functionals, sampled instead of summed.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.scipy.special import ndtr
from jaxtyping import Array, Float, Key

from .quintic_ou import QuinticOU


class Mixture(eqx.Module):
    """Law of (S_t, X_t) at several times as a mixture over paths of W: log S_t | path ~ N(mean, variance).

    x, mean, variance   (n_times, n_paths); paths come in antithetic halves: path j and path n_paths/2 + j
    """

    x: Float[Array, "t path"]
    mean: Float[Array, "t path"]
    variance: Float[Array, "t path"]

    @property
    def forward(self):
        """(n_times, n_paths) E[S_t | path]."""
        return jnp.exp(self.mean + 0.5 * self.variance)

    def calls(self, k: Float[Array, " k"]) -> Float[Array, "k t path"]:
        """E[(S_t - k)+ | path]: a Black price per path."""
        stdev, k = jnp.sqrt(self.variance), k[:, None, None]
        d2 = (self.mean[None] - jnp.log(k)) / stdev[None]
        return self.forward[None] * ndtr(d2 + stdev[None]) - k * ndtr(d2)


class Estimate(eqx.Module):
    """Monte Carlo estimate and its standard error, same shape."""

    value: Array
    error: Array


@eqx.filter_jit
def mixture(model: QuinticOU, *, dt: Float[Array, ""], steps: tuple[int, ...], n_paths: int, key: Key[Array, ""]) -> Mixture:
    """Simulate the mixture at times dt * steps: X exactly, time integrals by the trapezoidal rule (bias of order dt^2).

    dt        step, years
    steps     increasing whole numbers of steps
    n_paths   even; half of them drawn, half mirrored
    """
    noise, decay = jnp.sqrt(model.factor_variance(dt)), jnp.exp(-model.reversion * dt)
    z = lambda subkey: jax.random.normal(subkey, (n_paths // 2,))

    def rates(i, x):
        sigma, m, boundary = model.spot_weights(jnp.asarray(i, float) * dt, x)
        return jnp.stack([sigma**2, m]), boundary

    def step(carry, i):
        x, before, integrals = carry
        draw = z(jax.random.fold_in(key, i))
        x = decay * x + noise * jnp.concatenate([draw, -draw])
        after, _ = rates(i, x)
        return (x, after, integrals + 0.5 * dt * (before + after)), None

    def law(end, x, integrals):
        variance, m = integrals
        mean = model.rho * (rates(end, x)[1] - m) - 0.5 * variance
        return x, mean, (1 - model.rho**2) * variance

    x = jnp.zeros(n_paths)
    carry, found = (x, rates(0, x)[0], jnp.zeros((2, n_paths))), []
    for begin, end in zip((0, *steps[:-1]), steps, strict=True):
        carry, _ = jax.lax.scan(step, carry, jnp.arange(begin + 1, end + 1))
        found.append(law(end, carry[0], carry[2]))
    return Mixture(*(jnp.stack(part) for part in zip(*found, strict=True)))


@eqx.filter_jit
def call_prices(
    model: QuinticOU, k: Float[Array, " k"], *, dt: Float[Array, ""], steps: tuple[int, ...], n_paths: int, n_chunks: int, key
) -> Estimate:
    """E[(S_t - k)+] (k, t) with standard errors, from n_chunks batches of n_paths antithetic paths each.

    Control variate: the conditional forward, of mean one (up to the bias of the time step), with the regression coefficient.
    """

    def chunk(sums, subkey):
        paths = mixture(model, dt=dt, steps=steps, n_paths=n_paths, key=subkey)
        paired = lambda sample: 0.5 * (sample[..., : n_paths // 2] + sample[..., n_paths // 2 :])
        payoff, control = paired(paths.calls(k)), paired(paths.forward)[None] - 1.0
        terms = (payoff, payoff**2, control, control**2, payoff * control)
        return tuple(total + term.sum(-1) for total, term in zip(sums, terms, strict=True)), None

    shape = lambda rows: jnp.zeros((rows, len(steps)))
    sums, _ = jax.lax.scan(chunk, tuple(map(shape, (k.size, k.size, 1, 1, k.size))), jax.random.split(key, n_chunks))
    n = 0.5 * n_paths * n_chunks
    price, square, control, control_square, product = (total / n for total in sums)
    beta = (product - price * control) / (control_square - control**2)
    residual = square - price**2 - beta**2 * (control_square - control**2)
    return Estimate(price - beta * control, jnp.sqrt(residual / n))
