"""Deliveries of contracts by number: who got the nth, and who went on to the next.

One rule: several payments for one delivery of a contract are one delivery, on its first day.
"""

from datetime import date

import polars as pl

from csk.engine.protocol import Plan, Tables


def delivery_gaps(as_of: date) -> Plan:
    """Return a summary: days from a delivery to the next number, by `days` (`n_bought`).

    `days` is null for the last one of each contract so far, and where a number was left out.
    """

    def plan(tables: Tables) -> pl.LazyFrame:
        gap = (pl.col("next_on") - pl.col("paid_on")).dt.total_days()
        is_next = pl.col("next_delivery") == pl.col("n_delivery") + 1
        return (
            _deliveries(tables, as_of)
            .group_by(days=pl.when(is_next).then(gap))
            .agg(n_bought=pl.len().cast(pl.Int64))
        )

    return plan


def delivery_steps(as_of: date, due_days: int) -> Plan:
    """Return a summary by `n_delivery`: `n` had it, for `n_due` of them the next was due.

    It was due where theirs lies `due_days` back or more; `n_went_on` of those had any later one.
    """

    def plan(tables: Tables) -> pl.LazyFrame:
        is_due = (pl.lit(as_of) - pl.col("paid_on")).dt.total_days() >= due_days
        went_on = pl.col("next_delivery").is_not_null()
        return (
            _deliveries(tables, as_of)
            .group_by("n_delivery")
            .agg(
                n=pl.len().cast(pl.Int64),
                n_due=is_due.cast(pl.Int64).sum(),
                n_went_on=(is_due & went_on).cast(pl.Int64).sum(),
            )
        )

    return plan


def _deliveries(tables: Tables, as_of: date) -> pl.LazyFrame:
    """Return one row for each delivery, with the next number of its contract and its day."""
    payments = tables["payments"]
    names = payments.collect_schema().names()
    key = [name for name in ("customer_id", "subscription_id") if name in names]
    counts = (pl.col("n_delivery") >= 1) & (pl.col("amount") >= 0) & (pl.col("paid_on") < as_of)
    rows = payments.filter(counts).group_by(*key, "n_delivery").agg(pl.col("paid_on").min())
    same = pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift(-1)) for name in key)
    return rows.sort(*key, "n_delivery").with_columns(
        next_delivery=pl.when(same).then(pl.col("n_delivery").shift(-1)),
        next_on=pl.when(same).then(pl.col("paid_on").shift(-1)),
    )
