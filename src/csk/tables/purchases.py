"""Purchases: the days on which customers without a contract bought, and the gaps between.

One rule: payments of one day are one purchase; a refund is money but not a purchase.
"""

from datetime import date

import polars as pl

from csk.engine.protocol import Tables
from csk.tables.runs import run_ends, run_starts, sorted_purchase_days

N_STATES = 6
"""Purchases so far, the last state standing for that many and more."""
_THIRD = 2
"""Rows from a customer's first purchase to the third."""


def histories(tables: Tables, as_of: date) -> pl.LazyFrame:
    """Return one row per customer with any payment before `as_of`.

    `n_purchases` (days with a payment that is no refund), `first_purchase_on` and
    `last_purchase_on` (null where there were only refunds), `first_paid_on` (refunds too),
    `realised_amount` (all money, net), `purchase_amount` (net money of purchase days),
    `n_payments`, `n_refunds`, and `realised_margin_amount` where payments know their margin.
    """
    days = sorted_purchase_days(tables["payments"], as_of)
    has_margin = "margin_amount" in days.collect_schema().names()
    bought = pl.col("n_payments") > 0
    day, starts = pl.when(bought).then("paid_on"), run_starts()
    sums = {
        "n_purchases": bought.cast(pl.Int64),
        "realised_amount": pl.col("amount"),
        "purchase_amount": pl.when(bought).then("amount").otherwise(0),
        "n_payments": pl.col("n_payments"),
        "n_refunds": pl.col("n_refunds"),
        **({"realised_margin_amount": pl.col("margin_amount")} if has_margin else {}),
    }
    # Rows lie by customer and day: what is true of a customer stands at the end of its run, the
    # sums as what a running sum has grown since the end of the run before.
    at_ends = days.select(
        "customer_id",
        *(value.cum_sum().alias(name) for name, value in sums.items()),
        first_purchase_on=pl.when(starts).then(day.backward_fill()).forward_fill(),
        last_purchase_on=day.forward_fill(),
        first_paid_on=pl.when(starts).then("paid_on").forward_fill(),
        is_last=run_ends(),
    ).filter("is_last")
    grown = [pl.col(name) - pl.col(name).shift(1).fill_null(0) for name in sums]
    has_bought = pl.col("n_purchases") > 0
    return at_ends.select(
        "customer_id", *grown, "first_purchase_on", "last_purchase_on", "first_paid_on"
    ).with_columns(
        pl.when(has_bought).then(name).alias(name)
        for name in ("first_purchase_on", "last_purchase_on")
    )


def gap_counts(tables: Tables, as_of: date) -> pl.LazyFrame:
    """Return how often a silence of so many days ended in a purchase, by purchases so far.

    Key `state` (1 to `N_STATES`) and `days`; `n_bought` gaps that a purchase closed and
    `n_censored` last gaps still open (days from the last purchase to `as_of`).
    """
    days = (
        sorted_purchase_days(tables["payments"], as_of)
        .filter(pl.col("n_payments") > 0)
        .select("customer_id", "paid_on")
        .with_row_index("row")
    )
    first_row = pl.when(run_starts()).then("row").forward_fill()
    following = pl.when(~run_ends()).then(pl.col("paid_on").shift(-1))
    silence = (following.fill_null(as_of) - pl.col("paid_on")).dt.total_days()
    return (
        days.select(
            state=pl.min_horizontal(pl.col("row") - first_row + 1, N_STATES).cast(pl.Int32),
            days=silence.cast(pl.Int32),
            is_open=following.is_null(),
        )
        .group_by("state", "days")
        .agg(
            n_bought=(~pl.col("is_open")).cast(pl.Int64).sum(),
            n_censored=pl.col("is_open").cast(pl.Int64).sum(),
        )
    )


def gap_pairs(tables: Tables, as_of: date) -> pl.LazyFrame:
    """Return how often the last two gaps of a customer were so long: `earlier`, `later`, `n`.

    Gaps are days between purchases in a row; who has bought on fewer than three days has no two.
    """
    days = (
        sorted_purchase_days(tables["payments"], as_of)
        .filter(pl.col("n_payments") > 0)
        .select("customer_id", "paid_on")
        .with_row_index("row")
    )
    first_row = pl.when(run_starts()).then("row").forward_fill()
    gap = (pl.col("paid_on") - pl.col("paid_on").shift(1)).dt.total_days().cast(pl.Int32)
    return (
        days.select(
            earlier=gap.shift(1),
            later=gap,
            is_last=run_ends() & (pl.col("row") - first_row >= _THIRD),
        )
        .filter("is_last")
        .group_by("earlier", "later")
        .agg(n=pl.len().cast(pl.Int64))
    )


def purchase_cells(tables: Tables, as_of: date) -> pl.LazyFrame:
    """Return how many buyers have bought so often, so recently, in so long: their number is `n`.

    Key `n_purchases`, `recency_days` and `age_days`, as in the snapshot of the day.
    """
    first, last = pl.col("first_purchase_on"), pl.col("last_purchase_on")
    eve = pl.lit(as_of) - pl.duration(days=1)
    return (
        histories(tables, as_of)
        .filter(pl.col("n_purchases") > 0)
        .select(
            "n_purchases",
            recency_days=(last - first).dt.total_days(),
            age_days=(eve - first).dt.total_days(),
        )
        .group_by("n_purchases", "recency_days", "age_days")
        .agg(n=pl.len().cast(pl.Int64))
    )
