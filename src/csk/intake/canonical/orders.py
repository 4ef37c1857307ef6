"""Exports with a row for each line of an order, what is the whole order's on all or the first.

One rule: what is the whole order's counts once, on its first row, wherever the other lines stand.
"""

from typing import Final

import numpy as np
import polars as pl

_SEEDS: Final = (6, 7)

PLUS: Final = "plus "
LESS: Final = "less "
"""How the names of typed columns begin that are added to the amount of their row, or taken off."""


class OrderLines:
    """Tells the further lines of orders seen before, over all batches of one file.

    Orders are remembered by two hashes, sorted by the first: an export has millions of them.
    """

    def __init__(self, column: str) -> None:
        self.column = column
        self._high = np.empty(0, dtype=np.uint64)
        self._low = np.empty(0, dtype=np.uint64)

    def again(self, rows: pl.DataFrame) -> pl.Series:
        """Mark the rows whose order has been seen; a row without an order is its own."""
        orders = rows[self.column].cast(pl.String)
        high, low = (orders.hash(seed).to_numpy() for seed in _SEEDS)
        first = (orders.is_first_distinct() & orders.is_not_null()).to_numpy()
        # In the order of their hashes, so that looking them up goes through memory once.
        order = np.argsort(high)
        order = order[first[order]]
        at = np.searchsorted(self._high, high[order])
        is_new = np.ones(len(order), dtype=np.bool_)
        near = at < len(self._high)
        here = at[near]
        is_new[near] = (self._high[here] != high[order][near]) | (
            self._low[here] != low[order][near]
        )
        new = order[is_new]
        self._high = np.insert(self._high, at[is_new], high[new])
        self._low = np.insert(self._low, at[is_new], low[new])
        marks = np.ones(len(orders), dtype=np.bool_)
        marks[new] = False
        return pl.Series("again", marks) & orders.is_not_null()


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
