from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from csk.models.usage_trends import LEAST_PROFILE, Week, measured, trends, weeks
from csk.tables.usage import DAYS, SHARE_PARTS, Watch

AS_OF = date(2024, 7, 1)
WATCH = Watch(AS_OF, AS_OF - timedelta(900), is_contractual=True)
FLAT = {"": Week((1.0,) * 7, 100)}
LEAST = (0.2, 0.4, 0.7)


def rows(*counts, first_day=0, last_on=AS_OF - timedelta(1), plan="a"):
    """Customers with these counts by day, the last of which is the eve of as_of."""
    n = len(counts)
    days = [[DAYS - len(c) + i for i, v in enumerate(c) if v] for c in counts]
    return pl.DataFrame(
        {
            "customer_id": [f"c{i}" for i in range(n)],
            "plan": [plan] * n,
            "mrr_amount": [10_000] * n,
            "started_on": [AS_OF - timedelta(800)] * n,
            "last_on": [last_on] * n,
            "features": [["x"]] * n,
            "told": [plan] * n,
            "days": days,
            "counts": [[int(v * 1000) for v in c if v] for c in counts],
            "first_day": [first_day] * n,
        },
        schema_overrides={"days": pl.List(pl.Int32), "counts": pl.List(pl.Int64)},
    )


def trend(*counts, **more):
    return trends(measured(rows(*counts, **more), FLAT, WATCH), WATCH, LEAST)


def test_a_fall_has_a_day_levels_and_a_severity():
    steady, fallen = [4.0] * DAYS, [4.0] * (DAYS - 60) + [1.0] * 60
    found = trend(steady, fallen)
    assert found["is_falling"].to_list() == [False, True]
    assert found["severity"].to_list() == ["none", "severe"]
    one = found.row(1, named=True)
    assert one["changed_on"] == AS_OF - timedelta(60)
    assert (one["usage_28d"], one["usage_previous_28d"]) == (28, 28)
    assert one["usage_baseline_28d"] == pytest.approx(112)
    assert one["change_rate"] == pytest.approx(-0.75)
    assert one["change_low"] < -0.75 < one["change_high"] < -0.5
    assert found["usage_baseline_28d"][0] == pytest.approx(112)
    assert found["change_rate"][0] == pytest.approx(0)


@pytest.mark.parametrize(
    ("left", "severity"),
    [(0.9, "none"), (0.75, "mild"), (0.5, "marked"), (0.2, "severe"), (0.0, "severe")],
)
def test_severity_is_the_share_lost(left, severity):
    assert trend([40.0] * (DAYS - 60) + [40 * left] * 60)["severity"].to_list() == [severity]


def test_nothing_left_dates_from_the_last_use():
    # Used every other day; the last time 41 days ago.
    counts = [8.0 * (i % 2) for i in range(DAYS - 40)] + [0.0] * 40
    found = trend(counts, last_on=AS_OF - timedelta(41))
    assert found["changed_on"].to_list() == [AS_OF - timedelta(40)]


def test_who_recovered_does_not_fall():
    counts = [8.0] * 150 + [1.0] * 100 + [8.0] * (DAYS - 250)
    assert not trend(counts)["is_falling"][0]


@pytest.mark.parametrize(("first_day", "is_known"), [(DAYS - 56, True), (DAYS - 55, False)])
def test_a_level_of_ones_own_takes_28_days(first_day, is_known):
    found = trend([3.0] * DAYS, first_day=first_day)
    for name in ("usage_baseline_28d", "change_rate", "change_low"):
        assert (found[name][0] is not None) == is_known


def test_whose_two_periods_are_not_whole_has_no_previous_one():
    began = AS_OF - timedelta(55)
    kept = measured(rows([3.0] * DAYS), FLAT, WATCH)
    for day, is_known in ((began, False), (began - timedelta(1), True)):
        found = trends(kept.with_columns(started_on=pl.lit(day)), WATCH, LEAST)
        assert (found["usage_previous_28d"][0] is not None) == is_known


def test_a_plan_with_enough_customers_has_its_own_week():
    sums = pl.DataFrame(
        {
            "plan": ["big", "big", "small", None],
            "weekday": [1, 2, 7, 7],
            "n_shares": [n * SHARE_PARTS for n in (LEAST_PROFILE - 10, 10, LEAST_PROFILE - 1, 1)],
        },
        schema_overrides={"weekday": pl.Int32, "n_shares": pl.Int64},
    )
    found = weeks(sums)
    assert sorted(found) == ["", "big"]
    assert found["big"].n_customers == LEAST_PROFILE
    assert found["big"].worth[0] / found["big"].worth[1] == pytest.approx(4.0)
    assert min(found["big"].worth) > 0
    assert all(np.mean(week.worth) == pytest.approx(1) for week in found.values())


def test_a_book_without_usage_has_a_flat_week():
    empty = pl.DataFrame(schema={"plan": pl.String, "weekday": pl.Int32, "n_shares": pl.Int64})
    assert weeks(empty)[""] == Week((1.0,) * 7, 0)


def test_the_week_of_the_plan_is_taken():
    # Working days only: with its own week a plan's customer is steady.
    monday_first = [
        5.0 if (AS_OF - timedelta(DAYS - i)).weekday() < 5 else 0.0 for i in range(DAYS)
    ]
    own = {"": FLAT[""], "a": Week((1.39, 1.39, 1.39, 1.39, 1.39, 0.02, 0.03), 60)}
    with_week = measured(rows(monday_first), own, WATCH)
    assert with_week["deviance"][0] < measured(rows(monday_first), FLAT, WATCH)["deviance"][0]


def test_nobody_has_no_trend():
    none = rows([1.0] * DAYS).clear()
    assert trends(measured(none, FLAT, WATCH), WATCH, LEAST).height == 0
