"""What must not change the features of a customer at a landmark."""

import random
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csk.simulation.company import Company, log_days, source
from csk.tables.known import Known
from csk.tables.landmarks import landmark_days, panel

BEGIN, AS_OF = date(2022, 1, 1), date(2022, 12, 20)
DAY = timedelta(days=1)
CUSTOMERS = "pqrstu"
N_DAYS = (AS_OF - BEGIN).days + 40
DAYS = landmark_days(BEGIN, AS_OF)
KNOWN = Known(
    popular={"a": ("login", "report"), "b": ("export",)},
    list_prices={"a": 2, "b": 3},
    begun={"tickets": BEGIN + 70 * DAY},
    with_touches=True,
)
INSTANT, COUNT = pl.Datetime("us", "UTC"), pl.Int64
SCHEMAS = {
    "subscriptions": {
        "started_on": pl.Date,
        "ended_on": pl.Date,
        "mrr_amount": COUNT,
        "plan": pl.String,
        "term_months": COUNT,
        "quantity": pl.Float64,
        "cancel_reason": pl.String,
    },
    "usage": {
        "used_at": INSTANT,
        "feature": pl.String,
        "quantity": pl.Float64,
        "user_id": pl.String,
    },
    "tickets": {"opened_at": INSTANT, "closed_at": INSTANT, "severity": pl.String},
    "payments": {"paid_on": pl.Date, "amount": COUNT},
    "failed_payments": {"failed_on": pl.Date},
    "surveys": {"answered_on": pl.Date, "kind": pl.String, "score": pl.Float64},
    "touches": {"touched_on": pl.Date, "action": pl.String},
}
CALENDAR = ("days_to_renewal", "renewals_so_far")

day = st.integers(0, N_DAYS).map(lambda n: BEGIN + n * DAY)
instant = st.builds(
    lambda on, second: datetime(on.year, on.month, on.day, tzinfo=UTC) + timedelta(seconds=second),
    day,
    st.sampled_from([0, 1, 50_000, 86_399]),
)
who = st.sampled_from(CUSTOMERS)
after = st.none() | st.integers(0, 260)


@st.composite
def contract(draw):
    """Draw a contract; days are few, so that contracts meet, overlap and end on landmarks."""
    started_on = draw(day | st.sampled_from(DAYS))
    length = draw(after)
    ended_on = None if length is None else started_on + length * DAY
    if draw(st.integers(0, 3)) == 0:
        ended_on = next((one for one in DAYS if one >= started_on), None)
    return {
        "customer_id": draw(who),
        "started_on": started_on,
        "ended_on": ended_on,
        "mrr_amount": draw(st.integers(0, 4)),
        "plan": draw(st.sampled_from(["a", "b", None])),
        "term_months": draw(st.sampled_from([1, 12, None])),
        "quantity": draw(st.sampled_from([1.0, 2.5, None])),
        "cancel_reason": draw(st.sampled_from(["card", "price", None])),
    }


@st.composite
def ticket(draw):
    opened_at, length = draw(instant), draw(after)
    return {
        "customer_id": draw(who),
        "opened_at": opened_at,
        "closed_at": None if length is None else opened_at + length * DAY,
        "severity": draw(st.sampled_from(["high", "low", None])),
    }


books = st.fixed_dictionaries(
    {
        "subscriptions": st.lists(contract(), min_size=1, max_size=20),
        "usage": st.lists(
            st.fixed_dictionaries(
                {
                    "customer_id": who,
                    "used_at": instant,
                    "feature": st.sampled_from(["login", "report", "export", "rare"]),
                    "quantity": st.sampled_from([1.0, 2.0, 0.3, None]),
                    "user_id": st.sampled_from(["x", "y", None]),
                }
            ),
            max_size=60,
        ),
        "tickets": st.lists(ticket(), max_size=12),
        "payments": st.lists(
            st.fixed_dictionaries(
                {"customer_id": who, "paid_on": day, "amount": st.integers(-2, 5)}
            ),
            max_size=30,
        ),
        "failed_payments": st.lists(
            st.fixed_dictionaries({"customer_id": who, "failed_on": day}), max_size=12
        ),
        "surveys": st.lists(
            st.fixed_dictionaries(
                {
                    "customer_id": who,
                    "answered_on": day,
                    "kind": st.sampled_from(["nps", "CSAT", None]),
                    "score": st.sampled_from([1.0, 4.0, 9.0]),
                }
            ),
            max_size=12,
        ),
        "touches": st.lists(
            st.fixed_dictionaries(
                {
                    "customer_id": who,
                    "touched_on": day,
                    "action": st.sampled_from(["call", "none", None]),
                }
            ),
            max_size=8,
        ),
    }
)


