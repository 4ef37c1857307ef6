"""Contracts out of a log of changes of recurring revenue (Stripe Sigma's shape).

One rule: what changes on one day on one contract is one change, so the end of one item and the
start of another on the same day is a change of price, no end.
"""

from dataclasses import replace

import polars as pl

from csk.book import Book, StoredTable
from csk.intake.canonical.rows import dtype
from csk.schema import SUBSCRIPTIONS

COLUMNS = (
    "subscription_id",
    "customer_id",
    "plan",
    "started_on",
    "ended_on",
    "mrr_amount",
    "term_months",
    "cancel_reason",
)
_LOG = "mrr_events"


def with_contracts(book: Book) -> Book:
    """Return the book with `subscriptions` made from its log of changes, where it has only that.

    Shard by shard, beside the log. The first and last days are those of the log: an end that it
    tells is as much seen as a start.
    """
    if _LOG not in book.tables or "subscriptions" in book.tables:
        return book
    (book.root / "subscriptions").mkdir(exist_ok=True)
    n_rows = 0
    for shard in range(book.n_shards):
        rows = contracts(pl.read_parquet(book.part(_LOG, shard)))
        rows.write_parquet(
            book.part("subscriptions", shard), compression="uncompressed", statistics=False
        )
        n_rows += rows.height
    log = book.tables[_LOG]
    made = StoredTable(n_rows, log.first_on, log.last_on, COLUMNS)
    return replace(book, tables={**book.tables, "subscriptions": made})


def contracts(changes: pl.DataFrame) -> pl.DataFrame:
    """Return one row for each unbroken time of a contract on one recurring amount.

    `changes` has `customer_id`, `changed_on`, `mrr_change_amount`, and perhaps
    `subscription_id` (else a customer has one contract) and `plan`; the rows have the columns of
    `subscriptions`. Of several plans of one day it is the one that rose most, or fell least, all
    its changes added up. A level of zero or less is no contract. In the order of the customers.
    """
    order = changes.select("customer_id").unique(maintain_order=True).with_row_index("order")
    has = set(changes.columns)
    given = changes.with_columns(
        subscription_id=pl.col("subscription_id" if "subscription_id" in has else "customer_id"),
        plan=pl.col("plan") if "plan" in has else pl.lit(None, dtype=pl.String),
    )
    contract = ["customer_id", "subscription_id"]
    raised = pl.col("plan").sort_by("mrr_change_amount", "plan").last()
    levels = (
        given.group_by(*contract, "changed_on", "plan")
        .agg(pl.col("mrr_change_amount").sum())
        .group_by(*contract, "changed_on")
        .agg(pl.col("mrr_change_amount").sum(), plan=raised)
        .sort(*contract, "changed_on")
        .with_columns(
            mrr_amount=pl.col("mrr_change_amount").cum_sum().over(contract),
            ended_on=pl.col("changed_on").shift(-1).over(contract),
        )
    )
    return (
        levels.filter(pl.col("mrr_amount") > 0)
        .with_columns(
            started_on=pl.col("changed_on"),
            term_months=pl.lit(1, dtype=pl.Int64),
            cancel_reason=pl.lit(None, dtype=pl.String),
        )
        .join(order, on="customer_id", how="left")
        .sort("order", "started_on", "subscription_id")
        .select(pl.col(name).cast(dtype(SUBSCRIPTIONS, name)) for name in COLUMNS)
    )
