"""The picture of a calibrated bridge: what is on it comes from the numbers it is given."""

import numpy as np
from matplotlib.figure import Figure

from smilebridge import figures

K = np.array([15.0, 20.0, 30.0])
QUOTE = np.array([0.9, 0.8, 1.0])


def smile(se=(1e-3, 1e-3, 1e-3)):
    return np.array([K, QUOTE, np.full(3, 5e-3), QUOTE + 0.1, QUOTE + 1e-3, QUOTE - 2e-3, se])


def drawn(**smiles):
    figure = figures.bridged(Figure(), {name.replace("_", " "): rows for name, rows in smiles.items()})
    return np.array(figure.axes).reshape(2, -1)


def test_models_are_lines_and_quotes_are_ticks_as_wide_as_their_bid_ask():
    above = drawn(VIX_T1=smile())[0, 0]
    quoted, reference, bridge = above.lines
    assert (quoted.get_linestyle(), reference.get_linestyle(), bridge.get_linestyle()) == ("None", "--", "-")
    np.testing.assert_allclose(reference.get_ydata() - bridge.get_ydata(), 9.9)
    (bars,) = above.collections
    np.testing.assert_allclose(np.array(bars.get_segments())[:, :, 1], 100 * np.stack([QUOTE - 5e-3, QUOTE + 5e-3], axis=1))


def test_errors_are_in_basis_points_with_three_standard_errors_about_the_paths():
    below = drawn(VIX_T1=smile())[1, 0]
    np.testing.assert_allclose(below.lines[0].get_ydata(), 10.0)
    bars = np.array(below.containers[0].lines[2][0].get_segments())[:, :, 1]
    np.testing.assert_allclose(bars, [[-50.0, 10.0]] * 3)


def test_one_wild_wing_does_not_hide_the_rest():
    below = drawn(SPX_T1=smile(se=(1e-3, 1e-3, 1.0)))[1, 0]
    assert below.get_ylim()[1] < 100


def test_axes_say_what_a_strike_is():
    below = drawn(SPX_T1=smile(), VIX_T1=smile())[1]
    assert [ax.get_xlabel() for ax in below] == ["strike", "VIX strike (points)"]
