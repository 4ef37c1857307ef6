"""Who is up for renewal: customers of whom a contract reaches the end of a term in some days.

One rule: only who paid when the days began can leave in them, so nobody else is counted.
"""

from datetime import date

import polars as pl

from csk.engine.protocol import Plan, Tables
from csk.tables.movements import Motion, changes, grouped, movements

_MONTHS = 12


def renewals(motion: Motion, start_on: date, end_on: date, by: str = "") -> Plan:
    """Return a summary of who was up for renewal from `start_on` (a first of a month) on.

    By `group`: `n_due` and, of those, `n_due_churn` who churned before `end_on`. A term is counted
    from the first day of its contract; a contract that ended before its term did was not up.
    """

    def plan(tables: Tables) -> pl.LazyFrame:
        key = motion.key
        due = _due(tables["subscriptions"], motion, start_on, end_on)
        # Whoever is not up for renewal need not be followed.
        theirs = tables["subscriptions"].join(
            due, on="customer_id", how="semi", maintain_order="left"
        )
        rows = movements(changes({**tables, "subscriptions": theirs}, motion), motion).filter(
            pl.col("period_on") < end_on
        )
        inside = pl.col("period_on") >= start_on
        known = rows.group_by(key).agg(
            amount=pl.col("after").filter(~inside).last(),
            is_churned=((pl.col("kind") == "churn") & inside).any(),
        )
        return (
            grouped(
                due.join(known.filter(pl.col("amount") > 0), on=key, how="inner", nulls_equal=True),
                tables,
                by,
                motion,
            )
            .group_by("group")
            .agg(
                n_due=pl.len().cast(pl.Int64),
                n_due_churn=pl.col("is_churned").cast(pl.Int64).sum(),
            )
        )

    return plan


def long_terms(period_months: int) -> Plan:
    """Return a summary: how many contracts (`n`) have a term that is longer than a period."""

    def plan(tables: Tables) -> pl.LazyFrame:
        is_long = pl.col("term_months") > period_months
        return tables["subscriptions"].select(n=is_long.cast(pl.Int64).sum())

    return plan


def _due(contracts: pl.LazyFrame, motion: Motion, start_on: date, end_on: date) -> pl.LazyFrame:
    """Return the keys of whom a term ends between two days, each once."""
    rows = contracts
    if "subscription_id" in motion.key and "subscription_id" not in rows.collect_schema():
        rows = rows.with_columns(subscription_id=pl.col("customer_id"))
    begun = pl.col("started_on").dt.year() * _MONTHS + pl.col("started_on").dt.month() - 1
    term = pl.col("term_months").cast(pl.Int32)
    months = start_on.year * _MONTHS + start_on.month - 1 - begun.cast(pl.Int32)
    # The first whole number of terms, at least one, that reaches into the days.
    n_terms = pl.max_horizontal(-(-months // term), 1)
    due_on = pl.col("started_on").dt.offset_by(pl.format("{}mo", n_terms * term))
    is_served = (pl.col("ended_on") >= due_on).fill_null(value=True)
    return rows.filter(
        due_on.is_between(start_on, end_on, closed="left") & (due_on < motion.as_of) & is_served
    ).select(pl.struct(motion.key).unique().struct.unnest())
