"""Splits that can be reckoned by hand, and the limits at 0."""

from math import e, log

import numpy as np
import pytest

from csk.errors import ModelError
from csk.stats.decomposition import log_mean, parts, whole_parts


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (3.0, 3.0, 3.0),
        (1.0, e, e - 1),
        (6.0, 12.0, 6 / log(2)),
        (0.0, 5.0, 0.0),
        (0.0, 0.0, 0.0),
        (1e-300, 1e300, 1e300 / log(1e300) / 2),
        (1e9, 1e9 + 1, 1e9 + 0.5),
    ],
)
def test_the_logarithmic_mean_lies_between(a, b, expected):
    assert float(log_mean(a, b)) == pytest.approx(expected, rel=1e-12)
    assert float(log_mean(b, a)) == float(log_mean(a, b))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        # One factor moved: it has the whole change.
        ([2, 3], [4, 3], [6, 0]),
        # Two that cancel: L(100, 100) = 100.
        ([10, 10], [20, 5], [100 * log(2), -100 * log(2)]),
        # Two that moved alike share alike.
        ([1, 1], [e, e], [(e * e - 1) / 2, (e * e - 1) / 2]),
        # From 0: what was 0 has all of it, however the others moved.
        ([0, 3, 5], [2, 6, 5], [60, 0, 0]),
        ([2, 6, 5], [0, 3, 5], [-60, 0, 0]),
        ([0, 0, 5], [2, 6, 5], [30, 30, 0]),
        # Nothing to nothing.
        ([0, 3], [4, 0], [0, 0]),
        ([0, 3], [0, 6], [0, 0]),
        ([7, 3], [7, 3], [0, 0]),
    ],
)
def test_parts_are_those_reckoned_by_hand(before, after, expected):
    assert parts(before, after) == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_rows_are_split_one_by_one():
    before = np.array([[2.0, 3.0], [0.0, 3.0], [1.0, 1.0]])
    after = np.array([[4.0, 3.0], [4.0, 6.0], [1.0, 2.0]])
    found = parts(before, after)
    for row, a, b in zip(found, before, after, strict=True):
        assert row.tolist() == parts(a, b).tolist()


@pytest.mark.parametrize(
    ("before", "after"),
    [([1, -2], [1, 2]), ([1, 2], [-1, 2]), ([1, np.nan], [1, 2]), ([1, 1], [1, np.inf])],
)
def test_what_has_no_logarithm_is_refused(before, after):
    with pytest.raises(ModelError):
        parts(before, after)


@pytest.mark.parametrize(
    ("split", "change", "expected"),
    [
        ([1.4, 1.4, 0.0], 3, [2, 1, 0]),
        ([-1.4, -1.4, 0.0], -3, [-2, -1, 0]),
        ([0.2, 7.3, -2.6], 5, [0, 8, -3]),
        ([0.0, 0.0], 0, [0, 0]),
        ([], 0, []),
    ],
)
def test_whole_parts_add_up_and_leave_0_alone(split, change, expected):
    assert whole_parts(split, change) == expected
