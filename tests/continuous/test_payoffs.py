"""A calibrated bridge prices any payoff: at no tilt as the transform and the grid do, with tilt as its own quotes and promises say."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smilebridge import arbitrage, market, models
from smilebridge.continuous import Level, Paths, Quotes, calibrate

EXPERIMENT = models.EXPERIMENTS["iii"]
T1, T2, TAU = EXPERIMENT.T1, EXPERIMENT.T2, EXPERIMENT.tau
BETWEEN = T1 + 0.4 * TAU
DATES = (0.06, T1, BETWEEN, T2)  # the first and the third lie between all time steps
N = 10_000


@pytest.fixture(scope="module")
def found():
    """A bridge to a few quotes of all three smiles, on a coarse grid."""
    quotes = Quotes.of_market(models.quoted_market(EXPERIMENT, n=(5, 5, 4)))
    return calibrate(EXPERIMENT.reference, quotes, T1, T2, levels=(Level(48, 32, 8, (6, 3)),))


@pytest.fixture(scope="module")
def elsewhere(found):
    """What the own grid hides, in units of volatility."""
    return np.abs(found.elsewhere(Level(64, 48, 16, (8, 4))))


@pytest.fixture(scope="module")
def prior(found):
    return Paths.of(found, N, key=jax.random.key(0), dates=DATES, batches=2, tilt=jnp.array(0.0))


@pytest.fixture(scope="module")
def bridge(found):
    return Paths.of(found, N, key=jax.random.key(1), dates=DATES, batches=2, tilt=jnp.array(1.0))


def near(estimate, target, *, sigmas=4.0, room=0.0):
    off = np.abs(np.asarray(estimate.value) - target)
    assert (off < sigmas * np.asarray(estimate.error) + room).all(), f"off by {off / np.asarray(estimate.error)} standard errors"


def plain_error(paths, pay):
    """Standard error without hedges, the same pairs."""
    pairs = pay.reshape(paths.batches, 2, -1).mean(axis=1).ravel()
    return pairs.std(ddof=1) / np.sqrt(pairs.size)


@pytest.mark.parametrize("date", DATES)
def test_without_tilt_a_smile_at_any_maturity_is_that_of_the_transform(prior, date):
    k = np.array([0.95, 1.0, 1.04])
    otm, _ = models.spx_otm(EXPERIMENT.reference, date, k)
    near(prior.smile(date, k), np.asarray(market.implied_stdev(jnp.asarray(k), jnp.asarray(otm))) / np.sqrt(date), room=5e-5)


def test_without_tilt_a_forward_start_costs_what_the_grid_says(found, prior):
    """Linear in the payoff and blind to S1: two more flows, the second of a function of y."""
    grid = found.grid
    payoff, _ = grid.options([1.02])
    zero = jnp.zeros((len(grid.y), 1, 1, len(grid.x)))
    linear = lambda flow, claim: flow.back(jnp.concatenate([zero, zero + claim], axis=1))[:, 1, 0, len(grid.x) // 2]
    late = linear(found.bridge.second, payoff[0][None, None, None, :])
    early = linear(found.bridge.first, late[:, None, None, None])
    near(prior.price(arbitrage.PAYOFFS["forward-start-call"](1.02)), float(grid.start @ early) + 1.0, room=2e-5)


def test_at_both_dates_smiles_are_the_quotes(found, elsewhere, bridge):
    quotes = found.quotes
    m = len(quotes.k1)
    for date, k, vol, off in zip((T1, T2), (quotes.k1, quotes.k2), quotes.vols(T1, T2), (elsewhere[:m], elsewhere[m:]), strict=False):
        near(bridge.smile(date, k), vol, room=2 * off[: len(k)] + 5e-4)


def test_vix_options_cost_what_is_quoted(found, elsewhere, bridge):
    k, units = found.quotes.kV, found.quotes.units(T1, T2)[-1 - len(found.quotes.kV) : -1]
    otm = bridge.price(lambda s1, v, s2: np.maximum(np.where(k < found.quotes.future, k - v[:, None], v[:, None] - k), 0.0))
    near(otm, found.quotes.priceV, room=units * (2 * elsewhere[-1 - len(k) : -1] + 5e-4))


def test_vix_squared_costs_what_the_log_contract_does(bridge):
    gap = bridge.price(lambda s1, v, s2: v**2 + 2 / TAU * np.log(s2 / s1))
    near(gap, 0.0, room=0.01 * float(bridge.price(arbitrage.PAYOFFS["vix-square"]()).value))


def test_forward_starts_obey_parity(bridge):
    call, put = (bridge.price(arbitrage.PAYOFFS[f"forward-start-{side}"](0.97)) for side in ("call", "put"))
    assert float(call.value - put.value) == pytest.approx(0.03, abs=4 * float(call.error + put.error))
    near(bridge.price(lambda s1, v, s2: s2 / s1), 1.0)


def test_index_costs_one_on_every_date_with_next_to_no_error(bridge):
    for date in DATES:
        estimate = bridge.price(lambda s1, v, s2, s: s, date)
        assert abs(float(estimate.value) - 1) < 1e-10
    assert plain_error(bridge, bridge.s2) > 1e-6


def test_a_spread_between_dates_is_priced_and_calendar_order_holds(bridge):
    at_the_money = [bridge.price(lambda s1, v, s2, s: np.maximum(s - 1, 0.0), date) for date in DATES]
    assert (np.diff([float(z.value) for z in at_the_money]) > 0).all()
    spread = bridge.price(lambda s1, v, s2, early, late: np.maximum(late - 1, 0.0) - np.maximum(early - 1, 0.0), 0.06, BETWEEN)
    assert float(spread.value) == pytest.approx(float(at_the_money[2].value - at_the_money[0].value), abs=1e-12)


@pytest.mark.parametrize("date", DATES)
def test_hedges_take_most_of_the_noise_of_a_put(bridge, date):
    put = lambda s1, v, s2, s: np.maximum(0.97 - s, 0.0)
    s = bridge.s[:, list(bridge.dates).index(date)]
    assert float(bridge.price(put, date).error) < 0.6 * plain_error(bridge, put(None, None, None, s))


def test_paths_are_at_both_dates_what_they_are(bridge):
    np.testing.assert_allclose(bridge.s[:, 1], bridge.s1, rtol=1e-12)
    np.testing.assert_allclose(bridge.s[:, 3], bridge.s2, rtol=1e-12)


def test_dates_and_strikes_that_say_nothing_are_refused_by_name(found, bridge):
    with pytest.raises(ValueError, match=r"date 0\.3: need 0 < date <= T2"):
        Paths.of(found, 4, key=jax.random.key(0), dates=(0.1, 0.3))
    with pytest.raises(ValueError, match="an even number"):
        Paths.of(found, 5, key=jax.random.key(0))
    with pytest.raises(ValueError, match="strikes: need positive"):
        bridge.smile(0.06, [-1.0])
    with pytest.raises(ValueError, match=r"date 0\.1: the paths were kept at 0\.06"):
        bridge.smile(0.1, [1.0])
    with pytest.raises(ValueError, match=r"strike 3 at 0\.06 years"):
        bridge.smile(0.06, np.array([1.0, 3.0]))
