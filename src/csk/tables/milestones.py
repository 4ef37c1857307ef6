"""What new customers get done in their first days, and who of them stays.

One rule: who stays is told from the last of those days on, of those still there, so that nobody
is said to have stayed because the time to get it done was longer.
"""

from collections.abc import Sequence
from datetime import date
from typing import Final, Protocol

import polars as pl

from csk.engine.protocol import Plan, Tables
from csk.facts.usage import THOUSANDTHS
from csk.facts.usage_days import usage_days
from csk.tables.spells import contracts, spells
from csk.tables.usage import Watch, watched

DONE, LEFT = 1, 2
"""How the wait for a milestone ends; 0 is not yet."""
_NAMES: Final = ("n_entered", "n_done", "n_left", "n_censored")


class Milestone(Protocol):
    """Something new customers should have done by a day."""

    @property
    def feature(self) -> str:
        """With what; empty for anything."""
        ...

    @property
    def count(self) -> float:
        """How much."""
        ...

    @property
    def within_days(self) -> int:
        """By which day as a customer."""
        ...


def reached(watch: Watch, data_from: date, milestones: Sequence[Milestone]) -> Plan:
    """Return a summary of how long first-time customers took to get done what.

    By `milestone_no` and `age` (days; what is done on the first day is done at 1): `n_entered`,
    `n_done`, `n_left` (left before) and `n_censored` (not yet, as of `as_of`). Customers who came
    before usage or ends were logged are not in it.
    """

    def plan(tables: Tables) -> pl.LazyFrame:
        parts = []
        for number, milestone in enumerate(milestones):
            rows = _waits(tables, watch, data_from, milestone)
            zero = pl.lit(0, dtype=pl.Int64)
            how = {"n_done": DONE, "n_left": LEFT, "n_censored": 0}
            ends = rows.group_by("age").agg(
                zero.alias("n_entered"),
                *((pl.col("how") == h).cast(pl.Int64).sum().alias(name) for name, h in how.items()),
            )
            begins = rows.group_by(age=pl.col("age") * 0).agg(
                pl.len().cast(pl.Int64).alias("n_entered"), *(zero.alias(n) for n in _NAMES[1:])
            )
            both = pl.concat([part.select("age", *_NAMES) for part in (begins, ends)])
            parts.append(both.with_columns(milestone_no=pl.lit(number, dtype=pl.Int32)))
        return pl.concat(parts).group_by("milestone_no", "age").agg(pl.col(*_NAMES).sum())

    return plan


def stayed(watch: Watch, data_from: date, milestones: Sequence[Milestone]) -> Plan:
    """Return a summary of who left after the days of a milestone, by whether it was reached.

    By `milestone_no`, `is_done` and `age` in days since: `n_entered`, `n_left`, `n_censored`. Only
    of who was still a customer when those days were over.
    """

    def plan(tables: Tables) -> pl.LazyFrame:
        parts = []
        for number, milestone in enumerate(milestones):
            rows = _waits(tables, watch, data_from, milestone)
            after = rows.filter(pl.col("served") > milestone.within_days).select(
                is_done=(pl.col("how") == DONE) & (pl.col("age") <= milestone.within_days),
                age=pl.col("served") - milestone.within_days,
                n_left=pl.col("is_gone").cast(pl.Int64),
            )
            ends = after.group_by("is_done", "age").agg(
                n_entered=pl.lit(0, dtype=pl.Int64),
                n_left=pl.col("n_left").sum(),
                n_censored=(1 - pl.col("n_left")).sum(),
            )
            begins = after.group_by("is_done", age=pl.lit(0, dtype=pl.Int32)).agg(
                n_entered=pl.len().cast(pl.Int64),
                n_left=pl.lit(0, dtype=pl.Int64),
                n_censored=pl.lit(0, dtype=pl.Int64),
            )
            names = ["is_done", "age", "n_entered", "n_left", "n_censored"]
            both = pl.concat([begins.select(names), ends.select(names)])
            parts.append(both.with_columns(milestone_no=pl.lit(number, dtype=pl.Int32)))
        return pl.concat(parts)

    return plan


def _waits(tables: Tables, watch: Watch, data_from: date, milestone: Milestone) -> pl.LazyFrame:
    """Return how each first-time customer's wait ended.

    `age` in days and `how` it ended; `served`, the days as a customer that are known, `is_gone`.
    """
    first = max(watch.usage_from, data_from)
    begun = _begun(tables, watch).filter(pl.col("started_on") >= first)
    days = usage_days(tables["usage"], first, watch.as_of, by_feature=bool(milestone.feature))
    if milestone.feature:
        days = days.filter(pl.col("feature") == milestone.feature)
    wanted = round(milestone.count * THOUSANDTHS)
    own = days.join(begun, on="customer_id", how="inner").filter(
        pl.col("used_on") >= pl.col("started_on")
    )
    done = (
        own.sort("customer_id", "used_on")
        .with_columns(so_far=pl.col("n_used").cum_sum().over("customer_id"))
        .filter(pl.col("so_far") >= wanted)
        .group_by("customer_id")
        .agg(done_on=pl.col("used_on").min())
    )
    start = pl.col("started_on")
    end = pl.col("ended_on").fill_null(watch.as_of)
    served = (end - start).dt.total_days().cast(pl.Int32).clip(lower_bound=1)
    done_at = (pl.col("done_on") - start).dt.total_days().cast(pl.Int32) + 1
    is_done = (done_at <= served).fill_null(value=False)
    is_gone = pl.col("ended_on").is_not_null()
    return begun.join(done, on="customer_id", how="left").select(
        age=pl.when(is_done).then(done_at).otherwise(served),
        how=pl.when(is_done).then(DONE).when(is_gone).then(LEFT).otherwise(0),
        served=served,
        is_gone=is_gone,
    )


def _begun(tables: Tables, watch: Watch) -> pl.LazyFrame:
    """Return the first time as a customer of each; without contracts, from the first use on."""
    if watch.is_contractual:
        known = spells(contracts(tables, watch.as_of, watch.grace_days))
        return known.filter(pl.col("spell_no") == 1).select("customer_id", "started_on", "ended_on")
    rows = watched(tables, watch).select("customer_id", "started_on")
    return rows.with_columns(ended_on=pl.lit(None, dtype=pl.Date))
