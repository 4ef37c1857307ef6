"""Landmarks that an event bears on, found by counting days instead of by joining.

One rule: landmarks lie 28 days or a multiple apart, so that the number of one is a division; what
happened on a day is known to the landmarks after it, never to that of the same day.
"""

from collections.abc import Sequence
from datetime import date
from typing import Final

import polars as pl

from csk.facts.usage import PERIOD_DAYS

ROW: Final = ("customer_id", "period_no")
"""What tells the rows of a panel apart: the customer, and the 28-day steps to the last landmark."""


def landmark_on(days: Sequence[date]) -> pl.Expr:
    """Return the day of a landmark from its `period_no`."""
    step = pl.col("period_no").cast(pl.Int32) * PERIOD_DAYS
    return (pl.lit(days[-1]).to_physical() - step).cast(pl.Date)


def days_since(day: pl.Expr | str) -> pl.Expr:
    """Return the days from `day` to the landmark of the row, Int32."""
    day = pl.col(day) if isinstance(day, str) else day
    return pl.col("landmark_on").to_physical() - day.to_physical()


def later(day: pl.Expr | str, n_days: int) -> pl.Expr:
    """Return the day so many days after `day`, before it where they are negative."""
    day = pl.col(day) if isinstance(day, str) else day
    return (day.to_physical() + n_days).cast(pl.Date)


def whole(counts: pl.Expr, per_unit: int) -> pl.Expr:
    """Return counts in units of `per_unit` of them, Float64.

    A division by one number is rounded otherwise in a frame of one row than in one of many; a
    product is not, and whole units are exact.
    """
    return counts // per_unit + (counts % per_unit) * (1 / per_unit)


def borne_on(
    rows: pl.LazyFrame, days: Sequence[date], after: pl.Expr, until: pl.Expr | None = None
) -> pl.LazyFrame:
    """Repeat each row for every landmark of `days` in (after, until]; no `until` is for ever.

    Adds `period_no` Int32 and `landmark_on`. ValueError where `days` do not lie on the step.
    """
    apart = [(days[-1] - day).days for day in days]
    if any(n % PERIOD_DAYS for n in apart):
        message = f"landmarks must lie {PERIOD_DAYS} days apart"
        raise ValueError(message)
    numbers = [n // PERIOD_DAYS for n in apart]
    last = (days[-1] - date(1970, 1, 1)).days
    past = pl.min_horizontal((last - after.to_physical() - 1) // PERIOD_DAYS, max(numbers)) + 1
    first = pl.lit(0, dtype=pl.Int32)
    if until is not None:
        ended = -((until.to_physical() - last) // PERIOD_DAYS)
        first = pl.max_horizontal(ended, 0).fill_null(0)
    steps = pl.int_ranges(first, pl.max_horizontal(past, first), dtype=pl.Int32)
    repeated = rows.with_columns(period_no=steps).explode("period_no", empty_as_null=False)
    if len(numbers) <= max(numbers):
        repeated = repeated.filter(pl.col("period_no").is_in(numbers))
    return repeated.with_columns(landmark_on=landmark_on(days))


def following(day: str, key: str = "customer_id") -> pl.Expr:
    """Return the day of the next row of the same customer; null for the last.

    Rows lie by customer and day.
    """
    is_same = (pl.col(key) == pl.col(key).shift(-1)).fill_null(value=False)
    return pl.when(is_same).then(pl.col(day).shift(-1))


def last_before(
    rows: pl.LazyFrame, days: Sequence[date], day: str, known_on: str | None = None
) -> pl.LazyFrame:
    """Return, by customer and landmark, the last row before it; rows lie by customer and day.

    `known_on` is the column of the days on which rows came to be known, none before its own: one
    bears on a landmark from that day on, and until a later row is known.
    """
    if known_on is None:
        until = rows.with_columns(until=following(day))
        return borne_on(until, days, pl.col(day), pl.col("until")).drop("until", "landmark_on")
    # Of all later rows the one that was known first takes its place, not the very next.
    first_known = pl.col(known_on).cum_min(reverse=True).over("customer_id")
    until = rows.with_columns(first_known=first_known).with_columns(until=following("first_known"))
    borne = borne_on(until, days, pl.col(known_on), pl.col("until"))
    return borne.drop("until", "first_known", "landmark_on", known_on)


def known_on(rows: pl.LazyFrame, day: str) -> pl.Expr:
    """Return the day from whose end on a row is known: that of `known_at` where it is later."""
    own = pl.col(day).cast(pl.Date)
    if "known_at" not in rows.collect_schema().names():
        return own
    return pl.max_horizontal(own, pl.col("known_at").cast(pl.Date))


def within(window: int, day: str) -> pl.Expr:
    """Tell whether `day` lies in the `window` days before the landmark; it lies before it."""
    return days_since(day) <= window
