"""Age of a customer in ticks, as Polars expressions.

One rule: `age` here and `csk.calendar.tick` give the same number for every pair of days.
"""

from datetime import date

import polars as pl

from csk.calendar import TICKS_PER_MONTH


def age(start: pl.Expr, day: pl.Expr | date) -> pl.Expr:
    """Return the ticks from `start` to the start of `day`, Int32; null where either is null."""
    day = pl.lit(day) if isinstance(day, date) else day
    months = (day.dt.year() - start.dt.year()).cast(pl.Int32) * 12
    months = months + day.dt.month().cast(pl.Int32) - start.dt.month().cast(pl.Int32)
    start_day = start.dt.day().cast(pl.Int32)
    this_day = day.dt.day().cast(pl.Int32)
    anniversary = pl.min_horizontal(start_day, day.dt.days_in_month().cast(pl.Int32))
    before = day.dt.month_start().dt.offset_by("-1d").dt.day().cast(pl.Int32)
    since = this_day + before - pl.min_horizontal(start_day, before)
    return (
        pl.when(this_day >= anniversary)
        .then(months * TICKS_PER_MONTH + this_day - anniversary)
        .otherwise((months - 1) * TICKS_PER_MONTH + since)
    )
