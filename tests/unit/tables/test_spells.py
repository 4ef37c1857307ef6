from datetime import date, timedelta

import polars as pl
import pytest

from csk.calendar import tick
from csk.tables.spells import (
    INVOLUNTARY,
    UNKNOWN,
    VOLUNTARY,
    age_counts,
    contracts,
    exposures,
    spells,
)

AS_OF = date(2024, 1, 1)
FIRST = date(2020, 1, 1)


def d(text):
    return date.fromisoformat(f"{text}-01" if len(text) == 7 else text)


def row(started_on, ended_on=None, mrr=10, plan="a", **more):
    return {
        "customer_id": "c",
        "started_on": d(started_on),
        "ended_on": d(ended_on) if ended_on else None,
        "mrr_amount": mrr,
        "plan": plan,
        "term_months": 1,
        **more,
    }


@pytest.fixture
def spells_of(tables_of):
    def found(rows, grace_days=1, as_of=AS_OF):
        plan = spells(contracts(tables_of(subscriptions=rows), as_of, grace_days))
        ordered = plan.sort("customer_id", "spell_no").collect()
        return ordered.select("started_on", "ended_on").rows()

    return found


@pytest.fixture
def stretches_of(tables_of):
    def found(rows, data_from=FIRST, as_of=AS_OF):
        known = contracts(tables_of(subscriptions=rows), as_of).with_columns(group=pl.col("plan"))
        plan = exposures(known, data_from, as_of).sort("customer_id", "spell_no", "entry_age")
        return plan.select("group", "entry_age", "exit_age", "cause").collect().rows()

    return found


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([row("2023-01")], [("2023-01", None)]),
        ([row("2023-01", "2023-03")], [("2023-01", "2023-03")]),
        # A plan swapped on the day is one spell, and so is a gap of a day.
        ([row("2023-01", "2023-03"), row("2023-03")], [("2023-01", None)]),
        ([row("2023-01", "2023-03"), row("2023-03-02")], [("2023-01", None)]),
        # A longer gap is a reactivation.
        (
            [row("2023-01", "2023-03"), row("2023-03-03")],
            [("2023-01", "2023-03"), ("2023-03-03", None)],
        ),
        # The longest of overlapping contracts carries the spell.
        ([row("2023-01", "2023-09"), row("2023-02", "2023-03", 5)], [("2023-01", "2023-09")]),
        ([row("2023-01", "2023-03"), row("2023-02", "2023-09", 5)], [("2023-01", "2023-09")]),
        (
            [row("2023-01", "2023-09"), row("2023-02", "2023-03", 5), row("2023-08", "2023-10")],
            [("2023-01", "2023-10")],
        ),
        ([row("2023-01"), row("2023-02", "2023-03", 5)], [("2023-01", None)]),
        # Joined and left on one day; an end at as_of has not come yet.
        ([row("2023-01", "2023-01")], [("2023-01", "2023-01")]),
        ([row("2023-01", "2024-01")], [("2023-01", None)]),
        ([row("2023-01", "2023-12-31")], [("2023-01", "2023-12-31")]),
        # A start at as_of has not come yet either.
        ([row("2023-01", "2023-03"), row("2024-01")], [("2023-01", "2023-03")]),
        ([row("2024-01")], []),
    ],
)
def test_spells_are_unbroken_time(spells_of, rows, expected):
    assert spells_of(rows) == [(d(a), d(b) if b else None) for a, b in expected]


@pytest.mark.parametrize(
    ("grace_days", "gap", "n"),
    [(0, 0, 1), (0, 1, 2), (1, 1, 1), (1, 2, 2), (30, 30, 1), (30, 31, 2)],
)
def test_a_gap_within_the_grace_ends_nothing(spells_of, grace_days, gap, n):
    again = str(date(2023, 3, 1) + timedelta(days=gap))
    assert len(spells_of([row("2023-01", "2023-03"), row(again)], grace_days)) == n


@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        (None, UNKNOWN),
        ("too expensive", VOLUNTARY),
        ("Payment failed", INVOLUNTARY),
        ("card_declined", INVOLUNTARY),
        ("not_paid", INVOLUNTARY),
        ("決済エラー", INVOLUNTARY),
        ("解約", VOLUNTARY),
    ],
)
def test_a_reason_tells_the_cause(tables_of, reason, cause):
    rows = [row("2023-01", "2023-03", cancel_reason=reason)]
    found = spells(contracts(tables_of(subscriptions=rows), AS_OF)).collect()
    assert found["cause"].to_list() == [cause]


def test_the_contract_that_ends_last_tells_the_cause(tables_of):
    rows = [
        row("2023-01", "2023-06", cancel_reason="card"),
        row("2023-02", "2023-03", 5, cancel_reason="price"),
    ]
    found = spells(contracts(tables_of(subscriptions=rows), AS_OF)).collect()
    assert found["cause"].to_list() == [INVOLUNTARY]


def test_whoever_runs_has_no_cause(tables_of):
    rows = [row("2023-01", "2023-06", cancel_reason="card"), row("2023-06")]
    found = spells(contracts(tables_of(subscriptions=rows), AS_OF)).collect()
    assert found.select("ended_on", "cause").rows() == [(None, 0)]


