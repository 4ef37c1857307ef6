"""Features: who is entitled to which, and who leaves sooner for want of using one.

One rule: who leaves is compared among customers of one plan, one tenure and one level of other
usage; that it goes together is all that can be said.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import polars as pl

from csk.stats.stratified import LEAST_EVENTS, RiskRatio, holm, risk_ratio

MOST_OF_PLAN: Final = 0.5
"""Share of a plan's active customers that makes a feature one of the plan."""
LEAST_OF_PLAN: Final = 10
"""Active customers of a plan, at the least, for it to show what its features are."""
_STRATUM: Final = ("plan", "tenure_no", "level_no")


@dataclass(frozen=True, slots=True)
class FeatureUse:
    """How much a feature is used by who may use it."""

    feature: str
    n_entitled: int
    n_using: int
    """Of them, who used it in the last 28 days."""
    mrr_unused_amount: int
    """Recurring revenue of who did not."""


@dataclass(frozen=True, slots=True)
class FeatureHazard:
    """Who left within 28 days: after 28 days without a feature, and with it."""

    feature: str
    n_with: int
    left_with: int
    n_without: int
    left_without: int
    ratio: RiskRatio
    """Hazard without the feature over that with it, among those alike."""
    p_adjusted: float = float("nan")
    """With allowance for how many features were looked at."""


def entitlements(
    customers: pl.DataFrame, told: Mapping[str, Sequence[str]]
) -> dict[str, tuple[str, ...]]:
    """Return the features of each plan: as `told`, else those that most of its active use.

    `customers` has `plan` and `features`, those used in the last 28 days; who used none is not
    active. Without a plan the key is empty.
    """
    active = customers.filter(pl.col("features").list.len() > 0).with_columns(
        pl.col("plan").fill_null("")
    )
    sizes = dict(active.group_by("plan").len().iter_rows())
    used = active.explode("features").group_by("plan", "features").len().sort("plan", "features")
    found: dict[str, list[str]] = {plan: [] for plan in sizes}
    for plan, feature, n in used.iter_rows():
        if sizes[plan] >= LEAST_OF_PLAN and n >= MOST_OF_PLAN * sizes[plan]:
            found[plan].append(feature)
    return {
        plan: tuple(names)
        for plan, names in (found | {p: list(f) for p, f in told.items()}).items()
    }


def with_unused(customers: pl.DataFrame, entitled: Mapping[str, tuple[str, ...]]) -> pl.DataFrame:
    """Add `n_features_28d` and `unused`, the features of the plan not used in the last 28 days."""
    plans = pl.DataFrame(
        {"key": list(entitled), "entitled": [list(names) for names in entitled.values()]},
        schema={"key": pl.String, "entitled": pl.List(pl.String)},
    )
    none = pl.lit([], dtype=pl.List(pl.String))
    rows = customers.with_columns(
        pl.col("features").fill_null(none), key=pl.col("plan").fill_null("")
    ).join(plans, on="key", how="left", maintain_order="left")
    return rows.with_columns(
        pl.col("entitled").fill_null(none),
        n_features_28d=pl.col("features").list.len().cast(pl.Int64),
    ).with_columns(unused=pl.col("entitled").list.set_difference("features").list.sort())


def uses(customers: pl.DataFrame) -> tuple[FeatureUse, ...]:
    """Return the use of every feature by who is entitled to it, the least used first."""
    each = customers.select("customer_id", "mrr_amount", "unused", feature="entitled")
    rows = each.explode("feature").drop_nulls("feature")
    lacks = pl.col("unused").list.contains(pl.col("feature"))
    sums = rows.group_by("feature").agg(
        pl.len(),
        (~lacks).sum().alias("n_using"),
        pl.col("mrr_amount").filter(lacks).sum().alias("mrr_unused_amount"),
    )
    found = [FeatureUse(str(f), int(n), int(k), int(m or 0)) for f, n, k, m in sums.iter_rows()]
    return tuple(sorted(found, key=lambda one: (one.n_using / one.n_entitled, one.feature)))


def hazards(sums: pl.DataFrame) -> tuple[FeatureHazard, ...]:
    """Return the features by the hazard of not using them, highest first; unknown ones last.

    `sums` are those of `csk.tables.adoption.adoption_sums`. Features with fewer than
    `LEAST_EVENTS` who left on either side have no ratio.
    """
    stratum = list(_STRATUM)
    everybody = sums.filter(pl.col("feature") == "").select(
        *stratum, n_all="n", n_all_left="n_left"
    )
    found = []
    for (feature,), rows in sums.filter(pl.col("feature") != "").group_by(
        "feature", maintain_order=True
    ):
        own = everybody.join(rows, on=stratum, how="full", coalesce=True).fill_null(0)
        found.append(_hazard(str(feature), own))
    adjusted = holm([one.ratio.p_value for one in found])
    judged = [replace(one, p_adjusted=float(p)) for one, p in zip(found, adjusted, strict=True)]
    return tuple(sorted(judged, key=_order))


def _hazard(feature: str, rows: pl.DataFrame) -> FeatureHazard:
    n, left = rows["n"].to_numpy(), rows["n_left"].to_numpy()
    other = rows["n_all"].to_numpy() - rows["n_level"].to_numpy()
    other_left = rows["n_all_left"].to_numpy() - rows["n_level_left"].to_numpy()
    one = FeatureHazard(
        feature, int(n.sum()), int(left.sum()), int(other.sum()), int(other_left.sum()), _NOTHING
    )
    if min(one.left_with, one.left_without) < LEAST_EVENTS:
        return one
    return replace(one, ratio=risk_ratio(other_left, other, left, n))


_NOTHING: Final = RiskRatio(float("nan"), float("nan"), float("nan"), float("nan"), 0)


def _order(one: FeatureHazard) -> tuple[bool, float, str]:
    value = one.ratio.value
    return (bool(np.isnan(value)), 0.0 if np.isnan(value) else -value, one.feature)
