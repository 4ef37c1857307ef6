from datetime import UTC, date, datetime, timedelta
from functools import reduce

import duckdb
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from csk.facts.daily import change_days, payment_days, ticket_days, usage_in_days
from csk.facts.payments import purchase_days
from csk.facts.usage import usage_counts
from csk.facts.usage_days import usage_days
from csk.intake.canonical.changes import contracts
from csk.tables.features_events import ticket_counts
from csk.tables.known import NOTHING
from csk.tables.runs import sorted_purchase_days

AS_OF = date(2024, 1, 6)
PAID = {
    "customer_id": pl.String,
    "paid_on": pl.Date,
    "amount": pl.Int64,
    "refunded_amount": pl.Int64,
    "status": pl.String,
}
USED = {
    "customer_id": pl.String,
    "user_id": pl.String,
    "used_at": pl.Datetime("us", "UTC"),
    "feature": pl.String,
    "quantity": pl.Float64,
}
CHANGED = {
    "customer_id": pl.String,
    "subscription_id": pl.String,
    "changed_on": pl.Date,
    "mrr_change_amount": pl.Int64,
    "plan": pl.String,
}
OPENED = {
    "customer_id": pl.String,
    "opened_at": pl.Datetime("us", "UTC"),
    "closed_at": pl.Datetime("us", "UTC"),
    "severity": pl.String,
    "known_at": pl.Datetime("us", "UTC"),
}

customers = st.sampled_from(["a", "b", "c", None])
paid = st.tuples(
    customers,
    st.one_of(st.none(), st.dates(date(2024, 1, 1), date(2024, 1, 8))),
    st.one_of(st.none(), st.just(0), st.integers(-(10**12), 10**13)),
    st.one_of(st.none(), st.just(0), st.integers(0, 10**12)),
    st.sampled_from(["ok", "refunded", None]),
)
used = st.tuples(
    customers,
    st.sampled_from(["x", "y", None]),
    st.datetimes(datetime(2024, 1, 1), datetime(2024, 1, 8), timezones=st.just(UTC)),  # noqa: DTZ001 # hypothesis adds the zone
    st.sampled_from(["login", "report"]),
    st.one_of(st.none(), st.sampled_from([0.0005, 0.5, -2.0, 1 / 3]), st.floats(-1e6, 1e6)),
)
changed = st.tuples(
    customers,
    st.sampled_from(["s1", "s2", None]),
    st.one_of(st.none(), st.dates(date(2024, 1, 1), date(2024, 1, 3))),
    st.one_of(st.none(), st.integers(-3, 3), st.integers(-(10**12), 10**12)),
    st.sampled_from(["basic", "pro", None]),
)
moments = st.datetimes(datetime(2024, 1, 1), datetime(2024, 3, 1), timezones=st.just(UTC))  # noqa: DTZ001 # hypothesis adds the zone
opened = st.tuples(
    customers,
    st.one_of(st.none(), moments),
    st.one_of(st.none(), moments),
    st.sampled_from(["high", " Urgent", "low", None]),
    st.one_of(st.none(), moments),
)


def in_order(rows):
    return rows.select(sorted(rows.columns)).sort(sorted(rows.columns))


def same(one, other):
    assert_frame_equal(in_order(one), in_order(other), check_exact=True)


def paid_rows(rows):
    return pl.DataFrame(rows, schema=PAID, orient="row")


def used_rows(rows):
    return pl.DataFrame(rows, schema=USED, orient="row")


def changed_rows(rows):
    return pl.DataFrame(rows, schema=CHANGED, orient="row")


def opened_rows(rows):
    return pl.DataFrame(rows, schema=OPENED, orient="row")


def days_paid(rows):
    return payment_days(rows.lazy()).collect()


def days_changed(rows):
    return change_days(rows.lazy()).collect()


def days_opened(rows):
    return ticket_days(rows.lazy()).collect()


def days_used(rows):
    return usage_in_days(rows.lazy()).collect()


def closed(days, whole, parts):
    facts = days(whole)
    same(days(facts), facts)
    same(days(pl.concat([days(part) for part in parts])), facts)
    return facts


