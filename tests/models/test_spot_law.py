import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad

from smilebridge import market, models
from smilebridge.models import spot_law

T = 0.25
MODELS = {
    "lognormal": models.LognormalVol.of(k=1.5, m=0.2, nu=1.2, rho=-0.7, a0=0.2, low=1e-3, high=40.0),
    "square-root": models.SquareRootVol.of(kappa=3.0, theta=0.05, xi=0.3, rho=-0.6, a0=0.2, low=2e-3, high=2.0),
    "Bergomi": models.BergomiVol.of(k=2.0, level=0.22, omega=1.1, rho=-0.5, a0=0.2, low=1e-3, high=40.0),
}


@pytest.fixture(scope="module", params=MODELS)
def law_of(request):
    """A model and its law of S_T, solved once."""
    return MODELS[request.param], models.SpotLaw.of(MODELS[request.param], T)


def heston_transform(u, *, kappa, theta, xi, rho, w0, years):
    """E[S^{1/2 + iu}] of the unbounded model (Heston 1993, the form without a branch cut)."""
    s = 0.5 + 1j * u
    b = kappa - rho * xi * s
    d = np.sqrt(b**2 - xi**2 * s * (s - 1))
    g, decay = (b - d) / (b + d), np.exp(-d * years)
    level = kappa * theta / xi**2 * ((b - d) * years - 2 * np.log((1 - g * decay) / (1 - g)))
    return np.exp(level + w0 * (b - d) / xi**2 * (1 - decay) / (1 - g * decay))


def test_square_root_prices_are_hestons():
    k = np.array([0.6, 0.75, 0.9, 0.98, 1.0, 1.05, 1.15, 1.3])
    found, error = models.spx_otm(MODELS["square-root"], T, k)
    transform = lambda u: heston_transform(u, kappa=3.0, theta=0.05, xi=0.3, rho=-0.6, w0=0.04, years=T)
    for strike, price in zip(k, found, strict=True):
        wave = lambda u, strike=strike: (strike ** (-1j * u) * transform(u)).real / (u**2 + 0.25)
        covered = np.sqrt(strike) / np.pi * quad(wave, 0, 300, epsabs=1e-14, limit=500)[0]
        assert abs(price - (min(strike, 1.0) - covered)) < 1e-10
    assert error < 1e-10


def test_still_volatility_leaves_black_scholes():
    model = models.LognormalVol.of(k=1.5, m=0.2, nu=1e-4, rho=0.3, a0=0.3, low=0.02, high=2.0)
    variance = quad(lambda t: (0.2 + 0.1 * np.exp(-1.5 * t)) ** 2, 0, T, epsabs=1e-15)[0]
    k = np.linspace(0.6, 1.6, 21)
    black = market.black_otm(jnp.asarray(k), jnp.full(21, np.sqrt(variance)))
    np.testing.assert_allclose(models.spx_otm(model, T, k)[0], black, atol=1e-6)  # nu rho a sqrt(T) moves the smile by 3e-6 of vol


def test_strip_of_prices_is_the_expected_variance():
    """int 2/k^2 otm(k) dk = E[-2 log S_T] = E[int a^2 dt]: transform against the equation with a source."""
    model = MODELS["Bergomi"]
    law = models.SpotLaw.of(model, T, per_panel=32)
    x, w = np.polynomial.legendre.leggauss(200)
    put, call = np.exp(-1.1 * (1 + x)), np.exp(0.5 + 0.5 * x)
    strip = 1.1 * w @ (2 / put * law.otm(put)) + 0.5 * w @ (2 / call * law.otm(call))
    assert abs(strip - T * float(models.vix_of(model, float(model.start), T)[0]) ** 2) < 2e-9  # puts below e^-2.2 are worth 4e-10


def test_deep_strikes_need_more_nodes_only_beyond_the_stated_range():
    law, fine = (models.SpotLaw.of(MODELS["Bergomi"], T, per_panel=n) for n in (16, 32))
    k = np.exp(np.array([-1.4, -1.0, 1.0, 1.4]))
    np.testing.assert_allclose(law.otm(k), fine.otm(k), atol=1e-11)
    assert abs(law.otm([np.exp(-2)])[0] - fine.otm([np.exp(-2)])[0]) > 1e-10


def test_stated_error_bounds_what_refinement_changes(law_of):
    model, fine = law_of
    k, rough = np.exp(np.linspace(-0.3, 0.3, 13)), models.SpotLaw.of(model, T, tol=1e-5)
    assert rough.nodes < fine.nodes
    assert fine.error < 2e-11 < rough.error < 1e-5
    assert np.max(np.abs(rough.otm(k) - fine.otm(k)) / np.sqrt(k)) < rough.error


def test_prices_do_not_depend_on_where_the_contour_or_the_window_end(law_of, monkeypatch):
    model, law = law_of
    k = np.exp(np.linspace(-0.3, 0.3, 13))
    monkeypatch.setattr(spot_law, "SHORTEST", 1.1 * spot_law.SHORTEST)
    monkeypatch.setattr(spot_law, "SPOT_REACH", 7.2)
    monkeypatch.setattr(spot_law, "_level", lambda *_: (140, 0.0))
    assert np.max(np.abs(models.SpotLaw.of(model, T).otm(k) - law.otm(k))) < 5e-11


def test_prices_are_a_convex_put_and_call_smile(law_of):
    (_, law), k = law_of, np.linspace(0.7, 1.3, 61)
    calls = law.otm(k) + np.maximum(1 - k, 0)
    assert np.all(np.diff(calls) < 0)
    assert np.all(np.diff(calls, 2) > 0)
    assert np.all(calls > np.maximum(1 - k, 0))
    levels = np.array([0.01, 0.3, 0.9])
    slope = (law.otm(law.quantiles(levels) + 1e-4) - law.otm(law.quantiles(levels) - 1e-4)) / 2e-4
    np.testing.assert_allclose(np.where(slope > 0, slope, 1 + slope), levels, atol=1e-5)


def test_correlation_tilts_the_smile_its_own_way():
    k = np.array([0.9, 1.1])
    even = models.BergomiVol.of(k=2.0, level=0.2, omega=1.0, rho=0.0, a0=0.2, low=0.01, high=4.0)
    tilted, level = (models.spx_otm(eqx.tree_at(lambda m: m.rho, even, jnp.array(rho)), T, k)[0] for rho in (-0.6, 0.0))
    assert tilted[0] > level[0]
    assert tilted[1] < level[1]
    np.testing.assert_allclose(models.spx_otm(even, T, 1 / k)[0], level / k, atol=1e-11)  # put-call symmetry without correlation
