"""One row per customer as of a day: what is known of each before any model speaks.

One rule: the same columns whether customers are bound by contracts or buy again; what a book
cannot tell is null.
"""

from datetime import date, timedelta

import polars as pl

from csk.calendar import TICKS_PER_MONTH
from csk.engine.protocol import Tables
from csk.tables.ages import age
from csk.tables.purchases import histories
from csk.tables.spells import FAR, contracts, spells


def contract_snapshot(
    tables: Tables, as_of: date, earlier_on: date, grace_days: int
) -> pl.LazyFrame:
    """Return one row per customer with a contract that started before `as_of`.

    `is_alive`, `spell_no`, `spell_started_on`, `churned_on`, `cause` of the latest spell;
    `plan`, `term_months`, `term_started_on` of the main contract (of those running, or of those
    that ended last, the latest that is no add-on); `mrr_amount` of all running contracts,
    `earlier_mrr_amount` on `earlier_on` (null for whom was no customer then);
    `realised_amount`, `n_payments`.
    """
    rows = contracts(tables, as_of, grace_days)
    whole = spells(rows)
    latest = whole.filter(pl.col("spell_no") == pl.col("spell_no").max().over("customer_id"))
    running = pl.col("ended_on").is_null()
    then = (pl.col("started_on") <= earlier_on) & (running | (pl.col("ended_on") > earlier_on))
    reach = pl.col("ended_on").fill_null(FAR)
    rank = pl.when(reach == reach.max()).then(pl.when("is_add_on").then(1).otherwise(2))
    main = rank == rank.max()
    money = rows.group_by("customer_id").agg(
        mrr_amount=pl.when(running).then("mrr_amount").otherwise(0).sum(),
        earlier_mrr_amount=pl.when(then.any()).then(
            pl.when(then).then("mrr_amount").otherwise(0).sum()
        ),
        plan=pl.col("plan").filter(main).last(),
        term_months=pl.col("term_months").fill_null(1).cast(pl.Int32).filter(main).last(),
        term_started_on=pl.col("started_on").filter(main).last(),
    )
    snapshot = latest.select(
        "customer_id",
        "spell_no",
        pl.col("started_on").alias("spell_started_on"),
        pl.col("ended_on").alias("churned_on"),
        pl.col("ended_on").is_null().alias("is_alive"),
        "cause",
    ).join(money, on="customer_id", how="left")
    return snapshot.join(_received(tables, rows, as_of), on="customer_id", how="left").with_columns(
        pl.col("realised_amount", "n_payments").fill_null(0)
    )


def _received(tables: Tables, rows: pl.LazyFrame, as_of: date) -> pl.LazyFrame:
    """Money received so far: of the payments, or where there are none, the contracts' terms."""
    if "payments" in tables:
        return histories(tables, as_of).select("customer_id", "realised_amount", "n_payments")
    term = pl.col("term_months").fill_null(1).clip(lower_bound=1).cast(pl.Int64)
    last = pl.min_horizontal(pl.col("ended_on").fill_null(as_of), pl.lit(as_of))
    served = (age(pl.col("started_on"), last) - 1).clip(lower_bound=0)
    n_terms = (served // (TICKS_PER_MONTH * term) + 1).cast(pl.Int64)
    return rows.group_by("customer_id").agg(
        realised_amount=(pl.col("mrr_amount") * term * n_terms).sum(), n_payments=n_terms.sum()
    )


def purchase_snapshot(tables: Tables, as_of: date) -> pl.LazyFrame:
    """Return one row per customer with a payment before `as_of`.

    The columns of `histories` with `recency_days` (last purchase after the first), `age_days`
    (days seen after the first purchase, up to the eve of `as_of`) and `silence_days` (from the
    last purchase to `as_of`); null where there were only refunds.
    """
    eve = pl.lit(as_of - timedelta(days=1))
    first, last = pl.col("first_purchase_on"), pl.col("last_purchase_on")
    return histories(tables, as_of).with_columns(
        recency_days=(last - first).dt.total_days().cast(pl.Int32),
        age_days=(eve - first).dt.total_days().cast(pl.Int32),
        silence_days=(pl.lit(as_of) - last).dt.total_days().cast(pl.Int32),
    )