def opened(book, *, mixed=0):
    """Return the tables of a book as a store keeps them: by customer and day."""
    frames = {}
    for name, rows in book.items():
        schema = {"customer_id": pl.String, **SCHEMAS[name]}
        order = random.Random(mixed).sample(rows, len(rows)) if mixed else rows
        when = next(iter(SCHEMAS[name]))
        frame = pl.DataFrame(order, schema=schema).sort(
            "customer_id", pl.col(when).cast(pl.Date), maintain_order=True
        )
        frames[name] = frame.lazy()
    return frames


def rows_of(tables, days=DAYS, as_of=AS_OF, begin=BEGIN, known=KNOWN):
    plan = panel(tables, days, as_of, begin, 1, known=known)
    return plan.collect().sort("customer_id", "landmark_on")


def before(book, stop):
    """Return what a book could tell before `stop`: what lies there or later is not yet told."""
    limit = datetime(stop.year, stop.month, stop.day, tzinfo=UTC)
    cut = {}
    for name, rows in book.items():
        when = next(iter(SCHEMAS[name]))
        end = limit if SCHEMAS[name][when] == INSTANT else stop
        cut[name] = [row for row in rows if row[when] < end]
    for name, ended, end in (("subscriptions", "ended_on", stop), ("tickets", "closed_at", limit)):
        cut[name] = [
            {**row, ended: None if (row[ended] or end) >= end else row[ended]} for row in cut[name]
        ]
    return cut


def served(book, stop):
    """Walk the contracts in force at the start of a day, as a person would."""
    return {
        row["customer_id"]
        for row in book["subscriptions"]
        if row["started_on"] < stop and (row["ended_on"] is None or row["ended_on"] >= stop)
    }


@settings(max_examples=7)
@given(book=books, place=st.integers(0, len(DAYS) - 1))
def test_nothing_at_or_after_the_landmark_is_read(book, place):
    stop = DAYS[place]
    whole = rows_of(opened(book)).filter(pl.col("landmark_on") == stop)
    label = ("end_in_days", "cause")
    alone = rows_of(opened(before(book, stop)), (stop,), stop)
    assert whole.drop(label).rows() == alone.drop(label).rows()
    assert alone["end_in_days"].null_count() == alone.height


@settings(max_examples=7)
@given(book=books)
def test_who_is_in_service_is_what_a_walk_through_the_contracts_gives(book):
    found = rows_of(opened(book)).select("landmark_on", "customer_id").rows()
    expected = [(stop, one) for stop in DAYS for one in served(before(book, AS_OF), stop)]
    assert sorted(found) == sorted(expected)


@settings(max_examples=3)
@given(book=books, n=st.integers(2, 3))
def test_shards_add_up_to_the_whole(book, n):
    parts = []
    for shard in range(n):
        own = {name: [r for r in rows if ord(r["customer_id"]) % n == shard]
               for name, rows in book.items()}  # fmt: skip
        parts.append(rows_of(opened(own)))
    whole = pl.concat(parts).sort("customer_id", "landmark_on")
    assert whole.rows() == rows_of(opened(book)).rows()


@settings(max_examples=3)
@given(book=books, seed=st.integers(1, 99))
def test_the_order_of_rows_changes_nothing(book, seed):
    assert rows_of(opened(book, mixed=seed)).rows() == rows_of(opened(book)).rows()


