"""Whose usage falls: levels of the last days against a customer's own, and since when.

One rule: a fall is called one where it is larger than the customer's own ups and downs make the
largest of all splits, and large enough to matter.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from csk.facts.usage import THOUSANDTHS
from csk.stats import falls
from csk.tables.usage import DAYS, PERIOD_DAYS, SHARE_PARTS, Watch

FALSE_ALARMS: Final = 0.05
"""Share of customers with steady usage that may be called falling."""
LEAST_BASELINE: Final = 28
"""Days of a customer's own that a level is held against, at the least."""
LEAST_PROFILE: Final = 50
"""Customers of a plan that tell its week; with fewer, the week is that of the book."""
SEVERITIES: Final = ("none", "mild", "marked", "severe")
_WEEK: Final = 7

MEASURES: Final = {
    "customer_id": pl.String(),
    "plan": pl.String(),
    "mrr_amount": pl.Int64(),
    "started_on": pl.Date(),
    "last_on": pl.Date(),
    "features": pl.List(pl.String()),
    "told": pl.String(),
    "n_now": pl.Float64(),
    "n_previous": pl.Float64(),
    "n_steady": pl.Float64(),
    "steady_days": pl.Float64(),
    "fall_day": pl.Int64(),
    "deviance": pl.Float64(),
    "n_above": pl.Float64(),
    "n_below": pl.Float64(),
    "above_days": pl.Float64(),
    "below_days": pl.Float64(),
    "pearson": pl.Float64(),
    "long_pearson": pl.Float64(),
    "degrees": pl.Float64(),
    "long_degrees": pl.Float64(),
    "odds": pl.Float64(),
}
"""What is kept of a customer's days."""


class Week(NamedTuple):
    """What each weekday is worth, from Monday on; 1 on the mean."""

    worth: tuple[float, ...]
    n_customers: int


def weeks(sums: pl.DataFrame) -> dict[str, Week]:
    """Return the weeks of the plans that have enough customers, and under "" that of the book.

    `sums` are those of `csk.tables.usage.weekday_shares`. A day is never worth less than a
    hundredth, so that use on a day on which nobody works stays possible.
    """
    found = {"": _week(sums)}
    for (plan,), part in sums.group_by("plan", maintain_order=True):
        week = _week(part)
        if plan and week.n_customers >= LEAST_PROFILE:
            found[str(plan)] = week
    return found


def _week(sums: pl.DataFrame) -> Week:
    by_day = dict(sums.group_by("weekday").agg(pl.col("n_shares").sum()).iter_rows())
    shares = np.array([float(by_day.get(day, 0)) for day in range(1, _WEEK + 1)])
    total = shares.sum()
    worth = np.maximum(shares / total * _WEEK, 0.01) if total else np.ones(_WEEK)
    worth = worth / worth.mean()
    return Week(tuple(float(v) for v in worth), round(total / SHARE_PARTS))


def measured(rows: pl.DataFrame, week_of: Mapping[str, Week], watch: Watch) -> pl.DataFrame:
    """Return what is kept of the days of customers (see `csk.tables.usage.customer_days`)."""
    parts = [
        _measured(part, week_of[str(key[0])], watch)
        for key, part in rows.with_columns(
            week=pl.when(pl.col("plan").is_in(list(week_of))).then("plan").otherwise(pl.lit(""))
        ).group_by("week", maintain_order=True)
    ]
    empty = pl.DataFrame(schema=MEASURES)
    return pl.concat([empty, *parts])


def _measured(rows: pl.DataFrame, week: Week, watch: Watch) -> pl.DataFrame:
    n = rows.height
    lists = rows.with_row_index("row").select("row", "days", "counts").explode("days", "counts")
    said = lists.drop_nulls()
    counts = falls.dense(
        said["row"].to_numpy(),
        said["days"].to_numpy(),
        said["counts"].to_numpy() / THOUSANDTHS,
        (n, DAYS),
    )
    # The last of the days is the eve of as_of.
    weekday = (watch.as_of.weekday() - DAYS + np.arange(DAYS)) % _WEEK
    first = np.clip(rows["first_day"].to_numpy(), 0, DAYS)
    of = falls.falls(counts, np.asarray(week.worth)[weekday], first)
    is_steady = (np.arange(DAYS) >= first[:, None]) & (np.arange(DAYS) < DAYS - PERIOD_DAYS)
    return rows.select(
        "customer_id", "plan", "mrr_amount", "started_on", "last_on", "features", "told"
    ).with_columns(
        n_now=counts[:, -PERIOD_DAYS:].sum(axis=1),
        n_previous=counts[:, -2 * PERIOD_DAYS : -PERIOD_DAYS].sum(axis=1),
        n_steady=(counts * is_steady).sum(axis=1),
        steady_days=is_steady.sum(axis=1).astype(np.float64),
        fall_day=of.day,
        deviance=of.deviance,
        n_above=of.before,
        n_below=of.after,
        above_days=of.before_days,
        below_days=of.after_days,
        pearson=of.pearson[:, 0],
        long_pearson=of.pearson[:, 1],
        degrees=of.degrees[:, 0],
        long_degrees=of.degrees[:, 1],
        odds=of.reach,
    )


