from datetime import UTC, date, datetime, timedelta

import pytest

from csk.analyses.usage import table, usage, worst
from csk.engine.local import LocalEngine
from csk.errors import DataError, UsageError
from csk.schema import USAGE_TRENDS
from csk.settings import Milestone, Settings

AS_OF = date(2024, 7, 1)
DAY = timedelta(days=1)
FROM = AS_OF - 400 * DAY


def used(customer, days_ago, feature="x", quantity=1.0):
    day = AS_OF - days_ago * DAY
    at = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
    return {"customer_id": customer, "used_at": at, "feature": feature, "quantity": quantity}


def contract(customer, start=FROM, end=None, plan="a", mrr=1_000_000):
    return {
        "customer_id": customer,
        "started_on": start,
        "ended_on": end,
        "mrr_amount": mrr,
        "plan": plan,
    }


def daily(customer, until=0, quantity=5.0, first=400, feature="x"):
    return [used(customer, ago, feature, quantity) for ago in range(first, until, -1)]


STEADY = [row for i in range(4) for row in daily(f"s{i}")]


@pytest.fixture
def asked(book_of):
    def found(log, contracts=None, by="", shards=2, customers=None, **choices):
        tables = {"usage": log}
        if contracts is not None:
            tables["subscriptions"] = contracts
        if customers:
            tables["customers"] = customers
        return usage(book_of(tables, shards, AS_OF), LocalEngine(), Settings(**choices), by)

    return found


def test_a_book_without_usage_says_what_it_needs(book_of):
    book = book_of({"payments": [{"customer_id": "c", "paid_on": FROM, "amount": 1}]}, 1, AS_OF)
    with pytest.raises(DataError, match="No file tells") as refused:
        usage(book, LocalEngine(), Settings())
    assert "customer_id, used_at and feature" in refused.value.hint


@pytest.mark.parametrize("by", ["channel", "customer_id", "nothing"])
def test_unknown_groups_are_refused(asked, by):
    with pytest.raises(UsageError, match="no groups"):
        asked(STEADY, [contract("s0")], by)


def test_who_falls_is_told_with_what_is_at_stake(asked):
    # 5 a day until 60 days ago, then 1: four fifths lost.
    log = [*STEADY, *daily("f", 60), *daily("f", 0, 1.0, 60)]
    log += [*daily("g", 30), *daily("g", 0, 2.5, 30)]
    contracts = [contract(f"s{i}") for i in range(4)]
    contracts += [contract("f", mrr=500_000), contract("g", mrr=2_000_000)]
    found = asked(log, contracts, "plan")
    assert [(row["customer_id"], row["severity"]) for row in worst(found, 5)] == [
        ("g", "marked"),
        ("f", "severe"),
    ]
    # Half of an MRR of 2,000,000; weekdays of 30 days are not quite alike.
    assert worst(found, 1)[0]["lost_amount"] == pytest.approx(1_000_000, rel=0.01)
    assert [row["changed_on"] for row in worst(found, 5)] == [AS_OF - 30 * DAY, AS_OF - 60 * DAY]
    whole = found.whole
    assert (whole.n, whole.n_falling, whole.n_recent) == (6, 2, 1)
    assert whole.mrr_falling_amount == 2_500_000
    assert dict(whole.by_severity) == {"none": 4, "mild": 0, "marked": 1, "severe": 1}


def test_groups_add_up_to_the_book(asked):
    log = [*STEADY, *daily("f", 60), *daily("f", 0, 1.0, 60)]
    contracts = [contract(f"s{i}", plan="ab"[i % 2]) for i in range(4)] + [contract("f")]
    found = asked(log, contracts, "plan")
    for name in ("n", "n_silent", "n_new", "usage_28d", "n_falling", "mrr_amount"):
        assert sum(getattr(one, name) for one in found.groups) == getattr(found.whole, name)
    assert [one.group for one in found.groups] == ["a", "b"]


def test_the_table_has_its_columns_in_order(asked):
    customers = [{"customer_id": "s0", "created_on": FROM, "owner": "Sato"}]
    found = asked(STEADY, [contract("s0"), contract("s1")], customers=customers, keep=("owner",))
    rows, described = table(found)
    assert tuple(rows.columns) == described.names == (*USAGE_TRENDS.names, "owner")
    assert rows.select("customer_id", "owner").rows() == [("s0", "Sato"), ("s1", None)]


def test_nothing_at_as_of_is_read(asked):
    late = [used("s0", ago, "y", 900.0) for ago in (0, -1, -5)]
    plain, more = (table(asked(log, [contract("s0")]))[0] for log in (STEADY, [*STEADY, *late]))
    assert plain.equals(more)


def test_rows_of_no_contract_are_counted_and_in_no_figure(asked):
    contracts = [contract("s0", AS_OF - 200 * DAY), contract("s1", FROM, AS_OF - 100 * DAY)]
    found = asked(STEADY, contracts)
    edges = found.edges
    assert (edges.n_rows, edges.n_before, edges.n_after, edges.n_stranger) == (1600, 200, 100, 800)
    assert found.customers["customer_id"].to_list() == ["s0"]
    assert found.whole.usage_28d == 28 * 5


def test_without_contracts_trends_are_told_all_the_same(asked):
    found = asked([*STEADY, *daily("f", 60)])
    assert [row["customer_id"] for row in worst(found, 3)] == ["f"]
    assert found.customers["mrr_amount"].null_count() == 5
    assert (found.hazards, found.whole.mrr_amount) == ((), 0)


@pytest.mark.parametrize("n", [0, 1])
def test_a_book_of_one_customer_or_none_has_a_report(asked, n):
    found = asked(daily("s0"), [contract("s0", end=None if n else AS_OF - DAY)])
    assert (found.whole.n, found.whole.n_falling) == (n, 0)
    assert table(found)[0].height == n


def test_one_feature_alone_is_no_trouble(asked):
    log = [row for i in range(12) for row in daily(f"c{i}")]
    contracts = [contract(f"c{i}") for i in range(12)] + [contract("idle")]
    found = asked(log, contracts)
    assert found.entitled == {"a": ("x",)}
    assert [(one.feature, one.n_entitled, one.n_using) for one in found.features] == [("x", 13, 12)]
    rows = table(found)[0].filter(customer_id="idle").row(0, named=True)
    assert (rows["unused_features"], rows["days_since_last_use"]) == ("x", None)
    assert (rows["usage_28d"], rows["usage_baseline_28d"], rows["change_rate"]) == (0, 0, None)


def test_names_that_nobody_has_are_told(asked):
    found = asked(
        STEADY,
        [contract("s0")],
        usage={"entitled": {"premium": ["x", "z"]}},
        milestones=(Milestone(name="m", feature="y"),),
    )
    assert [(one.what, one.names, one.known) for one in found.unknown] == [
        ("features", ("y", "z"), ("x",)),
        ("plans", ("premium",), ("a",)),
    ]


def test_milestones_are_those_of_the_settings(asked):
    contracts = [contract(f"c{i}", AS_OF - 100 * DAY) for i in range(4)]
    log = [used("old", 399), *(used(f"c{i}", 95) for i in range(3))]
    (one,) = asked(log, contracts, milestones=(Milestone(name="first", within_days=20),)).onboarding
    assert (one.name, one.n, one.share) == ("first", 4, pytest.approx(0.75))
    assert [(side.is_done, side.n) for side in one.sides] == [(True, 3), (False, 1)]