# The calendar repeats after 400 years, so that there even the renewals are the same.
@pytest.mark.parametrize("n_days", [5, 146_097])
@settings(max_examples=2)
@given(book=books)
def test_moving_all_days_moves_nothing_else(n_days, book):
    move = n_days * DAY
    moved = {
        name: [{k: v + move if isinstance(v, date) else v for k, v in row.items()} for row in rows]
        for name, rows in book.items()
    }
    known = Known(KNOWN.begun and {"tickets": KNOWN.begun["tickets"] + move}, KNOWN.popular,
                  KNOWN.list_prices, with_touches=True)  # fmt: skip
    here = rows_of(opened(book))
    there = rows_of(opened(moved), [one + move for one in DAYS], AS_OF + move, BEGIN + move, known)
    renewals = [name for name in here.columns if name.startswith("renewals_")]
    left_out = [] if n_days > 400 else [*renewals, *CALENDAR]
    days = [name for name, kind in here.schema.items() if kind == pl.Date]
    back = there.with_columns(pl.col(days) - pl.duration(days=n_days))
    assert back.drop(left_out).rows() == here.drop(left_out).rows()


@settings(max_examples=3)
@given(book=books, places=st.sets(st.integers(0, len(DAYS) - 1), min_size=1))
def test_a_landmark_is_the_same_whichever_others_are_asked_for(book, places):
    some = [DAYS[place] for place in sorted(places)]
    whole = rows_of(opened(book)).filter(pl.col("landmark_on").is_in(some))
    assert rows_of(opened(book), some).rows() == whole.rows()


def told_by(company):
    """Return the tables of a simulated company as a store keeps them, and its truth."""
    tables = source(company).block(0, 0, company.customers)
    paid = tables["payments"].with_columns(pl.col("amount").cast(pl.Int64) * 10_000)
    is_failed = pl.col("status") == "failed"
    term = pl.when(pl.col("interval") == "year").then(12).otherwise(1).cast(pl.Int64)
    contracts = tables["subscriptions"].with_columns(
        pl.col("mrr_amount").cast(pl.Int64) * 10_000,
        pl.col("quantity").cast(pl.Float64),
        term_months=term,
    )
    kept = {
        "subscriptions": contracts,
        "payments": paid.filter(~is_failed),
        "failed_payments": paid.filter(is_failed).rename({"paid_on": "failed_on"}),
        **{name: tables[name] for name in ("usage", "tickets", "surveys", "touches")},
    }
    return {name: rows.lazy() for name, rows in kept.items()}, tables["truth"]


@pytest.mark.parametrize("seed", [1, 2])
def test_features_of_a_simulated_company_move_with_its_truth(seed):
    company = Company(kind="subscription", customers=1500, months=18, seed=seed)
    begin, _, as_of = log_days(company)
    tables, truth = told_by(company)
    known = Known()
    rows = rows_of(tables, (as_of,), as_of, begin, known).drop("plan")
    alive = truth.filter("is_alive")
    assert rows["customer_id"].to_list() == alive["customer_id"].sort().to_list()
    told = rows.join(alive.drop("mrr_amount"), on="customer_id")
    mean = {
        name: told.group_by("engagement_state").agg(pl.col(name).mean()).sort("engagement_state")
        for name in ("usage_28d", "usage_to_baseline", "days_since_use", "last_nps")
    }
    # In the order of their names: declining, dormant, healthy.
    for name in ("usage_28d", "usage_to_baseline", "last_nps"):
        declining, dormant, healthy = mean[name][name]
        assert dormant < declining < healthy, name
    assert mean["days_since_use"]["days_since_use"][1] > mean["days_since_use"]["days_since_use"][2]
    severe = dict(told.group_by("has_open_ticket").agg(pl.col("severe_open").mean()).iter_rows())
    assert severe[True] > 5 * severe[False]
    renewal = pl.col("landmark_on") + pl.duration(days=pl.col("days_to_renewal"))
    assert told.select((renewal == pl.col("next_renewal_on")).mean()).item() > 0.98
