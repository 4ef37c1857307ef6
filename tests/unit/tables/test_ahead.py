from datetime import date

import polars as pl
import pytest

from csk.tables.ahead import received, received_ahead

DAYS = (date(2024, 1, 1), date(2024, 2, 1), date(2024, 4, 1))


def paid(name, day, amount=10):
    return {"customer_id": name, "paid_on": day, "amount": amount}


def contract(name, started_on, ended_on=None, **more):
    made = {"customer_id": name, "started_on": started_on, "ended_on": ended_on}
    return {**made, "mrr_amount": 10, "plan": "a", **more}


def told(frame, *columns):
    return frame.collect().select(*columns).sort(columns[0]).rows()


PAYMENTS = [
    paid("a", date(2023, 12, 1)),
    paid("a", date(2024, 1, 1)),
    paid("a", date(2024, 1, 1), 5),
    paid("a", date(2024, 1, 20), -4),
    paid("a", date(2024, 2, 1), 7),
    paid("b", date(2024, 1, 9), 99),
    paid("c", date(2023, 12, 31)),
    paid("c", date(2024, 4, 1)),
]


def test_a_day_is_one_purchase_and_a_refund_is_none(tables_of):
    rows = received(DAYS, 1)(tables_of(payments=PAYMENTS))
    found = told(rows, "customer_id", "n_payments", "amount")
    assert found == [("a", 2, 18), ("b", 1, 99)]


def test_who_came_later_is_not_in_what_was_ahead(tables_of):
    rows = received_ahead(DAYS, 1)(tables_of(payments=PAYMENTS))
    found = told(rows, "period_on", "n_payments", "amount")
    assert found == [(DAYS[0], 1, 11), (DAYS[1], 1, 7)]


def test_payments_of_contracts_are_counted_each(tables_of):
    tables = tables_of(payments=PAYMENTS, subscriptions=[contract("a", date(2023, 5, 1))])
    assert told(received_ahead(DAYS, 1)(tables), "period_on", "n_payments") == [
        (DAYS[0], 2),
        (DAYS[1], 1),
    ]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (contract("a", date(2023, 12, 1)), [1, 2]),
        (contract("a", date(2023, 12, 15)), [1, 2]),
        # A term begun is due though it is not served to its end.
        (contract("a", date(2023, 12, 15), date(2024, 1, 16)), [1, 0]),
        (contract("a", date(2023, 12, 15), date(2024, 1, 15)), [0, 0]),
        (contract("a", date(2023, 2, 10), term_months=12), [0, 1]),
        (contract("a", date(2023, 3, 31), term_months=12), [0, 1]),
    ],
)
def test_contracts_without_payments_are_due_at_every_term(tables_of, row, expected):
    found = received_ahead(DAYS, 1)(tables_of(subscriptions=[row]))
    assert [n for _, n in told(found, "period_on", "n_payments")] == expected
    each = 10 * (row.get("term_months") or 1)
    assert [n for _, n in told(found, "period_on", "amount")] == [n * each for n in expected]


def test_a_contract_beside_another_is_money_but_no_payment_more(tables_of):
    rows = [contract("a", date(2023, 12, 1), mrr_amount=20), contract("a", date(2023, 12, 1))]
    found = received(DAYS, 1)(tables_of(subscriptions=rows))
    assert told(found, "customer_id", "n_payments", "amount") == [("a", 3, 90)]


def test_margin_is_told_where_payments_know_it(tables_of):
    rows = [{**row, "margin_amount": row["amount"]} for row in PAYMENTS]
    found = received(DAYS, 1)(tables_of(payments=rows)).collect()
    assert found["margin_amount"].sum() == found["amount"].sum() == 117
    assert found.schema["n_payments"] == pl.Int64
