"""Rows that add up several of a wide table, as those of a cluster do: how many each stands for.

One rule: a row that does not say is one; what counts rows counts what they stand for.
"""

from collections.abc import Collection, Mapping
from typing import Final

import polars as pl

MERGED: Final[Mapping[str, tuple[str, ...]]] = {
    "payments": ("n_payments", "n_refunds"),
    "usage": ("n_events",),
    "mrr_events": ("n_changes",),
    "tickets": ("n_tickets",),
}
"""Columns that say what a row adds up, by table."""


def number_of(names: Collection[str], table: str) -> pl.Expr:
    """Return the rows that each row of a table with these columns stands for, as Int64.

    To be put beside its columns: where all stand for themselves it is one value.
    """
    counts = [pl.col(name) for name in MERGED.get(table, ()) if name in names]
    if not counts:
        return pl.lit(1, dtype=pl.Int64)
    is_silent = pl.all_horizontal(count.is_null() for count in counts)
    said = pl.sum_horizontal(count.clip(lower_bound=0).fill_null(0) for count in counts)
    return pl.when(is_silent).then(1).otherwise(said).cast(pl.Int64)


def rows_of(frame: pl.DataFrame, table: str) -> pl.Series:
    """Return the rows that each row of a frame stands for."""
    if not _says(frame, table):
        return pl.repeat(1, frame.height, dtype=pl.Int64, eager=True)
    return frame.select(number_of(frame.columns, table).alias("n"))["n"]


def n_rows(frame: pl.DataFrame, table: str) -> int:
    """Return the rows that a frame stands for."""
    return int(rows_of(frame, table).sum()) if _says(frame, table) else frame.height


def _says(frame: pl.DataFrame, table: str) -> bool:
    return any(name in frame.columns for name in MERGED.get(table, ()))
