import re
from datetime import timedelta

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtr, ndtri

from smilebridge import market, models
from smilebridge.market import spreads

DAY = 1 / 365
FUTURES = {"calm": 11.06, "normal": 11.62, "stressed": 25.97}  # vol points at the first VIX expiry; calm is published, the others are ours
everywhere = pytest.mark.parametrize("name", market.SYNTHETIC)


@everywhere
def test_calendar_holds_the_legs_that_later_stages_need(name):
    day = market.synthetic(name)
    assert len(day.vix) >= 2
    for vix in day.vix:
        assert vix.expiry.weekday() == 2
        assert {vix.expiry, vix.expiry + timedelta(30)} <= {smile.expiry for smile in day.spx}
    ahead = [(smile.expiry - day.day).days for smile in day.spx]
    assert any(23 < n < 30 for n in ahead)
    assert any(30 < n < 37 for n in ahead)
    for smile in (*day.spx, *day.vix):
        assert abs(365 * smile.years - (smile.expiry - day.day).days) < 1e-12
        assert smile.settlement == {"SPX": "pm", "VIX": "am"}[smile.market]


@everywhere
def test_quotes_are_two_sided_and_end_in_zero_bids(name):
    for smile in (*(day := market.synthetic(name)).spx, *day.vix):
        assert np.all(np.diff(smile.strikes) > 0)
        assert np.all((smile.bid > 0) & (smile.bid < smile.ask))
        assert np.all((smile.bid_iv > 0) & (smile.bid_iv < smile.ask_iv))
        beyond = np.array([line.quote.strike for line in smile.ledger])
        assert np.sum(beyond < smile.strikes[0]) >= 2
        assert np.sum(beyond > smile.strikes[-1]) >= 2
        assert {(line.rule, line.quote.bid, line.quote.unit) for line in smile.ledger} == {("no_bid", 0.0, "points")}
        ticks = smile.bid * smile.forward * smile.discount / (0.05 if smile.market == "SPX" else 0.01)
        np.testing.assert_allclose(ticks, np.round(ticks), atol=1e-6)


@everywhere
def test_numerical_error_is_far_below_the_spread(name):
    (stated,) = (re.search(r"worst numerical error (\S+) half-spreads", note) for note in market.synthetic(name).notes if "worst" in note)
    assert float(stated[1]) < 1e-3


@everywhere
def test_vix_quotes_enclose_the_law(name):
    day, model = market.synthetic(name), models.QuinticOU.named(name)
    assert round(day.vix[0].forward, 2) == FUTURES[name]
    for smile in day.vix:
        price = models.VixLaw.of(model, smile.years).calls(smile.strikes / 100) * 100 / smile.forward
        assert np.all((smile.call_bid <= price) & (price <= smile.call_ask))


@everywhere
def test_spx_quotes_enclose_a_simulation(name, key):
    smile = market.synthetic(name).spx[1]
    near = np.argsort(np.abs(smile.k - 1))[:40:4]
    model, steps = models.QuinticOU.named(name), (4 * round(365 * smile.years),)
    found = models.call_prices(model, jnp.asarray(smile.k[near]), dt=jnp.asarray(DAY / 4), steps=steps, n_paths=4096, n_chunks=6, key=key)
    value, error = np.asarray(found.value[:, 0]), np.asarray(found.error[:, 0])
    assert np.all((smile.call_bid[near] < value + 4 * error) & (value - 4 * error < smile.call_ask[near]))


def test_volatilities_look_like_their_names():
    at_money = {name: float(np.interp(1.0, smile.k, smile.bid_iv)) for name in market.SYNTHETIC for smile in market.synthetic(name).spx[:1]}
    assert at_money["calm"] < at_money["normal"] < 0.1
    assert 0.25 < at_money["stressed"] < 0.3
    vix = market.synthetic("stressed").vix[0]
    assert 0.9 < np.interp(1.0, vix.k, vix.bid_iv) < np.interp(1.5, vix.k, vix.bid_iv)


@everywhere
def test_index_of_the_quotes_is_the_curve_up_to_strikes_and_spreads(name):
    """The rule's own errors: mids between ticks, sums for integrals, wings without bids. Two per cent covers them in all three markets."""
    day, model = market.synthetic(name), models.QuinticOU.named(name)
    curve = 100 * float(jnp.sqrt(model.xi0.integral(jnp.asarray(models.TAU)) / models.TAU))
    assert abs(market.vix_index(day).value - curve) < 0.02 * curve


