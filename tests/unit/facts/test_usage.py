from datetime import UTC, date, datetime

import polars as pl
import pytest

from csk.facts.usage import usage_counts

LAST = date(2024, 3, 1)
SCHEMA = {
    "customer_id": pl.String,
    "used_at": pl.Datetime("us", "UTC"),
    "feature": pl.String,
    "quantity": pl.Float64,
    "user_id": pl.String,
}
EPOCH = date(1970, 1, 1)


def event(day, feature="login", quantity=1.0, customer="a", user=None):
    return (customer, datetime(*day, tzinfo=UTC), feature, quantity, user)


def facts(rows, n_periods=3, by_user=False):
    usage = pl.LazyFrame(rows, schema=SCHEMA, orient="row")
    found = usage_counts(usage, LAST, n_periods, by_user=by_user).collect()
    key = ["customer_id", "period_no", "feature", *(["user_id"] if by_user else [])]
    return found.select(*key, "quantity", "first_day", "last_day").sort(key)


@pytest.mark.parametrize(
    ("day", "period"),
    [
        ((2024, 2, 29, 23, 59, 59), 0),
        ((2024, 2, 2), 0),
        # The first instant of a day is of that day, the last of the one before is not.
        ((2024, 2, 1, 23, 59, 59), 1),
        ((2024, 1, 5), 1),
        ((2024, 1, 4), 2),
        # The day itself is not read, and what is older than was asked for neither.
        ((2024, 3, 1), None),
        ((2023, 12, 7), None),
    ],
)
def test_every_event_lies_in_one_period_of_28_days(day, period):
    expected = [] if period is None else [period]
    assert facts([event(day)])["period_no"].to_list() == expected


def test_quantities_are_thousandths_and_one_where_there_is_none():
    rows = [event((2024, 2, 3), quantity=0.1), event((2024, 2, 4), quantity=None)] * 3
    first, last = (date(2024, 2, 3) - EPOCH).days, (date(2024, 2, 4) - EPOCH).days
    assert facts(rows).rows() == [("a", 0, "login", 3300, first, last)]


def test_features_and_people_are_told_apart():
    day = (2024, 2, 3)
    rows = [event(day, user="x"), event(day, user="y"), event(day, "report", user="x")]
    assert facts(rows)["feature"].to_list() == ["login", "report"]
    assert facts(rows, by_user=True)["user_id"].to_list() == ["x", "y", "x"]


def test_facts_of_parts_add_up_to_facts_of_the_whole():
    rows = [event((2024, 1, 1 + n), "login" if n % 3 else "report", n / 7) for n in range(31)]
    key = ["customer_id", "period_no", "feature"]
    parts = pl.concat([facts(rows[:11]), facts(rows[11:])])
    added = parts.group_by(key).agg(
        pl.col("quantity").sum(), pl.col("first_day").min(), pl.col("last_day").max()
    )
    assert added.sort(key).rows() == facts(rows).rows()
