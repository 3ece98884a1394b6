"""The ranges that quotes leave open hold every law that meets the quotes, and widen with the band."""

import pytest

from smilebridge import marginals, market


@pytest.fixture(scope="module")
def laws():
    return marginals.from_quotes(market.synthetic("stressed"), "2025-10-22")


@pytest.fixture(scope="module")
def rooms(laws):
    return {kind: marginals.room(laws, kind) for kind in ("wings", "bid-ask")}


@pytest.mark.parametrize("kind", ["wings", "bid-ask"])
def test_free_laws_lie_in_their_own_room(laws, rooms, kind):
    square, forward = marginals.variance_gap(*laws.free, laws.tau)
    assert rooms[kind].EV2[0] <= square <= rooms[kind].EV2[1]
    assert rooms[kind].forward_variance[0] <= forward <= rooms[kind].forward_variance[1]


def test_the_variance_agreed_on_lies_in_both_ranges(laws, rooms):
    room = rooms["bid-ask"]
    assert room.overlap
    assert max(room.EV2[0], room.forward_variance[0]) <= laws.identity.EV2 <= min(room.EV2[1], room.forward_variance[1])


def test_a_wider_band_leaves_more_room(rooms):
    widths = {kind: room.forward_variance[1] - room.forward_variance[0] for kind, room in rooms.items()}
    assert 0 < widths["wings"] < widths["bid-ask"]


def test_an_unknown_band_is_refused(laws):
    with pytest.raises(ValueError, match="wings"):
        marginals.room(laws, "basis")
