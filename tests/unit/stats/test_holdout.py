import numpy as np
import pytest

from csk.errors import UsageError
from csk.stats import holdout


def test_errors_are_those_of_the_definition():
    found = holdout.errors([1, 2, 3], [2, 2, 0])
    assert (found.n, found.predicted, found.actual) == (3, 6, 4)
    assert found.mae == pytest.approx(4 / 3)
    assert found.rmse == pytest.approx(np.sqrt(10 / 3))
    assert found.bias == pytest.approx(0.5)


def test_nobody_has_no_errors():
    found = holdout.errors([], [])
    assert found.n == 0
    assert np.isnan([found.mae, found.rmse, found.bias]).all()


def test_as_many_predictions_as_outcomes():
    with pytest.raises(UsageError, match="2 predictions cannot be held against 1 outcomes"):
        holdout.errors([1, 2], [1])


def test_errors_of_parts_are_those_of_the_whole():
    p, a = np.arange(7.0), np.array([0, 5, 1, 1, 9, 0, 2.0])
    parts = holdout.errors(p[:2], a[:2]), holdout.errors(p[2:], a[2:]), holdout.errors([], [])
    assert holdout.merged(parts) == pytest.approx(holdout.errors(p, a))
    assert holdout.merged(()).n == 0


def test_the_zero_class_adds_up_chances():
    assert holdout.zero_class([0.5, 0.25, 1], [True, False, True]) == (3, 1.75, 2)


@pytest.mark.parametrize(
    ("predicted", "shares", "expected"),
    [
        ([4, 3, 2, 1], [0.25, 0.5, 1], [0.5, 0.75, 1]),
        ([1, 2, 3, 4], [0.25], [0.05]),
        # Two are tied: half of both lies above the border.
        ([4, 4, 2, 1], [0.25], [0.375]),
        ([1, 1, 1, 1], [0.1, 0.25], [0.1, 0.25]),
    ],
)
def test_gains_share_ties_out_evenly(predicted, shares, expected):
    assert holdout.gains(predicted, [10, 5, 4, 1], shares) == pytest.approx(expected)


def test_without_any_money_nobody_holds_a_share_of_it():
    assert np.isnan(holdout.gains([1, 2], [0, 0], [0.1])).all()
    assert np.isnan(holdout.gini([1, 2], [0, 0]))
    assert np.isnan(holdout.gini([], []))


@pytest.mark.parametrize(
    ("predicted", "expected"),
    [([4, 3, 2, 1], 1), ([1, 2, 3, 4], -1), ([7, 7, 7, 7], 0), ([40, 9, 2, 0], 1)],
)
def test_gini_is_one_in_the_order_of_what_came(predicted, expected):
    assert holdout.gini(predicted, [10, 5, 4, 1]) == pytest.approx(expected)


def test_all_alike_have_no_order_to_find():
    assert np.isnan(holdout.gini([1, 2, 3], [5, 5, 5]))


def test_slices_are_means_of_equally_many_customers():
    found = holdout.slices(np.arange(20.0), np.arange(20.0) * 2)
    assert len(found) == 10
    assert found[0] == pytest.approx((18.5, 37))
    assert found[-1] == pytest.approx((0.5, 1))
    assert holdout.slices([], []) == ()


def test_slices_of_fewer_customers_than_slices_count_parts_of_them():
    found = holdout.slices([2, 1], [30, 10], n_slices=4)
    assert [one.actual for one in found] == pytest.approx([30, 30, 10, 10])


def test_who_has_no_bounds_is_not_counted_as_covered():
    found = holdout.coverage([0, 1, np.nan, 2], [1, 3, 4, 3], [1, 4, 2, 2])
    assert (found.n, found.share) == (3, pytest.approx(2 / 3))
    assert found.low < 2 / 3 < found.high
    assert holdout.coverage([np.nan], [1], [1]) is None


def test_coverage_of_parts_is_that_of_the_whole():
    low, high, came = np.zeros(6), np.ones(6), np.array([0, 2, 1, 1, 5, 0])
    parts = [holdout.coverage(low[:2], high[:2], came[:2])]
    parts.append(holdout.coverage(low[2:], high[2:], came[2:]))
    assert holdout.covered_together(parts) == holdout.coverage(low, high, came)
    assert holdout.covered_together([]) is None
