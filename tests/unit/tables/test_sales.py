from datetime import date

import pytest

from csk.tables.movements import Motion
from csk.tables.sales import sales_sums, spent, won_sums

MOTION = Motion(as_of=date(2023, 4, 1))


def paid(customer, day, amount):
    return {"customer_id": customer, "paid_on": date.fromisoformat(day), "amount": amount}


PAID = [
    paid("c1", "2023-01-03", 100),
    paid("c1", "2023-01-03", 50),
    paid("c1", "2023-02-03", 30),
    paid("c1", "2023-02-20", -10),
    paid("c2", "2023-02-05", 200),
    paid("c3", "2023-03-05", -40),
    paid("c2", "2023-04-01", 999),
]
CUSTOMERS = [
    {"customer_id": "c1", "created_on": None, "cac_amount": 7, "channel": "web"},
    {"customer_id": "c2", "created_on": None, "cac_amount": None, "channel": "fair"},
]


@pytest.fixture
def rows_of(tables_of):
    def found(plan, *columns, **tables):
        rows = plan(tables_of(**tables)).collect()
        return sorted(rows.select(columns).rows(), key=str)

    return found


def test_a_month_has_buyers_purchases_and_money(rows_of):
    columns = ("period_on", "n_buyers", "n_purchases", "amount", "purchase_amount")
    assert rows_of(sales_sums(MOTION), *columns, payments=PAID) == [
        (date(2023, 1, 1), 1, 1, 150, 150),
        # A refund is money and no purchase; c1 bought once, c2 once.
        (date(2023, 2, 1), 2, 2, 220, 230),
        (date(2023, 3, 1), 0, 0, -40, 0),
    ]


def test_customers_are_won_with_their_first_purchase(rows_of):
    columns = ("group", "period_on", "n", "n_known", "amount")
    tables = {"payments": PAID, "customers": CUSTOMERS}
    assert rows_of(won_sums(MOTION), *columns, **tables) == [
        ("", date(2023, 1, 1), 1, 1, 7),
        ("", date(2023, 2, 1), 1, 0, 0),
    ]
    assert rows_of(won_sums(MOTION, "channel"), *columns, **tables) == [
        ("fair", date(2023, 2, 1), 1, 0, 0),
        ("web", date(2023, 1, 1), 1, 1, 7),
    ]


def test_under_contract_they_are_won_with_their_first_contract(rows_of):
    contracts = [
        {"customer_id": "c1", "started_on": date(2023, 3, 1), "mrr_amount": 1},
        {"customer_id": "c1", "started_on": date(2023, 1, 9), "mrr_amount": 1},
    ]
    tables = {"subscriptions": contracts, "payments": PAID, "customers": CUSTOMERS}
    assert rows_of(won_sums(MOTION), "period_on", "n", "amount", **tables) == [
        (date(2023, 1, 1), 1, 7)
    ]


@pytest.mark.parametrize("customers", [None, [{"customer_id": "c1", "created_on": None}]])
def test_without_costs_none_are_known(rows_of, customers):
    tables = {"payments": PAID} | ({"customers": customers} if customers else {})
    found = rows_of(won_sums(MOTION), "n", "n_known", "amount", **tables)
    assert found == [(1, 0, 0), (1, 0, 0)]


def test_what_was_spent_of_late_is_net(rows_of):
    plan = spent(MOTION, date(2023, 2, 1))
    assert rows_of(plan, "customer_id", "spent_amount", payments=PAID) == [
        ("c1", 20),
        ("c2", 200),
        ("c3", -40),
    ]
