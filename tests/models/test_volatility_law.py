import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from smilebridge import models

T, TAU = 0.17, models.TAU
WIDE = dict(rho=-0.5, a0=0.2, low=1e-3, high=40.0)
LOGNORMAL = models.LognormalVol.of(k=1.5, m=0.2, nu=1.2, **WIDE)
SQUARE_ROOT = models.SquareRootVol.of(kappa=3.0, theta=0.05, xi=0.3, rho=-0.6, a0=0.2, low=2e-3, high=2.0)
BERGOMI = models.BergomiVol.of(k=2.0, level=0.22, omega=1.1, **WIDE)
NARROW = models.BergomiVol.of(k=0.0, level=0.2, omega=1.0, rho=0.0, a0=0.25, low=0.1, high=0.4)
MODELS = {"lognormal": LOGNORMAL, "square-root": SQUARE_ROOT, "Bergomi": BERGOMI, "bounds that bind": NARROW}
NAMED = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)


def lognormal_vix2(a, *, k=1.5, m=0.2, nu=1.2):
    """E[int_0^TAU a^2 dt]/TAU from the two moment equations, m1' = -k (m1 - m), m2' = (nu^2 - 2k) m2 + 2 k m m1."""
    c = nu**2 - 2 * k
    particular = lambda t: quad(lambda r: np.exp(c * (t - r)) * 2 * k * m * (m + (a - m) * np.exp(-k * r)), 0, t, epsabs=1e-15)[0]
    return quad(lambda t: a**2 * np.exp(c * t) + particular(t), 0, TAU, epsabs=1e-14)[0] / TAU


def test_lognormal_vix_follows_from_two_moments():
    a = np.array([0.03, 0.1, 0.2, 0.5, 1.5])
    found, error = models.vix_of(LOGNORMAL, np.log(a), TAU)
    np.testing.assert_allclose(found, np.sqrt([lognormal_vix2(each) for each in a]), atol=1e-10)
    assert error < 1e-10


def test_square_root_vix_is_linear_in_variance():
    a = np.linspace(0.08, 0.5, 8).reshape(2, 4)
    weight = -np.expm1(-3.0 * TAU) / (3.0 * TAU)
    np.testing.assert_allclose(models.vix_of(SQUARE_ROOT, a, TAU)[0], np.sqrt(0.05 + weight * (a**2 - 0.05)), atol=1e-9)


def test_bergomi_vix_is_an_integral_of_lognormal_means():
    for y in (-1.0, 0.0, 1.2):
        rate = lambda s, y=y: 0.22**2 * np.exp(2 * y * np.exp(-2 * s) + 2 * 1.1**2 * -np.expm1(-4 * s) / 4)
        assert abs(float(models.vix_of(BERGOMI, y, TAU)[0]) - np.sqrt(quad(rate, 0, TAU, epsabs=1e-15)[0] / TAU)) < 1e-10


def test_unbounded_density_is_ornstein_uhlenbecks():
    law = models.VolatilityLaw.of(BERGOMI, T, TAU)
    y = np.linspace(-1.5, 1.5, 31)
    normal = norm(np.exp(-2 * T) * float(BERGOMI.start), 1.1 * np.sqrt(-np.expm1(-4 * T) / 4))
    np.testing.assert_allclose(law.density(y), normal.pdf(y), atol=1e-11)
    low, high = law.vix(normal.ppf(np.array([0.02, 0.97])))
    np.testing.assert_allclose(law.quantiles([0.02, 0.97]), [low, high], atol=1e-10)


def test_bounded_density_is_the_sum_of_images():
    law, (low, high) = models.VolatilityLaw.of(NARROW, T, TAU), (float(edge) for edge in NARROW.edges)
    y, start = np.linspace(low, high, 21), float(NARROW.start)
    shifts = 2 * (high - low) * np.arange(-8, 9)
    gap = np.stack([y - start + shift for shift in shifts] + [y + start - 2 * low + shift for shift in shifts])
    np.testing.assert_allclose(law.density(y), norm(0, np.sqrt(T)).pdf(gap).sum(0), atol=1e-10)


@NAMED
def test_vix_options_obey_parity_and_have_no_mass_to_lose(model):
    law = models.VolatilityLaw.of(model, T, TAU)
    v = law.quantiles([0.02, 0.3, 0.6, 0.98])
    assert abs(law.quadrature()[1].sum() - 1) < 1e-10
    np.testing.assert_allclose(law.calls(v) - law.puts(v), law.mean() - v, atol=1e-11)
    future, otm, error = models.vix_otm(model, T, TAU, v)
    assert future == law.mean()
    assert error < 2e-11
    np.testing.assert_array_equal(otm, np.where(v < future, law.puts(v), law.calls(v)))
    np.testing.assert_allclose(np.diff(law.puts(np.array([v[1] - 1e-5, v[1] + 1e-5]))) / 2e-5, 0.3, atol=1e-6)


@NAMED
def test_mean_squared_vix_is_the_forward_variance(model):
    """E[V^2] tau = E[int_0^{T + tau} a^2 dt] - E[int_0^T a^2 dt], also where the bounds bind."""
    total = lambda years: years * float(models.vix_of(model, float(model.start), years)[0]) ** 2
    assert abs(models.VolatilityLaw.of(model, T, TAU).mean(2) - (total(T + TAU) - total(T)) / TAU) < 1e-11


def test_less_a_basis_every_squared_vix_moves_by_it():
    law, basis = models.VolatilityLaw.of(LOGNORMAL, T, TAU), -0.002
    moved, y = law.less(basis), np.array([-2.0, -1.5, -1.0])
    np.testing.assert_allclose(moved.vix(y) ** 2, law.vix(y) ** 2 - basis, rtol=1e-9)
    assert moved.mean(2) == pytest.approx(law.mean(2) - basis, rel=1e-9)
    with pytest.raises(ValueError, match="basis 0.9"):
        law.less(0.9)


def test_stated_error_bounds_what_refinement_changes():
    rough, fine = (models.VolatilityLaw.of(LOGNORMAL, T, TAU, tol=tol) for tol in (1e-3, 1e-11))
    v = fine.quantiles(np.linspace(0.02, 0.98, 9))
    assert 1e-11 < rough.error < 2e-3
    assert np.max(np.abs(rough.otm(v) - fine.otm(v))) < rough.error
