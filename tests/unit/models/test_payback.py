import numpy as np
import pytest

from csk.models.payback import payback_months


@pytest.mark.parametrize(
    ("cost", "month"),
    [(0, 1), (10, 1), (10.5, 2), (20, 2), (39.9, 4), (40, 4), (40.01, None)],
)
def test_payback_is_the_first_month_that_reaches_the_cost(cost, month):
    assert payback_months(np.array([10.0, 20.0, 30.0, 40.0]), cost) == month


def test_a_curve_that_stands_still_never_pays_back():
    assert payback_months(np.array([5.0, 9.0, 9.0, 9.0]), 10) is None
