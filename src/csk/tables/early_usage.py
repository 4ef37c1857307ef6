"""Rows of usage that are of no contract: before a customer's first one, or of who never had one.

One rule: rows are counted, never dropped here; each is looked at once, whatever the log's size.
"""

from datetime import date

import polars as pl

from csk.engine.protocol import Plan, Tables
from csk.tables.merged import number_of
from csk.tables.spells import contracts


def early_usage(as_of: date, grace_days: int) -> Plan:
    """Return a summary, without a key, of the usage before `as_of`.

    `n_rows`, and of those `n_before` the customer's first contract and `n_stranger` of nobody's.
    """

    def plan(tables: Tables) -> pl.LazyFrame:
        begun = contracts(tables, as_of, grace_days).group_by("customer_id")
        first = begun.agg(first_on=pl.col("started_on").min())
        used_on, first_on = pl.col("used_at").dt.date(), pl.col("first_on")
        n = number_of(tables["usage"].collect_schema().names(), "usage")
        rows = tables["usage"].filter(used_on < as_of).select("customer_id", used_on=used_on, n=n)
        is_early = (pl.col("used_on") < first_on).fill_null(value=False)
        return rows.join(first, on="customer_id", how="left").select(
            n_rows=pl.col("n").sum(),
            n_before=pl.col("n").filter(is_early).sum(),
            n_stranger=pl.col("n").filter(first_on.is_null()).sum(),
        )

    return plan
