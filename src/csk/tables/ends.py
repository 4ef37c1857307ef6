"""When customers left, and how long each could have: what the window of a book is found from.

One rule: the spells are those of `csk.tables.spells`, which needs no order of rows; here
neighbours are compared, as only their days are asked for, at a tenth of the cost.
"""

from datetime import date

import polars as pl

from csk.engine.protocol import Plan, Tables
from csk.tables.moments import DAYS, day_of, key_no, moment
from csk.tables.runs import run_ends
from csk.tables.spells import FAR


def ends_by_day(as_of: date, grace_days: int) -> Plan:
    """Return a summary: spells that ended before `as_of`, by day (`ended_on`, `n_ended`)."""

    def plan(tables: Tables) -> pl.LazyFrame:
        ended = _spells(tables, as_of, grace_days).drop_nulls("ended_on")
        return ended.group_by("ended_on").agg(n_ended=pl.len().cast(pl.Int64))

    return plan


def days_at_risk(as_of: date, split: date, grace_days: int) -> Plan:
    """Return a summary: days on which spells could have ended, before and from `split` on.

    `n_before`, `n_after`. A term paid in advance is served: who pays by the year cannot leave in
    the first one.
    """

    def plan(tables: Tables) -> pl.LazyFrame:
        until = pl.col("ended_on").fill_null(as_of)
        before = pl.min_horizontal(until, pl.lit(split)) - pl.col("free_on")
        after = until - pl.max_horizontal(pl.col("free_on"), pl.lit(split))
        return _spells(tables, as_of, grace_days).select(
            n_before=before.dt.total_days().clip(lower_bound=0).sum(),
            n_after=after.dt.total_days().clip(lower_bound=0).sum(),
        )

    return plan


def _spells(tables: Tables, as_of: date, grace_days: int) -> pl.LazyFrame:
    """Return `ended_on` of each spell (null = running), and the first day it could have."""
    term = pl.col("term_months").fill_null(1)
    bound = pl.col("started_on").dt.offset_by(pl.format("{}mo", term))
    number = pl.col("key_no")
    ended_on = pl.when(pl.col("ended_on") < as_of).then("ended_on").otherwise(FAR)
    rows = (
        tables["subscriptions"]
        .filter(pl.col("started_on") < as_of)
        .with_columns(
            key_no=key_no(["customer_id"]),
            free_on=pl.when(term > 1).then(bound).otherwise("started_on"),
        )
        .select(
            "free_on",
            began=moment(number, pl.col("started_on")),
            reach=moment(number, ended_on).cum_max(),
        )
    )
    # What is open reaches to the last day of its key, and no further than the next one.
    breaks = (pl.col("began") > pl.col("reach").shift(1) + grace_days).fill_null(value=True)
    numbered = rows.with_columns(spell_no=breaks.cast(pl.Int64).cum_sum())
    # Later days are smaller numbers: the largest so far is the earliest day of its spell.
    turned = (2 * pl.col("spell_no") + 1) * DAYS - 1 - moment(pl.col("spell_no"), pl.col("free_on"))
    ended = day_of(pl.col("reach"))
    return (
        numbered.with_columns(turned=turned.cum_max())
        .filter(run_ends("spell_no"))
        .select(
            free_on=day_of(DAYS - 1 - pl.col("turned") % DAYS),
            ended_on=pl.when(ended < FAR).then(ended),
        )
    )
