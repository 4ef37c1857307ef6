"""Who of a cross-section is like those that left: no forecast, as there is no time in it.

One rule: a customer's chance comes from models that never saw this customer.
"""

from dataclasses import dataclass

import polars as pl

from csk.book import Book
from csk.engine.protocol import Engine
from csk.models.risk import snapshot_mode
from csk.models.risk.snapshot_mode import SnapshotRisk
from csk.schema import SNAPSHOT_RISK, Table


@dataclass(frozen=True, slots=True)
class Alike:
    """Customers of a cross-section with their chances."""

    book: Book
    risk: SnapshotRisk
    customers: pl.DataFrame
    """Columns of `table`, in the order of the rows that were read."""
    table: Table = SNAPSHOT_RISK


def snapshot_risk(book: Book, engine: Engine) -> Alike:
    """Return how like those that left everybody is; ModelError where too few left or stayed."""
    columns = book.tables["cross_section"].columns
    order = ["customer_id"] if "customer_id" in columns else list(columns)
    rows = engine.collect(book, lambda tables: tables["cross_section"], order)
    risk = snapshot_mode.snapshot_risk(rows)
    told = risk.customers
    if "customer_id" not in told.columns:
        told = told.with_columns(customer_id=pl.lit(None, pl.String))
    numbered = told.with_columns(row_no=pl.int_range(1, pl.len() + 1, dtype=pl.Int64))
    return Alike(book, risk, numbered.select(SNAPSHOT_RISK.names))
