"""A measured key figure: its value, what it is a ratio of, and of whom and when it is told.

One rule: money stays in whole counts here; it becomes major units only in the table for machines.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from math import isfinite
from types import MappingProxyType
from typing import Final

import polars as pl

from csk.book import Book
from csk.definitions import Definition, definitions
from csk.models.rates import Rate
from csk.money import COUNTS_PER_UNIT
from csk.schema import KPI
from csk.stats.intervals import wilson
from csk.stats.scores import Figure


@dataclass(frozen=True, slots=True)
class Metric:
    """What kind of number a metric is."""

    unit: str
    """money, share, points (an NPS), count, ratio, months or score."""
    good: int = 0
    """1 where more is better, -1 where less is; 0 where neither."""
    defined_as: str = ""
    """The definition that it follows, where that has another name."""
    when: str = "period"
    """Of what it is told: a period, a day (as of which customers are valued), or an answer, which
    may be of an earlier period where nobody answered since."""


METRICS: Final = MappingProxyType(
    {
        "mrr": Metric("money", 1),
        "paying_customers": Metric("count", 1),
        "arpa": Metric("money", 1),
        "revenue": Metric("money", 1),
        "active_customers": Metric("count", 1),
        "order_value": Metric("money", 1),
        "new_inflow": Metric("count", 1),
        "customer_churn_rate": Metric("share", -1),
        "revenue_churn_rate": Metric("share", -1),
        "grr": Metric("share", 1),
        "nrr": Metric("share", 1),
        "grr_12m": Metric("share", 1, "grr"),
        "nrr_12m": Metric("share", 1, "nrr"),
        "upsell_rate": Metric("share", 1),
        "cross_sell_rate": Metric("share", 1),
        "quick_ratio": Metric("ratio", 1),
        "repeat_rate": Metric("share", 1, when="day"),
        "nps": Metric("points", 1, when="answer"),
        "csat": Metric("share", 1, when="answer"),
        "csat_mean": Metric("score", 1, when="answer"),
        "response_rate": Metric("share", 1),
        "ltv_residual": Metric("money", 1, when="day"),
        "ltv_new_customer": Metric("money", 1, when="day"),
        "cac": Metric("money", -1),
        "ltv_cac": Metric("ratio", 1, when="day"),
        "cac_payback": Metric("months", -1, when="day"),
        "concentration_top10": Metric("share", -1, when="day"),
        "gini": Metric("ratio", -1, when="day"),
    }
)
"""Every metric of `fct_kpi`, in the order in which they are told."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One value of one metric; money in counts of 1/10,000."""

    metric_id: str
    period_on: date
    value: float | None
    low: float | None = None
    high: float | None = None
    numerator: float | None = None
    denominator: float | None = None
    n: int | None = None
    """Customers or answers behind it."""
    is_complete: bool = True
    dimension: str = ""
    group: str = ""
    preset: str = ""
    """Whose definition it follows; empty for csk's own."""

    @property
    def metric(self) -> Metric:
        """Return what kind of number it is."""
        return METRICS[self.metric_id]

    def of(self, dimension: str, group: str) -> "Measured":
        """Return it as the value of a group."""
        return replace(self, dimension=dimension, group=group)


def share(metric_id: str, period_on: date, rate: Rate, n: int) -> Measured:
    """Measure a share of customers, with Wilson's interval."""
    if not rate.denominator:
        return ratio(metric_id, period_on, rate, n)
    low, high = wilson(rate.numerator, rate.denominator)
    return Measured(
        metric_id,
        period_on,
        rate.value,
        float(low),
        float(high),
        rate.numerator,
        rate.denominator,
        n,
    )


def ratio(metric_id: str, period_on: date, rate: Rate, n: int | None) -> Measured:
    """Measure one sum over another; no interval is told."""
    return Measured(
        metric_id, period_on, rate.value, None, None, rate.numerator, rate.denominator, n
    )


def answered(metric_id: str, period_on: date, figure: Figure) -> Measured:
    """Measure a figure of answers; its NaN become null."""
    value, low, high = (v if isfinite(v) else None for v in figure[:3])
    # Of whole scores a whole number; the mean was made of it.
    numerator = None if value is None else round(value * figure.n, 4)
    return Measured(metric_id, period_on, value, low, high, numerator, figure.n, figure.n)


def table(measured: Iterable[Measured], book: Book) -> pl.DataFrame:
    """Return the table for machines, in the columns of `schema.KPI`, sorted by its key."""
    kinds = {"date": pl.Date, "number": pl.Float64, "count": pl.Int64, "flag": pl.Boolean}
    told = {column.name: kinds.get(column.kind, pl.String) for column in KPI.columns}
    rows = [_row(one, book) for one in measured]
    order = {name: at for at, name in enumerate(METRICS)}
    rank = pl.col("metric_id").replace_strict(order, return_dtype=pl.Int64)
    return pl.DataFrame(rows, schema=told, orient="row").sort(
        "dimension", "group", "period_on", rank
    )


def _row(one: Measured, book: Book) -> tuple[object, ...]:
    scale = COUNTS_PER_UNIT if one.metric.unit == "money" else 1
    under = COUNTS_PER_UNIT if one.metric_id in _OF_MONEY else scale
    over = 1 if one.metric.unit == "money" else under
    return (
        book.span.as_of,
        one.period_on,
        one.dimension or None,
        one.group if one.dimension else None,
        one.metric_id,
        *(None if v is None else v / scale for v in (one.value, one.low, one.high)),
        None if one.numerator is None else one.numerator / under,
        None if one.denominator is None else one.denominator / over,
        one.n,
        one.is_complete,
        _definition_id(one),
        "share" if one.metric.unit == "points" else one.metric.unit,
        book.currency or None,
    )


def _definition_id(one: Measured) -> str:
    name = one.metric.defined_as or one.metric_id
    known = _defined()
    return known[name].definition_id(one.preset) if name in known else name


@cache
def _defined() -> dict[str, Definition]:
    return {metric.metric_id: metric for metric in definitions()}


_OF_MONEY: Final = frozenset(
    {
        "revenue_churn_rate",
        "grr",
        "nrr",
        "grr_12m",
        "nrr_12m",
        "quick_ratio",
        "ltv_cac",
        "concentration_top10",
        "gini",
    }
)
"""Ratios of one sum of money to another."""
