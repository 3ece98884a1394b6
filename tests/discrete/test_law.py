"""The calibrated law as an object: every number against sums over its masses."""

from inspect import signature

import jax.numpy as jnp
import numpy as np
import pytest

from joints import known, quoted
from smilebridge import arbitrage, discrete


@pytest.fixture(scope="module")
def problem():
    """A small feasible market."""
    return quoted(*known(4))


@pytest.fixture(scope="module")
def found(problem):
    """Its law."""
    return discrete.newton(discrete.Schrodinger.of(problem)).require()


def test_expectation_is_the_sum_over_nodes(found):
    law, P = found.law, np.asarray(found.law.masses())
    for name, strike in (("forward-start-call", 1.0), ("vix-call", 0.2), ("straddle", None)):
        factory = arbitrage.PAYOFFS[name]
        claim = factory() if strike is None else factory(strike)
        values = claim(*np.meshgrid(law.s1, law.v, law.s2, indexing="ij"))
        price = law.expect(lambda s1, v, s2, claim=claim: jnp.asarray(claim(s1, v, s2)))
        assert float(price) == pytest.approx((P * values).sum(), rel=1e-12)


def test_forward_start_is_linear_in_the_law(found):
    k = jnp.array([0.9, 1.0, 1.2])
    s1, s2, P = (np.asarray(x) for x in (found.law.s1, found.law.s2, found.law.masses().sum(axis=1)))
    brute = [(P * np.maximum(s2[None, :] / s1[:, None] - c, 0)).sum() for c in np.asarray(k)]
    np.testing.assert_allclose(found.law.forward_start(k), brute, rtol=1e-12)


def test_local_vix_averages_to_the_second_moment(found):
    p1, pV, _ = found.law.marginals()
    assert float(p1 @ found.law.local_vix() ** 2) == pytest.approx(float(pV @ found.law.v**2), rel=1e-12)


def test_conditionals_are_laws(found):
    for rows in (found.law.kernel(), found.law.vix_given_spx(), found.law.spx_given_vix()):
        np.testing.assert_allclose(rows.sum(axis=-1), 1.0, rtol=1e-12)


def test_entropy_of_exact_targets_is_the_dual_value_and_splits(found):
    parts = found.law.entropy()
    reference = float(jnp.log(jnp.exp(found.law.problem.log_mass).sum()))
    assert float(parts["total"]) == pytest.approx(float(found.value) + reference, abs=1e-9)
    assert float(parts["total"]) == pytest.approx(float(parts["spx_vix"] + parts["window"]), rel=1e-12)
    assert min(float(parts["spx_vix"]), float(parts["window"])) >= 0


def test_potentials_and_deltas_are_the_density(found):
    law = found.law
    u1, uV, u2 = law.potentials
    L = lambda x: -2 / law.tau * jnp.log(x)
    window = (L(law.s2)[None, :] - L(law.s1)[:, None])[:, None, :] - (law.v**2)[None, :, None]
    drift = (law.s2[None, :] - law.s1[:, None])[:, None, :]
    gibbs = u1[:, None, None] + uV[None, :, None] + u2[None, None, :] + law.deltaS[..., None] * drift + law.deltaL[..., None] * window
    log_ratio = jnp.log(law.masses()) - law.problem.log_mass[..., None] - law.problem.log_kernel
    off = np.asarray(log_ratio - gibbs)[np.asarray(law.problem.admissible)]
    assert np.ptp(off) < 1e-9


def test_samples_reprice_within_standard_errors(found, key, within_error):
    s1, v, s2 = found.law.sample(40_000, key=key)
    within_error(s2 - s1, 0.0)
    within_error(v, float(found.law.marginals()[1] @ found.law.v))
    within_error(-2 / found.law.tau * jnp.log(s2 / s1) - v**2, 0.0)
    within_error(jnp.maximum(s2 / s1 - 1, 0.0), float(found.law.forward_start(jnp.ones(1))[0]))


def test_samples_repeat_with_their_key(found, key):
    again = [found.law.sample(100, key=key) for _ in range(2)]
    assert all(bool((a == b).all()) for a, b in zip(*again, strict=True))


def test_law_lies_between_the_model_free_bounds(problem, found):
    claim = arbitrage.PAYOFFS["forward-start-call"](1.0)
    bounds = arbitrage.bounds(problem, claim)
    price = float(found.law.forward_start(jnp.ones(1))[0])
    assert bounds.lower - 1e-9 <= price <= bounds.upper + 1e-9


@pytest.mark.parametrize("name", arbitrage.PAYOFFS)
def test_named_payoffs_are_priced_by_law_and_risks_alike(found, name):
    factory = arbitrage.PAYOFFS[name]
    claim = factory(0.3) if signature(factory).parameters else factory()
    price = discrete.risks(found.law, (claim,)).price[0]
    assert float(price) == pytest.approx(float(found.law.expect(claim)), rel=1e-12)
    values = claim(*np.meshgrid(found.law.s1, found.law.v, found.law.s2, indexing="ij"))
    assert float(price) == pytest.approx(float((np.asarray(found.law.masses()) * values).sum()), rel=1e-12)
