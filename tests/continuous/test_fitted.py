"""The reference fitted to quotes: its prices against the transform, a known model found again, bounds, refusals."""

from dataclasses import replace

import numpy as np
import pytest

from smilebridge import continuous, models
from smilebridge.continuous.fitted import FAMILIES, prices

T1, T2 = 0.1, 0.1 + 30 / 365
K1, K2 = np.array([0.75, 0.88, 0.94, 0.98, 1.02, 1.06, 1.1]), np.array([0.65, 0.85, 0.92, 0.97, 1.03, 1.08, 1.15])
KV = np.array([0.17, 0.18, 0.19, 0.22, 0.28, 0.36])
BOUNDS = {"low": 0.06, "high": 0.9}
KNOWN = {
    "lognormal": models.LognormalVol.of(k=6.0, m=0.2, nu=2.0, rho=-0.7, a0=0.17, **BOUNDS),
    "square-root": models.SquareRootVol.of(kappa=5.0, theta=0.045, xi=0.9, rho=-0.65, a0=0.18, **BOUNDS),
    "bergomi": models.BergomiVol.of(k=6.0, level=0.18, omega=2.0, rho=-0.7, a0=0.17, **BOUNDS),
}


def quoted(model):
    """What the model asks, as quotes without bid and ask."""
    blank = continuous.Quotes(K1, 0 * K1, K2, 0 * K2, KV, 0 * KV, 0.19)
    asked = prices(model, blank, T1, T2)
    future = float(asked[-1])
    sides = prices(model, replace(blank, future=future), T1, T2)
    price1, price2, priceV, _ = np.split(sides, [len(K1), len(K1) + len(K2), len(sides) - 1])
    return continuous.Quotes(K1, price1, K2, price2, KV, priceV, future)


@pytest.mark.parametrize("kind", FAMILIES)
def test_prices_are_those_of_the_transform(kind):
    model, quotes = KNOWN[kind], quoted(KNOWN[kind])
    unit = quotes.units(T1, T2)
    exact = np.concatenate([models.SpotLaw.of(model, T).otm(k) for T, k in ((T1, K1), (T2, K2))])
    off = np.abs(quotes.prices[: len(exact)] - exact) / unit[: len(exact)]
    assert np.median(off) < 1e-4
    assert off.max() < 10e-4  # the ends of S2: payoffs are bent at twice the furthest log strike
    future, otm, _ = models.vix_otm(model, T1, T2 - T1, KV)
    np.testing.assert_allclose(quotes.priceV, otm, atol=2e-6)
    assert quotes.future == pytest.approx(future, abs=2e-6)


@pytest.mark.parametrize("kind", [pytest.param(kind, marks=() if kind == "lognormal" else pytest.mark.slow) for kind in FAMILIES])
def test_a_known_model_is_found_again_by_its_prices(kind):
    quotes = quoted(KNOWN[kind])
    found = continuous.fit(kind, quotes, T1, T2, bounds=tuple(BOUNDS.values()))
    assert np.abs(continuous.mispriced(found, quotes, T1, T2)).max() < 20e-4
    assert np.median(np.abs(continuous.mispriced(found, quotes, T1, T2))) < 2e-4
    assert float(found.rho) == pytest.approx(float(KNOWN[kind].rho), abs=0.02)
    assert float(found.a0) == pytest.approx(float(KNOWN[kind].a0), rel=0.02)


def test_bounds_of_volatility_hold_all_quotes_and_do_not_depend_on_the_model():
    quotes = quoted(KNOWN["lognormal"])
    low, high = continuous.bounds_of(quotes, T1, T2)
    spot = np.concatenate(quotes.vols(T1, T2)[:2])
    assert low <= 0.5 * min(spot.min(), KV.min())
    assert high >= max(3 * spot.max(), 1.25 * KV.max())
    without = replace(quotes, kV=KV[:0], priceV=KV[:0], future=None)
    assert continuous.bounds_of(without, T1, T2) == pytest.approx((0.5 * spot.min(), 3 * spot.max()))


def test_what_cannot_be_fitted_is_refused_by_name():
    quotes = quoted(KNOWN["lognormal"])
    with pytest.raises(ValueError, match="'rough': need one of lognormal, square-root, bergomi"):
        continuous.fit("rough", quotes, T1, T2)
    with pytest.raises(ValueError, match=r"bounds of volatility 0\.3000 and 0\.9000: too near to the volatility at the money"):
        continuous.fit("lognormal", quotes, T1, T2, bounds=(0.3, 0.9))
