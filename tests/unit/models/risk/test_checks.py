"""Columns that know what they should foretell are named, and no others."""

from datetime import timedelta

import polars as pl
import pytest

from csk.errors import ModelError
from csk.models.risk.checks import findings, refuse_fatal
from csk.models.risk.verdict import Finding

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def rows(logs):
    return logs(n=300)


@pytest.fixture(scope="module")
def found_in(rows):
    days = tuple(rows["landmark_on"].unique().sort())

    def found(changed=rows, main_days=30):
        return findings(changed, days, days[-1], main_days)

    return found


LEFT = (pl.col("end_in_days") < 30).fill_null(value=False)
LEAKS = [
    ("days_since_use", LEFT.cast(pl.Float64) * 9 + pl.col("tenure_days") / 1e4, "too_good"),
    ("usage_28d", 5.0 - LEFT.cast(pl.Float64), "too_good"),
    ("last_nps", pl.when(~LEFT).then(9.0), "missing_tells"),
    ("last_csat", pl.when(LEFT).then(1.0), "missing_tells"),
    ("touches_90d", LEFT.cast(pl.Float64), "too_good"),
]


@pytest.mark.parametrize(("column", "leak", "check"), LEAKS)
def test_a_column_that_knows_who_left_is_named_and_stops_the_fit(
    rows, found_in, column, leak, check
):
    found = found_in(rows.with_columns(leak.alias(column)))
    assert [(one.check, one.column, one.is_fatal) for one in found] == [(check, column, True)]
    with pytest.raises(ModelError) as refused:
        refuse_fatal(found)
    assert [column in line for line in refused.value.details] == [True]
    assert "[risk] ignore" in refused.value.hint


HARMLESS = [
    ("seats", pl.lit(3.0)),
    ("seats", pl.lit(None, pl.Float64)),
    ("last_nps", pl.when(pl.col("usage_to_baseline") > 0).then(pl.col("usage_to_baseline"))),
    ("a_kept_column", LEFT.cast(pl.Float64)),
]


@pytest.mark.parametrize(("column", "values"), HARMLESS)
def test_what_knows_no_more_than_it_may_is_not_named(rows, found_in, column, values):
    assert found_in(rows.with_columns(values.alias(column))) == ()


@pytest.mark.parametrize("turned", [1.0, -1.0])
def test_a_column_that_only_counts_time_is_told_and_stops_nothing(rows, found_in, turned):
    told = rows.with_columns(refunds_90d=turned * (pl.col("tenure_days") + 1.0) ** 2)
    (one,) = found_in(told)
    assert (one.check, one.column, one.is_fatal) == ("is_tenure", "refunds_90d", False)
    assert one.value == pytest.approx(1.0)
    refuse_fatal((one,))


def test_tenure_and_its_kin_may_go_with_tenure(rows, found_in):
    assert found_in(rows.with_columns(days_since_price_change="tenure_days")) == ()


def test_last_ends_that_are_missing_are_told(rows, found_in):
    days = rows["landmark_on"].unique().sort()
    is_late = pl.col("landmark_on") + pl.duration(days=pl.col("end_in_days")) >= days[-2]
    unripe = rows.with_columns(end_in_days=pl.when(~is_late).then("end_in_days"))
    assert [(one.check, one.value) for one in found_in(unripe)] == [("unripe", 0.0)]


def test_few_who_left_say_nothing(rows, found_in):
    few = rows.with_columns(end_in_days=pl.when(pl.col("customer_id") < "c000005").then(3))
    assert found_in(few.with_columns(seats=LEFT.cast(pl.Float64))) == ()
    assert found_in(rows.clear()) == ()


def test_odd_findings_alone_refuse_nothing():
    refuse_fatal([Finding("unripe", "ended_on", 0.1, is_fatal=False)])