@pytest.mark.parametrize(
    ("rows", "add_ons"),
    [
        ([row("2023-01"), row("2023-02", mrr=5)], [5]),
        ([row("2023-01"), row("2023-01", mrr=5)], [5]),
        ([row("2023-01", mrr=5), row("2023-02", mrr=10)], []),
        # A swap is none, nor is what follows a contract that was larger but has ended.
        ([row("2023-01", "2023-02"), row("2023-02", mrr=5)], []),
        ([row("2023-01", "2023-06"), row("2023-02", mrr=5), row("2023-06", mrr=8)], [5]),
        ([row("2022-01", "2022-06", 100), row("2023-01", mrr=5), row("2023-02", mrr=8)], []),
        # Renewed beside a running add-on, the contract is still the main one.
        ([row("2023-01", "2023-06"), row("2023-02", mrr=5), row("2023-06")], [5]),
    ],
)
def test_an_add_on_is_bought_beside_one_as_large(tables_of, rows, add_ons):
    found = contracts(tables_of(subscriptions=rows), AS_OF).filter("is_add_on").collect()
    assert found["mrr_amount"].to_list() == add_ons


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([row("2023-01", "2023-03")], [("a", 0, 62, UNKNOWN)]),
        ([row("2023-01")], [("a", 0, 12 * 31 - 1, 0)]),
        # The plan changes: censored there, and under observation on the new one from there.
        (
            [row("2023-01", "2023-03"), row("2023-03", "2023-04", plan="b")],
            [("a", 0, 62, 0), ("b", 62, 93, UNKNOWN)],
        ),
        # The same plan at another price is no change.
        ([row("2023-01", "2023-03"), row("2023-03", "2023-04", 20)], [("a", 0, 93, UNKNOWN)]),
        (
            [row("2023-01", "2023-03"), row("2023-03", "2023-04", term_months=12)],
            [("a", 0, 62, 0), ("a", 62, 93, UNKNOWN)],
        ),
        # An add-on lengthens the spell, on the plan of the main contract.
        ([row("2023-01", "2023-03"), row("2023-02", "2023-04", 5, "b")], [("a", 0, 93, UNKNOWN)]),
        # Two spells are two lives.
        (
            [row("2023-01", "2023-02"), row("2023-06", "2023-07")],
            [("a", 0, 31, UNKNOWN), ("a", 0, 31, UNKNOWN)],
        ),
        # Joined and left on one day: one tick, and the end counts.
        ([row("2023-01", "2023-01")], [("a", 0, 1, UNKNOWN)]),
        (
            [row("2023-01", "2023-03"), row("2023-03", "2023-03", plan="b")],
            [("a", 0, 62, UNKNOWN)],
        ),
        # Who begins on the eve of as_of has not been at risk yet.
        ([row("2023-12-31")], []),
    ],
)
def test_a_stretch_is_observed_on_one_plan_and_term(stretches_of, rows, expected):
    assert stretches_of(rows) == expected


FROM = date(2023, 2, 10)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        # Observed from data_from on: an end on that day is the first that can be seen.
        ([row("2023-01", "2023-03")], [("a", tick(d("2023-01"), FROM) - 1, 62, UNKNOWN)]),
        ([row("2023-01", "2023-02-10")], [("a", 39, 40, UNKNOWN)]),
        ([row("2023-01", "2023-02-09")], []),
        ([row("2023-02-10", "2023-02-11")], [("a", 0, 1, UNKNOWN)]),
        ([row("2023-02-09", "2023-02-09")], []),
        # The plan before data_from was never observed; on the day itself it was, for a tick.
        (
            [row("2023-01", "2023-02-05"), row("2023-02-05", "2023-03", plan="b")],
            [("b", 39, 62, UNKNOWN)],
        ),
        (
            [row("2023-01", "2023-02-10"), row("2023-02-10", "2023-03", plan="b")],
            [("a", 39, 40, 0), ("b", 40, 62, UNKNOWN)],
        ),
    ],
)
def test_nobody_is_at_risk_before_ends_could_be_seen(stretches_of, rows, expected):
    assert stretches_of(rows, FROM) == expected


def test_ages_are_counted_by_group_term_and_cause(tables_of):
    rows = [
        {**row("2023-01", "2023-03", cancel_reason="price"), "customer_id": "p"},
        {**row("2023-02", "2023-04", cancel_reason="card"), "customer_id": "q"},
        {**row("2023-01", "2023-03"), "customer_id": "r"},
        {**row("2023-11"), "customer_id": "s"},
    ]
    known = contracts(tables_of(subscriptions=rows), AS_OF).with_columns(group=pl.col("plan"))
    found = age_counts(exposures(known, FIRST, AS_OF)).sort("age").collect()
    assert found.select("group", "term_months").unique().rows() == [("a", 1)]
    counted = found.select(
        "age", "n_entered", "n_voluntary", "n_involuntary", "n_unknown", "n_censored"
    )
    assert counted.rows() == [(0, 4, 0, 0, 0, 0), (61, 0, 0, 0, 0, 1), (62, 0, 1, 1, 1, 0)]
