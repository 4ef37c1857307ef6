from datetime import UTC, date, datetime, timedelta

import pytest

from csk.tables.arrivals import ends_from, last_day

DAY = date(2026, 1, 10)


def contract(customer, started, ended=None, reason=None):
    return {
        "customer_id": customer,
        "started_on": date(2026, 1, started),
        "ended_on": ended and date(2026, 1, ended),
        "mrr_amount": 1,
        "cancel_reason": reason,
    }


def test_events_of_the_last_day_are_counted(tables_of):
    usage = [
        {"customer_id": "a", "used_at": datetime(2026, 1, day, hour, tzinfo=UTC), "feature": "x"}
        for day, hour in ((8, 23), (9, 0), (9, 23), (10, 0))
    ]
    payments = [{"customer_id": "a", "paid_on": date(2026, 1, 8), "amount": 1}]
    tables = tables_of(usage=usage, payments=payments)
    found = last_day(("usage", "payments"), DAY)(tables).collect()
    assert found.to_dicts() == [{"n_usage": 2, "n_payments": 0}]
    assert last_day(("usage",), DAY)(tables).collect().columns == ["n_usage"]


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([contract("a", 9, 12)], [2]),
        ([contract("a", 9, 10)], [0]),  # leaves on that very day
        ([contract("a", 9, 9)], []),
        ([contract("a", 10, 12)], []),  # begins on it
        ([contract("a", 9)], [None]),
        ([contract("a", 9, 25)], [None]),  # an end that is not yet one
        ([contract("a", 1, 11), contract("a", 12, 14)], [4]),  # renewed within the grace
        ([contract("a", 1, 11), contract("a", 14)], [1]),  # came back: a spell of its own
    ],
)
def test_who_was_in_service_and_when_they_left(tables_of, rows, found):
    plan = ends_from(DAY, DAY + timedelta(days=10), 1)
    assert plan(tables_of(subscriptions=rows)).collect()["end_in_days"].to_list() == found
