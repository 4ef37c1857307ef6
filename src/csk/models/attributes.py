"""What customers can be grouped by: a column that csk gives them, or one of their own table.

One rule: a column is text, and rows keep their order.
"""

from typing import Final

import polars as pl

from csk.book import Book
from csk.engine.protocol import Engine
from csk.errors import UsageError

COHORT: Final = "cohort"
"""The name of the calendar year in which customers came."""
_OWN: Final = {
    "plan": "plan",
    "tier": "tier",
    "stage": "lifecycle_stage",
    "cell": "value_risk_cell",
    "segment": "rfm_segment",
}
"""Columns that csk itself gives customers, by what they are called in a question."""


def attribute(book: Book, engine: Engine, customers: pl.DataFrame, column: str) -> pl.Series:
    """Return a column of the snapshot, or of the customers table, as text by customer.

    UsageError where there is none of this name, or csk's own is null of everybody.
    """
    if column == COHORT:
        return customers["customer_since_on"].dt.year().cast(pl.String)
    own = [
        asked
        for asked, name in _OWN.items()
        if name in customers.columns and customers[name].is_not_null().any()
    ]
    if column in own:
        return customers[_OWN[column]].cast(pl.String)
    table = book.tables.get("customers")
    known = [name for name in (table.columns if table else ()) if name != "customer_id"]
    if column not in known:
        raise UsageError(
            f"There are no groups by {column!r}.",
            hint=f"There are: {', '.join(dict.fromkeys([*own, COHORT, *known]))}.",
        )
    attributes = engine.collect(
        book,
        lambda tables: tables["customers"].select(
            "customer_id", group=pl.col(column).cast(pl.String)
        ),
        ["customer_id"],
    ).unique("customer_id", keep="last", maintain_order=True)
    rows = customers.select("customer_id")
    return rows.join(attributes, on="customer_id", how="left", maintain_order="left")["group"]
