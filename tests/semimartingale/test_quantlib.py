"""The linear equation against another library's: Heston by finite differences, and by its own integral."""

import numpy as np
import pytest
import QuantLib as ql  # noqa: N813

from simulated_market import MARKET, V0
from smilebridge import semimartingale

DAYS = 44, 49, 79  # in QuantLib's year of 365
DATES = semimartingale.Dates(*(days / 365 for days in DAYS))
K = np.array([0.85, 0.95, 1.0, 1.05, 1.15])
QUOTES = semimartingale.Simulated(MARKET, MARKET, DATES, V0, k=K).quotes


@pytest.fixture(scope="module")
def model():
    """The Heston model as a diffusion of (x, v), exact but for the grid."""
    domain = semimartingale.Domain.of(QUOTES, DATES, V0)
    grid = semimartingale.Grid.of(DATES, 40, 40, domain=domain)
    c = semimartingale.sampled(semimartingale.HestonReference(MARKET), grid)
    return semimartingale.Diffusion(grid, np.broadcast_to(c, (*c.shape[:2], *grid.shape)), V0)


@pytest.fixture(scope="module")
def theirs():
    """Out-of-the-money prices (engine, date, strike) by QuantLib, per forward."""
    today = ql.Date(22, 11, 2024)
    ql.Settings.instance().evaluationDate = today
    flat = ql.YieldTermStructureHandle(ql.FlatForward(today, 0.0, ql.Actual365Fixed()))
    spot, w0 = ql.QuoteHandle(ql.SimpleQuote(1.0)), float(MARKET.variance(V0, DATES.T2))
    process = ql.HestonProcess(flat, flat, spot, w0, MARKET.kappa, MARKET.theta, MARKET.xi, MARKET.rho)
    heston = ql.HestonModel(process)

    def price(engine, days, k):
        option = ql.VanillaOption(ql.PlainVanillaPayoff(ql.Option.Put if k < 1 else ql.Option.Call, k), ql.EuropeanExercise(today + days))
        option.setPricingEngine(engine)
        return option.NPV()

    engines = ql.AnalyticHestonEngine(heston, 192), ql.FdHestonVanillaEngine(heston, 200, 400, 100)
    return np.array([[[price(engine, days, float(k)) for k in K] for days in (DAYS[0], DAYS[2])] for engine in engines])


def test_closed_forms_agree(theirs):
    np.testing.assert_allclose(np.stack([QUOTES.price1, QUOTES.price2]), theirs[0], atol=2e-9)


def test_the_linear_equation_prices_as_well_as_their_finite_differences(model, theirs):
    """In basis points of volatility; theirs on 400 x 100 nodes and 200 steps, ours on 60 x 80."""
    ours = model.prices(QUOTES, 60, 80)[: 2 * len(K)].reshape(2, -1)
    unit = QUOTES.units(DATES.T1, DATES.T2, DATES.TV)[: 2 * len(K)].reshape(2, -1)
    mine, other = (1e4 * np.abs((price - theirs[0]) / unit).max() for price in (ours, theirs[1]))
    assert mine < 1.0
    assert other < 5.0
