"""What all customers of a plan do and pay: counts, and the small tables that features compare with.

One rule: counts add up over shards; what is read from them is one row a plan.
"""

from collections.abc import Sequence
from datetime import date
from typing import Final

import polars as pl

from csk.engine.protocol import Plan, Tables
from csk.facts.usage import usage_counts
from csk.tables.landmarks import in_service
from csk.tables.spells import contracts

MOST_PERIODS: Final = 7
"""Periods of 28 days in which a feature counts as used."""
POPULAR_SHARE: Final = 0.5
"""Share of a plan's customers above which a feature is one that they all may use."""
MOST_POPULAR: Final = 20
"""Features a plan is compared by; a log may have thousands."""
LEAST_CUSTOMERS: Final = 20
"""Customers of whom a plan is told from; of fewer nothing is said."""


def feature_users(day: date, as_of: date, grace_days: int) -> Plan:
    """Return a summary of who uses what, as of `day`, among those in service.

    By `plan` and `feature`: `n_customers` who used it in the 196 days before; the feature is the
    empty word for all customers of the plan who used anything.
    """

    def plan(tables: Tables) -> pl.LazyFrame:
        served = in_service(contracts(tables, as_of, grace_days), [day])
        used = usage_counts(tables["usage"], day, MOST_PERIODS).select("customer_id", "feature")
        anything = used.select("customer_id", feature=pl.lit(""))
        told = pl.concat([used, anything]).unique()
        return (
            served.select("customer_id", "plan")
            .join(told, on="customer_id", how="inner")
            .group_by("plan", "feature")
            .agg(n_customers=pl.len().cast(pl.Int64))
        )

    return plan


def popular_features(users: pl.DataFrame) -> dict[str, tuple[str, ...]]:
    """Return the features that most customers of each plan use, the commonest first.

    `users` is the total of `feature_users`. Plans of under 20 users are left out.
    """
    everybody = users.filter(pl.col("feature") == "").select("plan", total="n_customers")
    common = (
        users.filter(pl.col("feature") != "")
        .join(everybody.filter(pl.col("total") >= LEAST_CUSTOMERS), on="plan")
        .filter(pl.col("n_customers") > POPULAR_SHARE * pl.col("total"))
        .sort("plan", -pl.col("n_customers"), "feature")
        .group_by("plan", maintain_order=True)
        .agg(pl.col("feature").head(MOST_POPULAR))
    )
    return {str(plan): tuple(names) for plan, names in common.drop_nulls("plan").iter_rows()}


def unit_prices(days: Sequence[date], as_of: date, grace_days: int) -> Plan:
    """Return a summary of what a unit of the main contract costs at landmarks.

    By `plan` and `unit_price_amount`: `n_customers`, each once for every price of theirs.
    """

    def plan(tables: Tables) -> pl.LazyFrame:
        served = in_service(contracts(tables, as_of, grace_days), days)
        told = served.select("customer_id", "plan", "unit_price_amount").unique()
        return (
            told.filter(pl.col("unit_price_amount") > 0)
            .group_by("plan", "unit_price_amount")
            .agg(n_customers=pl.len().cast(pl.Int64))
        )

    return plan


def list_prices(prices: pl.DataFrame) -> dict[str, int]:
    """Return the median price of a unit by plan, of plans with 20 customers at least.

    `prices` is the total of `unit_prices`; of an even number the lower of the middle two.
    """
    ordered = prices.sort("plan", "unit_price_amount").with_columns(
        reach=pl.col("n_customers").cum_sum().over("plan"),
        total=pl.col("n_customers").sum().over("plan"),
    )
    middle = ordered.filter(
        pl.col("total") >= LEAST_CUSTOMERS, pl.col("reach") * 2 >= pl.col("total")
    )
    found = middle.group_by("plan").agg(pl.col("unit_price_amount").min())
    return {str(plan): int(price) for plan, price in found.drop_nulls("plan").iter_rows()}
