"""Touch tiers: who gets high, low or tech touch, by value alone or within a budget.

One rule: tiers are for customers alive at `as_of` with a residual LTV above 0; nobody else has
one.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from csk.errors import UsageError
from csk.models.value import UNIT
from csk.settings import TierCost, Tiers
from csk.stats import allocation

NAMES: Final = ("high-touch", "low-touch", "tech-touch")
HYSTERESIS: Final = 0.02
"""A customer keeps the earlier tier when this near its border, as a share of LTV."""


@dataclass(frozen=True, slots=True)
class TierPlan:
    """How tiers were chosen and what the choice is worth."""

    method: str
    """`share` of residual LTV, or `budget`."""
    shares: tuple[float, ...]
    budget: int | None = None
    spend: int = 0
    gain: float = 0.0
    bound: float = 0.0
    """No allocation within budget and capacities gains more."""
    costs: tuple[tuple[str, int], ...] = ()
    """(tier, cost per customer and year)."""
    n_kept: int = 0
    """Customers who kept an earlier tier because they stand near its border."""


def celled(customers: pl.DataFrame, risk: str) -> pl.DataFrame:
    """Add `value_risk_cell`: value and risk each at least the mean of those alive, and above 0."""
    alive = customers.filter("is_alive")
    value, danger = alive["ltv_if_retained"].mean() or 0.0, alive[risk].mean() or 0.0
    is_high = (pl.col("ltv_if_retained") >= value) & (pl.col("ltv_if_retained") > 0)
    is_risky = (pl.col(risk) >= danger) & (pl.col(risk) > 0)
    return customers.with_columns(
        value_risk_cell=pl.when(~pl.col("is_alive"))
        .then(None)
        .when(is_high & is_risky)
        .then(pl.lit("save"))
        .when(is_high)
        .then(pl.lit("protect-and-expand"))
        .when(is_risky)
        .then(pl.lit("automate"))
        .otherwise(pl.lit("maintain"))
    )


def tiered(
    customers: pl.DataFrame, choice: Tiers, risk: str, earlier: pl.DataFrame | None
) -> tuple[pl.DataFrame, TierPlan]:
    """Add `tier` to customers sorted by id; `earlier` has `customer_id` and `tier`."""
    customers = customers.sort("customer_id")
    served = customers["is_alive"].to_numpy() & (customers["ltv_amount"].to_numpy() > 0)
    if choice.levels:
        names = [level.name for level in _levels(choice)]
        chosen, plan = _by_budget(customers.filter(pl.Series(served)), choice, risk)
    else:
        names = list(NAMES)
        chosen, plan = _by_share(customers.filter(pl.Series(served)), choice, earlier)
    tier = np.full(customers.height, len(names), dtype=np.uint32)
    tier[served] = chosen
    return customers.with_columns(tier=pl.Series([*names, None]).gather(tier)), plan


def _by_share(
    served: pl.DataFrame, choice: Tiers, earlier: pl.DataFrame | None
) -> tuple[NDArray[np.int8], TierPlan]:
    """Return the number in `NAMES` of each customer's tier."""
    value = served["ltv_amount"].to_numpy()
    tier = allocation.by_share(value, choice.shares)
    plan = TierPlan("share", choice.shares)
    if earlier is None:
        return tier, plan
    before = served.join(
        earlier.select("customer_id", pl.col("tier").alias("before")),
        on="customer_id",
        how="left",
        maintain_order="left",
    )["before"].replace_strict(
        {name: i for i, name in enumerate(NAMES)}, default=-1, return_dtype=pl.Int8
    )
    was = before.to_numpy()
    down = allocation.by_share(value, [min(cut + HYSTERESIS, 1.0) for cut in choice.shares])
    up = allocation.by_share(value, [max(cut - HYSTERESIS, 0.0) for cut in choice.shares])
    stays = (was >= 0) & (was != tier) & ((was == down) | (was == up))
    return np.where(stays, was, tier).astype(np.int8), TierPlan(
        "share", choice.shares, n_kept=int(stays.sum())
    )


def _by_budget(served: pl.DataFrame, choice: Tiers, risk: str) -> tuple[NDArray[np.int8], TierPlan]:
    """Return the number in `_levels` of each customer's tier."""
    if choice.budget_amount is None:
        raise UsageError(
            "Tiers with costs need a budget.", hint="Set [tiers] budget_amount in csk.toml."
        )
    levels = _levels(choice)
    at_risk = (served[risk] * served["ltv_if_retained"]).to_numpy()
    budget = round(choice.budget_amount * UNIT)
    found = allocation.by_budget(
        at_risk,
        [allocation.Tier(round(t.cost_amount * UNIT), t.saves_share, t.capacity) for t in levels],
        budget,
    )
    return found.tier, TierPlan(
        "budget",
        choice.shares,
        budget,
        found.spend,
        found.gain,
        found.bound,
        tuple((level.name, round(level.cost_amount * UNIT)) for level in levels),
    )


def _levels(choice: Tiers) -> list[TierCost]:
    return sorted(choice.levels, key=lambda level: NAMES.index(level.name))
