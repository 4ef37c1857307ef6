"""Exports with a row for each line of an order, what is the whole order's on all or the first.

One rule: what is the whole order's counts once, on its first row, wherever the other lines stand.
"""

from typing import Final

import polars as pl

PLUS: Final = "plus "
LESS: Final = "less "
"""How the names of typed columns begin that are added to the amount of their row, or taken off."""


class OrderLines:
    """Tells the further lines of orders seen before, over all batches of one file."""

    def __init__(self, column: str) -> None:
        self.column = column
        self._seen = pl.Series(dtype=pl.String)

    def again(self, rows: pl.DataFrame) -> pl.Series:
        """Mark the rows whose order has been seen; a row without an order is its own."""
        orders = rows[self.column].cast(pl.String)
        is_new = orders.is_first_distinct() & ~orders.is_in(self._seen, nulls_equal=True)
        self._seen = pl.concat([self._seen, orders.filter(is_new).drop_nulls()])
        return ~is_new & orders.is_not_null()


def has_plus(frame: pl.DataFrame) -> bool:
    """Tell whether amounts are those of single lines, with more for the whole order."""
    return any(name.startswith(PLUS) for name in frame.columns)


def with_extras(frame: pl.DataFrame, again: pl.Series | None) -> pl.DataFrame:
    """Add to `amount` what is the whole order's, but not `again`, and take off what goes off."""
    plus = [pl.col(name).fill_null(0) for name in frame.columns if name.startswith(PLUS)]
    less = [pl.col(name).fill_null(0) for name in frame.columns if name.startswith(LESS)]
    if not plus and not less:
        return frame
    once = pl.lit(again) if again is not None else pl.lit(value=False)
    more = pl.when(once).then(0).otherwise(pl.sum_horizontal(0, *plus))
    return frame.with_columns(amount=pl.col("amount") + more - pl.sum_horizontal(0, *less))
