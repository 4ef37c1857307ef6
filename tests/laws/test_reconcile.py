"""Random contracts under two random definitions: what lies between must add up."""

from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from csk.analyses.reconcile import Sides, between
from csk.definitions import presets
from csk.engine.local import LocalEngine
from csk.models.reconcile import ALIKE, CAUSES, Side, looked, metrics, periods, walk
from csk.models.recount import Recount
from csk.tables.movements import KINDS, Motion
from csk.tables.reconcile import AFTER, BEFORE, CAME, FLOWS, WENT, Scope, Way, flow_sums, flows

BEGIN, AS_OF = date(2022, 1, 1), date(2022, 11, 1)
DAY = timedelta(days=1)
MONTHS = tuple(date(2022, month, 1) for month in range(1, 11))
ENGINE = LocalEngine()


@st.composite
def contract(draw):
    """Draw one contract; customers are few, so that contracts meet, overlap and leave gaps."""
    started_on = BEGIN + draw(st.integers(0, 280)) * DAY
    length = draw(st.none() | st.integers(0, 120) | st.sampled_from([1, 31]))
    pause = draw(st.none() | st.integers(1, 60))
    return {
        "customer_id": draw(st.sampled_from("pqrs")),
        "subscription_id": draw(st.sampled_from("123")),
        "started_on": started_on,
        "ended_on": None if length is None else started_on + length * DAY,
        "mrr_amount": draw(st.integers(1, 400)) * 77,
        "plan": draw(st.sampled_from(["a", "b", None])),
        "cancel_reason": draw(st.sampled_from(["card", "price", None])),
        "paused_from": None if pause is None else started_on + pause * DAY,
        "paused_to": None if pause is None else started_on + 2 * pause * DAY,
    }


motions = st.builds(
    Motion,
    st.just(AS_OF),
    grace_days=st.sampled_from([0, 1, 30]),
    level=st.sampled_from(["customer", "subscription", "product"]),
    pause=st.sampled_from(["movement", "churn", "keep"]),
    grain=st.sampled_from(["period", "day"]),
    minor=st.sampled_from([1, 100]),
)
scopes = st.none() | st.builds(Scope, st.just("plan"), st.just("a"), st.booleans())
ways = st.builds(Way, motions, ends_later=st.sampled_from([-1, 0, 1]), scope=scopes)
sides = st.builds(
    Side,
    ways,
    preset=st.sampled_from(["", *(one.name for one in presets())]),
    flash_counts=st.booleans(),
    back_is_new=st.booleans(),
)
contracts = st.lists(contract(), min_size=1, max_size=12)


@settings(max_examples=5)
@given(contracts, sides, sides)
def test_the_causes_add_up_to_the_difference(book_of, rows, ours, theirs):
    book = book_of({"subscriptions": rows}, as_of=AS_OF)
    names = metrics((ours.preset, theirs.preset))
    result = between(book, ENGINE, Sides(ours, theirs, ("a", "b")), names)
    assert result.lines or book.span.data_from >= date(2022, 10, 2)
    for line in result.lines:
        for part in ("numerator", "denominator"):
            steps = [getattr(step, part) or Fraction(0) for step in line.steps]
            start, end = getattr(line.ours, part), getattr(line.theirs, part)
            assert sum(steps, start or Fraction(0)) == (end or Fraction(0))
        values = [step.value for step in line.steps]
        if line.difference is not None and None not in values:
            assert sum(values) == line.difference


@given(sides, sides)
def test_the_walk_ends_where_the_other_stands(ours, theirs):
    steps = walk(ours, theirs)
    assert (steps[-1][1] if steps else ours) == theirs
    assert len({cause for cause, _ in steps}) == len(steps)
    assert walk(theirs, theirs) == []


def test_every_choice_of_movements_belongs_to_a_cause():
    base = Motion(AS_OF)
    other = {
        "grace_days": 9,
        "level": "product",
        "pause": "keep",
        "pause_days": 30,
        "grain": "day",
        "minor": 100,
        "week": 4.0,
        "day": 30.0,
    }
    assert set(base.__dataclass_fields__) - ALIKE == set(other)
    for name, value in other.items():
        ((cause, _),) = walk(Side(Way(base)), Side(Way(replace(base, **{name: value}))))
        assert cause in CAUSES[:-2], name


@settings(max_examples=5)
@given(contracts, motions)
def test_what_stands_is_what_the_contracts_say(tables_of, rows, motion):
    motion = replace(motion, grace_days=0, pause="keep", minor=1)
    sums = flow_sums(Way(motion))(tables_of(subscriptions=rows)).collect().to_dicts()
    months = periods({row["period_on"]: row for row in sums}, BEGIN, AS_OF, 1)
    for month, terms in months.items():
        end = (month + 31 * DAY).replace(day=1)
        there = [
            row
            for row in rows
            if row["started_on"] < end and (row["ended_on"] is None or row["ended_on"] >= end)
        ]
        assert terms["money.end"] == sum(row["mrr_amount"] for row in there)
        if motion.level == "customer":
            assert terms["customers.end"] == len({row["customer_id"] for row in there})


def of_each(tables, way):
    """Return the flows of each customer and month, and what stands before and after it."""
    rows = flows(tables, way).collect().to_dicts()
    known = {(row["customer_id"], row["period_on"]): row for row in rows}
    nothing, found = dict.fromkeys(FLOWS, 0), {}
    for who in "pqrs":
        n = amount = 0
        for month in MONTHS:
            of, before = known.get((who, month), nothing), (n, amount)
            n += sum(of[f"n.{kind}"] for kind in CAME) - sum(of[f"n.{kind}"] for kind in WENT)
            amount += sum(of[f"amount.{kind}"] for kind in KINDS)
            found[who, month] = (of, {BEFORE: before, AFTER: (n, amount)})
    return found


@settings(max_examples=5)
@given(contracts, ways, ways)
def test_the_customers_of_a_step_are_those_whose_figure_changed(
    book_of, tables_of, rows, one, other
):
    tables = tables_of(subscriptions=rows)
    book = book_of({"subscriptions": rows}, as_of=AS_OF)
    names = ("mrr", "nrr", "customer_churn_rate", "new_mrr", "arpa", "grr")
    told = Recount(book, ENGINE).customers(Side(one), Side(other), names)
    here, there = of_each(tables, one), of_each(tables, other)
    for name, parts in looked(names, "").items():
        for month in MONTHS:
            changed = 0
            for who in "pqrs":
                (of, levels), (at, tops) = here[who, month], there[who, month]
                by_flow = any(of[flow] != at[flow] for flow in parts.flows)
                by_level = any(
                    levels[side][level == "amount"] != tops[side][level == "amount"]
                    for level, side in parts.levels
                )
                changed += by_flow or by_level
            if one != other:
                assert told.get((name, month), 0) == changed, (name, month)
