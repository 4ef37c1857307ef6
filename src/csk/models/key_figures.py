"""From what was found of a book to its key figures, one period or one day at a time.

One rule: a figure has the numerator and denominator that it was made of, in counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from math import isfinite
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from csk.models.contract import ContractFit, Horizons
from csk.models.figures import BookFigures
from csk.models.measures import Measured, ratio, share
from csk.models.payback import cumulated, payback_months
from csk.models.periods import Period
from csk.models.rates import Rate, Retained
from csk.models.repeat import RepeatFit
from csk.stats.concentration import gini_parts, paying, top_share

TOP: Final = 0.1
"""Share of the customers, the largest, whose part of all money is told."""


OF_MOVEMENTS: Final = (
    "mrr",
    "paying_customers",
    "arpa",
    "new_inflow",
    "customer_churn_rate",
    "revenue_churn_rate",
    "grr",
    "nrr",
    "upsell_rate",
    "cross_sell_rate",
    "quick_ratio",
)
_OF_CUSTOMERS: Final = frozenset({"customer_churn_rate", "upsell_rate", "cross_sell_rate"})
"""Shares of customers, who leave or buy more independently of each other."""
_AT_END: Final = frozenset({"mrr", "paying_customers", "arpa"})


@dataclass(frozen=True, slots=True)
class Standing:
    """Customers as they stood on one day, valued."""

    day: date
    customers: pl.DataFrame
    """What `csk segment` says of each: all columns of its snapshot, and `curve`."""
    figures: BookFigures
    fit: ContractFit | RepeatFit
    horizons: Horizons
    basis: str
    """margin, or revenue where no margin is known."""


def of_movement(one: Period, preset: str = "") -> list[Measured]:
    """Return the key figures of a period of recurring revenue, as `preset` reckons them."""
    return [_moved(metric_id, one, preset) for metric_id in OF_MOVEMENTS]


def _moved(metric_id: str, one: Period, preset: str) -> Measured:
    rate = one.rate(metric_id, preset)
    n = one.n_end if metric_id in _AT_END else one.n_start
    n = one.moved["new"].n if metric_id == "new_inflow" else n
    is_share = metric_id in _OF_CUSTOMERS and 0 <= rate.numerator <= (rate.denominator or 0)
    measure = share if is_share else ratio
    return replace(
        measure(metric_id, one.starts_on, rate, n), is_complete=one.is_complete, preset=preset
    )


def of_year(period_on: date, year: Retained) -> list[Measured]:
    """Return what became of the revenue of twelve months before the end of a period."""
    return [
        ratio("grr_12m", period_on, year.gross, year.n),
        ratio("nrr_12m", period_on, year.net, year.n),
    ]


def of_sales(row: Mapping[str, Any]) -> list[Measured]:
    """Return the key figures of a row of `tables.sales.sales_sums`."""
    day, n = row["period_on"], row["n_buyers"]
    value = Rate(row["purchase_amount"], row["n_purchases"])
    return [
        plain("revenue", day, row["amount"], n),
        plain("active_customers", day, n, n),
        ratio("order_value", day, value, n),
    ]


def of_won(row: Mapping[str, Any], *, with_number: bool) -> list[Measured]:
    """Return what a row of `tables.sales.won_sums` says of new customers, and of their cost."""
    day, n = row["period_on"], row["n"]
    found = [plain("new_inflow", day, n, n)] if with_number else []
    if row["n_known"]:
        found.append(ratio("cac", day, Rate(row["amount"], row["n_known"]), row["n_known"]))
    return found


def of_standing(
    one: Standing, period_on: date, amounts: NDArray[np.int64], cost: Rate
) -> list[Measured]:
    """Return the key figures of customers as they stood on a day.

    `amounts` is what each pays, `cost` what those of the last year cost and how many they were.
    """
    figures, n = one.figures, one.figures.n_alive
    rows = []
    if n:
        low, high = (None if v is None else v / n for v in (figures.ltv_low, figures.ltv_high))
        rate = Rate(figures.ltv.ltv_amount, n)
        rows.append(replace(ratio("ltv_residual", period_on, rate, n), low=low, high=high))
    sums = cumulated(one.customers, figures, one.fit, one.horizons)
    if sums is not None:
        value = float(sums[-1])
        rows.append(Measured("ltv_new_customer", period_on, value, numerator=value, n=n))
        if cost.value and one.basis == "margin":
            months = payback_months(sums, cost.value)
            rows += [
                Measured(
                    "ltv_cac",
                    period_on,
                    value / cost.value,
                    numerator=value,
                    denominator=cost.value,
                    n=cost.denominator,
                ),
                Measured("cac_payback", period_on, months, numerator=months, n=cost.denominator),
            ]
    return [*rows, *of_amounts(period_on, amounts)]


def of_amounts(period_on: date, amounts: NDArray[np.int64]) -> list[Measured]:
    """Return how concentrated the money of customers is; nothing where nobody pays."""
    values = paying(amounts)
    if not len(values):
        return []
    whole, top = int(values.sum()), top_share(values, TOP)
    unlike, most = gini_parts(values)
    return [
        Measured(
            "concentration_top10",
            period_on,
            top,
            numerator=top * whole,
            denominator=whole,
            n=len(values),
        ),
        Measured(
            "gini",
            period_on,
            unlike / most,
            numerator=unlike,
            denominator=most,
            n=len(values),
        ),
    ]


def of_groups(
    one: Standing, period_on: date, groups: pl.DataFrame, dimension: str
) -> list[Measured]:
    """Return the mean residual LTV of each group; `groups` has `customer_id` and `group`."""
    alive = one.customers.filter("is_alive").select("customer_id", "ltv_amount")
    sums = (
        alive.join(groups, on="customer_id", how="left")
        .group_by(pl.col("group").fill_null(""))
        .agg(pl.len().alias("n"), pl.col("ltv_amount").sum())
    )
    return [
        ratio("ltv_residual", period_on, Rate(amount, n), n).of(dimension, str(group))
        for group, n, amount in sums.sort("group").iter_rows()
    ]


def plain(metric_id: str, period_on: date, value: float, n: int) -> Measured:
    """Return a figure that is a sum and no ratio."""
    return Measured(metric_id, period_on, value, numerator=value, n=n)


def is_told(one: Measured | None) -> bool:
    """Tell whether there is a value that can be shown."""
    return one is not None and one.value is not None and isfinite(one.value)
