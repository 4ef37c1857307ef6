"""Movements of few contracts, reckoned by hand: one customer, every edge."""

from datetime import date, timedelta

import polars as pl
import pytest

from csk.engine.local import LocalEngine
from csk.models.periods import told
from csk.tables.motion import PLAN, TO_FREE, Motion
from csk.tables.movements import COHORT, movement_sums
from csk.tables.spells import INVOLUNTARY, UNKNOWN, VOLUNTARY

AS_OF = date(2024, 1, 1)


def day(text):
    return date.fromisoformat(f"2023-{text}")


def contract(began, over=None, amount=10, plan="a", **more):
    return {
        "customer_id": "c",
        "started_on": day(began),
        "ended_on": day(over) if over else None,
        "mrr_amount": amount,
        "plan": plan,
        "term_months": 1,
        "cancel_reason": "price",
        **more,
    }


def paused(began, since, until=None, over=None, **more):
    times = {"paused_from": day(since), "paused_to": day(until) if until else None}
    return contract(began, over, **times, **more)


EDGES = {
    "a contract of no length is a flash": (
        [contract("02-01", "02-01")],
        [("02", None, "", 0, 0, 1)],
    ),
    "and nothing beside another": (
        [contract("02-01"), contract("02-10", "02-10", plan="b")],
        [("02", "new", "", 0, 10, 0)],
    ),
    "a discount is a line below nothing": (
        [contract("02-01"), contract("02-01", "05-01", -4, "off")],
        [("02", "new", "", 0, 6, 0), ("05", "expansion", "price", 0, 4, 0)],
    ),
    "a discount that outlives its contract loses no amount": (
        [contract("02-01", "05-01"), contract("02-01", "06-01", -4, "off")],
        [
            ("02", "new", "", 0, 6, 0),
            ("05", "churn", "", VOLUNTARY, -10, 0),
            ("06", "expansion", "price", 0, 4, 0),
        ],
    ),
    "no plan is a plan": (
        [contract("02-01", "05-01", plan=None), contract("05-01", plan="b", amount=12)],
        [("02", "new", "", 0, 10, 0), ("05", "expansion", "plan", 0, 2, 0)],
    ),
    "an end and a start on one day are no churn": (
        [contract("02-01", "05-31"), contract("05-31")],
        [("02", "new", "", 0, 10, 0)],
    ),
    "nor within the grace, over a month's end": (
        [contract("02-01", "05-31"), contract("06-01")],
        [("02", "new", "", 0, 10, 0)],
    ),
    "all that begins within the grace goes on together": (
        [
            contract("02-01", "05-31"), contract("02-01", "05-31", 5, "b"),
            contract("06-01"), contract("06-01", None, 5, "b"),
        ],
        [("02", "new", "", 0, 15, 0)],
    ),
    "a day later is a return": (
        [contract("02-01", "05-31"), contract("06-02")],
        [
            ("02", "new", "", 0, 10, 0),
            ("05", "churn", "", VOLUNTARY, -10, 0),
            ("06", "reactivation", "", 0, 10, 0),
        ],
    ),
    "an end at as_of is not yet one": (
        [contract("02-01") | {"ended_on": AS_OF}],
        [("02", "new", "", 0, 10, 0)],
    ),
    "a contract from as_of on is not yet one": (
        [contract("02-01"), contract("02-01") | {"started_on": AS_OF}],
        [("02", "new", "", 0, 10, 0)],
    ),
    "a card that fails is involuntary": (
        [contract("02-01", "05-01", cancel_reason="payment_failed")],
        [("02", "new", "", 0, 10, 0), ("05", "churn", "", INVOLUNTARY, -10, 0)],
    ),
    "no reason is unknown": (
        [contract("02-01", "05-01", cancel_reason=None)],
        [("02", "new", "", 0, 10, 0), ("05", "churn", "", UNKNOWN, -10, 0)],
    ),
    "who goes on for nothing has left to free": (
        [contract("02-01", "05-01"), contract("05-01", None, 0, "free")],
        [("02", "new", "", 0, 10, 0), ("05", "churn", "", TO_FREE, -10, 0)],
    ),
    "and comes back by paying": (
        [contract("02-01", "05-01"), contract("05-01", "07-01", 0, "free"), contract("07-01")],
        [
            ("02", "new", "", 0, 10, 0),
            ("05", "churn", "", TO_FREE, -10, 0),
            ("07", "reactivation", "", 0, 10, 0),
        ],
    ),
    "a discount of all of it is free too": (
        [contract("02-01"), contract("05-01", None, -10, "off")],
        [("02", "new", "", 0, 10, 0), ("05", "churn", "", TO_FREE, -10, 0)],
    ),
    "who was free first is new on paying": (
        [contract("02-01", "05-01", 0, "free"), contract("05-01")],
        [("05", "new", "", 0, 10, 0)],
    ),
    "a free contract after the end hides no reason": (
        [contract("02-01", "05-05"), contract("05-20", "05-25", 0, cancel_reason=None)],
        [("02", "new", "", 0, 10, 0), ("05", "churn", "", VOLUNTARY, -10, 0)],
    ),
    "a contract beside another is an add-on": (
        [contract("02-01"), contract("04-01", "06-01", 3, "b")],
        [
            ("02", "new", "", 0, 10, 0),
            ("04", "expansion", "add_on", 0, 3, 0),
            ("06", "contraction", "add_on", 0, -3, 0),
        ],
    ),
    "a pause and its end": (
        [paused("02-01", "03-10", "05-10")],
        [
            ("02", "new", "", 0, 10, 0),
            ("03", "pause", "", 0, -10, 0),
            ("05", "resume", "", 0, 10, 0),
        ],
    ),
    "a pause of over 90 days is churn after them": (
        [paused("02-01", "03-10")],
        [
            ("02", "new", "", 0, 10, 0),
            ("03", "pause", "", 0, -10, 0),
            ("06", "churn", "", VOLUNTARY, -10, 0),
            ("06", "pause", "", 0, 10, 0),
        ],
    ),
    "and what comes later is a return": (
        [paused("02-01", "03-10", "08-01")],
        [
            ("02", "new", "", 0, 10, 0),
            ("03", "pause", "", 0, -10, 0),
            ("06", "churn", "", VOLUNTARY, -10, 0),
            ("06", "pause", "", 0, 10, 0),
            ("08", "reactivation", "", 0, 10, 0),
        ],
    ),
    "a contract that ends in its pause is churn then": (
        [paused("02-01", "03-10", None, "04-20", cancel_reason="card")],
        [
            ("02", "new", "", 0, 10, 0),
            ("03", "pause", "", 0, -10, 0),
            ("04", "churn", "", INVOLUNTARY, -10, 0),
            ("04", "pause", "", 0, 10, 0),
        ],
    ),
    "of two contracts one that pauses is a smaller bill": (
        [contract("02-01"), paused("02-01", "03-10", "05-10", amount=4, plan="b")],
        [
            ("02", "new", "", 0, 14, 0),
            ("03", "contraction", "add_on", 0, -4, 0),
            ("05", "expansion", "add_on", 0, 4, 0),
        ],
    ),
    "while one pauses, the end of the other is a pause": (
        [contract("02-01", "04-01"), paused("02-01", "03-10", "05-10", amount=4, plan="b")],
        [
            ("02", "new", "", 0, 14, 0),
            ("03", "contraction", "add_on", 0, -4, 0),
            ("04", "pause", "", 0, -10, 0),
            ("05", "resume", "", 0, 4, 0),
        ],
    ),
    "who came and paused inside a month has flashed": (
        [paused("02-01", "02-10", "04-10")],
        [("02", None, "", 0, 0, 1), ("04", "reactivation", "", 0, 10, 0)],
    ),
}  # fmt: skip


