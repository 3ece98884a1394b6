"""Three laws from quotes: inside every bid-ask, on one variance identity, in convex order; or a refusal with its amount."""

import jax.numpy as jnp
import numpy as np
import pytest

import smiles
from smilebridge import arbitrage, marginals, market


def test_every_quote_is_inside(laws):
    for fit in laws.smiles:
        assert fit.inside == fit.quotes
        assert fit.worst_miss_bp == 0


def test_means_are_the_forwards(laws):
    np.testing.assert_allclose([float(laws.mu1.mean()), float(laws.mu2.mean())], 1.0, atol=1e-12)
    np.testing.assert_allclose(float(laws.muV.mean()), laws.triple.vix.forward / 100, atol=1e-12)


def test_identity_holds_by_integration_of_the_densities(laws):
    """Second road: the trapezium rule on the densities over log x, exact to rounding for smooth laws that vanish at both ends."""

    def integral(law, moment):
        low, high = (float(jnp.log(edge)) for edge in law.support())
        y = np.linspace(low, high, 40_001)
        x = jnp.asarray(np.exp(y))
        return float(np.sum(np.asarray(law.density(x) * x) * moment(np.exp(y))) * (y[1] - y[0]))

    log_contract = lambda x: -2 / laws.tau * np.log(x)
    forward_variance = integral(laws.mu2, log_contract) - integral(laws.mu1, log_contract)
    assert abs(integral(laws.muV, np.square) - forward_variance) < 1e-10
    assert abs(laws.identity.gap) < 1e-10


def test_identity_holds_on_the_grids(laws):
    grids = [marginals.grid(law, 4 * len(law.strikes) + 60) for law in laws]
    found = arbitrage.necessary(*grids, laws.tau)
    assert abs(found.variance_gap) < 1e-10
    assert found.jensen_slack > 0


def test_mu1_precedes_mu2(laws):
    assert arbitrage.necessary(*laws, laws.tau).holds


def test_reported_moves_are_those_of_the_laws(laws):
    law, old, smile = laws.muV, laws.free[1], laws.triple.vix
    strike = old.quantile(jnp.array([0.05]))
    move = 1e4 * float((law.implied_stdev(strike) - old.implied_stdev(strike))[0]) / np.sqrt(smile.years)
    np.testing.assert_allclose(laws.identity.moves_bp["VIX T1"]["put 5-delta"], move, rtol=1e-9)
    assert laws.identity.moved_bp >= abs(move)


def test_fitted_variance_is_near_the_truth(laws, market_name):
    """The known law's E[V^2]: quotes and smoothness alone find it within 1%."""
    truth = market.truth(market_name, laws.triple.vix.expiry).value
    np.testing.assert_allclose(laws.identity.EV2, truth.EV2, rtol=0.01)


def test_basis_model_leaves_the_identity_open_and_says_by_how_much():
    snapshot = market.load("calm")
    laws = marginals.from_quotes(snapshot, snapshot.vix[0].expiry, wings="basis")
    assert laws.identity.treatment == "basis"
    np.testing.assert_allclose(laws.identity.basis, laws.identity.forward_variance - laws.identity.EV2)
    np.testing.assert_allclose(laws.identity.gap, laws.identity.free_gap)


def test_vix_quotes_that_contradict_spx_are_refused_with_the_gap():
    with pytest.raises(marginals.InconsistentError, match='wings="basis"') as refusal:
        marginals.from_quotes(smiles.flat_day(vix=1.2), smiles.flat_day().vix[0].expiry)
    assert refusal.value.free_gap > 0
    assert refusal.value.gap > 0


def test_flat_day_gives_back_its_lognormals():
    day = smiles.flat_day()
    laws = marginals.from_quotes(day, day.vix[0].expiry)
    np.testing.assert_allclose(laws.identity.EV2, 0.04, rtol=5e-3)
    k = jnp.linspace(0.9, 1.1, 9)
    np.testing.assert_allclose(np.asarray(laws.mu1.implied_stdev(k)) / np.sqrt(smiles.T1 / 365), 0.2, atol=2e-3)


def test_equal_input_gives_equal_bits():
    day = smiles.flat_day()
    one, two = (marginals.from_quotes(day, day.vix[0].expiry) for _ in range(2))
    for law, again in zip(one, two, strict=True):
        np.testing.assert_array_equal(law.weights, again.weights)


def test_unknown_words_and_dates_are_refused_by_name():
    day = smiles.flat_day()
    with pytest.raises(ValueError, match='wings: need "consistent" or "basis", got "flat"|wings'):
        marginals.from_quotes(day, day.vix[0].expiry, wings="flat")
    with pytest.raises(market.QuoteError, match="no VIX expiry 2030-01-01"):
        marginals.from_quotes(day, "2030-01-01")


@pytest.mark.parametrize("expiry", ["2023-02-22", "2023-03-01", "2023-03-15"])
def test_real_day_every_quote_of_every_triple_is_inside(data_day, expiry):
    laws = marginals.from_quotes(market.load(data_day), expiry)
    assert sum(fit.inside for fit in laws.smiles) == sum(fit.quotes for fit in laws.smiles)
    assert abs(laws.identity.gap) < 1e-10
