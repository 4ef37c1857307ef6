"""Which bins of days ahead are known of a customer, and what came of them."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from csk.errors import UsageError
from csk.models.risk.stacked import EDGES, edges_of, edges_with, stacked

START = date(2024, 1, 1)
EDGES_HERE = (7, 14, 30)


def rows(ends, until, **columns):
    panel = pl.DataFrame(
        {
            "customer_id": [f"c{i}" for i in range(len(ends))],
            "landmark_on": [START] * len(ends),
            "end_in_days": pl.Series(ends, dtype=pl.Int32),
            "cause": pl.Series([0 if end is None else 2 for end in ends], dtype=pl.Int32),
            **columns,
        }
    )
    return stacked(panel, EDGES_HERE, until)


@pytest.mark.parametrize(
    ("end", "until", "expected"),
    # Bins are 0-6, 7-13 and 14-29 days ahead; January 31 is 30 days on.
    [
        (None, date(2024, 1, 31), [(0, 0), (1, 0), (2, 0)]),
        (None, date(2024, 1, 30), [(0, 0), (1, 0)]),
        (0, date(2024, 1, 31), [(0, 2)]),
        (6, date(2024, 1, 31), [(0, 2)]),
        (7, date(2024, 1, 31), [(0, 0), (1, 2)]),
        (29, date(2024, 1, 31), [(0, 0), (1, 0), (2, 2)]),
        (30, date(2024, 1, 31), [(0, 0), (1, 0), (2, 0)]),
        # A bin that was only begun says nothing, though an end in it is known.
        (8, date(2024, 1, 12), [(0, 0)]),
        (3, date(2024, 1, 7), []),
    ],
)
def test_a_bin_counts_when_all_of_it_is_known(end, until, expected):
    found = rows([end], until)
    assert list(zip(found.lead.tolist(), found.cause.tolist(), strict=True)) == expected


def test_renewals_of_a_bin_are_those_up_to_its_edge_less_those_before():
    due = {"renewals_7d": [1, 0], "renewals_14d": [2, 0], "renewals_30d": [4, None]}
    found = rows([None, None], date(2024, 3, 1), **due)
    assert found.n_renewals.tolist() == [1, 1, 2, 0, 0, 0]


def test_weights_are_those_of_the_rows_and_one_otherwise():
    assert rows([None, 3], date(2024, 3, 1)).weight.tolist() == [1.0] * 4
    found = rows([None, 3], date(2024, 3, 1), weight=[2.0, 5.0])
    assert found.weight.tolist() == [2.0, 2.0, 2.0, 5.0]
    assert found.at.tolist() == [0, 0, 0, 1]


def test_horizons_that_are_asked_for_are_edges():
    assert edges_with([30, 45]) == (7, 14, 30, 45, 60, 90, 180, 365)
    with pytest.raises(UsageError, match="one day"):
        edges_with([0])


def test_edges_are_read_off_the_columns_of_renewals():
    panel = pl.DataFrame({"renewals_30d": [0], "renewals_7d": [0], "renewals_so_far": [3.0]})
    assert edges_of(panel) == (7, 30)
    assert edges_of(pl.DataFrame({"renewals_so_far": [3.0]})) == EDGES
    assert np.all(np.diff(EDGES) > 0)
