"""Movements of random contracts: what must hold, and what must not change them."""

from dataclasses import replace
from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csk.book import Window
from csk.models.periods import LEVEL_KEY, MOVEMENT_KEY, by_ends, periods
from csk.tables.movements import COHORT, KINDS, Motion, level_sums, movement_sums

BEGIN, AS_OF = date(2022, 1, 1), date(2023, 6, 1)
DAY = timedelta(days=1)
KEY = ["group", "period_on"]


@st.composite
def contract(draw):
    """Draw one contract; days are few, so that contracts meet, overlap and end at as_of."""
    started_on = BEGIN + draw(st.integers(0, 540)) * DAY
    length = draw(st.none() | st.integers(0, 200) | st.sampled_from([0, 1, 31, 365]))
    return {
        "customer_id": draw(st.sampled_from("pqrstuvw")),
        "subscription_id": draw(st.sampled_from("123")),
        "started_on": started_on,
        "ended_on": None if length is None else started_on + length * DAY,
        "mrr_amount": draw(st.integers(1, 5)),
        "plan": draw(st.sampled_from(["a", "b", None])),
        "term_months": 1,
        "cancel_reason": draw(st.sampled_from(["card", "price", None])),
    }


# Preparing a plan takes Polars longer than running it: few examples, each of many customers.
few = settings(max_examples=20)
books = st.lists(contract(), min_size=1, max_size=40)
motions = st.builds(
    Motion,
    st.just(AS_OF),
    grace_days=st.sampled_from([0, 1, 30]),
    level=st.sampled_from(["customer", "subscription", "product"]),
    period_months=st.sampled_from([1, 3, 12]),
    year_starts=st.sampled_from([1, 4]),
    grain=st.sampled_from(["period", "day"]),
    minor=st.sampled_from([1, 2]),
)


def tables(rows):
    schema = {
        **dict.fromkeys(("customer_id", "subscription_id"), pl.String),
        **dict.fromkeys(("started_on", "ended_on"), pl.Date),
        "mrr_amount": pl.Int64,
        "plan": pl.String,
        "term_months": pl.Int64,
        "cancel_reason": pl.String,
    }
    # As the store keeps them: each customer's together, by day.
    frame = pl.DataFrame(rows, schema=schema).sort("customer_id", "started_on", maintain_order=True)
    return {"subscriptions": frame.lazy()}


def moved(rows, motion, by=""):
    plan = movement_sums(motion, by)(tables(rows))
    return plan.collect().sort("group", "period_on", "kind", "how", "cause", nulls_last=True)


def by_kind(rows, motion):
    found = moved(rows, motion).drop_nulls("kind")
    return found.group_by("period_on", "kind").agg(pl.col("n", "amount").sum()).sort(pl.all())


