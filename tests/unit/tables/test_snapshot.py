from datetime import date

import pytest

from csk.tables.snapshot import contract_snapshot, purchase_snapshot

AS_OF, EARLIER = date(2024, 3, 1), date(2023, 9, 1)


def d(text):
    return date.fromisoformat(f"{text}-01" if len(text) == 7 else text)


def row(started_on, ended_on=None, mrr=10, plan="a", term=1):
    return {
        "customer_id": "c",
        "started_on": d(started_on),
        "ended_on": d(ended_on) if ended_on else None,
        "mrr_amount": mrr,
        "plan": plan,
        "term_months": term,
    }


@pytest.fixture
def seen(tables_of):
    """Give the snapshot of one customer's contracts, as a dict."""

    def found(rows, **tables):
        plan = contract_snapshot(tables_of(subscriptions=rows, **tables), AS_OF, EARLIER, 1)
        return plan.collect().row(0, named=True)

    return found


@pytest.mark.parametrize(
    ("rows", "is_alive", "since", "churned"),
    [
        ([row("2023-01")], True, "2023-01", None),
        ([row("2023-01", "2023-05")], False, "2023-01", "2023-05"),
        ([row("2023-01", "2024-03")], True, "2023-01", None),
        ([row("2023-01", "2023-05"), row("2023-05")], True, "2023-01", None),
        # The latest spell speaks for a customer who came back.
        ([row("2023-01", "2023-05"), row("2023-07")], True, "2023-07", None),
        ([row("2022-01", "2023-05"), row("2023-07", "2023-08")], False, "2023-07", "2023-08"),
    ],
)
def test_the_latest_spell_tells_who_is_there(seen, rows, is_alive, since, churned):
    found = seen(rows)
    assert found["is_alive"] is is_alive
    assert found["spell_started_on"] == d(since)
    assert found["churned_on"] == (d(churned) if churned else None)


@pytest.mark.parametrize(
    ("rows", "plan", "term_started_on"),
    [
        ([row("2023-01", "2023-05"), row("2023-05", plan="b")], "b", "2023-05"),
        ([row("2023-01"), row("2023-05", mrr=5, plan="b")], "a", "2023-01"),
        ([row("2023-01", mrr=5), row("2023-05", plan="b")], "b", "2023-05"),
        # Of what runs; a larger contract that has ended is not what is paid.
        ([row("2023-01"), row("2023-05", "2023-06", 20, "b")], "a", "2023-01"),
        ([row("2023-01", "2023-06"), row("2023-05", mrr=5, plan="b")], "b", "2023-05"),
        # Where nothing runs, of what ended last.
        ([row("2023-01", "2023-09"), row("2023-05", "2023-06", 20, "b")], "a", "2023-01"),
        ([row("2023-01", "2023-09"), row("2023-05", "2023-09", 5, "b")], "a", "2023-01"),
    ],
)
def test_the_main_contract_is_the_one_in_force(seen, rows, plan, term_started_on):
    found = seen(rows)
    assert (found["plan"], found["term_started_on"]) == (plan, d(term_started_on))


@pytest.mark.parametrize(
    ("rows", "mrr", "earlier"),
    [
        ([row("2023-01")], 10, 10),
        ([row("2023-01"), row("2023-10", mrr=5)], 15, 10),
        ([row("2023-01", "2023-10"), row("2023-10", mrr=25)], 25, 10),
        ([row("2023-01", "2023-10")], 0, 10),
        ([row("2023-10")], 10, None),
        ([row("2023-01", "2023-09"), row("2023-12")], 10, None),
        ([row("2023-09")], 10, 10),
    ],
)
def test_recurring_revenue_is_of_what_runs_then_and_now(seen, rows, mrr, earlier):
    found = seen(rows)
    assert (found["mrr_amount"], found["earlier_mrr_amount"]) == (mrr, earlier)


@pytest.mark.parametrize(
    ("rows", "amount", "n"),
    [
        # Paid in advance, on the first day of every term; not on the day as_of.
        ([row("2024-02")], 10, 1),
        ([row("2024-01")], 20, 2),
        ([row("2024-01-31")], 20, 2),
        ([row("2023-03")], 120, 12),
        ([row("2023-02-28")], 130, 13),
        ([row("2023-03", term=12)], 120, 1),
        ([row("2023-02", term=12)], 240, 2),
        ([row("2023-01", "2023-03")], 20, 2),
        ([row("2023-01", "2023-03-02")], 30, 3),
        ([row("2023-01", "2023-01")], 10, 1),
        ([row("2023-01", "2023-03"), row("2023-06", "2023-07", 7)], 27, 3),
    ],
)
def test_terms_tell_what_was_received_without_payments(seen, rows, amount, n):
    found = seen(rows)
    assert (found["realised_amount"], found["n_payments"]) == (amount, n)


def test_payments_tell_what_was_received(seen):
    payments = [
        {"customer_id": "c", "paid_on": d("2023-01"), "amount": 9},
        {"customer_id": "c", "paid_on": d("2023-02"), "amount": -4},
        {"customer_id": "c", "paid_on": AS_OF, "amount": 100},
    ]
    found = seen([row("2023-01")], payments=payments)
    assert (found["realised_amount"], found["n_payments"]) == (5, 1)
    others = [{**payment, "customer_id": "other"} for payment in payments]
    found = seen([row("2023-01")], payments=others)
    assert (found["realised_amount"], found["n_payments"]) == (0, 0)


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (["2024-02-29"], (0, 0, 1)),
        (["2024-02-01"], (0, 28, 29)),
        (["2024-01-01", "2024-02-01"], (31, 59, 29)),
    ],
)
def test_silence_ends_at_as_of_and_age_on_its_eve(tables_of, days, expected):
    rows = [{"customer_id": "c", "paid_on": d(day), "amount": 1} for day in days]
    found = purchase_snapshot(tables_of(payments=rows), AS_OF).collect()
    assert found.select("recency_days", "age_days", "silence_days").row(0) == expected


def test_only_refunds_leave_no_times(tables_of):
    rows = [{"customer_id": "c", "paid_on": d("2024-01"), "amount": -1}]
    found = purchase_snapshot(tables_of(payments=rows), AS_OF).collect()
    names = ["n_purchases", "recency_days", "age_days", "silence_days", "first_paid_on"]
    assert found.select(names).row(0) == (0, None, None, None, d("2024-01"))
