"""Payments of one customer and day that no question tells apart, added up while they are stored.

One rule: what is added up are neighbours alike in all but money, of one sign: the rows are those
of `csk.facts.daily.payment_days`, so every answer is that of the payments one by one.
"""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import numpy as np
import polars as pl

Merging: TypeAlias = Callable[[pl.DataFrame], pl.DataFrame]
"""Brings sorted rows of a table down to fewer that say the same."""

_MONEY: Final = ("amount", "margin_amount")
_COUNTS: Final = ("n_payments", "n_refunds")


def merged_payments(rows: pl.DataFrame) -> pl.DataFrame:
    """Return stored payments with neighbours that differ in money alone added up, in order.

    `n_payments` and `n_refunds` say what a row adds up; rows of different sign stay apart, so that
    a refund does not hide a payment, nor the other way round.
    """
    has_counts = any(name in rows.columns for name in _COUNTS)
    if has_counts:
        rows = rows.with_columns(_counts(rows))
    sums = [name for name in rows.columns if name in _MONEY + _COUNTS]
    same = [pl.col(name) for name in rows.columns if name not in sums]
    is_first = rows.select(
        pl.any_horizontal(
            value.ne_missing(value.shift(1)) for value in (*same, pl.col("amount").sign())
        ).alias("is_first")
    )["is_first"]
    first = np.flatnonzero(is_first.to_numpy())
    merged = rows.filter(is_first).with_columns(
        pl.Series(name, np.add.reduceat(rows[name].fill_null(0).to_numpy(), first)) for name in sums
    )
    if has_counts:
        return merged
    of_each = pl.lit(pl.Series(np.diff(first, append=rows.height), dtype=pl.Int64))
    is_refund = pl.col("amount") < 0
    return merged.with_columns(
        n_payments=pl.when(is_refund).then(0).otherwise(of_each),
        n_refunds=pl.when(is_refund).then(of_each).otherwise(0),
    )


def _counts(rows: pl.DataFrame) -> list[pl.Expr]:
    """Return how many payments and refunds each row adds up: what it says, else itself."""
    is_refund = (pl.col("amount") < 0).cast(pl.Int64)
    alone = dict(zip(_COUNTS, (1 - is_refund, is_refund), strict=True))
    return [
        (pl.coalesce(name, value) if name in rows.columns else value).cast(pl.Int64).alias(name)
        for name, value in alone.items()
    ]


MERGED: Final[Mapping[str, Merging]] = {"payments": merged_payments}
"""How rows of a table are added up as they are stored, by table."""
