"""A key and a day as one whole number.

One rule: keys are numbered as they come and a later key has larger numbers than an earlier one, so
that a sort, a running maximum or the difference of neighbours never mixes two of them.
"""

from collections.abc import Sequence
from typing import Final

import polars as pl

DAYS: Final = 1 << 22
"""Numbers of one key; day 1 of year 1 is the first, 9999-12-31 the 3,652,059th."""
_EPOCH: Final = 719_163
"""Day of 1970-01-01 among them."""


def key_no(key: Sequence[str]) -> pl.Expr:
    """Return the number of each row's key; rows of one key must lie together, nulls are alike."""
    is_other = (pl.col(name).ne_missing(pl.col(name).shift(1)) for name in key)
    return pl.any_horizontal(is_other).cast(pl.Int64).cum_sum()


def moment(number: pl.Expr, day: pl.Expr) -> pl.Expr:
    """Return a key's number and a day as one number; null where the day is."""
    return number * DAYS + day.to_physical().cast(pl.Int64) + _EPOCH


def day_of(moment: pl.Expr) -> pl.Expr:
    """Return the day of a moment."""
    return (moment % DAYS - _EPOCH).cast(pl.Int32).cast(pl.Date)


def key_of(moment: pl.Expr) -> pl.Expr:
    """Return the number of the key of a moment."""
    return moment // DAYS


def starts(moment: pl.Expr) -> pl.Expr:
    """Tell which rows are the first of their key."""
    return (key_of(moment) != key_of(moment.shift(1))).fill_null(value=True)


def since_key(total: str) -> pl.Expr:
    """Return what a running total over all rows has grown since its key began (`is_first`)."""
    before = pl.when("is_first").then(pl.col(total).shift(1).fill_null(0)).forward_fill()
    return pl.col(total) - before


def since_before(total: str) -> pl.Expr:
    """Return what a running total over all rows has grown since the row before."""
    return pl.col(total) - pl.col(total).shift(1).fill_null(0)
