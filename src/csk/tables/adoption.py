"""Who leaves after using a feature, and who after not: counts of like customers.

One rule: what was used lies before a landmark and who leaves after it, and all days of both are
known.
"""

from datetime import date, timedelta
from typing import Final

import polars as pl

from csk.engine.protocol import Plan, Tables
from csk.facts.usage import THOUSANDTHS
from csk.facts.usage_days import usage_days
from csk.tables.spells import contracts, spells
from csk.tables.usage import PERIOD_DAYS, Watch

MOST_LANDMARKS: Final = 25
TENURE_DAYS: Final = (91, 182, 365, 730)
"""Days as a customer at which the next stratum of tenure begins."""


def landmarks(watch: Watch, data_from: date) -> tuple[date, ...]:
    """Return the days at which usage is known for 28 days before and ends for 28 days after."""
    first = max(watch.usage_from, data_from - timedelta(PERIOD_DAYS))
    last = watch.as_of - timedelta(PERIOD_DAYS)
    found = [last - timedelta(PERIOD_DAYS * back) for back in range(MOST_LANDMARKS)]
    return tuple(day for day in reversed(found) if day >= first + timedelta(PERIOD_DAYS))


def adoption_sums(watch: Watch, days: tuple[date, ...]) -> Plan:
    """Return a summary of customers at landmarks, and of who left within 28 days.

    By `feature` (empty: of all), `plan`, `tenure_no` and `level_no`, which is how much was used
    in the 28 days before, in doublings: `n` and `n_left` of who used the feature, at the level of
    *other* features; `n_level` and `n_level_left` the same by all they used, which are to be taken
    off all, so that who did not use it remains. Rows of one customer do not overlap.
    """

    def plan(tables: Tables) -> pl.LazyFrame:
        there = _at_risk(tables, watch, days)
        # Each is read several times below, and would be made as often.
        used = _used(tables, days).cache()
        whole = used.group_by("customer_id", "landmark_on").agg(n_whole=pl.col("n_used").sum())
        key = ["customer_id", "landmark_on"]
        everybody = (
            there.join(whole, on=key, how="left")
            .with_columns(pl.col("n_whole").fill_null(0))
            .cache()
        )
        users = used.join(everybody, on=key, how="inner").cache()
        others = pl.col("n_whole") - pl.col("n_used")
        return pl.concat(
            [
                _counted(everybody.with_columns(feature=pl.lit("")), pl.col("n_whole")),
                _counted(users, others),
                _counted(users, pl.col("n_whole"), is_level=True),
            ]
        )

    return plan


def _at_risk(tables: Tables, watch: Watch, days: tuple[date, ...]) -> pl.LazyFrame:
    """Return customers in service at the start of each landmark, and whether they soon leave."""
    rows = contracts(tables, watch.as_of, watch.grace_days)
    landmark = pl.LazyFrame({"landmark_on": days}, schema={"landmark_on": pl.Date})
    on = pl.col("landmark_on")
    there = (
        spells(rows)
        .join(landmark, how="cross")
        .filter(on > pl.col("started_on"))
        .filter((pl.col("ended_on") >= on).fill_null(value=True))
    )
    begun = rows.filter(~pl.col("is_add_on")).select(
        "customer_id", "spell_no", "plan", plan_on="started_on"
    )
    plans = (
        there.select("customer_id", "spell_no", "landmark_on")
        .join(begun, on=["customer_id", "spell_no"], how="inner")
        .filter(pl.col("plan_on") < on)
        .group_by("customer_id", "landmark_on")
        .agg(plan=pl.col("plan").sort_by("plan_on").last())
    )
    tenure = (on - pl.col("started_on")).dt.total_days()
    leaves = pl.col("ended_on") < on.dt.offset_by(f"{PERIOD_DAYS}d")
    return there.join(plans, on=["customer_id", "landmark_on"], how="left").select(
        "customer_id",
        "landmark_on",
        pl.col("plan").fill_null(""),
        tenure_no=pl.sum_horizontal((tenure >= day).cast(pl.Int32) for day in TENURE_DAYS),
        n_left=leaves.fill_null(value=False).cast(pl.Int64),
    )


def _used(tables: Tables, days: tuple[date, ...]) -> pl.LazyFrame:
    """Return what was used in the 28 days before each landmark, by feature."""
    first, last = days[0] - timedelta(PERIOD_DAYS), days[-1]
    number = (pl.lit(last) - pl.col("used_on")).dt.total_days() - 1
    return (
        usage_days(tables["usage"], first, last, by_feature=True)
        .with_columns(back=number // PERIOD_DAYS)
        .group_by("customer_id", "feature", "back")
        .agg(pl.col("n_used").sum())
        .filter(pl.col("n_used") > 0)
        .select(
            "customer_id",
            "feature",
            "n_used",
            landmark_on=pl.lit(last) - pl.duration(days=pl.col("back") * PERIOD_DAYS),
        )
        .with_columns(pl.col("landmark_on").cast(pl.Date))
    )


def _counted(rows: pl.LazyFrame, used: pl.Expr, *, is_level: bool = False) -> pl.LazyFrame:
    names = ("n_level", "n_level_left") if is_level else ("n", "n_left")
    zeros = [name for name in ("n", "n_left", "n_level", "n_level_left") if name not in names]
    doublings = (used // THOUSANDTHS + 1).cast(pl.Float64).log(2.0).floor().cast(pl.Int32)
    zero = pl.lit(0, dtype=pl.Int64)
    return (
        rows.select("feature", "plan", "tenure_no", "n_left", level_no=doublings)
        .group_by("feature", "plan", "tenure_no", "level_no")
        .agg(pl.len().cast(pl.Int64).alias(names[0]), pl.col("n_left").sum().alias(names[1]))
        .with_columns(zero.alias(name) for name in zeros)
        .select(
            *("feature", "plan", "tenure_no", "level_no"),
            *("n", "n_left"),
            "n_level",
            "n_level_left",
        )
    )