@given(st.lists(paid, max_size=30), st.integers(0, 30))
@settings(max_examples=25, deadline=None)
def test_facts_of_payments_are_closed_under_cutting_and_repeating(rows, cut):
    whole, parts = paid_rows(rows), [paid_rows(rows[:cut]), paid_rows(rows[cut:])]
    facts = closed(days_paid, whole, parts)
    # What was merged and what was not may stand in one table.
    mixed = pl.concat([days_paid(parts[0]), parts[1]], how="diagonal")
    same(days_paid(mixed), facts)
    assert (facts["n_payments"] + facts["n_refunds"]).sum() == whole.height


@given(st.lists(used, max_size=30), st.integers(0, 30))
@settings(max_examples=25, deadline=None)
def test_facts_of_usage_are_closed_under_cutting_and_repeating(rows, cut):
    whole, parts = used_rows(rows), [used_rows(rows[:cut]), used_rows(rows[cut:])]
    facts = closed(days_used, whole, parts)
    # In a store quantities are units again, and what was merged may stand beside what was not.
    units = days_used(parts[0]).with_columns(pl.col("quantity") / 1000)
    same(days_used(pl.concat([units, parts[1]], how="diagonal")), facts)
    assert facts["n_events"].sum() == whole.height


@given(st.lists(changed, max_size=30), st.integers(0, 30))
@settings(max_examples=25, deadline=None)
def test_facts_of_changes_are_closed_under_cutting_and_repeating(rows, cut):
    whole, parts = changed_rows(rows), [changed_rows(rows[:cut]), changed_rows(rows[cut:])]
    facts = closed(days_changed, whole, parts)
    same(days_changed(pl.concat([days_changed(parts[0]), parts[1]], how="diagonal")), facts)
    assert facts["n_changes"].sum() == whole.height
    assert facts["mrr_change_amount"].sum() == whole["mrr_change_amount"].sum()


@given(st.lists(opened, max_size=30), st.integers(0, 30))
@settings(max_examples=25, deadline=None)
def test_facts_of_tickets_are_closed_under_cutting_and_repeating(rows, cut):
    whole, parts = opened_rows(rows), [opened_rows(rows[:cut]), opened_rows(rows[cut:])]
    facts = closed(days_opened, whole, parts)
    same(days_opened(pl.concat([days_opened(parts[0]), parts[1]], how="diagonal")), facts)
    assert facts["n_tickets"].sum() == whole.height


@given(st.lists(changed, max_size=40))
@settings(max_examples=40, deadline=None)
def test_contracts_of_changes_are_those_of_their_days(rows):
    known = changed_rows(rows).drop_nulls(["customer_id", "changed_on", "mrr_change_amount"])
    same(contracts(days_changed(known)), contracts(known))
    without = known.drop("subscription_id", "plan")
    same(contracts(days_changed(without)), contracts(without))


