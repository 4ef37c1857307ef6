"""Who stays, of few contracts and few buyers, reckoned by hand."""

from datetime import date, timedelta

import pytest

from csk.analyses.deliveries import deliveries
from csk.analyses.deliveries import table as steps_table
from csk.analyses.retention import Asked, repeat, repeat_table, retention, table
from csk.engine.local import LocalEngine
from csk.errors import ModelError
from csk.schema import SURVIVAL
from csk.settings import Settings

AS_OF = date(2024, 1, 1)


def contract(customer, began, over=None):
    ended_on = date.fromisoformat(over) if over else None
    return {
        "customer_id": customer,
        "started_on": date.fromisoformat(began),
        "ended_on": ended_on,
        "mrr_amount": 1,
        "plan": customer[0],
    }


def told(book_of, rows, asked=None):
    book = book_of({"subscriptions": rows}, as_of=AS_OF)
    return retention(book, LocalEngine(), Settings(), asked)


FOUR = [
    contract("a1", "2023-01-01", "2023-03-01"),
    contract("a2", "2023-01-01", "2023-06-01"),
    contract("b1", "2023-01-01"),
    contract("b2", "2023-11-01"),
]


def test_shares_are_of_those_at_risk(book_of):
    at = {one.age: one for one in told(book_of, FOUR).whole.at}
    # Of four one leaves at two months, when the last to come has but just been seen so long.
    assert at[1].share == 1.0
    assert (at[2].n_at_risk, at[2].share) == (3, pytest.approx(2 / 3))
    assert (at[6].n_at_risk, at[6].share) == (1, pytest.approx(1 / 3))


def test_groups_are_told_largest_first_and_the_table_has_all(book_of):
    result = told(book_of, FOUR, Asked(by="plan"))
    assert [one.group for one in result.groups] == ["a", "b"]
    rows = table(result)
    assert rows.columns == list(SURVIVAL.names)
    assert rows["group"].unique().sort().to_list() == [None, "a", "b"]


@pytest.mark.parametrize("rows", [FOUR[2:], [contract("a1", "2023-01-01", "2024-05-01")]])
def test_of_survivors_only_nothing_is_said(book_of, rows):
    with pytest.raises(ModelError, match="No contract has ended before 2024-01-01"):
        told(book_of, rows)


def test_an_age_that_nobody_reached_is_refused(book_of):
    with pytest.raises(ModelError, match="Nobody who reached month 30 has left"):
        told(book_of, FOUR, Asked(from_months=30))


def paid(customer, *days, **more):
    first = date(2023, 1, 1)
    return [
        {"customer_id": customer, "paid_on": first + timedelta(days=day), "amount": 1, **more}
        for day in days
    ]


def test_buyers_come_back_by_purchase_number(book_of):
    rows = paid("a", 0, 20, 50) + paid("b", 0, 40) + paid("c", 0) + paid("d", 350)
    result = repeat(book_of({"payments": rows}, as_of=AS_OF), LocalEngine())
    assert [(one.group, one.n) for one in result.steps] == [("1", 4), ("2", 2), ("3", 1)]
    first = {at.age: at for at in result.steps[0].at}
    # d was seen for 15 days only: of three one is back in 30 days, two in 60.
    assert first[30].share == pytest.approx(1 / 3)
    assert first[60].share == pytest.approx(2 / 3)
    rows = repeat_table(result)
    assert rows.columns == list(SURVIVAL.names)
    assert (rows["n_at_risk"] > 0).all()
    assert set(rows["group"]) == {"1", "2", "3"}


def delivered(customer, n, start=0, every=30, **more):
    return [
        {**row, "n_delivery": number + 1}
        for number in range(n)
        for row in paid(customer, start + every * number, **more)
    ]


def steps_of(book_of, rows):
    return deliveries(book_of({"payments": rows}, as_of=AS_OF), LocalEngine())


def test_who_goes_on_is_told_of_those_for_whom_the_next_was_due(book_of):
    # Eight get three in time, two stop after the first, one began ten days ago.
    rows = [row for name in "abcdefgh" for row in delivered(name, 3)]
    rows += delivered("i", 1) + delivered("j", 1, 100) + delivered("k", 1, 355)
    result = steps_of(book_of, rows)
    assert result.due_days == 30
    told = [(one.number, one.n, one.n_due, one.n_went_on) for one in result.steps]
    assert told == [(1, 11, 10, 8), (2, 8, 8, 8), (3, 8, 8, 0)]
    assert [one.share for one in result.steps] == [0.8, 1.0, 0.0]
    assert [one.reach for one in result.steps] == [1.0, 0.8, 0.8]
    first = result.steps[0]
    assert (first.low, first.high) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert steps_table(result).columns == list(SURVIVAL.names)


def test_two_payments_for_one_delivery_are_one_and_refunds_none(book_of):
    rows = [row for name in "abcdefghij" for row in delivered(name, 2)]
    twice = [*rows, {**rows[0], "paid_on": rows[0]["paid_on"] + timedelta(days=3)}]
    refunds = [{**row, "amount": -1, "n_delivery": 3} for row in rows]
    assert steps_of(book_of, twice + refunds).steps == steps_of(book_of, rows).steps


def test_contracts_of_one_customer_are_numbered_apart(book_of):
    rows = [
        row
        for name in "abcdefghij"
        for which in "12"
        for row in delivered(name, 2, subscription_id=f"{name}{which}")
    ]
    assert [one.n for one in steps_of(book_of, rows).steps] == [20, 20]


def test_a_number_that_counts_something_else_is_no_delivery(book_of):
    rows = [row for name in "abcdefghijk" for row in paid(name, 0, 30, 60, n_delivery=7)]
    assert steps_of(book_of, rows) is None
    assert steps_of(book_of, paid("a", 0, 30)) is None
