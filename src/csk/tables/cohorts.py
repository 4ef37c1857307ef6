"""Cohorts: customers by the period in which they first came, and what they did in each later one.

One rule: a summary adds up over customers, so a cell is the same however the book is cut.
"""

import polars as pl

from csk.engine.protocol import Plan, Tables
from csk.tables.movements import COHORT, Motion, changes, grouped, movements
from csk.tables.runs import run_starts, sorted_purchase_days


def contract_cohorts(motion: Motion) -> Plan:
    """Return a summary of changes by cohort (`group`, like 2024-05) and `period_on`.

    `n_came` customers first seen then, `n` the net change of paying customers, `amount` that of
    their recurring revenue: what stands is the sum of what changed.
    """

    def plan(tables: Tables) -> pl.LazyFrame:
        rows = movements(changes(tables, motion), motion)
        is_first = run_starts()
        pays = (pl.col("after") > 0).cast(pl.Int64) - (pl.col("before") > 0).cast(pl.Int64)
        known = rows.with_columns(n_came=is_first.cast(pl.Int64), n=pays)
        return (
            grouped(known, tables, COHORT, motion)
            .group_by("group", "period_on")
            .agg(
                pl.col("n_came", "n").sum(),
                amount=(pl.col("after") - pl.col("before")).sum(),
            )
        )

    return plan


def purchase_cohorts(motion: Motion) -> Plan:
    """Return a summary of purchases by cohort (`group`, like 2024-05) and `period_on`.

    `n_came` customers who first bought then, `n` customers who bought, `amount` what was paid,
    refunds taken off.
    """

    def plan(tables: Tables) -> pl.LazyFrame:
        days = sorted_purchase_days(tables["payments"], motion.as_of)
        bought = pl.col("n_payments") > 0
        first = pl.when(bought).then("period_on")
        known = days.with_columns(period_on=motion.period(pl.col("paid_on"))).with_columns(
            first_on=first.min().over("customer_id"),
            is_first=bought
            & (pl.when(bought).then("paid_on").min().over("customer_id") == pl.col("paid_on")),
        )
        return (
            known.drop_nulls("first_on")
            .group_by("customer_id", "first_on", "period_on")
            .agg(
                n=bought.any().cast(pl.Int64),
                n_came=pl.col("is_first").any().cast(pl.Int64),
                amount=pl.col("amount").sum(),
            )
            .group_by(pl.col("first_on").dt.to_string("%Y-%m").alias("group"), "period_on")
            .agg(pl.col("n_came", "n", "amount").sum())
        )

    return plan
