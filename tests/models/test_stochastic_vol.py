import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smilebridge import models

COMMON = dict(rho=-0.6, a0=0.2, low=0.02, high=1.5)
OWN = {
    models.LognormalVol: dict(k=1.5, m=0.25, nu=0.9),
    models.SquareRootVol: dict(kappa=3.0, theta=0.05, xi=0.4),
    models.BergomiVol: dict(k=2.0, level=0.22, omega=1.1),
}
KINDS = pytest.mark.parametrize("kind", OWN, ids=lambda kind: kind.__name__)


def volatility(kind, **changes):
    return kind.of(**{**OWN[kind], **COMMON, **changes})


# What each model says of itself: drift and noise of the variable that it is named after, as a function of the volatility a.
STATED = {
    models.LognormalVol: (lambda a: a, lambda a: -1.5 * (a - 0.25), lambda a: 0.9 * a),
    models.SquareRootVol: (lambda a: a**2, lambda a: 3.0 * (0.05 - a**2), lambda a: 0.4 * a),
    models.BergomiVol: (lambda a: jnp.log(a), lambda a: -2.0 * jnp.log(a / 0.22), lambda a: jnp.full_like(a, 1.1)),
}


@KINDS
def test_coordinate_inverts_volatility_and_carries_the_bounds(kind):
    model = volatility(kind)
    a = jnp.linspace(0.02, 1.5, 25)
    np.testing.assert_allclose(model.volatility(model.coordinate(a)), a, rtol=1e-14)
    assert bool(jnp.all(jnp.diff(model.coordinate(a)) > 0))
    named = jnp.stack([model.start, *model.edges])
    np.testing.assert_allclose(model.volatility(named), [0.2, 0.02, 1.5], rtol=1e-14)


@KINDS
def test_drift_and_scale_follow_from_the_stated_equation_by_ito(kind):
    model, (f, drift, noise) = volatility(kind), STATED[kind]
    y = model.coordinate(jnp.linspace(0.03, 1.2, 17))
    g = lambda y: f(model.volatility(y))
    slope, bend = jax.vmap(jax.grad(g))(y), jax.vmap(jax.grad(jax.grad(g)))(y)
    a = model.volatility(y)
    np.testing.assert_allclose(slope * model.scale, noise(a), rtol=1e-12)
    np.testing.assert_allclose(slope * model.drift(y) + 0.5 * model.scale**2 * bend, drift(a), rtol=1e-11, atol=1e-13)


@KINDS
def test_formulas_are_elementwise_under_jit_and_vmap(kind):
    model = volatility(kind)
    y = model.coordinate(jnp.linspace(0.05, 0.9, 12)).reshape(3, 4)
    for formula in ("volatility", "drift"):
        eager = getattr(model, formula)(y)
        np.testing.assert_allclose(eqx.filter_jit(lambda m, y, name=formula: getattr(m, name)(y))(model, y), eager, rtol=1e-14)
        rows = jax.vmap(jax.vmap(getattr(model, formula)))(y)
        np.testing.assert_allclose(rows, eager, rtol=1e-14)


@KINDS
def test_models_stack_into_a_batch(kind):
    pair = jax.tree.map(lambda *leaves: jnp.stack(leaves), volatility(kind), volatility(kind, rho=0.3, a0=0.3))
    found = jax.vmap(lambda model: model.volatility(model.start))(pair)
    np.testing.assert_allclose(found, [0.2, 0.3], rtol=1e-14)


WRONG = {"rho": (1.0, -1.2), "low": (0.0, -0.1), "a0": (0.01, np.nan), "high": (0.2, np.inf)}
OWN_WRONG = {
    models.LognormalVol: {"k": (-1.0,), "m": (-0.1,), "nu": (0.0, np.nan)},
    models.SquareRootVol: {"kappa": (-1.0,), "theta": (0.0,), "xi": (0.0, np.inf)},
    models.BergomiVol: {"k": (-1.0,), "level": (0.0,), "omega": (0.0, -1.0)},
}


@KINDS
def test_bad_input_is_refused_by_name(kind):
    for name, values in {**WRONG, **OWN_WRONG[kind]}.items():
        for value in values:
            with pytest.raises(ValueError, match=rf"volatility: {name} must be"):
                volatility(kind, **{name: value})


def test_the_interface_itself_is_abstract():
    with pytest.raises(TypeError, match="abstract"):
        models.StochasticVol()
