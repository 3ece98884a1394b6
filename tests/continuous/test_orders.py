"""Orders of the dual at fixed weights."""

from dataclasses import replace

import numpy as np
import pytest

from smilebridge import continuous, models


@pytest.fixture(scope="module")
def found():
    """Weights that are no calibration, on a small grid: orders are those of the scheme at any weights."""
    setup = models.EXPERIMENTS["iii"]
    k, kV = np.array([0.9, 1.0, 1.05]), np.array([0.15, 0.2, 0.3])
    quotes = continuous.Quotes(
        k, np.array([0.004, 0.03, 0.012]), k, np.array([0.007, 0.037, 0.018]), kV, np.array([0.006, 0.02, 0.004]), 0.2
    )
    grid = continuous.Grid.of(setup.reference, setup.T1, setup.T2, nx=48, ny=48, steps=(8, 4))
    bridge = continuous.Bridge.of(setup.reference, quotes, grid, continuous.multipliers(16, 400.0, 60.0))
    theta = np.array([-8.0, 4.0, -6.0, 12.0, -3.0, 5.0, -1.5, 2.0, -2.0, 1.0])
    loss, error = continuous.loss_and_errors(bridge, theta)
    return continuous.Calibrated(setup.reference, quotes, grid, bridge, (400.0, 60.0), theta, np.asarray(error), -float(loss), (0,), (1,))


def test_time_is_of_second_order_and_the_nodes_are_of_higher(found):
    moved = continuous.moves(found)
    assert list(moved) == ["x", "y", "delta", "time"]
    assert 2.8 < moved["time"].ratio < 5.5
    assert min(moved[name].ratio for name in ("y", "delta")) > 4
    assert abs(moved["x"].half_to_all) < 1e-5, "a few nodes of x are enough"
    assert max(abs(z.all_to_double) for z in moved.values()) == abs(moved["time"].all_to_double) < 1e-3


def test_orders_do_not_see_the_bid_ask(found):
    quotes = replace(found.quotes, half=np.full(10, 1e-3))
    wide = replace(found, quotes=quotes, dual=found.dual - quotes.spread(found.theta))
    assert wide.dual < found.dual - 0.04
    exact, quoted = continuous.moves(found)["delta"], continuous.moves(wide)["delta"]
    np.testing.assert_allclose(quoted, exact, atol=1e-12)


def test_a_direction_without_half_a_grid_is_left_out():
    """The reference of (i) is calm: with half the nodes of y, a step would move it by less than one of them."""
    setup = models.EXPERIMENTS["i"]
    quotes = continuous.Quotes.of_market(models.quoted_market(setup, (3, 3, 3)))
    bridge, grid = continuous.posed(setup.reference, quotes, setup.T1, setup.T2, continuous.Level(32, 24, 6, (4, 2)))
    theta = np.zeros(bridge.target.size)
    loss, error = continuous.loss_and_errors(bridge, theta)
    ends = float(-bridge.meeting.delta[0]), float(bridge.meeting.delta[-1])
    still = continuous.Calibrated(setup.reference, quotes, grid, bridge, ends, theta, np.asarray(error), -float(loss), (0,), (1,))
    assert "y" not in continuous.moves(still)
