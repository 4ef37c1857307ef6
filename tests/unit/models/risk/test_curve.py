"""Chances within a horizon, on hazards small enough to multiply by hand."""

import numpy as np
import pytest

from csk.errors import UsageError
from csk.models.risk import curve

EDGES = (10, 30)
HAZARDS = np.array([[[0.1, 0.1], [0.25, 0.0]], [[0.0, 0.0], [0.0, 0.0]], [[0.0, 1.0], [0.0, 0.0]]])


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (0, [0.0, 0.0, 0.0]),
        (5, [1 - 0.8**0.5, 0.0, 1.0]),
        (10, [0.2, 0.0, 1.0]),
        (20, [1 - 0.8 * 0.75**0.5, 0.0, 1.0]),
        (30, [1 - 0.8 * 0.75, 0.0, 1.0]),
    ],
)
def test_staying_is_the_product_of_staying_through_each_bin(days, expected):
    assert curve.p_churn(HAZARDS, EDGES, days) == pytest.approx(expected, abs=1e-5)


def test_causes_have_the_shares_of_the_bin_in_which_they_act():
    found = curve.p_churn_by_cause(HAZARDS, EDGES, 30)
    assert found == pytest.approx(np.array([[0.1 + 0.8 * 0.25, 0.1], [0, 0], [0, 1]]), abs=1e-9)


@pytest.mark.parametrize("days", [-1, 31])
def test_nothing_is_known_beyond_the_bins(days):
    with pytest.raises(UsageError, match="0 to 30 days"):
        curve.p_churn(HAZARDS, EDGES, days)
