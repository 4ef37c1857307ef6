from datetime import UTC, date, datetime, timedelta

import pytest

from csk.tables.arrivals import by_day, ends_from

DAY = date(2026, 1, 10)


def contract(customer, started, ended=None, reason=None):
    return {
        "customer_id": customer,
        "started_on": date(2026, 1, started),
        "ended_on": ended and date(2026, 1, ended),
        "mrr_amount": 1,
        "cancel_reason": reason,
    }


def test_rows_are_counted_by_table_and_day(tables_of):
    usage = [
        {"customer_id": "a", "used_at": datetime(2026, 1, day, hour, tzinfo=UTC), "feature": "x"}
        for day, hour in ((8, 23), (9, 0), (9, 23), (10, 0))
    ]
    usage.append(usage[0] | {"used_at": datetime(2025, 1, 8, tzinfo=UTC)})  # over a year ago
    payments = [{"customer_id": "a", "paid_on": date(2026, 1, 8), "amount": 1}]
    tables = tables_of(usage=usage, payments=payments, subscriptions=[contract("a", 2)])
    found = by_day(("usage", "payments", "subscriptions"), DAY)(tables).collect()
    assert sorted(found.rows()) == [
        (0, date(2026, 1, 8), 1),
        (0, date(2026, 1, 9), 2),
        (1, date(2026, 1, 8), 1),
        (2, date(2026, 1, 2), 1),
    ]
    assert found.columns == ["table_no", "day", "n_rows"]


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
