"""Spells of random contracts: what must not change their counts."""

import random
from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csk.tables.spells import age_counts, contracts, exposures, spells

BEGIN, FROM, AS_OF = date(2022, 1, 1), date(2022, 5, 1), date(2023, 6, 1)
DAY = timedelta(days=1)
CUSTOMERS = "pqrstu"


@st.composite
def contract(draw):
    """Draw one contract; days are few, so that contracts meet, overlap and end at as_of."""
    started_on = BEGIN + draw(st.integers(0, 560)) * DAY
    length = draw(st.none() | st.integers(0, 300) | st.sampled_from([0, 1, 31, 365]))
    return {
        "customer_id": draw(st.sampled_from(CUSTOMERS)),
        "started_on": started_on,
        "ended_on": None if length is None else started_on + length * DAY,
        "mrr_amount": draw(st.integers(1, 4)),
        "plan": draw(st.sampled_from(["a", "b", None])),
        "term_months": draw(st.sampled_from([1, 12, None])),
        "cancel_reason": draw(st.sampled_from(["card", "price", None])),
    }


books = st.lists(contract(), min_size=1, max_size=30)


def counted(tables, as_of=AS_OF, data_from=FROM):
    known = contracts(tables, as_of).with_columns(group=pl.col("plan"))
    plan = age_counts(exposures(known, data_from, as_of))
    return plan.sort("group", "term_months", "age").collect().rows()


def spelled(tables, as_of=AS_OF):
    return spells(contracts(tables, as_of)).sort("customer_id", "spell_no").collect().rows()


def unbroken(rows, grace_days=1):
    """Walk the contracts of one customer, day sorted, as a person would."""
    found = []
    for started_on, ended_on in rows:
        if found and (found[-1][1] is None or started_on <= found[-1][1] + grace_days * DAY):
            last = found[-1][1]
            found[-1][1] = None if last is None or ended_on is None else max(last, ended_on)
        else:
            found.append([started_on, ended_on])
    return [tuple(spell) for spell in found]


@settings(max_examples=12)
@given(rows=books)
def test_spells_are_what_a_walk_through_the_contracts_gives(tables_of, rows):
    expected = []
    for customer in CUSTOMERS:
        own = [
            (r["started_on"], r["ended_on"] if (r["ended_on"] or AS_OF) < AS_OF else None)
            for r in rows
            if r["customer_id"] == customer and r["started_on"] < AS_OF
        ]
        own.sort(key=lambda row: row[0])
        expected += [(customer, *spell) for spell in unbroken(own)]
    found = spells(contracts(tables_of(subscriptions=rows), AS_OF)).collect()
    told = found.sort("customer_id", "spell_no").select("customer_id", "started_on", "ended_on")
    assert told.rows() == expected


@settings(max_examples=12)
@given(rows=books, seed=st.integers(0, 99))
def test_the_order_of_rows_changes_nothing(tables_of, rows, seed):
    mixed = random.Random(seed).sample(rows, len(rows))
    here, there = tables_of(subscriptions=rows), tables_of(subscriptions=mixed)
    assert spelled(here) == spelled(there)
    assert counted(here) == counted(there)


@settings(max_examples=12)
@given(rows=books, late=st.lists(contract(), max_size=4), days=st.integers(0, 400))
def test_nothing_at_or_after_as_of_is_read(tables_of, rows, late, days):
    """Starts at or after as_of may come or go, ends may move about there or become known."""
    late = [{**r, "started_on": AS_OF + days * DAY, "ended_on": None} for r in late]
    moved = [
        {**r, "ended_on": AS_OF + days * DAY}
        if r["started_on"] >= AS_OF or r["ended_on"] is None or r["ended_on"] >= AS_OF
        else r
        for r in rows
    ]
    here, there = tables_of(subscriptions=rows), tables_of(subscriptions=moved + late)
    assert spelled(here) == spelled(there)
    assert counted(here) == counted(there)


@settings(max_examples=12)
@given(rows=books, share=st.floats(0.0, 1.0))
def test_cutting_a_subscription_in_two_changes_no_count(tables_of, rows, share):
    """Contracts one after the other; the first halves' reason is not the spell's."""
    whole, cut, free_from = [], [], {}
    for row in sorted(rows, key=lambda r: r["started_on"]):
        if row["started_on"] < free_from.get(row["customer_id"], BEGIN):
            continue
        ended_on = row["ended_on"] or AS_OF
        free_from[row["customer_id"]] = ended_on if row["ended_on"] else date.max
        whole.append(row)
        at = row["started_on"] + int(share * (ended_on - row["started_on"]).days) * DAY
        if row["started_on"] < at < ended_on:
            cut += [{**row, "ended_on": at}, {**row, "started_on": at}]
        else:
            cut.append(row)
    here, there = tables_of(subscriptions=whole), tables_of(subscriptions=cut)
    assert spelled(here) == spelled(there)
    assert counted(here) == counted(there)


@settings(max_examples=12)
@given(rows=books)
def test_every_end_from_data_from_on_is_counted_once(tables_of, rows):
    tables = tables_of(subscriptions=rows)
    known = spells(contracts(tables, AS_OF)).collect()
    seen = known.filter((pl.col("ended_on") >= FROM) & (pl.col("cause") > 0))
    rows = counted(tables)
    assert sum(sum(row[4:7]) for row in rows) == seen.height
    assert sum(row[3] for row in rows) == sum(sum(row[4:8]) for row in rows)


@pytest.mark.parametrize("cut_on", [date(2022, 3, 15), date(2022, 7, 1), date(2022, 9, 30)])
def test_a_contract_is_cut_beside_its_add_ons_too(tables_of, cut_on):
    main = {"customer_id": "p", "started_on": BEGIN, "ended_on": date(2022, 12, 1), "plan": "a"}
    main = {**main, "mrr_amount": 9, "term_months": 1}
    add_on = {**main, "started_on": date(2022, 2, 1), "plan": "b", "mrr_amount": 3}
    cut = [{**main, "ended_on": cut_on}, {**main, "started_on": cut_on}]
    here, there = tables_of(subscriptions=[main, add_on]), tables_of(subscriptions=[*cut, add_on])
    assert counted(here) == counted(there)
