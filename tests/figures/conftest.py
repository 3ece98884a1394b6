"""What the tests of drawings share."""

import matplotlib.pyplot as plt
import pytest

import joints
from smilebridge import discrete


@pytest.fixture(scope="session")
def law():
    """The law nearest to the papers' reference on the nodes of a known one, with bids and asks."""
    return discrete.newton(discrete.Schrodinger.of(joints.quoted(*joints.known(3), half=0.02)), inner_passes=200).law


@pytest.fixture
def ax():
    return plt.subplots()[1]


@pytest.fixture(autouse=True)
def _closed():
    """Leave no figure open."""
    yield
    plt.close("all")
