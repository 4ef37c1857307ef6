"""Stretches of contracts with what was known of their customers: rows for models of leaving.

One rule: what a row says of a customer was known before the row is at risk.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import polars as pl

from csk.engine.protocol import Tables
from csk.facts.usage import THOUSANDTHS
from csk.tables.groups import grouped
from csk.tables.spells import contracts, exposures, spells

FIRST_DAYS: Final = 28
"""Days of a contract whose usage may explain what comes after them."""


@dataclass(frozen=True, slots=True)
class Watch:
    """From when to when a book is watched, and what is asked of its customers."""

    data_from: date
    as_of: date
    grace_days: int
    columns: Sequence[str] = ()
    """Columns of the customers table."""
    usage_from: date | None = None
    """First day of usage; null where usage is not asked for."""
    one_in: int = 1
    """Of so many customers one is read."""


def watched(tables: Tables, watch: Watch) -> pl.LazyFrame:
    """Return a row for each stretch of a contract: ages, cause, plan, and columns of the customer.

    As `exposures` by plan, with `plan` and, where usage is asked for, `n`: things done in the
    first 28 days, null where the usage file begins later. Such a row is at risk only after those
    days, and a contract that ended in them is not told.
    """
    rows = contracts(tables, watch.as_of, watch.grace_days)
    if watch.one_in > 1:
        rows = rows.filter(pl.col("customer_id").hash() % watch.one_in == 0)
    rows = grouped(rows, tables, "plan")
    stretches = exposures(rows, watch.data_from, watch.as_of).rename({"group": "plan"})
    if watch.usage_from is not None:
        begun = _begun(spells(rows), tables["usage"], watch.usage_from)
        stretches = stretches.join(begun, on=["customer_id", "spell_no"], how="left").with_columns(
            entry_age=pl.max_horizontal("entry_age", pl.lit(FIRST_DAYS, dtype=pl.Int32))
        )
        stretches = stretches.filter(pl.col("exit_age") > pl.col("entry_age"))
    if watch.columns:
        told = tables["customers"].select("customer_id", *watch.columns)
        stretches = stretches.join(told, on="customer_id", how="left")
    return stretches


def _begun(whole: pl.LazyFrame, usage: pl.LazyFrame, usage_from: date) -> pl.LazyFrame:
    """Return what was done in the first days of each spell, summed in thousandths: exactly."""
    one = pl.lit(THOUSANDTHS, dtype=pl.Int64)
    said = (pl.col("quantity") * THOUSANDTHS + 0.5).floor().cast(pl.Int64).fill_null(one)
    has_quantity = "quantity" in usage.collect_schema()
    done = usage.select("customer_id", "used_at", n=said if has_quantity else one)
    start, day = pl.col("spell_started_on"), pl.col("used_at").dt.date()
    starts = whole.select("customer_id", "spell_no", spell_started_on="started_on")
    early = (
        starts.join(done, on="customer_id", how="inner")
        .filter(day >= start, day < start.dt.offset_by(f"{FIRST_DAYS}d"))
        .group_by("customer_id", "spell_no")
        .agg(pl.col("n").sum())
    )
    return starts.join(early, on=["customer_id", "spell_no"], how="left").select(
        "customer_id",
        "spell_no",
        n=pl.when(start >= usage_from).then((pl.col("n") / THOUSANDTHS).fill_null(0.0)),
    )
