"""Heston in closed form: the published experiment's prices, identities between smiles, another road, refusals."""

import numpy as np
import pytest

from simulated_market import DATES, KV, MARKET, REFERENCE, V0, K, quoted
from smilebridge import models, semimartingale

CALLS = {  # per hundred, the experiment's own table; the reference's future is the last
    "T1": [15.35122, 10.93137, 7.10644, 4.12139, 2.08734, 0.90921, 0.33888],
    "T2": [15.98370, 11.89510, 8.35070, 5.47496, 3.32356, 1.85845, 0.95744],
    "VIX": [14.33248, 9.56967, 5.41951, 2.43165, 0.80965],
}
ROUNDED = 6e-8  # half a unit of their last digit, and ours


def test_prices_are_those_of_the_experiment():
    q = quoted(MARKET)
    for price, told in ((q.price1, CALLS["T1"]), (q.price2, CALLS["T2"])):
        np.testing.assert_allclose(price + np.maximum(1 - K, 0) * (K < 1), np.array(told) / 100, atol=ROUNDED)
    vix = q.priceV + np.where(q.future > KV, q.future - KV, 0.0)
    np.testing.assert_allclose(vix, np.array(CALLS["VIX"]) / 100, atol=ROUNDED)
    assert q.future == pytest.approx(0.2928860, abs=ROUNDED)
    assert quoted(REFERENCE).future == pytest.approx(0.2767022, abs=ROUNDED)


def test_options_on_the_vix_span_its_second_moment():
    w0 = float(MARKET.variance(V0, DATES.T2))
    v = np.linspace(0.0, 1.5, 3001)
    future, otm = MARKET.vix_otm(w0, DATES.TV, DATES.tau, v)
    square = future**2 + 2 * np.trapezoid(otm, v)
    mean = MARKET.theta + (w0 - MARKET.theta) * np.exp(-MARKET.kappa * DATES.TV)
    assert square == pytest.approx(float(MARKET.vix(mean, DATES.tau)) ** 2, rel=1e-5)  # 0.5 mm of the trapezoidal rule


def test_transform_is_that_of_a_martingale_and_of_a_law():
    found = MARKET.transform(np.array([0.0, 1.0], complex), 0.09, 0.2)
    np.testing.assert_allclose(found, 1.0, atol=1e-13)


def test_prices_agree_with_collocation_where_bounds_do_not_matter():
    calm = semimartingale.Heston(kappa=2.0, theta=0.04, xi=0.2, rho=-0.6)
    bounded = models.SquareRootVol.of(kappa=2.0, theta=0.04, xi=0.2, rho=-0.6, a0=0.2, low=0.02, high=1.0)
    otm, error = models.spx_otm(bounded, 0.2, K)
    np.testing.assert_allclose(calm.spx_otm(0.04, 0.2, K), otm, atol=error + 1e-9)
    future, vix, error = models.vix_otm(bounded, 0.2, 30 / 365, KV)
    found = calm.vix_otm(0.04, 0.2, 30 / 365, KV)
    assert found[0] == pytest.approx(future, abs=error + 1e-8)
    np.testing.assert_allclose(found[1], vix, atol=error + 1e-8)


def test_variance_and_vix_are_inverse():
    w = np.array([0.0, 0.04, 0.3])
    np.testing.assert_allclose(MARKET.variance(MARKET.vix(w, 0.1), 0.1), w, atol=1e-15)


@pytest.mark.parametrize("wrong", [{"kappa": 0.0}, {"theta": -0.1}, {"xi": 0.0}, {"rho": 1.0}])
def test_parameters_out_of_order_are_refused(wrong):
    with pytest.raises(ValueError, match="Heston: need"):
        semimartingale.Heston(**{"kappa": 1.0, "theta": 0.04, "xi": 0.5, "rho": 0.0} | wrong)
