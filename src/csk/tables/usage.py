"""What customers do in the product: by day, by feature, and in their first days.

One rule: a customer's usage counts from the day its present time as a customer began, and nothing
at or after `as_of` is read.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, TypeAlias

import polars as pl

from csk.engine.protocol import Plan, Tables
from csk.facts.usage_days import usage_days
from csk.tables.snapshot import contract_snapshot
from csk.tables.spells import contracts, spells

PERIOD_DAYS: Final = 28
DAYS: Final = 364
"""Days that are looked back: whole weeks, and thirteen periods."""
NEW_DAYS: Final = 28
"""First days of a customer, in which it tries things out; they are no baseline."""
Rows: TypeAlias = Callable[[pl.DataFrame], pl.DataFrame]
SHARE_PARTS: Final = 1_000_000
_FAR_BACK: Final = date(1900, 1, 1)


@dataclass(frozen=True, slots=True)
class Watch:
    """The days of a book's usage, and how customers are bound."""

    as_of: date
    usage_from: date
    """First day of the usage log."""
    is_contractual: bool
    grace_days: int = 1
    by: str = ""
    """Column of the customers table that groups them; empty or `plan` for none of it."""

    @property
    def starts_on(self) -> date:
        """First of the days that are looked back."""
        return self.as_of - timedelta(DAYS)


def watched(tables: Tables, watch: Watch) -> pl.LazyFrame:
    """Return the customers whose usage is told, one row each.

    `plan`, `mrr_amount` and `started_on` (of the present spell) of who is under contract at
    `as_of`. Without contracts everybody who ever used anything, from the first day of use on;
    plan and MRR are null.
    """
    if watch.is_contractual:
        snapshot = contract_snapshot(tables, watch.as_of, watch.as_of, watch.grace_days)
        return snapshot.filter("is_alive").select(
            "customer_id", "plan", "mrr_amount", started_on="spell_started_on"
        )
    used_on = pl.col("used_at").dt.date()
    return (
        tables["usage"]
        .filter(used_on < watch.as_of)
        .group_by("customer_id")
        .agg(started_on=used_on.min())
        .select(
            "customer_id",
            pl.lit(None, dtype=pl.String).alias("plan"),
            pl.lit(None, dtype=pl.Int64).alias("mrr_amount"),
            "started_on",
        )
    )


def weekday_shares(watch: Watch) -> Plan:
    """Return a summary of how customers spread their usage over the week, by `plan`.

    By `weekday` (1 = Monday) too: `n_shares`, the sum over customers of the share of their usage
    in millionths, so that each counts alike however much it does. Of the days looked back.
    """

    def plan(tables: Tables) -> pl.LazyFrame:
        used = pl.col("n_used")
        days = _own_days(tables, watch, by_feature=False)
        by_weekday = days.group_by(
            "customer_id", "plan", weekday=pl.col("used_on").dt.weekday().cast(pl.Int32)
        ).agg(used.sum())
        whole = used.sum().over("customer_id")
        return (
            by_weekday.filter(whole > 0)
            .with_columns(n_shares=(used / whole * SHARE_PARTS).round(0).cast(pl.Int64))
            .group_by("plan", "weekday")
            .agg(pl.col("n_shares").sum())
        )

    return plan


def customer_days(watch: Watch, told: Rows, schema: Mapping[str, pl.DataType]) -> Plan:
    """Return a plan of one row a customer, with what `told` makes of its days.

    `told` is given the frame below, row by row of customers, and returns one of `schema`, so that
    days are never held for more than one shard.

    The columns of `watched`; `days` and `counts`, lists of the days with usage (0 is the first of
    those looked back) and of thousandths; `first_day`, the first that is baseline; `last_on`, of
    any use under the present contract; `features`, a list of those used in the last 28 days;
    `told`, the group.
    """

    def plan(tables: Tables) -> pl.LazyFrame:
        days = _own_days(tables, watch, by_feature=True)
        number = (pl.col("used_on") - pl.lit(watch.starts_on)).dt.total_days().cast(pl.Int32)
        by_day = (
            days.group_by("customer_id", day_no=number)
            .agg(pl.col("n_used").sum())
            .group_by("customer_id")
            .agg(days="day_no", counts="n_used")
        )
        recent = watch.as_of - timedelta(PERIOD_DAYS)
        features = (
            days.filter(pl.col("used_on") >= recent, pl.col("n_used") > 0)
            .group_by("customer_id")
            .agg(features=pl.col("feature").unique().sort())
        )
        rows = watched(tables, watch)
        found = rows
        for part in (by_day, features, _last_days(tables, rows, watch)):
            found = found.join(part, on="customer_id", how="left")
        rows = _told(found, tables, watch).with_columns(first_day=_first_day(watch))
        return rows.map_batches(told, schema=schema)

    return plan


