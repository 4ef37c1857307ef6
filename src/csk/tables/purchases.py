"""Purchases: the days on which customers without a contract bought, and the gaps between.

One rule: payments of one day are one purchase; a refund is money but not a purchase.
"""

from datetime import date

import polars as pl

from csk.engine.protocol import Tables
from csk.facts.payments import purchase_days

N_STATES = 6
"""Purchases so far, the last state standing for that many and more."""


def histories(tables: Tables, as_of: date) -> pl.LazyFrame:
    """Return one row per customer with any payment before `as_of`.

    `n_purchases` (days with a payment that is no refund), `first_purchase_on` and
    `last_purchase_on` (null where there were only refunds), `first_paid_on` (refunds too),
    `realised_amount` (all money, net), `purchase_amount` (net money of purchase days),
    `n_payments`, `n_refunds`, and `realised_margin_amount` where payments know their margin.
    """
    bought = pl.col("n_payments") > 0
    day = pl.when(bought).then("paid_on")
    days = purchase_days(tables["payments"], as_of)
    has_margin = "margin_amount" in days.collect_schema().names()
    margin = {"realised_margin_amount": pl.col("margin_amount").sum()} if has_margin else {}
    return (
        days.group_by("customer_id")
        .agg(
            n_purchases=bought.cast(pl.Int64).sum(),
            first_purchase_on=day.min(),
            last_purchase_on=day.max(),
            first_paid_on=pl.col("paid_on").min(),
            realised_amount=pl.col("amount").sum(),
            purchase_amount=pl.when(bought).then("amount").otherwise(0).sum(),
            n_payments=pl.col("n_payments").sum().cast(pl.Int64),
            n_refunds=pl.col("n_refunds").sum().cast(pl.Int64),
            **margin,
        )
    )


def gap_counts(tables: Tables, as_of: date) -> pl.LazyFrame:
    """Return how often a silence of so many days ended in a purchase, by purchases so far.

    Key `state` (1 to `N_STATES`) and `days`; `n_bought` gaps that a purchase closed and
    `n_censored` last gaps still open (days from the last purchase to `as_of`).
    """
    days = (
        purchase_days(tables["payments"], as_of)
        .filter(pl.col("n_payments") > 0)
        .select("customer_id", "paid_on")
        .sort("customer_id", "paid_on")
        .with_row_index("row")
    )
    is_first = pl.col("customer_id") != pl.col("customer_id").shift(1)
    is_last = pl.col("customer_id") != pl.col("customer_id").shift(-1)
    first_row = pl.when(is_first.fill_null(value=True)).then("row").forward_fill()
    following = pl.when(~is_last.fill_null(value=True)).then(pl.col("paid_on").shift(-1))
    silence = (following.fill_null(as_of) - pl.col("paid_on")).dt.total_days()
    is_open = following.is_null()
    return (
        days.select(
            state=pl.min_horizontal(pl.col("row") - first_row + 1, N_STATES).cast(pl.Int32),
            days=silence.cast(pl.Int32),
            n_bought=(~is_open).cast(pl.Int64),
            n_censored=is_open.cast(pl.Int64),
        )
        .group_by("state", "days")
        .agg(pl.col("n_bought", "n_censored").sum())
    )
