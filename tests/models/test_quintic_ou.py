import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from smilebridge import market, models

DAY = 1 / 365
PUBLISHED = {  # FACTS section 5: days to T1, VIX future and square root of E V^2 in vol points, VIX implied vols at multiples of the future
    "calm": (9, 11.063, 11.337, {1.0: 1.04, 2.0: 2.23}),
    "normal": (58, 12.380, 13.778, {1.0: 0.86}),
}


def vol(k, otm, years):
    return np.asarray(market.implied_stdev(jnp.asarray(k), jnp.asarray(otm))) / np.sqrt(years)


@pytest.mark.parametrize("name", PUBLISHED)
def test_vix_law_has_the_known_future_and_smile(name):
    days, future, root, smile = PUBLISHED[name]
    law = models.VixLaw.of(models.QuinticOU.named(name), days * DAY)
    assert round(100 * law.mean(), 3) == future
    assert round(100 * np.sqrt(law.mean(2)), 3) == root
    found = vol(np.array(list(smile)), law.calls(law.mean() * np.array(list(smile))) / law.mean(), days * DAY)
    assert [round(float(v), 2) for v in found] == list(smile.values())


@pytest.mark.parametrize("name", models.PARAMETERS)
def test_mean_squared_vix_is_the_forward_variance(name):
    model = models.QuinticOU.named(name)
    for days in (1, 9, 23, 58, 180):
        window = model.xi0.integral(jnp.array([days, days + 30], float) * DAY)
        target = float(window[1] - window[0]) / models.TAU
        assert abs(models.VixLaw.of(model, days * DAY).mean(2) - target) < 1e-14


@pytest.mark.parametrize("name", models.PARAMETERS)
def test_vix_options_agree_with_adaptive_quadrature_and_parity(name):
    law = models.VixLaw.of(models.QuinticOU.named(name), 23 * DAY)
    levels = law.mean() * np.array([0.5, 0.75, 0.8, 0.9, 1.0, 1.3, 2.0, 4.0])
    calls, puts = law.calls(levels), law.puts(levels)
    np.testing.assert_allclose(calls - puts, law.mean() - levels, atol=1e-15)
    for v, call in zip(levels[3:6], calls[3:6], strict=True):
        payoff = lambda z, v=v: max(float(law.vix(z)) - v, 0.0) * norm.pdf(z)
        edges = [-10.0, *law.kinks(v), 10.0]
        brute = sum(quad(payoff, a, b, epsabs=1e-14, limit=200)[0] for a, b in zip(edges[:-1], edges[1:], strict=True))
        assert abs(call - brute) < 1e-12


def test_vix_prices_converge_with_the_panels(monkeypatch):
    law = models.VixLaw.of(models.QuinticOU.named("normal"), 28 * DAY)
    levels = law.mean() * np.linspace(0.5, 6.0, 23)
    coarse = law.calls(levels)
    monkeypatch.setattr("smilebridge.models.quintic_ou.NODES", 40)
    np.testing.assert_allclose(coarse, law.calls(levels), atol=1e-13)


def test_quantiles_of_the_vix_invert_its_distribution():
    law = models.VixLaw.of(models.QuinticOU.named("stressed"), 23 * DAY)
    levels = np.array([0.01, 0.1, 0.5, 0.9, 0.99])
    np.testing.assert_allclose(law.cdf(law.quantiles(levels)), levels, atol=1e-10)


@pytest.mark.parametrize("x", [-1.5, 0.3, 2.0])
def test_vix_polynomial_is_the_conditional_mean_of_variance(x, key, within_error):
    model, years, n = models.QuinticOU.named("normal"), 28 * DAY, 200_000
    when, draw = jax.random.split(key)
    lag = models.TAU * jax.random.uniform(when, (n,))
    later = jnp.exp(-model.reversion * lag) * x + jnp.sqrt(model.factor_variance(lag)) * jax.random.normal(draw, (n,))
    variance = (model.level(years + lag) * jnp.polyval(model.a[::-1], later)) ** 2
    q, _ = models.vix_polynomial(model, years)
    within_error(variance, np.polynomial.polynomial.polyval(x, q))


def test_parameters_that_break_the_martingale_are_refused():
    good = models.PARAMETERS["calm"]
    for change in (dict(rho=0.3), dict(H=0.6), dict(a=(1.0, 0.2, 0.1, -0.1)), dict(xi0=(0.0, 1.0, 0.04))):
        with pytest.raises(ValueError, match="quintic OU: need"):
            models.QuinticOU.from_parameters(**{**good, **change})
