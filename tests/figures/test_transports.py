"""Drawings of a free covariance: volatilities, correlation, the reference dashed."""

import matplotlib.pyplot as plt
import numpy as np

from smilebridge import figures


def test_the_reference_is_dashed_and_a_degenerate_covariance_has_no_correlation():
    v = np.array([0.1, 0.2])
    reference = np.array([[0.04, 0.09], [-0.01, -0.03], [0.0625, 0.04]])
    model = np.array([[0.0, 0.04], [0.0, 0.02], [0.01, 0.01]])
    axes = plt.subplots(1, 3)[1]
    figures.covariances(axes, v, {"day 20": (reference, model)})
    assert [line.get_linestyle() for line in axes[0].lines] == ["--", "-"]
    np.testing.assert_allclose(axes[0].lines[0].get_ydata(), [20.0, 30.0])
    np.testing.assert_allclose(axes[1].lines[1].get_ydata(), [10.0, 10.0])
    np.testing.assert_allclose(axes[2].lines[0].get_ydata(), [-0.2, -0.5])
    np.testing.assert_allclose(axes[2].lines[1].get_ydata(), [np.nan, 1.0])
    assert [text.get_text() for text in axes[0].get_legend().get_texts()] == ["day 20"]
