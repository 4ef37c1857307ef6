"""Recurring revenue in motion: what changed on which day, and what that did to each period.

One rule: every contract is one rise on its first day and one fall on its end, in whole counts,
so what stands at any day is the sum of what moved up to it, and no period can lose an amount.
"""

from dataclasses import replace
from datetime import date
from typing import Final

import polars as pl

from csk.engine.protocol import Plan, Tables
from csk.tables.changes import changes
from csk.tables.kinds import named, numbered
from csk.tables.motion import FALLS, KINDS, LEVELS, PLAN, RISES, WEEKS_PER_MONTH, Motion
from csk.tables.runs import run_ends, run_starts
from csk.tables.stretches import served
from csk.tables.swaps import plan_movements

__all__ = [
    "COHORT",
    "FALLS",
    "KINDS",
    "LEVELS",
    "PLAN",
    "RISES",
    "WEEKS_PER_MONTH",
    "Motion",
    "changes",
    "grouped",
    "level_sums",
    "movement_rows",
    "movement_sums",
    "movements",
    "served",
    "states",
]

COHORT: Final = "cohort"
"""Groups customers by the period in which they first paid."""


def movements(changes: pl.LazyFrame, motion: Motion) -> pl.LazyFrame:
    """Return one row for each key and period (by the day: and day) in which something changed.

    `period_on`, `changed_on` (its last), `before` and `after` (counts a month at its two ends),
    `kind` (of `KINDS`; null where both ends are alike), `n` and `amount` (counts, signed) of that
    kind, `how` a rise or fall of who stayed came about (of `WAYS`; empty for the others), `cause`
    of who left, `is_flash` (came and left inside the period) with `flash_amount`.

    A pause that became an end is two rows more, between whose ends nothing moves: the pause is
    taken back (`n` is -1), and the customer churns.
    """
    return named(numbered(changes, motion))


def movement_sums(motion: Motion, by: str = "") -> Plan:
    """Return a summary: movements by `group`, `period_on`, `kind`, `how` and `cause`.

    `n` and `amount` (counts, signed), `n_flash` and `flash_amount`. `by` is a column of the
    customers table, `PLAN` (see `csk.tables.swaps`), or `COHORT`; without it the one group is
    empty.
    """

    def by_plan(tables: Tables) -> pl.LazyFrame:
        rows = plan_movements(tables, motion)
        key = ("group", "period_on", "kind", "how", "cause")
        return rows.group_by(*key).agg(pl.col("n", "amount", "n_flash", "flash_amount").sum())

    def plan(tables: Tables) -> pl.LazyFrame:
        rows = numbered(changes(tables, motion), motion)
        rows = rows.filter(pl.col("kind_no").is_not_null() | pl.col("is_flash"))
        sums = (
            grouped(rows, tables, by, motion)
            .group_by("group", "period_on", "kind_no", "how_no", "cause")
            .agg(
                pl.col("n", "amount", "flash_amount").sum(),
                n_flash=pl.col("is_flash").cast(pl.Int64).sum(),
            )
        )
        return named(sums)

    return by_plan if by == PLAN and PLAN not in motion.key else plan


def movement_rows(motion: Motion, start_on: date, end_on: date) -> Plan:
    """Return a plan of the movements of the periods from `start_on` on, before `end_on`.

    Columns of `movements`; who paid the same at both ends is left out, unless who came and left.
    """

    def plan(tables: Tables) -> pl.LazyFrame:
        rows = movements(changes(tables, motion), motion)
        inside = pl.col("period_on").is_between(start_on, end_on, closed="left")
        return rows.filter(inside & (pl.col("kind").is_not_null() | pl.col("is_flash")))

    return plan


def level_sums(motion: Motion, by: str = "") -> Plan:
    """Return a summary that knows no customers: what all contracts add and take in each period.

    `group`, `period_on`, `amount`; it must equal the movements of the period, which is how they
    are checked.
    """

    def plan(tables: Tables) -> pl.LazyFrame:
        rows = served(tables["subscriptions"], motion)
        rises = rows.select(
            "customer_id", changed_on="started_on", amount=pl.col("mrr_amount"), plan="filled"
        )
        falls = rows.filter(pl.col("ended_on").is_not_null()).select(
            "customer_id", changed_on="ended_on", amount=-pl.col("mrr_amount"), plan="filled"
        )
        ends = pl.concat([rises, falls]).with_columns(period_on=motion.period(pl.col("changed_on")))
        return (
            grouped(ends, tables, by, motion)
            .group_by("group", "period_on")
            .agg(pl.col("amount").sum())
        )

    return plan


def states(motion: Motion, start_on: date, end_on: date, by: str = "") -> Plan:
    """Return a summary of who paid at the start of `start_on`, and what they pay by `end_on`.

    By `group`: `n` and `amount` at the start; `n_after`, `amount_after`; `kept_amount` (of each
    the smaller of both), `lowest_amount` (of each the smallest at the end of any period between).
    """

    def plan(tables: Tables) -> pl.LazyFrame:
        rows = numbered(changes(tables, motion), motion)
        rows = rows.filter(pl.col("period_on") < end_on)
        inside = pl.col("period_on") >= start_on
        stood = pl.when(~inside).then("after").when("is_first").then(0).forward_fill()
        is_told = inside | run_ends("key_no") | inside.shift(-1)
        per_key = (
            grouped(rows.with_columns(stood=stood).filter(is_told), tables, by, motion)
            .filter(pl.col("stood") > 0)
            .group_by("group", "key_no")
            .agg(
                amount=pl.col("stood").last(),
                amount_after=pl.col("after").last(),
                lowest_amount=pl.col("after").min(),
            )
        )
        after = pl.col("amount_after").clip(lower_bound=0)
        lowest = pl.min_horizontal("amount", "lowest_amount").clip(lower_bound=0)
        return per_key.group_by("group").agg(
            n=pl.len().cast(pl.Int64),
            n_after=(pl.col("amount_after") > 0).cast(pl.Int64).sum(),
            amount=pl.col("amount").sum(),
            amount_after=after.sum(),
            kept_amount=pl.min_horizontal(pl.col("amount"), after).sum(),
            lowest_amount=lowest.sum(),
        )

    return plan


def grouped(rows: pl.LazyFrame, tables: Tables, by: str, motion: Motion) -> pl.LazyFrame:
    """Add the `group` of each row's customer, or its plan; who has none is in the empty one."""
    if not by:
        return rows.with_columns(group=pl.lit(""))
    if by == PLAN:
        return rows.with_columns(group=pl.col("plan").fill_null(""))
    if by == COHORT:
        groups = _cohorts(tables, motion)
    else:
        groups = tables["customers"].select("customer_id", group=pl.col(by).cast(pl.String))
    return rows.join(groups, on="customer_id", how="left", maintain_order="left").with_columns(
        pl.col("group").fill_null("")
    )


def _cohorts(tables: Tables, motion: Motion) -> pl.LazyFrame:
    """Return the period in which each customer first paid, like 2024-05."""
    days = changes(tables, replace(motion, level="customer"))
    pays = (pl.col("after") > 0) | (pl.col("blink_amount") > 0)
    first = days.filter(pays).filter(run_starts())
    period = motion.period(pl.col("changed_on")).dt.to_string("%Y-%m")
    return first.select("customer_id", group=period)
