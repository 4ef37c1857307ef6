"""What customers without a contract bought in each period, and what each spent of late.

One rule: a purchase is a day with a payment that is no refund; refunds are taken off the money.
"""

from datetime import date

import polars as pl

from csk.calendar import TICKS_PER_MONTH
from csk.engine.protocol import Plan, Tables
from csk.tables.ages import age
from csk.tables.movements import Motion, grouped
from csk.tables.runs import sorted_purchase_days


def sales_sums(motion: Motion, by: str = "") -> Plan:
    """Return a summary of payments before `as_of`, by `group` and `period_on`.

    `n_buyers` customers with a purchase, `n_purchases`, `amount` all money (net, counts),
    `purchase_amount` that of days with a purchase.
    """

    def plan(tables: Tables) -> pl.LazyFrame:
        days = sorted_purchase_days(tables["payments"], motion.as_of).with_columns(
            period_on=motion.period(pl.col("paid_on"))
        )
        bought = pl.col("n_payments") > 0
        per_customer = days.group_by("customer_id", "period_on").agg(
            n_purchases=bought.cast(pl.Int64).sum(),
            amount=pl.col("amount").sum(),
            purchase_amount=pl.col("amount").filter(bought).sum(),
        )
        return (
            grouped(per_customer, tables, by, motion)
            .group_by("group", "period_on")
            .agg(
                pl.col("n_purchases", "amount", "purchase_amount").sum(),
                n_buyers=(pl.col("n_purchases") > 0).cast(pl.Int64).sum(),
            )
        )

    return plan


def won_sums(motion: Motion, by: str = "") -> Plan:
    """Return a summary of customers by the period in which they first came.

    By `group` and `period_on`: `n`, and of those whose `cac_amount` the customers table knows
    `n_known` and the `amount` they cost. They come with their first contract, or first purchase.
    """

    def plan(tables: Tables) -> pl.LazyFrame:
        came = won(tables, motion.as_of)
        rows = came.with_columns(period_on=motion.period(pl.col("first_on")))
        cost = pl.col("cac_amount")
        return (
            grouped(rows, tables, by, motion)
            .group_by("group", "period_on")
            .agg(
                n=pl.len().cast(pl.Int64),
                n_known=cost.is_not_null().cast(pl.Int64).sum(),
                amount=cost.fill_null(0).sum(),
            )
        )

    return plan


def won(tables: Tables, as_of: date) -> pl.LazyFrame:
    """Return one row per customer who came before `as_of`: `customer_id`, `first_on`, `cac_amount`.

    They come with their first contract, or first purchase; what winning them cost is null where
    nothing tells.
    """
    if "subscriptions" in tables:
        known = tables["subscriptions"].filter(pl.col("started_on") < as_of)
        first = known.group_by("customer_id").agg(first_on=pl.col("started_on").min())
    else:
        paid = tables["payments"].filter((pl.col("paid_on") < as_of) & (pl.col("amount") >= 0))
        first = paid.group_by("customer_id").agg(first_on=pl.col("paid_on").min())
    return _with_cost(first, tables)


def received_by_age(motion: Motion) -> Plan:
    """Return a summary of money by the period in which its customer came (`group`) and `month`.

    `month` is whole months since the customer's first day, 0 for all before the first of them is
    over; `amount` is net. Money of who never came (refunds only) is left out.
    """

    def plan(tables: Tables) -> pl.LazyFrame:
        came = won(tables, motion.as_of).select("customer_id", "first_on")
        paid = tables["payments"].filter(pl.col("paid_on") < motion.as_of)
        rows = paid.select("customer_id", "paid_on", "amount").join(came, on="customer_id")
        ticks = age(pl.col("first_on"), pl.col("paid_on")).clip(lower_bound=0)
        return (
            rows.select(
                pl.col("amount"),
                group=motion.period(pl.col("first_on")),
                month=ticks // TICKS_PER_MONTH,
            )
            .group_by("group", "month")
            .agg(pl.col("amount").sum())
        )

    return plan


def spent(motion: Motion, since: date) -> Plan:
    """Return what each customer paid from `since` to `as_of`: `customer_id`, `spent_amount`."""

    def plan(tables: Tables) -> pl.LazyFrame:
        return (
            tables["payments"]
            .filter((pl.col("paid_on") >= since) & (pl.col("paid_on") < motion.as_of))
            .group_by("customer_id")
            .agg(spent_amount=pl.col("amount").sum())
        )

    return plan


def _with_cost(first: pl.LazyFrame, tables: Tables) -> pl.LazyFrame:
    """Add what winning each customer cost; null where nothing tells."""
    nothing = pl.lit(None, dtype=pl.Int64)
    if "customers" not in tables:
        return first.with_columns(cac_amount=nothing)
    if "cac_amount" not in tables["customers"].collect_schema().names():
        return first.with_columns(cac_amount=nothing)
    costs = tables["customers"].select("customer_id", "cac_amount")
    return first.join(costs, on="customer_id", how="left")
