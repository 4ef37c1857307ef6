from datetime import UTC, date, datetime

import pytest

from csk.engine.local import LocalEngine
from csk.tables.early_usage import early_usage

AS_OF = date(2024, 7, 1)


def used(customer, *day):
    return {"customer_id": customer, "used_at": datetime(*day, 9, tzinfo=UTC), "feature": "x"}


def contract(customer, start, end=None):
    return {
        "customer_id": customer,
        "started_on": start,
        "ended_on": end,
        "mrr_amount": 1,
        "plan": "a",
    }


CONTRACTS = [
    contract("a", date(2024, 1, 1), date(2024, 2, 1)),
    contract("a", date(2024, 3, 1)),
    contract("b", date(2024, 5, 1)),
    contract("late", date(2024, 8, 1)),
]


@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.parametrize(
    ("log", "counted"),
    [
        ([used("a", 2024, 1, 1)], (1, 0, 0)),
        ([used("a", 2023, 12, 31), used("a", 2024, 1, 5)], (2, 1, 0)),
        ([used("a", 2024, 2, 9)], (1, 0, 0)),
        ([used("b", 2019, 1, 1), used("nobody", 2024, 6, 1)], (2, 1, 1)),
        ([used("a", 2024, 6, 30), used("a", 2024, 7, 1), used("nobody", 2024, 9, 1)], (1, 0, 0)),
    ],
)
def test_usage_of_no_contract_is_counted(book_of, shards, log, counted):
    book = book_of({"usage": log, "subscriptions": CONTRACTS}, shards, AS_OF)
    row = LocalEngine().total(book, early_usage(AS_OF, 1), [])
    assert row.row(0) == counted
    assert row.columns == ["n_rows", "n_before", "n_stranger"]
