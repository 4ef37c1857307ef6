"""Spells, ages and purchases against the same told in SQL, written from the definitions."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from csk.tables.purchases import gap_counts, histories
from csk.tables.spells import age_counts, contracts, exposures, spells

duckdb = pytest.importorskip("duckdb")

BEGIN, FROM, AS_OF = date(2021, 1, 1), date(2021, 8, 10), date(2023, 3, 31)
ENDS = [date(2021, 1, 31), date(2021, 2, 28), date(2022, 8, 31), AS_OF - timedelta(days=1)]

KNOWN = """
create or replace view known as
select row_number() over (order by customer_id, started_on, mrr_amount desc, plan nulls first,
                          coalesce(if(ended_on < $as_of, ended_on, null), 'infinity') desc,
                          term_months nulls first, cancel_reason nulls first) as nr,
       customer_id, started_on, plan, mrr_amount, coalesce(term_months, 1) as term, cancel_reason,
       if(ended_on < $as_of, ended_on, null) as ended_on,
       coalesce(if(ended_on < $as_of, ended_on, null), 'infinity'::date) as until
from subscriptions where started_on < $as_of
"""
ISLANDS = """
create or replace view islands as
with before as (
  select *, max(until) over (partition by customer_id order by nr
                             rows between unbounded preceding and 1 preceding) as reach
  from known),
numbered as (
  select *, sum(case when reach is null or started_on - reach > 1 then 1 else 0 end)
              over (partition by customer_id order by nr) as spell_no
  from before)
select * from numbered
"""
SPELLS = """
create or replace view spells as
with last as (select * from islands
              qualify row_number() over (partition by customer_id, spell_no
                                         order by until desc, nr) = 1)
select i.customer_id, i.spell_no, min(i.started_on) as began,
       if(max(i.until) = 'infinity', null, max(i.until)) as ended,
       case when max(i.until) = 'infinity' then 0
            when any_value(l.cancel_reason) is null then 3
            when any_value(l.cancel_reason) = 'card' then 2 else 1 end as cause
from islands i join last l using (customer_id, spell_no)
group by i.customer_id, i.spell_no
"""
AGE = """
create or replace macro whole_months(a, b) as
  datediff('month', a, b) - if((a + to_months(datediff('month', a, b)))::date > b, 1, 0);
create or replace macro ticks(a, b) as
  31 * whole_months(a, b) + (b - (a + to_months(whole_months(a, b)))::date);
"""
STRETCHES = """
create or replace view stretches as
with main as (
  select * from islands i
  where not exists (select 1 from known o
                    where o.customer_id = i.customer_id and o.nr < i.nr
                      and o.until > i.started_on and o.mrr_amount >= i.mrr_amount)),
served as (
  select *, row_number() over w as place from main
  window w as (partition by customer_id, spell_no order by nr)
  qualify row_number() over w = 1 or until > started_on),
changes as (
  select * from served
  window w as (partition by customer_id, spell_no order by nr)
  qualify row_number() over w = 1 or plan is distinct from lag(plan) over w
          or term <> lag(term) over w),
runs as (
  select *, lead(started_on) over (partition by customer_id, spell_no order by nr) as changed
  from changes)
select r.plan, r.term, r.started_on as since, r.changed, s.*
from runs r join spells s using (customer_id, spell_no)
"""
OBSERVED = """
create or replace view observed as
with ages as (
  select plan, term, if(changed is null, cause, 0) as cause,
         case when since < $from then ticks(began, $from) - 1
              when since = began then 0 else ticks(began, since) end as entry,
         case when changed is not null then ticks(began, changed)
              when ended is null then ticks(began, $as_of) - 1
              else greatest(ticks(began, ended), 1) end as leaves
  from stretches where ended is null or ended >= $from)
select * from ages where leaves > entry
"""
COUNTS = """
select plan, term::int, age::int, sum(entered)::bigint, sum(voluntary)::bigint,
       sum(involuntary)::bigint, sum(unknown)::bigint, sum(censored)::bigint
from (select plan, term, entry as age, 1 as entered, 0 as voluntary, 0 as involuntary,
             0 as unknown, 0 as censored from observed
      union all
      select plan, term, leaves, 0, (cause = 1)::int, (cause = 2)::int, (cause = 3)::int,
             (cause = 0)::int from observed)
group by plan, term, age order by plan nulls first, term, age
"""
HISTORIES = """
with days as (
  select customer_id, paid_on, sum(amount) as net, count(*) filter (amount >= 0) as bought,
         count(*) filter (amount < 0) as refunds
  from payments where paid_on < $as_of group by all)
