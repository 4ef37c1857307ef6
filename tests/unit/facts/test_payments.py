from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from csk.facts.payments import purchase_days
from csk.tables.runs import sorted_purchase_days

AS_OF = date(2024, 1, 5)
COLUMNS = {"customer_id": pl.String, "paid_on": pl.Date, "amount": pl.Int64}
DAYS = [date(2024, 1, day) for day in range(1, 8)]


def ordered(rows):
    return rows.sort("customer_id", "paid_on").select(sorted(rows.columns))


def facts(*rows):
    payments = pl.LazyFrame(rows, schema=COLUMNS, orient="row")
    found = purchase_days(payments, AS_OF).collect().sort("customer_id", "paid_on")
    return found.select("customer_id", "paid_on", "amount", "n_payments", "n_refunds").rows()


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], []),
        ([("a", DAYS[0], 5)], [("a", DAYS[0], 5, 1, 0)]),
        # One day is one row, whatever was paid and given back.
        (
            [("a", DAYS[0], 5), ("a", DAYS[0], 7), ("a", DAYS[0], -2)],
            [("a", DAYS[0], 10, 2, 1)],
        ),
        # Nothing paid is still something bought.
        ([("a", DAYS[0], 0)], [("a", DAYS[0], 0, 1, 0)]),
        ([("a", DAYS[0], -5)], [("a", DAYS[0], -5, 0, 1)]),
        (
            [("b", DAYS[0], 1), ("a", DAYS[1], 2), ("a", DAYS[0], 3)],
            [("a", DAYS[0], 3, 1, 0), ("a", DAYS[1], 2, 1, 0), ("b", DAYS[0], 1, 1, 0)],
        ),
        # as_of is the first day that is not read.
        ([("a", DAYS[3], 5), ("a", DAYS[4], 7), ("a", DAYS[6], 9)], [("a", DAYS[3], 5, 1, 0)]),
        # Sums of money beyond 32 bits are whole.
        ([("a", DAYS[0], 2**61), ("a", DAYS[0], 2**61)], [("a", DAYS[0], 2**62, 2, 0)]),
    ],
)
def test_payments_of_a_day_are_one_purchase(rows, expected):
    assert facts(*rows) == expected


def some_payments(n, with_margin=False):
    rng = np.random.default_rng(n)
    payments = pl.DataFrame(
        {
            "customer_id": [f"c{i}" for i in rng.integers(0, n // 5, n)],
            "paid_on": [DAYS[0] - timedelta(days=int(i)) for i in rng.integers(-6, 9, n)],
            "amount": rng.integers(-(10**9), 10**12, n) * rng.integers(0, 2, n),
        },
        schema=COLUMNS,
    )
    margin = pl.col("amount") // 3
    return payments.with_columns(margin_amount=margin) if with_margin else payments


@pytest.mark.parametrize("with_margin", [False, True])
def test_margins_are_added_where_they_are_known(with_margin):
    found = purchase_days(some_payments(500, with_margin).lazy(), AS_OF).collect()
    assert ("margin_amount" in found.columns) == with_margin
    money = ["amount", *["margin_amount"][: int(with_margin)]]
    early = some_payments(500, with_margin).filter(pl.col("paid_on") < AS_OF)
    assert found.select(money).sum().rows() == early.select(money).sum().rows()
    assert (found["n_payments"] + found["n_refunds"]).sum() == early.height


@pytest.mark.parametrize("with_margin", [False, True])
def test_facts_of_a_sorted_store_are_the_same(with_margin):
    payments = some_payments(800, with_margin)
    stored = payments.sort("customer_id", "paid_on").lazy()
    here = ordered(purchase_days(payments.lazy(), AS_OF).collect())
    there = ordered(sorted_purchase_days(stored, AS_OF).collect())
    assert_frame_equal(here, there, check_exact=True)


def test_facts_of_parts_add_up():
    payments = some_payments(400)
    parts = [payments[:150], payments[150:]]
    added = pl.concat([purchase_days(part.lazy(), AS_OF).collect() for part in parts])
    added = added.group_by("customer_id", "paid_on").sum()
    whole = purchase_days(payments.lazy(), AS_OF).collect()
    assert_frame_equal(ordered(added), ordered(whole), check_exact=True)


@pytest.mark.parametrize("with_margin", [False, True])
def test_a_cluster_gives_the_same_facts(cluster, with_margin, tmp_path):
    payments = some_payments(2000, with_margin)
    payments.write_parquet(tmp_path / "payments.parquet")
    far = purchase_days(cluster.read.parquet(str(tmp_path / "payments.parquet")), AS_OF)
    there = ordered(pl.from_arrow(far.toArrow()))
    here = ordered(purchase_days(payments.lazy(), AS_OF).collect())
    assert here.height > 500
    assert_frame_equal(here, there, check_exact=True)
