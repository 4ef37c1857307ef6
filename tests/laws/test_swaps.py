"""Movements of odd contracts, whole and by plan: lines below nothing, free ones, pauses, blinks."""

from dataclasses import replace
from datetime import date, timedelta

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from csk.tables.motion import KINDS, PLAN, SWAP, TO_FREE, Motion
from csk.tables.movements import level_sums, movement_rows, movement_sums, states
from csk.tables.spells import INVOLUNTARY, UNKNOWN, VOLUNTARY

BEFORE, BEGIN, AS_OF = date(2000, 1, 1), date(2022, 1, 1), date(2023, 6, 1)
DAY = timedelta(days=1)
SUMS = pl.col("n", "amount", "n_flash", "flash_amount").sum()
KIND = ["period_on", "kind"]
SCHEMA = {
    **dict.fromkeys(("customer_id", "subscription_id", "plan", "cancel_reason"), pl.String),
    **dict.fromkeys(("started_on", "ended_on", "paused_from", "paused_to"), pl.Date),
    **dict.fromkeys(("mrr_amount", "term_months"), pl.Int64),
}


@st.composite
def contract(draw):
    started_on = BEGIN + draw(st.integers(0, 540)) * DAY
    length = draw(st.none() | st.integers(0, 200) | st.sampled_from([0, 1, 31, 365]))
    paused_from = started_on + draw(st.integers(0, 100)) * DAY if draw(st.booleans()) else None
    back = draw(st.none() | st.integers(0, 200)) if paused_from else None
    return {
        "customer_id": draw(st.sampled_from("pqrstuvw")),
        "subscription_id": draw(st.sampled_from(["1", "2", None])),
        "started_on": started_on,
        "ended_on": None if length is None else started_on + length * DAY,
        "paused_from": paused_from,
        "paused_to": None if back is None else paused_from + back * DAY,
        "mrr_amount": draw(st.sampled_from([-2, 0, 1, 2, 3, 5])),
        "plan": draw(st.sampled_from(["a", "b", None])),
        "term_months": 1,
        "cancel_reason": draw(st.sampled_from(["card", "price", None])),
    }


# A plan of this size takes Polars longer to prepare than to run: few examples, each of many
# customers.
few = settings(max_examples=8)
books = st.lists(contract(), min_size=1, max_size=30)
motions = st.builds(
    Motion,
    st.just(AS_OF),
    grace_days=st.sampled_from([0, 1, 30]),
    level=st.sampled_from(["customer", "subscription", "product"]),
    period_months=st.sampled_from([1, 3]),
    year_starts=st.sampled_from([1, 2]),
    grain=st.sampled_from(["period", "day"]),
    pause=st.sampled_from(["movement", "churn", "keep"]),
    pause_days=st.sampled_from([30, 90]),
)


def tables(rows):
    frame = pl.DataFrame(rows, schema=SCHEMA)
    return {"subscriptions": frame.sort("customer_id", "started_on", maintain_order=True).lazy()}


def sums(rows, motion, by=""):
    return movement_sums(motion, by)(tables(rows)).collect()


def by_kind(found):
    """Return what moved by period and kind, nothing left out as nothing."""
    some = (pl.col("n") != 0) | (pl.col("amount") != 0)
    return found.drop_nulls("kind").group_by(KIND).agg(SUMS).filter(some).sort(KIND)


@few
@given(books, motions)
def test_plans_add_up_to_the_whole_kind_by_kind(rows, motion):
    parts, whole = sums(rows, motion, PLAN), sums(rows, motion)
    told = ["period_on", "kind", "n", "amount"]
    kept = by_kind(parts.filter(pl.col("kind").fill_null("") != SWAP))
    assert kept.select(told).equals(by_kind(whole).select(told))
    flash = pl.col("n_flash", "flash_amount").sum()
    assert parts.select(flash).equals(whole.select(flash))


@few
@given(books, motions)
def test_what_is_carried_from_plan_to_plan_sums_to_nothing(rows, motion):
    swaps = sums(rows, motion, PLAN).filter(pl.col("kind") == SWAP)
    assert set(swaps["how"]) <= {"in", "out"}
    assert (swaps.filter(pl.col("how") == "in")["amount"] >= 0).all()
    assert (swaps.filter(pl.col("how") == "out")["amount"] <= 0).all()
    total = swaps.group_by("period_on").agg(pl.col("n", "amount").sum())
    assert (total["n"] == 0).all()
    assert (total["amount"] == 0).all()


@few
@given(books, motions, st.sampled_from(["", PLAN]))
def test_every_group_adds_up_to_what_its_contracts_say(rows, motion, by):
    key = ["group", "period_on"]
    levels = level_sums(motion, by)(tables(rows)).collect()
    moved = sums(rows, motion, by).group_by(key).agg(pl.col("amount").sum())
    both = moved.join(levels, on=key, how="full", coalesce=True).fill_null(0)
    assert (both["amount"] == both["amount_right"]).all()


@few
@given(books, motions)
def test_who_stands_is_who_came_less_who_went(rows, motion):
    found = movement_rows(motion, BEFORE, AS_OF)(tables(rows)).collect()
    sign = {"new": 1, "reactivation": 1, "resume": 1, "churn": -1, "pause": -1}
    steps = found.with_columns(
        n=pl.col("n") * pl.col("kind").replace_strict(sign, default=0, return_dtype=pl.Int64)
    )
    stand = steps.group_by(motion.key).agg(
        pl.col("n").sum(), pays=pl.col("after").last() > 0, amount=pl.col("amount").sum()
    )
    assert (stand["n"] == stand["pays"].cast(pl.Int64)).all()
    causes = found.filter(pl.col("kind") == "churn")["cause"]
    assert set(causes) <= {VOLUNTARY, INVOLUNTARY, UNKNOWN, TO_FREE}
    assert (found.filter(pl.col("kind") != "churn")["cause"] == 0).all()
    assert set(found["kind"].drop_nulls()) <= set(KINDS)


@few
@given(books, motions)
def test_contracts_of_no_length_are_flashes_or_nothing(rows, motion):
    motion = replace(motion, level="customer")
    blinks = [{**row, "ended_on": row["started_on"], "plan": "c"} for row in rows]
    assert by_kind(sums(blinks, motion)).is_empty()
    seen = any(row["mrr_amount"] > 0 and row["started_on"] < AS_OF for row in rows)
    assert (sums(blinks, motion)["n_flash"].sum() > 0) == seen
    ways = ["period_on", "kind", "how", "cause"]
    # Who blinked before has come before: what else would be new is a return.
    stays = pl.col("kind").is_in(["new", "reactivation"]).not_().fill_null(value=False)
    alone, beside = (
        sums(book, motion).filter(stays).select(*ways, "n", "amount").sort(ways)
        for book in (rows, rows + blinks)
    )
    assert beside.equals(alone)


@few
@given(books, motions)
def test_who_paid_at_the_start_is_followed_alike_by_every_reading(rows, motion):
    start, end = date(2022, 7, 1), date(2023, 1, 1)
    monthly = replace(motion, period_months=1, grain="period")
    found = states(monthly, start, end)(tables(rows)).collect()
    kept = movement_rows(monthly, BEFORE, end)(tables(rows)).collect()
    before = (
        kept.filter(pl.col("period_on") < start).group_by(motion.key).agg(pl.col("after").last())
    )
    paid = before.filter(pl.col("after") > 0)
    assert found["n"].sum() == paid.height
    assert found["amount"].sum() == paid["after"].sum()
    assert (found["lowest_amount"] <= found["kept_amount"]).all()
    assert (found["kept_amount"] <= found["amount"]).all()