def test_spread_rule_resembles_the_real_file(data_day):
    """Median half-spread of the real quotes over the rule's, by market: within a factor of 1.5."""
    for name in ("SPX", "VIX"):
        table = pd.read_csv(next(data_day.glob(f"{name.lower()}*.csv"))).dropna(subset=["Bid", "Ask"])
        table = table[(table.Texp > 0.015) & (table.Texp < 0.25)]
        forward, strike, root = table.Fwd.to_numpy(), table.Strike.to_numpy(), np.sqrt(table.Texp.to_numpy())
        stdevs = [jnp.asarray(side.to_numpy() * root) for side in (table.Bid, table.Ask)]
        bid, ask = (forward * np.asarray(market.black_otm(jnp.asarray(strike / forward), stdev)) for stdev in stdevs)
        expiry = pd.to_datetime(table.Expiry.astype(str), format="%Y%m%d").dt.date
        monthly = np.array([spreads.is_monthly(day) for day in expiry])
        rule = np.where(monthly, *(spreads.half_spread((bid + ask) / 2, market=name, monthly=flag) for flag in (True, False)))
        quoted = np.diff(np.stack(spreads.quoted((bid + ask) / 2, rule, market=name)), axis=0)[0] / 2
        assert 1 / 1.5 < np.median((ask - bid) / 2 / quoted) < 1.5


def test_unknown_names_and_expiries_are_refused_by_name():
    with pytest.raises(ValueError, match="no synthetic market 'wild': choose from calm, normal, stressed"):
        market.synthetic("wild")
    with pytest.raises(ValueError, match="has no VIX expiry 2025-01-01: choose from 2025-09-17, 2025-10-15"):
        market.truth("calm", pd.Timestamp("2025-01-01").date())


@everywhere
def test_truth_keeps_the_identities_that_nobody_imposed(name):
    truth = market.truth(name)
    value, error = truth.value, truth.error
    assert abs(value.EV2 - value.forward_variance) < error.forward_variance + 1e-11
    np.testing.assert_allclose(value.local_vix2.mean(), value.EV2, rtol=1e-12)
    np.testing.assert_allclose(value.copula.sum(0), 0.1, atol=1e-6)
    np.testing.assert_allclose(value.copula.sum(1), 0.1, atol=1e-6)
    np.testing.assert_allclose(value.forward_start_by_v.mean(), value.forward_start[2], atol=1e-7)
    assert value.correlation < 0
    assert np.all(np.diff(value.forward_start_by_v) > 0)
    assert value.EV**2 < value.EV2


def test_truth_agrees_with_a_simulation_of_the_joint_law(key, within_error):
    truth, model, batches = market.truth("stressed"), models.QuinticOU.named("stressed"), 32
    law, days = models.VixLaw.of(model, truth.years), round(365 * truth.years)
    paths = models.mixture(model, dt=jnp.asarray(DAY / 4), steps=(4 * days, 4 * (days + 30)), n_paths=64_000, key=key)
    v = law.vix(np.asarray(paths.x[0]) / law.stdev)
    mean, stdev = np.asarray(paths.mean), np.sqrt(np.asarray(paths.variance))
    log_s1 = mean[0] + stdev[0] * np.asarray(jax.random.normal(jax.random.fold_in(key, 1), v.shape))
    pairs = lambda sample: 0.5 * (sample[:32_000] + sample[32_000:])
    later = models.Mixture(paths.x[1:], *(jnp.diff(part, axis=0) for part in (paths.mean, paths.variance)))
    forward_start = np.asarray(later.calls(jnp.array([0.95, 1.0, 1.05])))[:, 0]
    for sample, target in zip(forward_start, truth.value.forward_start[1:4], strict=True):
        within_error(pairs(sample), target)
    within_error(pairs(2 * forward_start[1] * np.exp(mean[0] + 0.5 * stdev[0] ** 2)), truth.value.straddle)
    split = np.array_split(np.arange(32_000), batches)
    both = [np.r_[part, part + 32_000] for part in split]
    within_error([np.corrcoef(log_s1[part], np.log(v[part]))[0, 1] for part in both], float(truth.value.correlation))
    vol = 2 * ndtri(0.5 + 0.5 * forward_start[1]) / np.sqrt(30 * DAY)  # of the at-the-money call: nearly linear in its price
    within_error([np.polyfit(log_s1[part], vol[part], 1)[0] for part in both], float(truth.value.stickiness[0]))
    short = ndtr((np.log(truth.value.s1[2]) - mean[0]) / stdev[0])
    within_error(pairs(10 * v**2 * short), truth.value.local_vix2[0])
    within_error(pairs(short * (v > truth.value.v[10])), truth.value.copula[0, -1])
