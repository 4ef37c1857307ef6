"""What arrived on the last day of a book, and which customers left from a day on.

One rule: both are read as a nightly run needs them; nothing at or after `as_of` counts.
"""

from datetime import date, timedelta
from typing import Final

import polars as pl

from csk.engine.protocol import Plan, Tables
from csk.tables.merged import number_of
from csk.tables.spells import contracts, spells

ARRIVING: Final = {"subscriptions": "started_on", "usage": "used_at", "payments": "paid_on"}
"""Tables that tell how far a book is complete, and the column of the day."""
LOOK_BACK_DAYS: Final = 366
LOGS: Final = {
    **ARRIVING,
    "tickets": "opened_at",
    "surveys": "answered_on",
    "touches": "touched_on",
}
"""Tables of which features are read, and the column of the day."""


def by_day(names: tuple[str, ...], as_of: date) -> Plan:
    """Return a summary of the rows of a year before `as_of`: `table_no`, `day`, `n_rows`.

    `names` are those tables of `ARRIVING` that the book has; `table_no` is the place among them.
    """
    since = as_of - timedelta(days=LOOK_BACK_DAYS)

    def plan(tables: Tables) -> pl.LazyFrame:
        counts = []
        for number, name in enumerate(names):
            day = pl.col(ARRIVING[name]).cast(pl.Date)
            one = number_of(tables[name].collect_schema().names(), name)
            counts.append(
                tables[name]
                .filter(day >= since, day < as_of)
                .select(day=day, n=one)
                .group_by("day")
                .agg(n_rows=pl.col("n").sum())
                .select(pl.lit(number, pl.Int64).alias("table_no"), "day", "n_rows")
            )
        return pl.concat(counts)

    return plan


def days_with_rows(names: tuple[str, ...], as_of: date) -> Plan:
    """Return a summary of the days before `as_of` with rows: `table_no`, `day`, `n_rows`.

    `names` are some of `LOGS`; `table_no` is the place among them.
    """

    def plan(tables: Tables) -> pl.LazyFrame:
        counts = []
        for number, name in enumerate(names):
            day = pl.col(LOGS[name]).cast(pl.Date)
            days = tables[name].filter(day < as_of).group_by(day=day)
            n_rows = days.agg(n_rows=pl.len().cast(pl.Int64))
            counts.append(n_rows.select(pl.lit(number, pl.Int64).alias("table_no"), pl.all()))
        return pl.concat(counts)

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
