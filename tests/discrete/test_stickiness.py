"""Skew-stickiness on laws whose smiles are known: at their strikes, following the index, and by regression over draws."""

import jax.numpy as jnp
import numpy as np
import pytest

from joints import TAU, known, quoted
from smilebridge import discrete, market
from smilebridge.market.truth import STEP

V = np.array([0.2, 0.25, 0.3])
GAP = STEP * 0.25 * np.sqrt(TAU) / 4  # the slope's strikes at v = 0.25 are nodes
STEPS = np.arange(-16, 17, 2)  # of log s1
LATE = np.arange(-200, 69)  # of log s2


def law_of(mass, kernels):
    """The reference itself, uncalibrated: masses (n1, nV) and laws of s2 (n1, nV, n2)."""
    nodes, P = (np.exp(GAP * STEPS), V, np.exp(GAP * LATE)), mass[..., None] * kernels
    posed = discrete.Schrodinger.of(quoted(nodes, P), discrete.Reference.from_masses(P))
    return discrete.Law(posed, jnp.zeros_like(posed.unit), jnp.zeros((2, *mass.shape)))


def priced(s1, vol):
    """Law on the late nodes whose calls, at the nodes, have implied volatility vol(log K)."""
    s2 = np.exp(GAP * LATE)
    call = s1 * np.asarray(market.black_call(jnp.asarray(s2 / s1), jnp.asarray(vol(GAP * LATE)) * np.sqrt(TAU)))
    call[[0, -1]] = s1 - s2[0], 0.0
    slopes = np.r_[-1.0, np.diff(call) / np.diff(s2), 0.0]
    return np.diff(slopes)


def bell():
    """Normal masses of log s1, all on the middle v."""
    mass = np.full((len(STEPS), 3), 1e-14)
    mass[:, 1] = np.exp(-0.5 * (STEPS / 5.0) ** 2)
    return mass / mass.sum()


@pytest.mark.parametrize(
    ("smile", "tolerance"),
    [(lambda x: 0.25 - 0.3 * x, 1e-6), (lambda x: 0.25 - 0.1 * np.tanh(4 * x), 0.02)],
    ids=["line", "bend"],
)
def test_smiles_that_stay_at_their_strikes_have_ratio_one(smile, tolerance):
    rows = np.array([priced(s1, smile) for s1 in np.exp(GAP * STEPS)])
    assert rows.min() > -1e-11
    law = law_of(bell(), np.maximum(rows, 1e-300)[:, None, :].repeat(3, axis=1))
    found = discrete.skew_stickiness(law)
    np.testing.assert_allclose(np.asarray(found.vol)[:, 1], smile(GAP * STEPS), rtol=1e-6)
    assert found.ratio == pytest.approx(1.0, abs=tolerance)


def test_smiles_that_follow_the_index_have_ratio_zero():
    def lopsided(s1, v):
        x = GAP * LATE - np.log(s1)
        p = np.exp(-0.5 * (x / (v * np.sqrt(TAU) * np.where(x < 0, 1.4, 0.8))) ** 2)
        return p / p.sum()

    rows = np.array([[lopsided(s1, v) for v in V] for s1 in np.exp(GAP * STEPS)])
    first = bell()[:, 1] / bell()[:, 1].sum()
    found = discrete.skew_stickiness(law_of(first[:, None] * np.array([0.3, 0.5, 0.2]), rows))
    assert found.skew < -0.1
    assert found.ratio == pytest.approx(0.0, abs=1e-6)


def test_slope_is_the_regression_over_draws(key, within_error):
    problem = quoted(*known(4))
    law = discrete.newton(discrete.Schrodinger.of(problem, discrete.Reference.papers(problem))).require().law
    found = discrete.skew_stickiness(law)
    s1, v, _ = law.sample(64_000, key=key)
    vol = np.asarray(found.vol)[np.searchsorted(law.s1, s1), np.searchsorted(law.v, v)]
    batches = zip(np.array_split(np.log(s1), 64), np.array_split(vol, 64), strict=True)
    within_error([np.polyfit(x, y, 1)[0] for x, y in batches], float(found.slope))
    assert found.ratio == pytest.approx(float(found.slope / found.skew), rel=1e-12)
    np.testing.assert_array_equal(found.triple, [found.slope, found.skew, found.ratio])
