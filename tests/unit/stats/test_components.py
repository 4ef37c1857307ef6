"""Groups of rows that share a key."""

import numpy as np
import pytest

from csk.stats.components import linked


@pytest.mark.parametrize(
    ("kinds", "groups"),
    [
        ([[-1, -1, -1]], [0, 1, 2]),
        ([[5, -1, 5]], [0, 1, 0]),
        ([[5, 5, -1, -1], [-1, 7, 7, -1]], [0, 0, 0, 3]),
        ([[1, 2, 3, 4], [9, 8, 8, 9], [-1, -1, 6, 6]], [0, 0, 0, 0]),
        ([[-1, 0, 0], [3, -1, -1]], [0, 1, 1]),
        ([[]], []),
    ],
)
def test_rows_are_named_by_the_smallest_row_they_reach(kinds, groups):
    assert linked([np.array(codes, np.int64) for codes in kinds]).tolist() == groups


def test_links_reach_through_a_long_chain():
    n = 10_000
    left, right = np.arange(n) // 2, (np.arange(n) + 1) // 2
    assert not linked([left, right]).any()
    assert len(np.unique(linked([left]))) == n // 2
