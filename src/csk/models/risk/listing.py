"""Customers in the order in which to look at them, and sums over all of them.

One rule: whom a contact pays comes first by what it brings; after them who has most at risk.
"""

from typing import Any, NamedTuple

import polars as pl

_NOTHING = -(2**62)


class AtStake(NamedTuple):
    """Sums over customers, money in counts; null where no customer has the figure."""

    mrr_amount: int | None
    mrr_expected_lost: float | None
    value_at_risk: int | None
    n_paying: int | None
    """Customers whom a contact pays."""
    net_benefit_amount: int | None
    """What contacts bring of them together."""
    n_control: int


def at_stake(customers: pl.DataFrame, days: int) -> AtStake:
    """Return sums over all customers; what is lost is expected within `days`."""
    risk = pl.col(f"p_churn_{days}d")
    paying = customers.filter(pl.col("net_benefit_amount") > 0)
    lost = customers.select((pl.col("mrr_amount").cast(pl.Float64) * risk).sum()).item()
    has_mrr, has_benefit = (
        _is_told(customers, name) for name in ("mrr_amount", "net_benefit_amount")
    )
    return AtStake(
        mrr_amount=_sum(customers, "mrr_amount"),
        mrr_expected_lost=float(lost) if has_mrr else None,
        value_at_risk=_sum(customers, "value_at_risk"),
        n_paying=paying.height if has_benefit else None,
        net_benefit_amount=int(paying["net_benefit_amount"].sum()) if has_benefit else None,
        n_control=int(customers["is_control"].sum() or 0),
    )


def to_look_at(customers: pl.DataFrame, top: int, days: int) -> list[dict[str, Any]]:
    """Return the first `top` customers as rows by column; of equals, the one riskier in `days`."""
    brings = pl.col("net_benefit_amount").fill_null(_NOTHING)
    ordered = customers.sort(
        brings > 0,
        pl.when(brings > 0).then(brings),
        pl.col("value_at_risk").fill_null(0),
        pl.col(f"p_churn_{days}d"),
        "customer_id",
        descending=[True, True, True, True, False],
        nulls_last=True,
    )
    rows: list[dict[str, Any]] = ordered.head(top).to_dicts()
    return rows


def _is_told(customers: pl.DataFrame, column: str) -> bool:
    return bool(customers[column].null_count() < customers.height)


def _sum(customers: pl.DataFrame, column: str) -> int | None:
    return int(customers[column].sum()) if _is_told(customers, column) else None
