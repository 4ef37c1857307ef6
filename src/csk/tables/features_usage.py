"""What usage says of a customer at a landmark: how much, against before, with what, by whom.

One rule: a period of 28 days that a customer was only partly there for counts by its days.
"""

from collections.abc import Sequence
from datetime import date
from typing import Final

import polars as pl

from csk.facts.usage import PERIOD_DAYS, THOUSANDTHS, usage_counts
from csk.tables.known import Known
from csk.tables.windows import ROW, days_since, whole

N_BEFORE: Final = 6
"""Periods before the last one that make a customer's own baseline."""
MEMORY_DAYS: Final = PERIOD_DAYS * (N_BEFORE + 1)
LEAST_DAYS: Final = 7
"""Fewer days of the last period count as so many: a day says little of a month."""
HALF_DAYS: Final = PERIOD_DAYS // 2
"""Fewer days of an earlier period do not count."""
MOST_BITS: Final = 62
"""Features that one number can mark."""


def usage_by_landmark(usage: pl.LazyFrame, days: Sequence[date], known: Known) -> pl.LazyFrame:
    """Return what was used in the period before each landmark and those before it.

    By `customer_id` and `period_no`, from a customer's first use within `MEMORY_DAYS` of the
    first landmark on: `used_0` ... `used_6` (thousandths, 0 = the last period; null before the
    first use), `used_from` (first day of use in the last period), `used_last` (last day of use),
    `n_features`, `most_used` (of the last period), `used_bits` of all 7 periods for the features of
    `known.popular`, and `n_users` where there are `user_id`.
    """
    steps = (days[-1] - days[0]).days // PERIOD_DAYS
    has_users = "user_id" in usage.collect_schema().names()
    periods = _periods(usage, days[-1], steps + 1 + N_BEFORE, _bits(known))
    if has_users:
        periods = periods.join(_users(usage, days[-1], steps + 1), on=ROW, how="left")
    ordered = periods.sort("customer_id", "period_no", descending=[False, True])
    return _dense(ordered, has_users=has_users).filter(pl.col("period_no") <= steps)


def _periods(
    usage: pl.LazyFrame, last_on: date, n_periods: int, bits: dict[str, int]
) -> pl.LazyFrame:
    """Return one row per customer and period with usage."""
    by_feature = usage_counts(usage, last_on, n_periods)
    # Features of one period are told once each, so that their bits add up.
    bit = pl.col("feature").replace_strict(bits, default=0, return_dtype=pl.Int64)
    return by_feature.group_by(*ROW).agg(
        used=pl.col("quantity").sum(),
        most_used=pl.col("quantity").max(),
        n_features=pl.len().cast(pl.Int32),
        used_bits=bit.sum() if bits else pl.lit(0, dtype=pl.Int64),
        first_day=pl.col("first_day").min(),
        last_day=pl.col("last_day").max(),
    )


def _users(usage: pl.LazyFrame, last_on: date, n_periods: int) -> pl.LazyFrame:
    """Return how many people used anything in each period."""
    told = usage.filter(pl.col("user_id").is_not_null())
    by_user = usage_counts(told, last_on, n_periods, by_user=True)
    people = by_user.select(*ROW, "user_id").unique()
    return people.group_by(*ROW).agg(n_users=pl.len().cast(pl.Int32))


def _dense(periods: pl.LazyFrame, *, has_users: bool) -> pl.LazyFrame:
    """Fill the periods between and after those with usage, and look back from each of them.

    `periods` lie by customer and from the earliest on.
    """
    is_same = (pl.col("customer_id") == pl.col("customer_id").shift(-1)).fill_null(value=False)
    stop = pl.when(is_same).then(pl.col("period_no").shift(-1)).otherwise(-1)
    first = pl.col("period_no").first().over("customer_id")
    filled = (
        periods.with_columns(
            began=first, told_no="period_no", period_no=pl.int_ranges("period_no", stop, -1)
        )
        .explode("period_no", empty_as_null=False)
        .with_columns(pl.col("period_no").cast(pl.Int32))
    )
    is_told = pl.col("told_no") == pl.col("period_no")
    counted = ["used", "most_used", "n_features", "used_bits", *(["n_users"] if has_users else [])]
    quiet = filled.with_columns(
        *(pl.when(is_told).then(pl.col(name)).otherwise(0).alias(name) for name in counted),
        used_from=pl.when(is_told).then(pl.col("first_day")).cast(pl.Date),
        used_last=pl.when(pl.col("told_no") - pl.col("period_no") <= N_BEFORE)
        .then(pl.col("last_day"))
        .cast(pl.Date),
    )
    # Rows of a customer lie one period apart, so that the one n rows before is n periods before.
    n_behind = pl.col("began") - pl.col("period_no")
    back = {
        n: pl.when(n_behind >= n).then(pl.col("used").shift(n)).alias(f"used_{n}")
        for n in range(1, N_BEFORE + 1)
    }
    bits = pl.col("used_bits")
    for n in range(1, N_BEFORE + 1):
        bits = bits | pl.when(n_behind >= n).then(pl.col("used_bits").shift(n)).otherwise(0)
    return quiet.select(
        *ROW,
        pl.col("used").alias("used_0"),
        *back.values(),
        "used_from",
        "used_last",
        "most_used",
        "n_features",
        bits.alias("used_bits"),
        *(["n_users"] if has_users else []),
    )


