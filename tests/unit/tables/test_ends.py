"""Ends and days at risk told by neighbours are those of the spells."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from csk.tables.ends import days_at_risk, ends_by_day
from csk.tables.spells import contracts, spells

AS_OF, SPLIT = date(2023, 3, 31), date(2022, 5, 10)


def some_contracts(seed):
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(120):
        day = date(2021, 1, 1) + timedelta(days=int(rng.integers(0, 800)))
        for _ in range(rng.integers(1, 5)):
            ended = day + timedelta(days=int(rng.choice([0, 1, 28, 31, 90, 400])))
            rows.append(
                {
                    "customer_id": f"c{number}",
                    "started_on": day,
                    "ended_on": ended if rng.random() < 0.8 else None,
                    "mrr_amount": 1,
                    "term_months": rng.choice([1, 12, None]),
                }
            )
            day = ended + timedelta(days=int(rng.choice([-40, 0, 1, 2, 30])))
    return rows


@pytest.mark.parametrize("grace", [0, 1, 30])
@pytest.mark.parametrize("seed", range(3))
def test_ends_are_those_of_the_spells(tables_of, seed, grace):
    tables = tables_of(subscriptions=some_contracts(seed))
    ended = spells(contracts(tables, AS_OF, grace)).drop_nulls("ended_on")
    wanted = ended.group_by("ended_on").agg(n_ended=pl.len().cast(pl.Int64)).sort("ended_on")
    found = ends_by_day(AS_OF, grace)(tables).sort("ended_on").collect()
    assert found.height > 20
    assert found.equals(wanted.collect())


@pytest.mark.parametrize("grace", [0, 30])
def test_days_at_risk_are_those_of_the_spells(tables_of, grace):
    tables = tables_of(subscriptions=some_contracts(9))
    known = contracts(tables, AS_OF, grace)
    term = pl.col("term_months").fill_null(1)
    bound = pl.col("started_on").dt.offset_by(pl.format("{}mo", term))
    free = known.group_by("customer_id", "spell_no").agg(
        free=pl.when(term > 1).then(bound).otherwise("started_on").min()
    )
    rows = spells(known).join(free, on=["customer_id", "spell_no"]).collect()
    before = after = 0
    for began, ended in rows.select("free", pl.col("ended_on").fill_null(AS_OF)).iter_rows():
        before += max((min(ended, SPLIT) - began).days, 0)
        after += max((ended - max(began, SPLIT)).days, 0)
    found = days_at_risk(AS_OF, SPLIT, grace)(tables).collect()
    assert found.row(0) == (before, after)
    assert before > after > 0 or after > before > 0


def test_nobody_ended_is_no_day(tables_of):
    rows = [{"customer_id": "c", "started_on": date(2022, 1, 1), "mrr_amount": 1}]
    assert ends_by_day(AS_OF, 1)(tables_of(subscriptions=rows)).collect().is_empty()
