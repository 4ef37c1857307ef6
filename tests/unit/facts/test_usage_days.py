from datetime import UTC, date, datetime

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from csk.facts.usage_days import usage_days

SINCE, UNTIL = date(2024, 1, 2), date(2024, 1, 5)
COLUMNS = {
    "customer_id": pl.String,
    "used_at": pl.Datetime("us", "UTC"),
    "feature": pl.String,
    "quantity": pl.Float64,
}


def at(day, hour=0, minute=0):
    return datetime(2024, 1, day, hour, minute, tzinfo=UTC)


def facts(*rows, by_feature=False, without=()):
    usage = pl.LazyFrame(rows, schema=COLUMNS, orient="row").drop(*without)
    found = usage_days(usage, SINCE, UNTIL, by_feature=by_feature).collect()
    return found.sort(found.columns).rows()


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], []),
        ([("a", at(2), "x", 2.0)], [("a", date(2024, 1, 2), 2_000, 1)]),
        # A row that does not say how much counts 1, one below 0 nothing.
        (
            [("a", at(2), "x", None), ("a", at(2, 23, 59), "y", -3.0), ("a", at(2), "x", 0.5)],
            [("a", date(2024, 1, 2), 1_500, 3)],
        ),
        # The last moment before the end is in, the end is not; nor is what lies before the start.
        (
            [("a", at(4, 23, 59), "x", 1.0), ("a", at(5), "x", 1.0), ("a", at(1, 23), "x", 1.0)],
            [("a", date(2024, 1, 4), 1_000, 1)],
        ),
    ],
)
def test_usage_of_a_day_is_one_row(rows, expected):
    assert facts(*rows) == expected


def test_features_are_told_apart_where_wanted():
    rows = [("a", at(2), "x", 2.0), ("a", at(2), "y", 1.0), ("a", at(2), "x", 1.0)]
    assert facts(*rows, by_feature=True) == [
        ("a", date(2024, 1, 2), "x", 3_000, 2),
        ("a", date(2024, 1, 2), "y", 1_000, 1),
    ]


def test_without_quantities_rows_are_counted():
    rows = [("a", at(2), "x", 7.0), ("a", at(2), "x", None)]
    assert facts(*rows, without=["quantity"]) == [("a", date(2024, 1, 2), 2_000, 2)]


def test_facts_of_parts_add_up():
    rows = [(f"c{i % 3}", at(1 + i % 6, i % 24), "xy"[i % 2], i / 7) for i in range(120)]
    usage = pl.DataFrame(rows, schema=COLUMNS, orient="row")
    key = ["customer_id", "used_on", "feature"]

    def found(frame):
        return usage_days(frame.lazy(), SINCE, UNTIL, by_feature=True).collect()

    added = pl.concat([found(usage[:50]), found(usage[50:])]).group_by(key).sum().sort(key)
    assert_frame_equal(added, found(usage).sort(key), check_exact=True)
