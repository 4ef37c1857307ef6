"""What arrived on the last day of a book, and which customers left from a day on.

One rule: both are read as a nightly run needs them; nothing at or after `as_of` counts.
"""

from datetime import date, timedelta
from typing import Final

import polars as pl

from csk.engine.protocol import Plan, Tables
from csk.tables.spells import contracts, spells

EVENTS: Final = {"usage": "used_at", "payments": "paid_on"}
"""Tables whose events are counted by day, and the column of the day."""


def last_day(names: tuple[str, ...], as_of: date) -> Plan:
    """Return a plan of one row a shard: `n_usage` and `n_payments` of the day before `as_of`.

    `names` are the tables of `EVENTS` that the book has; there is a column for each.
    """
    day = as_of - timedelta(days=1)

    def plan(tables: Tables) -> pl.LazyFrame:
        counts = [
            tables[name].select(
                (pl.col(EVENTS[name]).cast(pl.Date) == day).sum().cast(pl.Int64).alias(f"n_{name}")
            )
            for name in names
        ]
        return pl.concat(counts, how="horizontal")

    return plan


def ends_from(day: date, as_of: date, grace_days: int) -> Plan:
    """Return a plan of who was in service at the start of `day`, and when they left.

    `customer_id`, `end_in_days` (0 = left on that very day; null = no end before `as_of`). The
    same rule as for the landmarks that models learn from.
    """

    def plan(tables: Tables) -> pl.LazyFrame:
        ended = pl.col("ended_on")
        return (
            spells(contracts(tables, as_of, grace_days))
            .filter((pl.col("started_on") < day) & (ended.is_null() | (ended >= day)))
            .select("customer_id", end_in_days=(ended - day).dt.total_days().cast(pl.Int32))
        )

    return plan
