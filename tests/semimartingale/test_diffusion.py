"""A diffusion prices what it is not calibrated to: against closed form, and against itself on other nodes."""

import numpy as np
import pytest

from simulated_market import DATES, MARKET, V0, grid, quoted
from smilebridge import semimartingale
from smilebridge.semimartingale.reference import sampled


def heston(on):
    """The market's own covariances as a diffusion."""
    c = sampled(semimartingale.HestonReference(MARKET), on)
    return semimartingale.Diffusion(on, np.broadcast_to(c, (*c.shape[:2], *on.shape)), V0)


def test_powers_of_index_and_vix_have_their_closed_form():
    model, w0 = heston(grid(48, 64)), float(MARKET.variance(V0, DATES.T2))
    mean = MARKET.theta + (w0 - MARKET.theta) * np.exp(-MARKET.kappa * DATES.TV)
    assert model.value(lambda x, v: np.exp(x), DATES.TV, 48, 64) == pytest.approx(1.0, abs=1e-8)
    assert model.value(lambda x, v: v**2, DATES.TV, 48, 64) == pytest.approx(float(MARKET.vix(mean, DATES.tau)) ** 2, rel=2e-5)
    assert model.value(lambda x, v: v, DATES.TV, 48, 64) == pytest.approx(quoted(MARKET).future, rel=2e-5)
    root = MARKET.transform(np.array([0.5 + 0j]), w0, DATES.T1)[0].real
    assert model.value(lambda x, v: np.exp(0.5 * x), DATES.T1, 48, 64) == pytest.approx(root, rel=1e-7)


def test_what_log_s_loses_is_what_the_vix_had_promised():
    model = heston(grid(24, 32))
    lost = model.value(lambda x, v: -2 * x, DATES.TV, 24, 32)
    left = model.value(lambda x, v: DATES.tau * v**2, DATES.TV, 24, 32)
    assert lost + left == pytest.approx(DATES.T2 * V0**2, rel=3e-5)


def test_other_nodes_see_the_same_surfaces():
    model = heston(grid(24, 32))
    np.testing.assert_allclose(model.on(model.grid), model.c, atol=1e-14)
    finer = model.grid.resized(47, 63)
    np.testing.assert_allclose(model.on(finer)[:, :, ::2, ::2][:, 0, 0, 0], model.c[:, 0, 0, 0], atol=1e-14)
    assert finer.left is model.grid.left


def test_a_date_between_steps_is_refused_by_name():
    with pytest.raises(ValueError, match="no step ends there"):
        heston(grid(24, 32)).value(lambda x, v: v, DATES.T1 + 1e-4, 24, 32)