def _bits(known: Known) -> dict[str, int]:
    """Return the bit of each popular feature; of the features beyond the 62nd there is none."""
    names = sorted({name for names in known.popular.values() for name in names})
    return {name: 1 << number for number, name in enumerate(names[:MOST_BITS])}


def usage_features(has: set[str], begun: date, known: Known) -> dict[str, pl.Expr]:
    """Return the features of usage from the columns of `usage_by_landmark` and `in_service`.

    All are null at a landmark before which the log (from `begun` on) is under 7 days long.
    """
    start = pl.max_horizontal(pl.col("spell_started_on"), pl.lit(begun))
    there = days_since(start)
    used = [pl.col(f"used_{n}").fill_null(0) for n in range(N_BEFORE + 1)]
    earlier = pl.col("used_from") < start
    here = there.clip(LEAST_DAYS, PERIOD_DAYS)
    here = pl.when(earlier).then(pl.max_horizontal(here, days_since("used_from"))).otherwise(here)
    now = used[0] / here * (PERIOD_DAYS / THOUSANDTHS)
    last = pl.max_horizontal(pl.col("used_last"), start)
    features = {
        "usage_28d": now,
        "usage_to_previous": _log_ratio(now, _mean(used[1:2], there)),
        "usage_to_baseline": _log_ratio(now, _mean(used[1:], there)),
        "days_since_use": pl.min_horizontal(days_since(last), MEMORY_DAYS),
        "features_used_28d": pl.col("n_features").fill_null(0),
        "top_feature_share_28d": pl.when(pl.col("used_0") > 0).then(
            pl.col("most_used") / pl.col("used_0")
        ),
    }
    if known.popular:
        features["features_unused"] = _unused(known)
    seats = pl.when(pl.col("n_seats") > 0).then(whole(pl.col("n_seats"), THOUSANDTHS))
    if "n_seats" in has:
        features["usage_per_seat_28d"] = now / seats
    if "n_users" in has:
        features["active_users_28d"] = pl.col("n_users").fill_null(0)
        if "n_seats" in has:
            features["active_users_per_seat"] = pl.col("n_users").fill_null(0) / seats
    is_seen = days_since(pl.lit(begun)) >= LEAST_DAYS
    return {name: pl.when(is_seen).then(value) for name, value in features.items()}


def _mean(used: Sequence[pl.Expr], there: pl.Expr) -> pl.Expr:
    """Return the usage in 28 days of the periods before the last; null where too little is seen."""
    seen = [(there - PERIOD_DAYS * n).clip(0, PERIOD_DAYS) for n in range(1, len(used) + 1)]
    counts = [days >= HALF_DAYS for days in seen]
    zero = pl.lit(0, dtype=pl.Int64)
    pairs = list(zip(counts, used, seen, strict=True))
    quantity = pl.sum_horizontal(pl.when(c).then(one).otherwise(zero) for c, one, _ in pairs)
    n_days = pl.sum_horizontal(pl.when(c).then(n).otherwise(0) for c, _, n in pairs)
    return pl.when(n_days > 0).then(quantity / n_days * (PERIOD_DAYS / THOUSANDTHS))


def _log_ratio(now: pl.Expr, before: pl.Expr) -> pl.Expr:
    """Return ln((now + 1) / (before + 1)): one use more or less than none is no revolution."""
    # What an export corrects downward may add up to less than nothing.
    return (now.clip(0) + 1).log() - (before.clip(0) + 1).log()


def _unused(known: Known) -> pl.Expr:
    """Return how many of the popular features of the customer's plan are not among those used."""
    bits = _bits(known)
    named = known.popular.items()
    masks = {plan: sum(bits.get(name, 0) for name in names) for plan, names in named}
    entitled = pl.col("plan").replace_strict(masks, default=0, return_dtype=pl.Int64)
    used = pl.col("used_bits").fill_null(0)
    return (entitled & ~used).bitwise_count_ones()
