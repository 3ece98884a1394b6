"""Each condition that fails alone is named, with its amount and unit."""

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


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"lift": 1.01}, "E\\[V\\^2\\] misses the forward variance"),
        ({"lift": 1.1}, "VIX future exceeds sqrt"),
        ({"early": LATE, "late": EARLY}, "mu1 does not precede mu2"),
    ],
)
def test_failure_is_named(changes, said):
    found = arbitrage.necessary(*laws(**changes), smiles.TAU)
    assert not found.holds
    with pytest.raises(ValueError, match=said):
        raise ValueError("; ".join(found.failures))


def test_gap_is_in_variance_a_year():
    found = arbitrage.necessary(*laws(lift=1.01), smiles.TAU)
    np.testing.assert_allclose(found.variance_gap, VOL**2 * (1.01**2 - 1), rtol=1e-9)