def levels(rows, motion):
    """Return what is paid at the end of every period, reckoned from the contracts one by one."""
    ends = {}
    for row in rows:
        for day in (row["started_on"], row["ended_on"]):
            if day is not None and day < AS_OF:
                period = pl.select(motion.period(pl.lit(day))).item()
                index = period.year * 12 + period.month - 1 + motion.period_months
                ends[period] = date(index // 12, index % 12 + 1, 1)
    return {
        period: sum(
            row["mrr_amount"]
            for row in rows
            if row["started_on"] < min(end, AS_OF)
            and (row["ended_on"] is None or row["ended_on"] >= min(end, AS_OF))
        )
        for period, end in ends.items()
    }


@few
@given(books, motions)
def test_what_moved_adds_up_to_what_stands(rows, motion):
    motion = replace(motion, grace_days=0, minor=1)
    sums = moved(rows, motion).group_by("period_on").agg(pl.col("amount").sum()).sort("period_on")
    standing = dict(zip(sums["period_on"], sums["amount"].cum_sum(), strict=True))
    wanted = levels(rows, motion)
    last = 0
    for period in sorted(wanted):
        last = standing.get(period, last)
        assert last == wanted[period]


@few
@given(books, motions)
def test_movements_equal_levels_that_know_no_customers(rows, motion):
    sums = moved(rows, motion).group_by(KEY).agg(pl.col("amount").sum())
    level = level_sums(motion)(tables(rows)).collect()
    both = sums.join(level, on=KEY, how="full", coalesce=True).fill_null(0)
    assert (both["amount"] == both["amount_right"]).all()


@few
@given(books, motions)
def test_every_amount_that_moved_has_a_kind(rows, motion):
    found = moved(rows, motion)
    nameless = found.filter(pl.col("kind").is_null())
    assert nameless["amount"].sum() == 0
    assert set(found["kind"].drop_nulls()) <= set(KINDS)


def told(rows, motion):
    """Return the periods of a book, as commands do."""
    known = tables(rows)
    span = Window(BEGIN, AS_OF - DAY, AS_OF)
    levels = level_sums(motion)(known).collect().sort(LEVEL_KEY)
    found = {}
    for grain in ("period", "day"):
        sums = movement_sums(replace(motion, grain=grain))(known).collect().sort(MOVEMENT_KEY)
        found[grain] = periods(sums, levels, motion, span) if not sums.is_empty() else {"": ()}
    return found["period"][""], by_ends(found["day"], found["period"])[""]


@few
@given(books, motions)
def test_days_and_ends_tell_of_the_same_levels(rows, motion):
    by_end, by_day = told(rows, motion)
    assert [one.end_amount for one in by_day] == [one.end_amount for one in by_end]
    assert [one.n_end for one in by_day] == [one.n_end for one in by_end]
    for day, end in zip(by_day, by_end, strict=True):
        assert day.retained == end.retained
        assert day.moved["churn"].n >= end.moved["churn"].n
        assert day.moved["new"].n >= end.moved["new"].n


@few
@given(books, motions)
def test_terms_of_a_period_add_up(rows, motion):
    for of in told(rows, motion):
        for one in of:
            terms = one.terms
            for sums in ("customers", "money"):
                came = sum(terms[f"{sums}.{kind}"] for kind in ("new", "reactivation", "resume"))
                went = sum(terms[f"{sums}.{kind}"] for kind in ("churn", "pause"))
                stayed = terms["money.expansion"] - terms["money.contraction"]
                moved = came - went + (stayed if sums == "money" else 0)
                assert terms[f"{sums}.start"] + moved == terms[f"{sums}.end"]
                why = ("voluntary", "involuntary", "unknown")
                assert sum(terms[f"{sums}.{cause}"] for cause in why) == terms[f"{sums}.churn"]
                assert all(terms[f"{sums}.{word}"] >= 0 for word in (*KINDS, "flash"))
            assert terms["money.kept"] <= min(terms["money.start"], terms["money.after"])
            assert terms["customers.kept"] <= terms["customers.start"]


@few
@given(books, motions, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(rows, motion, draw):
    shuffled = list(rows)
    draw.shuffle(shuffled)
    assert moved(shuffled, motion).equals(moved(rows, motion))


@few
@given(books, motions, st.randoms(use_true_random=False))
def test_a_contract_cut_in_two_changes_nothing(rows, motion, draw):
    cut = []
    for row in rows:
        end = row["ended_on"] or AS_OF
        if (end - row["started_on"]).days < 2:
            cut.append(row)
            continue
        middle = row["started_on"] + draw.randint(1, (end - row["started_on"]).days - 1) * DAY
        cut += [{**row, "ended_on": middle}, {**row, "started_on": middle}]
    assert by_kind(cut, motion).equals(by_kind(rows, motion))


@few
@given(books)
def test_a_change_of_plan_is_never_churn(rows):
    other = [{**row, "plan": f"{row['plan']}{number % 3}"} for number, row in enumerate(rows)]
    motion = Motion(AS_OF)
    assert by_kind(other, motion).equals(by_kind(rows, motion))


@few
@given(books, st.sampled_from([COHORT, "region"]))
def test_groups_add_up_to_the_whole(rows, by):
    regions = pl.DataFrame({"customer_id": list("pqrs"), "region": ["n", "s", "n", "s"]}).lazy()
    motion = Motion(AS_OF)
    known = {**tables(rows), "customers": regions}
    key = ["period_on", "kind"]
    parts = movement_sums(motion, by)(known).group_by(key).agg(pl.col("n", "amount").sum())
    whole = movement_sums(motion)(known).group_by(key).agg(pl.col("n", "amount").sum())
    assert parts.collect().sort(key).equals(whole.collect().sort(key))


@few
@given(books, st.integers(-40, 40))
def test_shifted_days_move_events_and_lose_none(rows, days):
    by = days * DAY
    later = [
        {
            **row,
            "started_on": row["started_on"] + by,
            "ended_on": row["ended_on"] and row["ended_on"] + by,
        }
        for row in rows
    ]
    motion, shifted = Motion(AS_OF), Motion(AS_OF + by)
    sums = [
        moved(book, of).filter(pl.col("kind") == "new")["n"].sum()
        for book, of in ((rows, motion), (later, shifted))
    ]
    flash = [moved(book, of)["n_flash"].sum() for book, of in ((rows, motion), (later, shifted))]
    customers = len(
        {
            r["customer_id"]
            for r in rows
            if r["ended_on"] != r["started_on"] and r["started_on"] < AS_OF
        }
    )
    assert sums[0] <= customers
    assert sums[0] + flash[0] >= customers
    assert sums[1] + flash[1] >= customers


def paused(start, pause, back, end):
    row = {
        "customer_id": "p",
        "subscription_id": "1",
        "started_on": start,
        "ended_on": end,
        "mrr_amount": 5,
        "plan": "a",
        "term_months": 1,
        "cancel_reason": None,
    }
    frame = tables([row])["subscriptions"]
    return {
        "subscriptions": frame.with_columns(
            paused_from=pl.lit(pause, dtype=pl.Date), paused_to=pl.lit(back, dtype=pl.Date)
        )
    }


@pytest.mark.parametrize(
    ("pause", "back", "how", "kinds"),
    [
        (date(2022, 3, 5), date(2022, 6, 2), "movement", ["new", "pause", "resume"]),
        (date(2023, 4, 5), None, "movement", ["new", "pause"]),
        (date(2022, 3, 5), date(2022, 6, 5), "churn", ["new", "churn", "reactivation"]),
        (date(2022, 3, 5), date(2022, 6, 5), "keep", ["new"]),
        (date(2022, 3, 5), date(2022, 3, 25), "movement", ["new"]),
        (None, None, "movement", ["new"]),
    ],
)
def test_a_pause_is_what_it_was_said_to_be(pause, back, how, kinds):
    motion = Motion(AS_OF, pause=how)
    known = paused(BEGIN, pause, back, None)
    found = movement_sums(motion)(known).collect().sort("period_on").drop_nulls("kind")
    assert found["kind"].to_list() == kinds


def test_who_comes_and_leaves_inside_a_period_is_told_apart():
    rows = [
        {
            "customer_id": "p",
            "subscription_id": "1",
            "started_on": date(2022, 3, 5),
            "ended_on": date(2022, 3, 20),
            "mrr_amount": 5,
            "plan": "a",
            "term_months": 1,
            "cancel_reason": None,
        }
    ]
    found = moved(rows, Motion(AS_OF))
    assert found.select("kind", "amount", "n_flash", "flash_amount").rows() == [(None, 0, 1, 5)]
