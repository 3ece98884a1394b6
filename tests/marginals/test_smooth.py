"""One smile, one law: inside its quotes, exact where it must be, tame where quotes are silent, honest where they contradict each other."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest

import smiles
from smilebridge import market
from smilebridge.marginals import fit_smile, misses
from smilebridge.market.butterfly import misses as butterflies

TOL_MASS = 1e-12  # mass and mean per forward
INSIDE = 1.0  # half-spreads
SILENT = 0.5  # tail widths beyond the last quote from which the tail rule is measured: nearer, components still feel the quotes
REACH = np.arange(SILENT, 4.0, 0.1)  # tail widths
TAIL_CURVATURE = 0.42  # of the lognormal of the last ask, at least: outer components are up to 0.8 tail widths wide, the rule is a penalty
LADDER = np.linspace(-4, 3, 36)  # strikes in standard deviations


def spread(stdev):
    """Half-spreads of a tight chain, per forward."""
    return 2e-3 * stdev


def lognormal_smile(stdev, *, scores=LADDER, days=30, half=None, name="SPX"):
    return smiles.quoted(smiles.lognormal(stdev), np.exp(stdev * scores), spread(stdev) if half is None else half, days=days, name=name)


def errors(smile, law):
    return np.abs(misses(law, smile)[0])


def tail(law, smile, side):
    """Tail width of the last ask, and log density of log X at REACH beyond the last quote."""
    y, stdev = np.log(smile.k), np.sqrt(smile.years) * smile.ask_iv
    at_money = np.interp(0.0, y, 0.5 * (smile.bid_iv + smile.ask_iv)) * np.sqrt(smile.years)
    last, width, sign = (min(y[0], 0.0), stdev[0], -1) if side == "left" else (max(y[-1], 0.0), stdev[-1], 1)
    at = last + sign * max(width, at_money) * REACH
    return np.log(law.density(law.mean() * jnp.exp(jnp.asarray(at)))) + at


def test_every_quote_of_the_synthetic_markets_is_inside(fits):
    for smile, law in fits:
        assert errors(smile, law).max() <= INSIDE, f"{smile}"


def test_mass_and_mean_are_exact_and_density_positive(fits):
    for _, law in fits:
        assert abs(float(law.weights.sum()) - 1) < TOL_MASS
        assert abs(float(law.mean()) - 1) < TOL_MASS
        assert np.all(law.weights > 0)
        assert np.all(law.density(law.quantile(jnp.array([1e-12, 0.01, 0.5, 0.99, 1 - 1e-12]))) > 0)


@pytest.mark.parametrize("side", ["left", "right"])
def test_tails_fall_at_least_as_fast_as_a_lognormal_one_and_a_half_times_as_wide_as_the_last_ask(fits, side):
    for smile, law in fits:
        log_density = tail(law, smile, side)
        assert np.all(np.diff(log_density) < 0), f"{smile} {side}: density rises outwards"
        bound = -0.5 * TAIL_CURVATURE * (REACH - REACH[0]) ** 2
        assert np.all(log_density - log_density[0] <= bound + 1e-9), f"{smile} {side}"


def test_tails_are_log_concave(fits):
    """But for the lower wing of the VIX, which ends more steeply than a component is wide."""
    for smile, law in fits:
        for side in ("left", "right") if smile.market == "SPX" else ("right",):
            assert np.diff(tail(law, smile, side), 2).max() / 0.1**2 < -TAIL_CURVATURE, f"{smile} {side}"


@pytest.mark.parametrize(("days", "vol"), [(1, 0.15), (9, 0.12), (30, 0.2), (365, 0.2), (1825, 0.25), (30, 1.0), (30, 2.0)])
def test_lognormal_density_is_recovered_to_a_thousandth_of_its_peak(days, vol):
    stdev = vol * np.sqrt(days / 365)
    smile = lognormal_smile(stdev, days=days)
    law, truth = fit_smile(smile, name="mu1").law, smiles.lognormal(stdev)
    x = jnp.exp(stdev * jnp.linspace(-3, 3, 61))
    miss = np.abs(law.density(x) - truth.density(x)) * np.asarray(x)
    assert errors(smile, law).max() < 0.1
    assert miss.max() < 1e-3 * float((truth.density(x) * x).max())


@pytest.mark.parametrize(
    ("truth", "strikes", "half", "far"),
    [
        (smiles.skewed(), np.linspace(0.4, 1.2, 81), 3e-5, 0.01),
        (smiles.skewed(), np.linspace(0.4, 1.2, 81), 1e-6, 0.001),
        (smiles.fat(), np.geomspace(0.5, 6, 40), 1e-3, 0.03),
        (smiles.fat(), np.geomspace(0.5, 6, 40), 1e-5, 0.003),
        (smiles.mixture([0.9, 1.1], [0.02, 0.02], [0.5, 0.5]), np.linspace(0.8, 1.2, 41), 1e-4, 0.04),
    ],
    ids=["skewed", "skewed, tight", "fat", "fat, tight", "two humps"],
)
def test_known_mixture_is_recovered_the_better_the_tighter_the_quotes(truth, strikes, half, far):
    """`far`: distance in total variation between the quoted strikes."""
    smile = smiles.quoted(truth, strikes, half)
    law = fit_smile(smile, name="mu1").law
    x = np.linspace(strikes[0], strikes[-1], 2001)
    distance = 0.5 * np.trapezoid(np.abs(np.asarray(law.density(jnp.asarray(x)) - truth.density(jnp.asarray(x)))), x)
    assert errors(smile, law).max() <= INSIDE
    assert distance < 0.5 * far


@pytest.mark.parametrize("quotes", [3, 4, 12])
@pytest.mark.parametrize("reach", [(-3, 2), (-0.5, 0.5), (-2.5, -0.5), (0.5, 2.5)], ids=["both wings", "near", "puts only", "calls only"])
def test_few_quotes_give_a_tame_law(quotes, reach):
    smile = lognormal_smile(0.06, scores=np.linspace(*reach, quotes), half=1e-5)
    assert len(smile) == quotes
    law = fit_smile(smile, name="mu1").law
    assert errors(smile, law).max() <= INSIDE
    assert abs(float(law.mean()) - 1) < TOL_MASS
    assert 1 < float(law.second_moment()) < np.exp(smile.ask_iv.max() ** 2 * smile.years) * (1 + 1e-4)


@pytest.mark.parametrize("share", [1e-6, 1e-3, 0.1, 0.9, 0.999])
def test_spreads_from_a_millionth_to_the_whole_of_the_price_are_met(share):
    prices = np.asarray(market.black_otm(jnp.exp(0.06 * LADDER), jnp.full(LADDER.size, 0.06)))
    smile = lognormal_smile(0.06, half=share * prices)
    law = fit_smile(smile, name="mu1").law
    assert errors(smile, law).max() <= INSIDE
    assert abs(float(law.second_moment()) - np.exp(0.06**2)) < 1e-4


@pytest.mark.parametrize("days", [7, 30, 60])
def test_a_dozen_vix_quotes_grow_no_absurd_tail(days):
    """Wings at 200 per cent: E[V^2] / F^2 stays below that of a lognormal with the largest quoted ask."""
    k = np.array([0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0])
    stdev = np.array([1.1, 0.98, 0.92, 0.95, 1.02, 1.1, 1.25, 1.45, 1.6, 1.75, 1.9, 2.0]) * np.sqrt(days / 365)
    mid = np.asarray(market.black_otm(jnp.asarray(k), jnp.asarray(stdev)))
    smile = smiles.smile(k, 0.95 * mid - 1e-5, 1.05 * mid + 1e-5, days=days, name="VIX", forward=20.0)
    law = fit_smile(smile, name="muV", unit=0.2).law
    assert errors(smile, law).max() <= INSIDE
    assert abs(float(law.mean()) / 0.2 - 1) < TOL_MASS
    assert float(law.second_moment()) < 0.04 * np.exp(smile.ask_iv.max() ** 2 * smile.years)


def test_contradicting_quotes_are_missed_openly_and_by_little_more_than_they_must():
    """A price 5 per cent too high in the middle of a ladder: a butterfly arbitrage that the linear programme measures."""
    smile = lognormal_smile(0.05, scores=np.linspace(-2, 2, 21), half=1e-4)
    shift = np.where(np.arange(21) == 10, 0.05 * smile.ask, 0.0)
    smile = smiles.smile(smile.k, smile.bid + shift, smile.ask + shift)
    law = fit_smile(smile, name="mu1").law
    error = errors(smile, law)
    needed = sum(butterflies(smile.k, smile.call_bid, smile.call_ask).values())
    assert needed > 1
    outside = np.maximum(error - 1, 0)
    assert np.flatnonzero(outside).tolist() == [9, 10, 11]
    assert outside.sum() >= 0.5 * needed
    assert outside.max() <= needed
    assert abs(float(law.mean()) - 1) < TOL_MASS


def test_fewer_than_three_quotes_are_refused_by_the_smiles_name():
    smile = lognormal_smile(0.06, scores=np.array([-0.5, 0.5]))
    with pytest.raises(market.QuoteError, match=r"SPX 2025-01-31 pm: at least 3 two-sided quotes needed for a law, got 2"):
        fit_smile(smile, name="mu1")


def test_a_locked_quote_is_refused_by_its_strike():
    smile = lognormal_smile(0.06)
    ask, ask_iv = smile.ask.copy(), smile.ask_iv.copy()
    ask[4], ask_iv[4] = smile.bid[4], smile.bid_iv[4]
    with pytest.raises(market.QuoteError, match=rf"SPX 2025-01-31 pm: bid equals ask at strike {smile.strikes[4]:g}"):
        fit_smile(replace(smile, ask=ask, ask_iv=ask_iv), name="mu1")


def test_misses_are_measured_in_half_spreads_and_on_the_smiles_clock():
    smile = lognormal_smile(0.06, days=90)
    error, vol = misses(smiles.lognormal(0.06, mean=0.2, name="muV"), smile)
    np.testing.assert_allclose(error, 0, atol=1e-9)
    np.testing.assert_allclose(vol, 0.06 / np.sqrt(90 / 365), rtol=1e-9)
    error, _ = misses(smiles.lognormal(0.063), smile)
    price = market.black_otm(jnp.asarray(smile.k), jnp.full(len(smile), 0.063))
    np.testing.assert_allclose(
        error, (np.asarray(price) - 0.5 * (smile.bid + smile.ask)) / (0.5 * (smile.ask - smile.bid)), rtol=1e-9, atol=1e-9
    )


def test_same_quotes_give_the_same_bits():
    smile = lognormal_smile(0.06, scores=np.linspace(-3, 2, 12))
    one, two = (fit_smile(smile, name="mu1") for _ in range(2))
    np.testing.assert_array_equal(one.g, two.g)
    np.testing.assert_array_equal(one.law.weights, two.law.weights)


def test_the_unit_of_the_law_changes_nothing_else():
    smile = lognormal_smile(0.3, name="VIX", scores=np.linspace(-2, 3, 12))
    plain, scaled = (fit_smile(smile, name="muV", unit=unit).law for unit in (1.0, 0.25))
    np.testing.assert_array_equal(plain.weights, scaled.weights)
    np.testing.assert_allclose(scaled.means, 0.25 * plain.means, rtol=1e-15)
    np.testing.assert_allclose(scaled.strikes, 0.25 * smile.k, rtol=1e-15)
