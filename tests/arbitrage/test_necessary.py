"""Each condition that fails alone is named, with its amount and unit."""

import equinox as eqx
import numpy as np
import pytest

import smiles
from smilebridge import arbitrage

VOL = 0.2
EARLY, LATE = (VOL * np.sqrt(days / 365) for days in (smiles.T1, smiles.T2))


def laws(*, early=EARLY, late=LATE, width=0.3, lift=1.0):
    """Lognormal laws that meet every condition unless told otherwise."""
    vix = VOL * np.exp(-0.5 * width**2) * lift
    return smiles.lognormal(early), smiles.lognormal(width, mean=vix, name="muV"), smiles.lognormal(late, name="mu2")


def test_consistent_lognormals_pass():
    found = arbitrage.necessary(*laws(), smiles.TAU)
    assert found.holds
    assert found.failures == ()


FAILURES = {
    "means": "mean of mu2 minus mean of mu1 is +1.000e-03 forwards, need 0",
    "order": "mu1 does not precede mu2: call gap",
    "identity": "muV: E[V^2] misses the forward variance by",
    "jensen": "muV: VIX future exceeds sqrt(forward variance) by",
}


def broken(which):
    """Laws that break the named condition; the VIX follows the forward variance except in "identity" and "jensen"."""
    if which == "means":
        mu1, muV, mu2 = laws()
        mu2 = smiles.lognormal(LATE, mean=1.001, name="mu2")
        variance = float(mu2.log_contract(smiles.TAU) - mu1.log_contract(smiles.TAU))
        return mu1, smiles.lognormal(0.3, mean=np.sqrt(variance) * np.exp(-0.045), name="muV"), mu2
    if which == "order":  # narrow in the body, with wide and rare wings: more variance than mu1, and no order
        mu1, _, _ = laws()
        mu2 = smiles.mixture([1.0, 1.0], [0.02, 0.5], [0.98, 0.02], name="mu2")
        variance = float(mu2.log_contract(smiles.TAU) - mu1.log_contract(smiles.TAU))
        return mu1, smiles.lognormal(0.3, mean=np.sqrt(variance) * np.exp(-0.045), name="muV"), mu2
    return laws(lift={"identity": 0.99, "jensen": 1.1}[which])


@pytest.mark.parametrize("which", FAILURES)
def test_each_failure_is_named(which):
    """Alone, but for Jensen's inequality, which the identity implies: a future that breaks it breaks both."""
    found = arbitrage.necessary(*broken(which), smiles.TAU)
    assert not found.holds
    assert [said for said in found.failures if FAILURES[which] in said]
    assert len(found.failures) == (2 if which == "jensen" else 1)


def test_jensens_slack_is_in_decimal_vol():
    found = arbitrage.necessary(*laws(), smiles.TAU)
    np.testing.assert_allclose(found.jensen_slack, VOL * (1 - np.exp(-0.045)), rtol=1e-9)


def test_negative_forward_variance_leaves_no_room_for_the_future():
    found = arbitrage.necessary(*laws(early=LATE, late=EARLY), smiles.TAU)
    np.testing.assert_allclose(found.jensen_slack, -VOL * np.exp(-0.045), rtol=1e-9)
    assert len(found.failures) == 3


def test_nan_is_never_success():
    mu1, muV, mu2 = laws()
    found = arbitrage.necessary(mu1, eqx.tree_at(lambda law: law.widths, muV, muV.widths * np.nan), mu2, smiles.TAU)
    assert not found.holds
    assert "misses the forward variance by +nan" in "; ".join(found.failures)


def test_gap_is_in_variance_a_year():
    found = arbitrage.necessary(*laws(lift=1.01), smiles.TAU)
    np.testing.assert_allclose(found.variance_gap, VOL**2 * (1.01**2 - 1), rtol=1e-9)
