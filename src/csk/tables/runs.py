"""Purchase days of payments that lie sorted by customer and day, as the store keeps them.

One rule: the rows are those of `csk.facts.payments.purchase_days`, which needs no order and is
what other engines run; here neighbours are compared instead of hashed, at a third of the cost.
"""

from datetime import date

import polars as pl


def sorted_purchase_days(payments: pl.LazyFrame, as_of: date) -> pl.LazyFrame:
    """Merge the payments of a customer on one day, in the order of the rows.

    `payments` must have each customer's rows in one run, by day; columns and result are those of
    `csk.facts.payments.purchase_days`, sorted as the store is.
    """
    names = payments.collect_schema().names()
    money = ["amount", "margin_amount"] if "margin_amount" in names else ["amount"]
    refund = (pl.col("amount") < 0).cast(pl.Int64)
    alone = {"n_payments": 1 - refund, "n_refunds": refund}
    counted = {
        name: pl.coalesce(name, value) if name in names else value for name, value in alone.items()
    }
    is_last = pl.any_horizontal(
        (pl.col(name) != pl.col(name).shift(-1)).fill_null(value=True)
        for name in ("customer_id", "paid_on")
    )
    running = [
        *(pl.col(name).cum_sum() for name in money),
        *(value.cum_sum().alias(name) for name, value in counted.items()),
    ]
    sums = [*money, *counted]
    return (
        payments.filter(pl.col("paid_on") < as_of)
        .select("customer_id", "paid_on", *running, is_last=is_last)
        .filter("is_last")
        .select(
            "customer_id", "paid_on", *(pl.col(n) - pl.col(n).shift(1).fill_null(0) for n in sums)
        )
    )


def run_starts(column: str = "customer_id") -> pl.Expr:
    """Tell which rows begin a run of equal values of `column`."""
    return (pl.col(column) != pl.col(column).shift(1)).fill_null(value=True)


def run_ends(column: str = "customer_id") -> pl.Expr:
    """Tell which rows end a run of equal values of `column`."""
    return (pl.col(column) != pl.col(column).shift(-1)).fill_null(value=True)