def seen(tables, motion, by=""):
    found = movement_sums(motion, by)(tables).collect()
    told = found.select(
        pl.col("period_on").dt.to_string("%m"), "kind", "how", "cause", "amount", "n_flash"
    )
    return sorted(told.rows(), key=lambda row: (row[0], row[1] or ""))


@pytest.mark.parametrize(("rows", "moved"), EDGES.values(), ids=EDGES)
def test_every_edge_is_told_by_its_name(tables_of, rows, moved):
    keys = dict.fromkeys(key for row in rows for key in row)
    filled = [{key: row.get(key) for key in keys} for row in rows]
    assert seen(tables_of(subscriptions=filled), Motion(AS_OF)) == moved


def test_a_pause_taken_back_counts_the_customer_down(tables_of):
    rows = [paused("02-01", "03-10")]
    found = movement_sums(Motion(AS_OF))(tables_of(subscriptions=rows)).collect()
    june = found.filter(pl.col("period_on") == day("06-01")).sort("kind")
    assert june.select("kind", "n", "amount").rows() == [("churn", 1, -10), ("pause", -1, 10)]


@pytest.mark.parametrize(
    ("motion", "periods"),
    [
        (Motion(AS_OF, period_months=3), ["2023-01-01", "2023-04-01"]),
        (Motion(AS_OF, period_months=3, year_starts=2), ["2023-02-01", "2023-05-01"]),
        (Motion(AS_OF, period_months=12, year_starts=4), ["2022-04-01", "2023-04-01"]),
        (Motion(AS_OF, period_months=6, year_starts=7), ["2023-01-01"]),
    ],
)
def test_fiscal_years_say_where_a_period_begins(tables_of, motion, periods):
    rows = [contract("02-10"), contract("05-10", None, 5, "b")]
    found = movement_sums(motion)(tables_of(subscriptions=rows)).collect()
    assert sorted({str(one) for one in found["period_on"]}) == periods


