"""VIX and multiplier of each state at T1: the prior's without weights, the constraint with them."""

import jax.numpy as jnp
import numpy as np
import pytest
from equinox import tree_at

from smilebridge import continuous, models

SETUP = models.EXPERIMENTS["iii"]
QUOTES = continuous.Quotes(
    k1=np.array([0.9, 1.0, 1.05]), price1=np.array([0.004, 0.03, 0.012]),
    k2=np.array([0.9, 1.0, 1.05]), price2=np.array([0.007, 0.037, 0.018]),
    kV=np.array([0.15, 0.2, 0.3]), priceV=np.array([0.006, 0.02, 0.004]), future=0.2,
)  # fmt: skip


def posed(softness=1e-6, quotes=QUOTES):
    """A bridge whose V all but sits on its best value."""
    grid = continuous.Grid.of(SETUP.reference, SETUP.T1, SETUP.T2, nx=32, ny=48, steps=(6, 4))
    return continuous.Bridge.of(SETUP.reference, quotes, grid, continuous.multipliers(24, 400.0, 60.0), softness=softness), grid


def spx_alone():
    return continuous.Quotes(QUOTES.k1, QUOTES.price1, QUOTES.k2, QUOTES.price2)


@pytest.mark.parametrize(("quotes", "tol"), [(spx_alone(), 2e-3), (QUOTES, 0.025)])
def test_without_weights_v_is_the_vix_of_the_prior_whatever_the_index(quotes, tol):
    """With VIX quotes V sits on the nearest of its nodes, which are up to five per cent apart."""
    bridge, grid = posed(quotes=quotes)
    found = continuous.surfaces(bridge, np.zeros(bridge.target.size), grid)
    inside = (grid.a > 0.08) & (grid.a < 0.5)
    exact, _ = models.vix_of(SETUP.reference, grid.y[inside], SETUP.tau)
    assert found.v.shape == found.delta.shape == (48, 32)
    np.testing.assert_allclose(found.v[inside], np.repeat(exact[:, None], 32, axis=1), rtol=tol)
    assert (found.delta == 0).all() == (bridge.meeting is None)


def test_v_squared_is_the_slope_in_delta_where_delta_is_chosen():
    bridge, grid = posed()
    theta = np.array([-8.0, 4.0, -6.0, 12.0, -3.0, 5.0, -1.5, 2.0, -2.0, 1.0])
    found = continuous.surfaces(bridge, theta, grid)
    states = [(i, 16) for i in (14, 18, 22, 26, 30)]
    chosen = jnp.array([found.delta[state] for state in states])
    assert float(jnp.ptp(chosen)) > 5, "the states differ"
    asked = tree_at(lambda b: b.meeting.delta, bridge, chosen)
    slope = np.asarray(asked.second.back(*asked.late(jnp.asarray(theta))))[:, 1]
    realised = np.array([slope[i, d, j] for d, (i, j) in enumerate(states)])
    np.testing.assert_allclose(np.sqrt(realised), [found.v[state] for state in states], atol=2e-3)


def test_softness_spreads_v_and_keeps_its_mean_near():
    sharp, soft = (continuous.surfaces(bridge, np.zeros(10), grid).v for bridge, grid in (posed(), posed(softness=0.02)))
    assert 1e-6 < np.abs(soft - sharp)[12:36].max() < 0.01
