"""What customers brought in the steps of a time, a day's purchases or a term's dues.

One rule: a step is half open, and every payment lies in exactly one.
"""

from collections.abc import Sequence
from datetime import date

import polars as pl

from csk.calendar import TICKS_PER_MONTH
from csk.engine.protocol import Plan, Tables
from csk.tables.ages import age
from csk.tables.runs import sorted_purchase_days
from csk.tables.spells import contracts


def received(days: Sequence[date], grace_days: int) -> Plan:
    """Return a plan of what each customer brought from the first of `days` to the last.

    `customer_id`, `n_payments` (of a shop: days with a purchase), `amount` (net counts; of
    contracts without payments what their terms say was due), and `margin_amount` where payments
    know it.
    """

    def plan(tables: Tables) -> pl.LazyFrame:
        rows = _rows(tables, days, grace_days)
        return rows.group_by("customer_id").agg(pl.exclude("period_on").sum())

    return plan


def received_ahead(days: Sequence[date], grace_days: int) -> Plan:
    """Return a summary of what came between `days` of those who were customers on the first.

    By `period_on`, the first day of a step: `n_payments` and `amount` as in `received`.
    """

    def plan(tables: Tables) -> pl.LazyFrame:
        source, day = ("payments", "paid_on")
        if "subscriptions" in tables:
            source, day = ("subscriptions", "started_on")
        known = tables[source].filter(pl.col(day) < days[0]).select("customer_id").unique()
        return (
            _rows(tables, days, grace_days)
            .join(known, on="customer_id", how="semi")
            .group_by("period_on")
            .agg(pl.col("n_payments", "amount").sum())
        )

    return plan


def _rows(tables: Tables, days: Sequence[date], grace_days: int) -> pl.LazyFrame:
    """Return payments with the first day of their step."""
    if "payments" not in tables:
        return _due(tables, days, grace_days)
    paid = sorted_purchase_days(tables["payments"], days[-1]).filter(pl.col("paid_on") >= days[0])
    step = pl.lit(days[0])
    for start in days[1:-1]:
        step = pl.when(pl.col("paid_on") >= start).then(pl.lit(start)).otherwise(step)
    number = pl.col("n_payments").cast(pl.Int64)
    counted = paid.with_columns(
        period_on=step,
        n_payments=number if "subscriptions" in tables else (number > 0).cast(pl.Int64),
    )
    return counted.drop("n_refunds", "paid_on")


def _due(tables: Tables, days: Sequence[date], grace_days: int) -> pl.LazyFrame:
    """Return the terms begun in each step; what is bought beside a contract is no term more."""
    rows = contracts(tables, days[-1], grace_days)
    term = pl.col("term_months").fill_null(1).clip(lower_bound=1).cast(pl.Int64)
    begun = [_begun(day, term) for day in days]
    steps = [
        rows.select(
            "customer_id",
            period_on=pl.lit(start),
            n_payments=pl.when("is_add_on").then(0).otherwise(after - before).cast(pl.Int64),
            amount=pl.col("mrr_amount") * term * (after - before),
        )
        for start, before, after in zip(days[:-1], begun[:-1], begun[1:], strict=True)
    ]
    return pl.concat(steps)


def _begun(day: date, term: pl.Expr) -> pl.Expr:
    """Return the terms of a contract begun before `day`."""
    started = pl.col("started_on")
    last = pl.min_horizontal(pl.col("ended_on").fill_null(day), pl.lit(day))
    served = (age(started, last) - 1).clip(lower_bound=0)
    begun = served // (TICKS_PER_MONTH * term) + 1
    return pl.when(started < day).then(begun).otherwise(0).cast(pl.Int64)
