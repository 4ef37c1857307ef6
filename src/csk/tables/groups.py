"""Groups of customers: by plan, or by a column of the customers table.

One rule: rows keep their order, as what follows is told by its neighbours.
"""

import polars as pl

from csk.engine.protocol import Tables


def grouped(rows: pl.LazyFrame, tables: Tables, by: str) -> pl.LazyFrame:
    """Add `group`: the row's plan, or its customer's attribute `by`; null for `none` or nothing."""
    if by == "plan":
        return rows.with_columns(group=pl.col("plan"))
    if by in ("", "none"):
        return rows.with_columns(group=pl.lit(None, dtype=pl.String))
    attributes = tables["customers"].select("customer_id", group=pl.col(by).cast(pl.String))
    return rows.join(attributes, on="customer_id", how="left", maintain_order="left")
