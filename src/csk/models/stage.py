"""Lifecycle stages: where in the life of a customer each one stands.

One rule: the stages are a partition, and the first that fits in this order is taken: churned,
at-risk, onboarding, expanding, adopting, retained.
"""

from datetime import date

import polars as pl

from csk.settings import Stages


def staged(customers: pl.DataFrame, thresholds: Stages, risk: str, as_of: date) -> pl.DataFrame:
    """Add `lifecycle_stage`.

    at-risk: `risk` is at least `at_risk_lift` times its mean over those alive. onboarding: in
    the first `onboarding_days` (or before a second purchase). expanding: pays more a month than
    `expanding_days` ago (contracts). adopting: in the first `adopting_days` (or before a third
    purchase). retained: everyone else.
    """
    mean = customers.filter("is_alive")[risk].mean()
    days = (pl.lit(as_of) - pl.col("customer_since_on")).dt.total_days()
    if "spell_no" in customers.columns:
        is_new = days < thresholds.onboarding_days
        is_young = days < thresholds.adopting_days
        grows = (pl.col("mrr_amount") > pl.col("earlier_mrr_amount")).fill_null(value=False)
    else:
        is_new = pl.col("n_purchases") <= 1
        is_young = pl.col("n_purchases") == 2  # noqa: PLR2004 - before a third purchase
        grows = pl.lit(value=False)
    is_at_risk = (
        (pl.col(risk) >= thresholds.at_risk_lift * mean).fill_null(value=False)
        if isinstance(mean, float) and mean > 0
        else pl.lit(value=False)
    )
    return customers.with_columns(
        lifecycle_stage=pl.when(~pl.col("is_alive"))
        .then(pl.lit("churned"))
        .when(is_at_risk)
        .then(pl.lit("at-risk"))
        .when(is_new)
        .then(pl.lit("onboarding"))
        .when(grows)
        .then(pl.lit("expanding"))
        .when(is_young)
        .then(pl.lit("adopting"))
        .otherwise(pl.lit("retained"))
    )