def trends(measures: pl.DataFrame, watch: Watch, least: tuple[float, float, float]) -> pl.DataFrame:
    """Return the trend of each customer, given the measures of all; the spread is judged together.

    `usage_28d`, `usage_previous_28d` (null where the customer was not there all of it),
    `usage_baseline_28d` (before the fall; without one, of all days before the last 28; null where
    these are too few), `change_rate` with `change_low` and `change_high` (since the fall, else of
    the last 28 days, over the baseline), `changed_on`, `is_falling`, `severity` (by `least`, the
    shares lost from which it is mild, marked, severe), `p_value`.
    """
    of = _falls(measures)
    phi = falls.dispersions(of)
    p = falls.p_values(of, phi)
    now, previous, steady, steady_days = (
        measures[name].to_numpy() for name in ("n_now", "n_previous", "n_steady", "steady_days")
    )
    stood = np.where(of.before_days > 0, of.before / np.maximum(of.before_days, 1e-9), 0.0)
    fallen = np.where(of.after_days > 0, of.after / np.maximum(of.after_days, 1e-9), 0.0)
    lost = 1.0 - np.divide(fallen, stood, out=np.ones_like(stood), where=stood > 0)
    lasts = now <= (1.0 - least[0]) * PERIOD_DAYS * stood
    is_falling = (of.day >= 0) & (p < FALSE_ALARMS) & (lost >= least[0]) & lasts
    has_own = steady_days >= LEAST_BASELINE
    own = np.where(has_own, steady / np.maximum(steady_days, 1.0), np.nan)
    base = np.where(is_falling, stood, own) * PERIOD_DAYS
    days = np.full(len(now), float(PERIOD_DAYS))
    after = np.where(is_falling, of.after, now), np.where(is_falling, of.after_days, days)
    before = (
        np.where(is_falling, of.before, steady),
        np.where(is_falling, of.before_days, steady_days),
    )
    low, high = falls.ratios(after, before, phi)
    told = np.isfinite(base) & (base > 0)
    level = after[0] / np.maximum(after[1], 1e-9) * PERIOD_DAYS
    rate = np.where(told, level / np.where(told, base, 1.0) - 1.0, np.nan)
    severity = np.where(is_falling, (lost[:, None] >= np.asarray(least)).sum(axis=1), 0)
    begun = pl.max_horizontal("started_on", pl.lit(watch.usage_from))
    was_there = begun <= watch.as_of - timedelta(2 * PERIOD_DAYS)
    return measures.with_columns(
        usage_28d=now,
        usage_previous_28d=pl.when(was_there).then(pl.Series(previous)),
        usage_baseline_28d=pl.Series(base).fill_nan(None),
        change_rate=pl.Series(rate).fill_nan(None),
        change_low=pl.Series(np.where(told, low - 1.0, np.nan)).fill_nan(None),
        change_high=pl.Series(np.where(told, high - 1.0, np.nan)).fill_nan(None),
        changed_on=pl.when(pl.Series(is_falling)).then(
            # Where nothing came after, the day after the last use says it to the day.
            pl.when(pl.Series(of.after <= 0))
            .then(pl.col("last_on").dt.offset_by("1d"))
            .otherwise(pl.lit(watch.starts_on) + pl.duration(days=pl.col("fall_day")))
        ),
        is_falling=pl.Series(is_falling),
        severity=pl.Series([SEVERITIES[i] for i in severity], dtype=pl.String),
        p_value=pl.Series(p),
    )


def _falls(measures: pl.DataFrame) -> falls.Falls:
    def of(name: str) -> falls.Floats:
        return measures[name].to_numpy()

    return falls.Falls(
        day=measures["fall_day"].to_numpy(),
        deviance=of("deviance"),
        before=of("n_above"),
        after=of("n_below"),
        before_days=of("above_days"),
        after_days=of("below_days"),
        pearson=np.stack([of("pearson"), of("long_pearson")], axis=1),
        degrees=np.stack([of("degrees"), of("long_degrees")], axis=1),
        reach=of("odds"),
    )
