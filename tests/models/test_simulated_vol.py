"""The laws of spot and VIX against simulation: given the volatility's path, S is lognormal (Romano & Touzi 1997)."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smilebridge import market, models

T, STEPS, PATHS = 0.17, 64, 1 << 16
# Models, and A with A' = a: int a dZ = (A(y_T) - A(y_0) - int (A' drift + scale^2/2 A'') dt)/scale needs no stochastic sum.
MODELS = {
    "lognormal": (models.LognormalVol.of(k=1.5, m=0.2, nu=0.9, rho=-0.5, a0=0.2, low=1e-3, high=40.0), jnp.exp),
    "square-root": (models.SquareRootVol.of(kappa=3.0, theta=0.05, xi=0.3, rho=-0.6, a0=0.2, low=2e-3, high=2.0), lambda y: 0.5 * y**2),
    "Bergomi": (models.BergomiVol.of(k=2.0, level=0.22, omega=1.1, rho=-0.4, a0=0.2, low=1e-3, high=40.0), lambda y: 0.22 * jnp.exp(y)),
}


def simulated(model, A, key):
    """(y_T, conditional forward, conditional variance of log S), each (PATHS,), in antithetic halves; Heun's scheme, order two in law.

    The bounds are too far to be met, but for the lower one of the square root: there paths are held inside, one in many thousands.
    """
    dt, (low, high) = T / STEPS, model.edges
    a_slope = jax.vmap(jax.grad(model.volatility))

    def rates(y):
        a = model.volatility(y)
        return jnp.stack([a**2, a * model.drift(y) + 0.5 * model.scale**2 * a_slope(y)])

    def step(carry, subkey):
        y, before, integrals = carry
        z = jax.random.normal(subkey, (PATHS // 2,))
        noise = model.scale * jnp.sqrt(dt) * jnp.concatenate([z, -z])
        drift = model.drift(y)
        y = jnp.clip(y + 0.5 * dt * (drift + model.drift(jnp.clip(y + dt * drift + noise, low, high))) + noise, low, high)
        after = rates(y)
        return (y, after, integrals + 0.5 * dt * (before + after)), None

    y = jnp.full(PATHS, model.start)
    (y, _, (variance, pull)), _ = jax.lax.scan(step, (y, rates(y), jnp.zeros((2, PATHS))), jax.random.split(key, STEPS))
    driven = model.rho * (A(y) - A(model.start) - pull) / model.scale
    return y, jnp.exp(driven - 0.5 * model.rho**2 * variance), (1 - model.rho**2) * variance


def paired(sample):
    """Means of antithetic pairs: independent draws."""
    return 0.5 * (sample[: PATHS // 2] + sample[PATHS // 2 :])


@pytest.mark.parametrize("name", MODELS)
def test_simulation_agrees_on_spot_and_vix(name, key, within_error):
    model, A = MODELS[name]
    y, forward, variance = jax.jit(lambda key: simulated(model, A, key))(key)
    law, vix = models.SpotLaw.of(model, T), models.VolatilityLaw.of(model, T, models.TAU)
    within_error(paired(forward), 1.0)
    for k in (0.85, 0.95, 1.05, 1.15):
        price = forward * (market.black_put if k < 1 else market.black_call)(k / forward, jnp.sqrt(variance))
        within_error(paired(price), law.otm([k])[0])
    v = vix.vix(np.asarray(y))
    within_error(paired(v), vix.mean())
    for strike in vix.quantiles([0.1, 0.5, 0.95]):
        within_error(paired(np.maximum(v - strike, 0)), vix.calls([strike])[0])
