from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from csk.tables.usage import SHARE_PARTS, Watch, customer_days, edges, watched, weekday_shares

AS_OF = date(2024, 7, 1)
DAY = timedelta(days=1)
FROM = AS_OF - 300 * DAY
WATCH = Watch(AS_OF, FROM, is_contractual=True)


def used(customer, days_ago, feature="x", quantity=1.0):
    day = AS_OF - days_ago * DAY
    at = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
    return {"customer_id": customer, "used_at": at, "feature": feature, "quantity": quantity}


def contract(customer, start=FROM - 100 * DAY, end=None, plan="a", mrr=10):
    return {
        "customer_id": customer,
        "started_on": start,
        "ended_on": end,
        "mrr_amount": mrr,
        "plan": plan,
    }


def days(tables, watch=WATCH):
    shown = ["customer_id", "days", "counts", "first_day", "last_on", "features", "told"]
    schema = {
        "customer_id": pl.String(),
        "days": pl.List(pl.Int32()),
        "counts": pl.List(pl.Int64()),
        "first_day": pl.Int64(),
        "last_on": pl.Date(),
        "features": pl.List(pl.String()),
        "told": pl.String(),
    }
    plan = customer_days(watch, lambda rows: rows.select(shown), schema)
    return plan(tables).collect().sort("customer_id")


def test_who_is_under_contract_is_watched(tables_of):
    gone, future = AS_OF - DAY, AS_OF + DAY
    contracts = [contract("a"), contract("b", end=gone), contract("c", end=future)]
    usage = [used("d", 3)]
    found = watched(tables_of(subscriptions=contracts, usage=usage), WATCH).collect()
    assert sorted(found["customer_id"]) == ["a", "c"]


def test_without_contracts_whoever_used_anything_is_watched(tables_of):
    usage = [used("a", 3), used("a", 9), used("b", 0)]
    found = watched(tables_of(usage=usage), Watch(AS_OF, FROM, is_contractual=False)).collect()
    assert found.rows() == [("a", None, None, AS_OF - 9 * DAY)]


def test_days_are_counted_from_the_first_looked_at(tables_of):
    usage = [used("a", 1, quantity=2.0), used("a", 1, "y"), used("a", 363), used("a", 365)]
    usage += [used("a", 0)]
    found = days(tables_of(subscriptions=[contract("a")], usage=usage)).row(0, named=True)
    assert sorted(zip(found["days"], found["counts"], strict=True)) == [(1, 1_000), (363, 3_000)]
    assert found["last_on"] == AS_OF - DAY
    assert found["features"] == ["x", "y"]


@pytest.mark.parametrize(
    ("start", "first_day"),
    [
        # Began before the log: from the log's first day on.
        (FROM - 100 * DAY, 64),
        # Began in it: its first 28 days are no baseline.
        (AS_OF - 200 * DAY, 164 + 28),
        (AS_OF - 5 * DAY, 359 + 28),
    ],
)
def test_first_days_are_no_baseline(tables_of, start, first_day):
    tables = tables_of(subscriptions=[contract("a", start)], usage=[used("a", 1)])
    assert days(tables)["first_day"].to_list() == [first_day]


def test_usage_before_the_contract_is_not_of_it(tables_of):
    start = AS_OF - 50 * DAY
    tables = tables_of(
        subscriptions=[contract("a", start)], usage=[used("a", 51), used("a", 50), used("b", 4)]
    )
    found = days(tables).row(0, named=True)
    assert (found["days"], found["last_on"]) == ([314], start)


def test_who_uses_nothing_is_there_too(tables_of):
    found = days(tables_of(subscriptions=[contract("a")], usage=[used("b", 4)]))
    assert found.select("customer_id", "days", "last_on").rows() == [("a", None, None)]


@pytest.mark.parametrize(("by", "told"), [("", "a"), ("plan", "a"), ("channel", "web")])
def test_a_customer_has_a_group(tables_of, by, told):
    tables = tables_of(
        subscriptions=[contract("a")],
        usage=[used("a", 4)],
        customers=[{"customer_id": "a", "created_on": FROM, "channel": "web"}],
    )
    assert days(tables, Watch(AS_OF, FROM, is_contractual=True, by=by))["told"].to_list() == [told]


def test_each_customer_weighs_alike_in_the_week(tables_of):
    # 2024-06-30 is a Sunday. a: all of 100 on a Sunday; b: half on a Sunday, half on a Saturday.
    usage = [used("a", 1, quantity=100.0), used("b", 1), used("b", 2), used("b", 0)]
    tables = tables_of(subscriptions=[contract("a"), contract("b")], usage=usage)
    found = weekday_shares(WATCH)(tables).collect().sort("weekday")
    assert found.rows() == [("a", 6, SHARE_PARTS // 2), ("a", 7, SHARE_PARTS * 3 // 2)]


def test_rows_of_no_contract_are_counted(tables_of):
    contracts = [
        contract("a", AS_OF - 100 * DAY, AS_OF - 80 * DAY),
        contract("a", AS_OF - 40 * DAY),
        contract("b", AS_OF - 100 * DAY, AS_OF - 60 * DAY),
    ]
    usage = [used("a", ago) for ago in (101, 100, 81, 80, 41, 40, 1, 0)]
    usage += [used("b", 60), used("z", 5), used("z", 6)]
    found = edges(WATCH)(tables_of(subscriptions=contracts, usage=usage)).collect()
    assert found.to_dicts() == [{"n_rows": 10, "n_before": 1, "n_stranger": 2, "n_after": 3}]
