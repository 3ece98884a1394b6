import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smilebridge import market, models
from smilebridge.models import path_integral

DAY = 1 / 365
TINY = 1e-30  # complex step


def laws_at(model, z, days, *, level, **grid):
    """Joint transforms at `days`, time steps of 1/level day."""
    x = models.factor_grid(model, days[-1] * DAY, **grid)
    return models.joint_transform(model, z, dt=DAY / level, steps=tuple(level * day for day in days), x=x)


def plain(law):
    """E[S^{iz}]."""
    return law.mean(jnp.ones_like(law.x))


def moments(model, days):
    """Extrapolated E[S], total mass, E[log S] at `days`, with stated errors."""
    found = []
    for level in models.LEVELS:
        (law,) = laws_at(model, jnp.array([-1j, 0, TINY], complex), (days,), level=level)
        spot, mass, log = np.asarray(plain(law))
        found.append([spot.real, mass.real, log.imag / TINY])
    return models.extrapolated(found)


def test_published_smile_of_the_calm_market_is_met():
    k = jnp.exp(jnp.array([-0.1, -0.05, 0.0, 0.02]))
    otm, _ = models.otm_prices(models.QuinticOU.named("calm"), k[None, :], day=DAY, days=(39,))
    vols = np.asarray(market.implied_stdev(k, jnp.asarray(otm[0]))) / np.sqrt(39 * DAY)
    assert [round(float(v), 3) for v in vols] == [0.187, 0.135, 0.077, 0.063]


@pytest.mark.parametrize("name", models.PARAMETERS)
def test_spot_is_a_martingale_and_the_log_contract_pays_the_curve(name):
    model = models.QuinticOU.named(name)
    (spot, mass, log), error = moments(model, 37)
    assert abs(mass - 1) < 1e-11
    assert abs(spot - 1) < error[0] + 1e-11
    assert abs(-2 * log - float(model.xi0.integral(jnp.asarray(37 * DAY)))) < error[2] + 1e-11


def test_stated_error_covers_the_distance_to_a_finer_time_step():
    model, k = models.QuinticOU.named("calm"), jnp.exp(jnp.array([[-0.15, -0.05, -0.01, 0.0, 0.01, 0.03]]))
    value, error = models.otm_prices(model, k, day=DAY, days=(9,))
    finer, _ = models.otm_prices(model, k, day=DAY, days=(9,), levels=(2, 4, 8))
    assert np.all(np.abs(value - finer) <= error)


def test_prices_do_not_depend_on_the_quadratures():
    model, k, found = models.QuinticOU.named("normal"), jnp.exp(jnp.array([-0.6, -0.2, 0.0, 0.05])), []
    for nodes, grid in ((16, {}), (24, dict(n_grid=257, reach=10.0))):
        line = models.Contour.for_stdev(0.03, nodes=nodes)
        (law,) = laws_at(model, line.z, (28,), level=2, **grid)
        found.append(line.otm(plain(law), k))
    np.testing.assert_allclose(*found, atol=1e-11)


@pytest.mark.parametrize("name", models.PARAMETERS)
def test_sampling_the_path_integral_agrees_with_summing_it(name, key):
    model, k, steps = models.QuinticOU.named(name), jnp.exp(jnp.array([-0.1, -0.03, 0.0, 0.02])), (4 * 23, 4 * 53)
    sampled = models.call_prices(model, k, dt=jnp.asarray(DAY / 4), steps=steps, n_paths=4096, n_chunks=8, key=key)
    line = models.Contour.for_stdev(0.02)
    summed = np.stack([line.calls(plain(law), k) for law in laws_at(model, line.z, (23, 53), level=4)], axis=1)
    assert np.max(np.abs(sampled.value - summed) / sampled.error) < 4


def test_mixture_has_mean_one_and_the_curve_as_variance(key, within_error):
    model, steps = models.QuinticOU.named("stressed"), (4 * 9, 4 * 37)
    paths = models.mixture(model, dt=jnp.asarray(DAY / 4), steps=steps, n_paths=40_000, key=key)
    paired = lambda sample: 0.5 * (sample[:20_000] + sample[20_000:])
    for i, step in enumerate(steps):
        within_error(paired(paths.forward[i]), 1.0)
        within_error(paired(-2 * paths.mean[i]), float(model.xi0.integral(jnp.asarray(step * DAY / 4))))


def test_joint_and_conditional_laws_compose():
    model, z = models.QuinticOU.named("normal"), jnp.array([-0.5j, 3 - 0.5j, 40 - 0.5j, -1j], complex)
    first, second = laws_at(model, z, (28, 58), level=1)
    later = models.conditional_transform(model, z, dt=DAY, begin=28, end=58, x=first.x)
    composed = np.sum(np.asarray(first.values) * np.asarray(later.values), axis=0) * float(first.h)
    np.testing.assert_allclose(composed, np.asarray(plain(second)), atol=1e-12)


def test_log_contract_given_the_factor_is_the_squared_vix():
    model, days, found = models.QuinticOU.named("calm"), 9, []
    law = models.VixLaw.of(model, days * DAY)
    x = models.factor_grid(model, (days + 30) * DAY)
    for level in models.LEVELS:
        z = jnp.array([TINY], complex)
        later = models.conditional_transform(model, z, dt=DAY / level, begin=level * days, end=level * (days + 30), x=x)
        found.append(-2 / models.TAU * np.asarray(later.values[:, 0].imag) / TINY)
    value, error = models.extrapolated(found)
    central = np.abs(np.asarray(x)) < 5 * law.stdev
    assert np.all(np.abs(value - law.vix(np.asarray(x) / law.stdev) ** 2)[central] < error[central] + 1e-10)


def test_puts_and_calls_meet_at_parity_and_quantiles_invert():
    model, line = models.QuinticOU.named("stressed"), models.Contour.for_stdev(0.05)
    (law,) = laws_at(model, line.z, (23,), level=1)
    phi, k = plain(law), jnp.array([0.9, 0.99])
    np.testing.assert_allclose(line.calls(phi, k) - line.otm(phi, k), phi[-2].real - k * phi[-1].real, atol=1e-14)
    levels = jnp.array([0.01, 0.5, 0.99])
    np.testing.assert_allclose(1 - line.exceedance(phi, line.quantiles(phi, levels)), levels, atol=1e-12)
    slope = jax.grad(lambda s: line.calls(phi, s[None])[0])(jnp.asarray(0.97))
    np.testing.assert_allclose(-slope, line.exceedance(phi, jnp.array([0.97]))[0], atol=1e-12)


def test_new_parameters_reuse_the_compiled_step():
    line, once = models.Contour.for_stdev(0.05), eqx.debug.assert_max_traces(path_integral._advance.__wrapped__, max_traces=1)
    step = eqx.filter_jit(once)
    for name in models.PARAMETERS:
        model = models.QuinticOU.named(name)
        x = models.factor_grid(model, 9 * DAY)
        start = jnp.ones((x.size, line.z.size), complex)
        values, _ = step(model, line.z, x, start, jnp.asarray(DAY), jnp.asarray(0), jnp.asarray(3))
        assert bool(jnp.all(jnp.isfinite(values.real)))