def test_inside_a_month_what_stands_is_what_stands_at_as_of(tables_of):
    rows = [contract("02-10"), contract("02-20", None, 5, "b"), contract("02-25", None, 7, "c")]
    motion = Motion(day("02-25"))
    assert seen(tables_of(subscriptions=rows), motion) == [("02", "new", "", 0, 15, 0)]


def test_a_product_of_a_customer_comes_and_goes_by_itself(tables_of):
    rows = [contract("02-01", "05-01"), contract("05-01", plan=None), contract("05-01", plan="b")]
    found = seen(tables_of(subscriptions=rows), Motion(AS_OF, level="product"))
    assert found == [
        ("02", "new", "", 0, 10, 0),
        ("05", "churn", "", VOLUNTARY, -10, 0),
        ("05", "new", "", 0, 20, 0),
    ]


def test_contracts_without_a_number_are_one(tables_of):
    rows = [contract("02-01"), contract("03-01", None, 5), contract("04-01", None, 7)]
    named = [
        row | {"subscription_id": name} for row, name in zip(rows, [None, None, "s"], strict=True)
    ]
    found = seen(tables_of(subscriptions=named), Motion(AS_OF, level="subscription"))
    assert [(month, kind) for month, kind, *_ in found] == [
        ("02", "new"), ("03", "expansion"), ("04", "new"),
    ]  # fmt: skip


def test_a_cohort_is_of_the_first_month_paid_for(tables_of):
    rows = [contract("02-01", "05-01", 0, "free"), contract("05-01")]
    found = movement_sums(Motion(AS_OF), COHORT)(tables_of(subscriptions=rows)).collect()
    assert found.select("group", "kind").rows() == [("2023-05", "new")]


def test_periods_before_the_log_are_marked(book_of):
    book = book_of({"subscriptions": [contract("02-01"), contract("06-10", "09-05")]}, as_of=AS_OF)
    book = book.dated(book.span.__class__(day("05-01"), AS_OF - timedelta(days=1), AS_OF))
    periods = told(book, LocalEngine(), Motion(AS_OF))[""]
    marked = [one.starts_on for one in periods if not one.is_complete]
    assert marked == [day("02-01"), day("03-01"), day("04-01")]


PLANS = {
    "an upgrade carries what was paid": (
        [contract("02-01", "05-01"), contract("05-01", None, 25, "b")],
        [
            ("a", "swap", "out", -1, -10),
            ("b", "expansion", "plan", 1, 15), ("b", "swap", "in", 1, 10),
        ],
    ),
    "a downgrade carries what is paid": (
        [contract("02-01", "05-01"), contract("05-01", None, 4, "b")],
        [
            ("a", "contraction", "plan", 1, -6), ("a", "swap", "out", -1, -4),
            ("b", "swap", "in", 1, 4),
        ],
    ),
    "the same price elsewhere is a swap alone": (
        [contract("02-01", "05-01"), contract("05-01", None, 10, "b")],
        [("a", "swap", "out", -1, -10), ("b", "swap", "in", 1, 10)],
    ),
    "an add-on swaps nothing": (
        [contract("02-01"), contract("05-01", None, 4, "b")],
        [("b", "expansion", "add_on", 1, 4)],
    ),
    "a larger add-on takes the customer along": (
        [contract("02-01"), contract("05-01", None, 14, "b")],
        [
            ("a", "swap", "out", -1, 0),
            ("b", "expansion", "add_on", 1, 14), ("b", "swap", "in", 1, 0),
        ],
    ),
    "who leaves two plans is counted at the larger": (
        [contract("02-01", "05-01", 3, "a"), contract("02-01", "05-01", 9, "b")],
        [("a", "churn", "", 0, -3), ("b", "churn", "", 1, -9)],
    ),
    "one plan for two": (
        [
            contract("02-01", "05-01", 3, "a"), contract("02-01", "05-01", 9, "b"),
            contract("05-01", None, 10, "c"),
        ],
        [
            ("a", "swap", "out", 0, -3),
            ("b", "contraction", "add_on", 1, -2), ("b", "swap", "out", -1, -7),
            ("c", "swap", "in", 1, 10),
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("rows", "moved"), PLANS.values(), ids=PLANS)
def test_a_plan_wins_and_loses_what_is_carried(tables_of, rows, moved):
    found = movement_sums(Motion(AS_OF), PLAN)(tables_of(subscriptions=rows)).collect()
    may = found.filter(pl.col("period_on") == day("05-01"))
    assert sorted(may.select("group", "kind", "how", "n", "amount").rows()) == moved
