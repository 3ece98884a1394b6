"""The tolerance of the stored outputs: a changed digit is a change, a processor's round-off is none."""

import pytest

from nbval_tol import Printed, without_pictures


@pytest.mark.parametrize(
    ("stored", "found"),
    [
        ("price 1.2500", "price 1.2500"),
        ("0.12345678901234", "0.12345678901266"),
        ("residual 3.1e-15", "residual -2.2e-16"),
        ("<td>12.345678901</td>", "<td>12.345678902</td>"),
    ],
)
def test_round_off_is_no_change(stored, found):
    assert Printed(stored) == Printed(found)


@pytest.mark.parametrize(
    ("stored", "found"),
    [
        ("price 1.2500", "price 1.2600"),
        ("price 1.2500", "price 1.2501"),
        ("price 1.25", "price 1.250"),
        ("18.23", "18.24"),
        ("'0.0'", "'-1.0'"),
        ("3 quotes", "4 quotes"),
        ("0.12345678901234", "0.12345778901234"),
        ("1.5e-06", "1.6e-06"),
        ("nan", "1.0"),
        ("holds", "fails"),
    ],
)
def test_changed_digit_is_a_change(stored, found):
    assert Printed(stored) != Printed(found)


def test_pictures_are_not_compared():
    data = {"image/png": "x", "application/papermill.record/image/svg+xml": "y", "text/plain": "1"}
    output = {"output_type": "display_data", "data": data}
    assert without_pictures([output])[0]["data"] == {"text/plain": "1"}