@given(st.lists(opened, max_size=40), st.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_what_is_asked_of_tickets_has_the_same_answer_of_their_days(rows, lacking):
    known = opened_rows(rows).drop_nulls(["customer_id", "opened_at"])
    known = known.drop(["closed_at", "severity", "known_at"][:lacking])
    landmarks = [date(2024, 1, 5) + timedelta(days=28 * n) for n in range(4)]
    answers = [
        ticket_counts(log.lazy(), landmarks, NOTHING).collect()
        for log in (days_opened(known), known)
    ]
    same(*answers)


@given(st.lists(paid, max_size=40))
@settings(max_examples=25, deadline=None)
def test_what_is_asked_of_payments_has_the_same_answer_of_their_days(rows):
    known = paid_rows(rows).drop("refunded_amount", "status").drop_nulls()
    facts = days_paid(known)
    same(purchase_days(facts.lazy(), AS_OF).collect(), purchase_days(known.lazy(), AS_OF).collect())
    stored = facts.sort("customer_id", "paid_on").lazy()
    same(
        sorted_purchase_days(stored, AS_OF).collect(), purchase_days(known.lazy(), AS_OF).collect()
    )
    once = purchase_days(known.lazy(), AS_OF).collect()
    same(purchase_days(once.lazy(), AS_OF).collect(), once)


@given(st.lists(used, max_size=40), st.booleans())
@settings(max_examples=25, deadline=None)
def test_what_is_asked_of_usage_has_the_same_answer_of_its_days(rows, by):
    whole = used_rows(rows)
    facts, since = days_used(whole), date(2024, 1, 2)
    for question in (
        lambda log: usage_days(log.lazy(), since, AS_OF, by_feature=by).collect(),
        lambda log: usage_counts(log.lazy(), AS_OF, 2, by_user=by).collect(),
    ):
        same(question(facts), question(whole))
        same(question(facts.with_columns(pl.col("quantity") / 1000)), question(whole))


def some_payments(n=3000):
    rng = np.random.default_rng(7)
    rows = pl.DataFrame(
        {
            "customer_id": [f"c{i}" if i else None for i in rng.integers(0, n // 8, n)],
            "paid_on": [date(2024, 1, 1) + timedelta(days=int(i)) for i in rng.integers(0, 40, n)],
            "amount": rng.integers(-(10**9), 10**12, n) * rng.integers(0, 2, n),
            "refunded_amount": rng.integers(0, 10**12, n) * rng.integers(0, 2, n),
            "status": rng.choice(["ok", "refunded"], n).tolist(),
        },
        schema=PAID,
    )
    gaps = pl.Series(rng.integers(0, 25, n))
    return rows.with_columns(
        paid_on=pl.when(gaps != 1).then("paid_on"), amount=pl.when(gaps != 2).then("amount")
    )


def some_usage(n=3000):
    rng = np.random.default_rng(8)
    moments = rng.integers(0, 40 * 86_400, n)
    rows = pl.DataFrame(
        {
            "customer_id": [f"c{i}" for i in rng.integers(0, n // 20, n)],
            "user_id": rng.choice(["x", "y"], n).tolist(),
            "used_at": [
                datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=int(s)) for s in moments
            ],
            "feature": rng.choice(["login", "report"], n).tolist(),
            "quantity": rng.integers(-2_000, 9_000, n) / 2_000,
        },
        schema=USED,
    )
    gaps = pl.Series(rng.integers(0, 9, n))
    return rows.with_columns(quantity=pl.when(gaps > 0).then("quantity"))


def some_changes(n=3000):
    rng = np.random.default_rng(9)
    rows = pl.DataFrame(
        {
            "customer_id": [f"c{i}" for i in rng.integers(0, n // 60, n)],
            "subscription_id": rng.choice(["s1", "s2"], n).tolist(),
            "changed_on": [
                date(2024, 1, 1) + timedelta(days=int(i)) for i in rng.integers(0, 9, n)
            ],
            "mrr_change_amount": rng.integers(-(10**9), 10**12, n),
            "plan": rng.choice(["basic", "pro"], n).tolist(),
        },
        schema=CHANGED,
    )
    gaps = pl.Series(rng.integers(0, 25, n))
    return rows.with_columns(
        customer_id=pl.when(gaps != 1).then("customer_id"),
        plan=pl.when(gaps != 2).then("plan"),
        mrr_change_amount=pl.when(gaps != 3).then("mrr_change_amount"),
    )


def some_tickets(n=3000):
    rng = np.random.default_rng(10)
    begun = datetime(2024, 1, 1, tzinfo=UTC)
    columns = {
        name: [begun + timedelta(seconds=int(s)) for s in rng.integers(0, days * 86_400, n)]
        for name, days in (("opened_at", 20), ("closed_at", 3), ("known_at", 2))
    }
    rows = pl.DataFrame(
        {
            "customer_id": [f"c{i}" for i in rng.integers(0, n // 300, n)],
            "severity": rng.choice(["high", "low"], n).tolist(),
            **columns,
        },
    ).select(pl.col(name).cast(kind) for name, kind in OPENED.items())
    gaps = pl.Series(rng.integers(0, 5, n))
    return rows.with_columns(
        closed_at=pl.when(gaps > 0).then("closed_at"), known_at=pl.when(gaps == 1).then("known_at")
    )


PAYMENTS_IN_SQL = """
    SELECT customer_id, paid_on, status,
           CASE WHEN kind <> 2 THEN sum(coalesce(amount, 0)) END::BIGINT AS amount,
           sum(coalesce(refunded_amount, 0))::BIGINT AS refunded_amount,
           count(*) FILTER (kind <> -1) AS n_payments, count(*) FILTER (kind = -1) AS n_refunds
    FROM (SELECT *, coalesce(sign(CASE WHEN amount IS NULL AND coalesce(refunded_amount, 0) = 0
                                       THEN NULL
                                       ELSE coalesce(amount, 0) - coalesce(refunded_amount, 0) END),
                             2) AS kind FROM rows)
    GROUP BY customer_id, paid_on, status, kind
"""
USAGE_IN_SQL = """
    SELECT customer_id, user_id, date_trunc('day', used_at) AS used_at, feature,
           sum(k)::BIGINT AS quantity, count(*) AS n_events
    FROM (SELECT *, CASE WHEN quantity IS NULL THEN 1000
                         ELSE floor(quantity * 1000 + 0.5)::BIGINT END AS k FROM rows)
    GROUP BY customer_id, user_id, date_trunc('day', used_at), feature, k < 0
"""

CHANGES_IN_SQL = """
    SELECT customer_id, subscription_id, changed_on, plan,
           sum(mrr_change_amount)::BIGINT AS mrr_change_amount, count(*) AS n_changes
    FROM rows
    GROUP BY customer_id, subscription_id, changed_on, plan, mrr_change_amount IS NULL
"""
TICKETS_IN_SQL = """
    SELECT customer_id, severity, date_trunc('day', opened_at) AS opened_at,
           date_trunc('day', closed_at) AS closed_at, date_trunc('day', known_at) AS known_at,
           count(*) AS n_tickets
    FROM rows GROUP BY ALL
"""


def in_sql(query, rows):
    with duckdb.connect() as base:
        # Its times with a zone ask for an extension.
        base.register("rows", rows.cast({pl.Datetime("us", "UTC"): pl.Datetime("us")}).to_arrow())
        return pl.from_arrow(base.sql(query).to_arrow_table())


CASES = {
    "payments": (payment_days, PAYMENTS_IN_SQL, some_payments),
    "usage": (usage_in_days, USAGE_IN_SQL, some_usage),
    "mrr_events": (change_days, CHANGES_IN_SQL, some_changes),
    "tickets": (ticket_days, TICKETS_IN_SQL, some_tickets),
}


@pytest.mark.parametrize("table", CASES)
def test_sql_written_apart_gives_the_same_days(table):
    facts, query, some = CASES[table]
    rows = some()
    here = facts(rows.lazy()).collect()
    assert 500 < here.height < rows.height
    same(in_sql(query, rows).cast(here.schema), here)


@pytest.mark.parametrize("where", ["cluster", "two_workers"])
@pytest.mark.parametrize("table", CASES)
def test_a_cluster_gives_the_same_days(request, where, table, tmp_path):
    session = request.getfixturevalue(where)
    facts, _, some = CASES[table]
    rows = some()
    for number, part in enumerate(rows.iter_slices(1000)):
        part.write_parquet(tmp_path / f"{number}.parquet")
    # The parts apart, so that each is a task of its own.
    first, *others = [session.read.parquet(str(part)) for part in sorted(tmp_path.iterdir())]
    far = facts(reduce(lambda all_, part: all_.union(part), others, first))
    there, here = pl.from_arrow(far.toArrow()), facts(rows.lazy()).collect()
    assert {n: t for n, t in there.schema.items() if t.is_integer()} == dict.fromkeys(
        [n for n, t in here.schema.items() if t.is_integer()], pl.Int64
    )
    same(there.cast(here.schema), here)
    # The facts of a cluster's facts are the facts, there and here.
    same(pl.from_arrow(facts(far).toArrow()).cast(here.schema), here)
    same(facts(there.cast(here.schema).lazy()).collect(), here)