select customer_id, count(*) filter (bought > 0), min(paid_on) filter (bought > 0),
       max(paid_on) filter (bought > 0), min(paid_on), sum(net)::bigint,
       coalesce(sum(net) filter (bought > 0), 0)::bigint, sum(bought)::bigint, sum(refunds)::bigint
from days group by customer_id order by customer_id
"""
GAPS = """
with days as (select distinct customer_id, paid_on from payments
              where paid_on < $as_of and amount >= 0),
gaps as (select paid_on, least(row_number() over w, 6) as state, lead(paid_on) over w as following
         from days window w as (partition by customer_id order by paid_on))
select state::int, (coalesce(following, $as_of) - paid_on)::int as days,
       count(following)::bigint, count(*) filter (following is null)::bigint
from gaps group by all order by 1, 2
"""


def some_contracts(seed):
    """Draw contracts of a few hundred customers: swaps, overlaps, gaps, days at the edge."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(250):
        day = BEGIN + timedelta(days=int(rng.integers(0, 900)))
        for _ in range(rng.integers(1, 5)):
            if rng.random() < 0.1:
                day = ENDS[rng.integers(len(ENDS))]
            ended = day + timedelta(days=int(rng.choice([0, 1, 28, 31, 90, 365, 500])))
            rows.append(
                {
                    "customer_id": f"c{number}",
                    "started_on": day,
                    "ended_on": ended if rng.random() < 0.85 else None,
                    "mrr_amount": int(rng.integers(1, 4)),
                    "plan": rng.choice(["a", "b", None]),
                    "term_months": rng.choice([1, 12, None]),
                    "cancel_reason": rng.choice(["card", "price", None]),
                }
            )
            day = ended + timedelta(days=int(rng.choice([-40, 0, 1, 2, 30])))
    return rows


def some_payments(seed):
    """Draw payments with several a day, refunds, zeros, and days at and after as_of."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(200):
        day = BEGIN + timedelta(days=int(rng.integers(0, 800)))
        for _ in range(rng.integers(1, 12)):
            amount = int(rng.choice([-50, -10, 0, 10, 99], p=[0.1, 0.1, 0.1, 0.4, 0.3]))
            rows.append({"customer_id": f"c{number}", "paid_on": day, "amount": amount})
            day += timedelta(days=int(rng.choice([0, 1, 7, 30, 120])))
    return rows


@pytest.fixture
def asked():
    """Give a way to ask DuckDB of one table: views first, then the question."""

    def answer(name, rows, question, views=()):
        with duckdb.connect() as connection:
            connection.register(name, rows.collect().to_arrow())
            for view in views:
                filled = view.replace("$as_of", f"date '{AS_OF}'").replace(
                    "$from", f"date '{FROM}'"
                )
                connection.execute(filled)
            return connection.execute(question.replace("$as_of", f"date '{AS_OF}'")).fetchall()

    return answer


@pytest.mark.parametrize("seed", range(3))
def test_spells_are_the_islands_of_sql(tables_of, asked, seed):
    tables = tables_of(subscriptions=some_contracts(seed))
    found = spells(contracts(tables, AS_OF)).sort("customer_id", "spell_no").collect()
    question = "select * from spells order by customer_id, spell_no"
    told = asked("subscriptions", tables["subscriptions"], question, [KNOWN, ISLANDS, SPELLS])
    assert found.rows() == told


@pytest.mark.parametrize("seed", range(3))
def test_ages_are_those_of_sql(tables_of, asked, seed):
    tables = tables_of(subscriptions=some_contracts(seed))
    known = contracts(tables, AS_OF).with_columns(group=pl.col("plan"))
    counts = age_counts(exposures(known, FROM, AS_OF)).sort("group", "term_months", "age").collect()
    views = [KNOWN, ISLANDS, SPELLS, AGE, STRETCHES, OBSERVED]
    assert counts.height > 100
    assert counts.rows() == asked("subscriptions", tables["subscriptions"], COUNTS, views)


@pytest.mark.parametrize("seed", range(3))
def test_purchases_are_those_of_sql(tables_of, asked, seed):
    tables = tables_of(payments=some_payments(seed))
    found = histories(tables, AS_OF).sort("customer_id").collect()
    columns = ["customer_id", "n_purchases", "first_purchase_on", "last_purchase_on"]
    columns += ["first_paid_on", "realised_amount", "purchase_amount", "n_payments", "n_refunds"]
    assert found.select(columns).rows() == asked("payments", tables["payments"], HISTORIES)


@pytest.mark.parametrize("seed", range(3))
def test_gaps_are_those_of_sql(tables_of, asked, seed):
    tables = tables_of(payments=some_payments(seed))
    found = gap_counts(tables, AS_OF).sort("state", "days").collect()
    names = ["state", "days", "n_bought", "n_censored"]
    assert found.select(names).rows() == asked("payments", tables["payments"], GAPS)
