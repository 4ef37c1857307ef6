"""Exports with a row for each line of an order, the order's total on all of them or the first.

One rule: a total counts once, on the first row of its order, wherever the other lines stand.
"""

import polars as pl


class OrderLines:
    """Tells the further lines of orders seen before, over all batches of one file."""

    def __init__(self, column: str) -> None:
        self.column = column
        self._seen: set[object] = set()

    def again(self, rows: pl.DataFrame) -> pl.Series:
        """Mark the rows whose order has been seen; a row without an order is its own."""
        orders = rows[self.column]
        known = orders.is_in(list(self._seen)) if self._seen else pl.lit(value=False)
        marked = pl.select(again=(~pl.lit(orders.is_first_distinct()) | known)).to_series()
        self._seen.update(orders.drop_nulls().unique().to_list())
        return marked & orders.is_not_null()