def _own_days(tables: Tables, watch: Watch, *, by_feature: bool) -> pl.LazyFrame:
    """Return usage of the days looked back, of watched customers since they began."""
    days = usage_days(tables["usage"], watch.starts_on, watch.as_of, by_feature=by_feature)
    return days.join(
        watched(tables, watch).select("customer_id", "plan", "started_on"),
        on="customer_id",
        how="inner",
    ).filter(pl.col("used_on") >= pl.col("started_on"))


def _last_days(tables: Tables, rows: pl.LazyFrame, watch: Watch) -> pl.LazyFrame:
    used_on = pl.col("used_at").dt.date()
    last = (
        tables["usage"]
        .filter(used_on < watch.as_of)
        .group_by("customer_id")
        .agg(last_on=used_on.max())
    )
    # Use before the contract is not of it.
    return (
        last.join(rows.select("customer_id", "started_on"), on="customer_id", how="inner")
        .filter(pl.col("last_on") >= pl.col("started_on"))
        .select("customer_id", "last_on")
    )


def _first_day(watch: Watch) -> pl.Expr:
    """Return the first day that counts: after the first days of a customer, within the log."""
    begun = pl.col("started_on")
    is_new = begun >= watch.usage_from
    first = pl.when(is_new).then(begun.dt.offset_by(f"{NEW_DAYS}d")).otherwise(watch.usage_from)
    number = (first - pl.lit(watch.starts_on)).dt.total_days()
    return number.clip(lower_bound=0).cast(pl.Int64)


def _told(rows: pl.LazyFrame, tables: Tables, watch: Watch) -> pl.LazyFrame:
    if watch.by in ("", "plan") and watch.is_contractual:
        return rows.with_columns(told=pl.col("plan"))
    if not watch.by:
        return rows.with_columns(told=pl.lit(None, dtype=pl.String))
    groups = tables["customers"].select("customer_id", told=pl.col(watch.by).cast(pl.String))
    return rows.join(groups, on="customer_id", how="left")


def feature_rows(watch: Watch) -> Plan:
    """Return a summary of the rows before `as_of` by `feature`, `n_rows`."""

    def plan(tables: Tables) -> pl.LazyFrame:
        days = usage_days(tables["usage"], _FAR_BACK, watch.as_of, by_feature=True)
        return days.group_by("feature").agg(pl.col("n_rows").sum())

    return plan


def edges(watch: Watch) -> Plan:
    """Return a summary, without a key, of usage that is of no time as a customer.

    `n_rows` before `as_of`; of those `n_before` (before the customer's first contract), `n_after`
    (in a gap between contracts, or after the last) and `n_stranger` (of who never had one).
    """

    def plan(tables: Tables) -> pl.LazyFrame:
        days = usage_days(tables["usage"], _FAR_BACK, watch.as_of)
        known = spells(contracts(tables, watch.as_of, watch.grace_days))
        first = known.group_by("customer_id").agg(first_on=pl.col("started_on").min())
        inside = (
            days.join(known, on="customer_id", how="inner")
            .filter(pl.col("used_on") >= pl.col("started_on"))
            .filter((pl.col("used_on") < pl.col("ended_on")).fill_null(value=True))
            .select(n_inside=pl.col("n_rows").sum())
        )
        rows = pl.col("n_rows")
        stranger = pl.col("first_on").is_null()
        before = (pl.col("used_on") < pl.col("first_on")).fill_null(value=False)
        sums = days.join(first, on="customer_id", how="left").select(
            n_rows=rows.sum(),
            n_before=rows.filter(before).sum(),
            n_stranger=rows.filter(stranger).sum(),
        )
        n_after = pl.col("n_rows") - pl.col("n_before") - pl.col("n_stranger") - pl.col("n_inside")
        return pl.concat([sums, inside], how="horizontal").select(
            "n_rows", "n_before", "n_stranger", n_after=n_after
        )

    return plan
