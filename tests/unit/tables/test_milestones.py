from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest

from csk.tables.milestones import reached, stayed
from csk.tables.usage import Watch

AS_OF = date(2024, 7, 1)
DAY = timedelta(days=1)
START = AS_OF - 100 * DAY
WATCH = Watch(AS_OF, START, is_contractual=True)


@dataclass(frozen=True)
class Asked:
    feature: str = "x"
    count: float = 2.0
    within_days: int = 10


def used(customer, day, feature="x", quantity=1.0):
    on = START + day * DAY
    at = datetime(on.year, on.month, on.day, 9, tzinfo=UTC)
    return {"customer_id": customer, "used_at": at, "feature": feature, "quantity": quantity}


def contract(customer, start=0, end=None):
    return {
        "customer_id": customer,
        "started_on": START + start * DAY,
        "ended_on": None if end is None else START + end * DAY,
        "mrr_amount": 10,
        "plan": "a",
    }


def waits(tables, asked=Asked(), watch=WATCH):
    found = reached(watch, START, [asked])(tables).collect().sort("age")
    return found.select("age", "n_entered", "n_done", "n_left", "n_censored").rows()


@pytest.mark.parametrize(
    ("contracts", "usage", "asked", "ends"),
    [
        # Two on the first day: done at 1.
        ([contract("a")], [used("a", 0, quantity=2.0)], Asked(), [(1, 0, 1, 0, 0)]),
        ([contract("a")], [used("a", 0), used("a", 6)], Asked(), [(7, 0, 1, 0, 0)]),
        # Not with that feature: still waiting after a hundred days; with anything: done.
        ([contract("a")], [used("a", 3, "y", 5.0)], Asked(), [(100, 0, 0, 0, 1)]),
        ([contract("a")], [used("a", 3, "y", 5.0)], Asked(""), [(4, 0, 1, 0, 0)]),
        # Left before; what is used after the end is nothing.
        ([contract("a", 0, 5)], [used("a", 6, quantity=9.0)], Asked(), [(5, 0, 0, 1, 0)]),
        # Used before the start is not of the first days.
        ([contract("a", 50)], [used("a", 49, quantity=9.0)], Asked(), [(50, 0, 0, 0, 1)]),
    ],
)
def test_a_wait_ends_in_one_of_three_ways(tables_of, contracts, usage, asked, ends):
    tables = tables_of(subscriptions=contracts, usage=usage)
    assert waits(tables, asked) == [(0, 1, 0, 0, 0), *ends]


def test_who_came_before_the_log_is_not_new(tables_of):
    tables = tables_of(subscriptions=[contract("a", -1)], usage=[used("a", 3)])
    assert waits(tables) == []


def test_without_contracts_the_first_use_begins(tables_of):
    tables = tables_of(usage=[used("a", 5), used("a", 9)])
    watch = Watch(AS_OF, START, is_contractual=False)
    assert waits(tables, watch=watch) == [(0, 1, 0, 0, 0), (5, 0, 1, 0, 0)]


def test_who_stays_is_told_from_the_day_on(tables_of):
    # a reached it in time, b too late, c left on the day before the day, d on the day after.
    contracts = [contract("a", 0, 40), contract("b"), contract("c", 0, 10), contract("d", 0, 11)]
    usage = [used("a", 9, quantity=2.0), used("b", 10, quantity=2.0)]
    tables = tables_of(subscriptions=contracts, usage=usage)
    found = stayed(WATCH, START, [Asked()])(tables).collect().sort("is_done", "age")
    assert found.select("is_done", "age", "n_entered", "n_left", "n_censored").rows() == [
        (False, 0, 2, 0, 0),
        (False, 1, 0, 1, 0),
        (False, 90, 0, 0, 1),
        (True, 0, 1, 0, 0),
        (True, 30, 0, 1, 0),
    ]
