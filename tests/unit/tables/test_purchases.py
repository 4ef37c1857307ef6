from datetime import date

import pytest

from csk.tables.purchases import N_STATES, gap_counts, gap_pairs, histories, purchase_cells

AS_OF = date(2024, 3, 1)


def paid(*rows, customer="c"):
    return [
        {"customer_id": customer, "paid_on": date.fromisoformat(f"2024-{day}"), "amount": amount}
        for day, amount in rows
    ]


def history(tables_of, *rows):
    found = histories(tables_of(payments=rows), AS_OF).sort("customer_id").collect()
    return found.select(
        "customer_id",
        "n_purchases",
        "realised_amount",
        "purchase_amount",
        "n_payments",
        "n_refunds",
    ).rows()


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (paid(("01-01", 5)), ("c", 1, 5, 5, 1, 0)),
        # Payments of one day are one purchase.
        (paid(("01-01", 5), ("01-01", 7)), ("c", 1, 12, 12, 2, 0)),
        (paid(("01-01", 5), ("01-02", 7)), ("c", 2, 12, 12, 2, 0)),
        # A refund on its own day is money, no purchase; on a purchase day it lessens it.
        (paid(("01-01", 5), ("01-09", -2)), ("c", 1, 3, 5, 1, 1)),
        (paid(("01-01", 5), ("01-01", -2)), ("c", 1, 3, 3, 1, 1)),
        (paid(("01-01", -2)), ("c", 0, -2, 0, 0, 1)),
        # What cost nothing was still bought.
        (paid(("01-01", 0)), ("c", 1, 0, 0, 1, 0)),
        # Nothing at or after as_of.
        (paid(("02-29", 5), ("03-01", 7)), ("c", 1, 5, 5, 1, 0)),
    ],
)
def test_a_history_is_of_purchase_days(tables_of, rows, expected):
    assert history(tables_of, *rows) == [expected]


def test_nobody_is_in_it_before_the_first_payment(tables_of):
    assert history(tables_of, *paid(("03-01", 5))) == []


def test_first_and_last_days_are_of_purchases(tables_of):
    rows = [
        *paid(("01-01", -9), ("01-05", 5), ("02-01", 5), ("02-09", -5), customer="a"),
        *paid(("01-03", -1), ("01-04", -1), customer="b"),
        *paid(("01-02", 5), customer="c"),
        *paid(("02-02", -5), customer="d"),
    ]
    found = histories(tables_of(payments=rows), AS_OF).sort("customer_id").collect()
    names = ["customer_id", "first_purchase_on", "last_purchase_on", "first_paid_on"]
    assert found.select(names).rows() == [
        ("a", date(2024, 1, 5), date(2024, 2, 1), date(2024, 1, 1)),
        ("b", None, None, date(2024, 1, 3)),
        ("c", date(2024, 1, 2), date(2024, 1, 2), date(2024, 1, 2)),
        ("d", None, None, date(2024, 2, 2)),
    ]


def test_margins_are_summed_where_payments_know_them(tables_of):
    rows = [{**row, "margin_amount": 2} for row in paid(("01-01", 5), ("01-02", -5))]
    found = histories(tables_of(payments=rows), AS_OF).collect()
    assert found["realised_margin_amount"].to_list() == [4]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        # Silence runs from the last purchase to as_of, and is open.
        (paid(("02-29", 5)), [(1, 1, 0, 1)]),
        (paid(("02-01", 5)), [(1, 29, 0, 1)]),
        (paid(("02-01", 5), ("02-11", 5)), [(1, 10, 1, 0), (2, 19, 0, 1)]),
        # A refund breaks no silence.
        (paid(("02-01", 5), ("02-05", -5), ("02-11", 5)), [(1, 10, 1, 0), (2, 19, 0, 1)]),
        (paid(("02-01", 5), ("03-01", 5)), [(1, 29, 0, 1)]),
        (paid(("02-01", -5)), []),
        # From the sixth purchase on there is one state.
        (
            paid(*((f"02-0{day}", 5) for day in range(1, 9))),
            [*((state, 1, 1, 0) for state in range(1, 6)), (6, 1, 2, 0), (6, 22, 0, 1)],
        ),
    ],
)
def test_gaps_are_counted_by_purchases_so_far(tables_of, rows, expected):
    found = gap_counts(tables_of(payments=rows), AS_OF).sort("state", "days").collect()
    assert found.select("state", "days", "n_bought", "n_censored").rows() == expected
    assert N_STATES == 6


def test_gaps_do_not_run_from_one_customer_to_the_next(tables_of):
    rows = [*paid(("02-01", 5), ("02-21", 5), customer="a"), *paid(("02-10", 5), customer="b")]
    found = gap_counts(tables_of(payments=rows), AS_OF).sort("state", "days").collect()
    expected = [(1, 20, 1, 1), (2, 9, 0, 1)]
    assert found.select("state", "days", "n_bought", "n_censored").rows() == expected


def test_pairs_are_the_last_two_gaps_of_who_bought_three_times(tables_of):
    rows = [
        *paid(("01-01", 5), ("01-02", 5), ("01-05", 5), ("01-15", 5), customer="a"),
        *paid(("01-01", 5), ("02-01", 5), customer="b"),
        *paid(("01-01", 5), ("01-04", 5), ("01-14", 5), ("02-14", -5), customer="c"),
    ]
    found = gap_pairs(tables_of(payments=rows), AS_OF).collect()
    assert found.select("earlier", "later", "n").rows() == [(3, 10, 2)]


def test_buyers_alike_are_counted_together(tables_of):
    rows = [
        *paid(("02-01", 5), ("02-11", 5), customer="a"),
        *paid(("02-01", 9), ("02-11", 5), ("02-20", -5), customer="b"),
        *paid(("02-29", 5), customer="c"),
        *paid(("02-03", -5), customer="d"),
    ]
    found = purchase_cells(tables_of(payments=rows), AS_OF).sort("n_purchases").collect()
    names = ("n_purchases", "recency_days", "age_days", "n")
    assert found.select(names).rows() == [(1, 0, 0, 1), (2, 10, 28, 2)]
