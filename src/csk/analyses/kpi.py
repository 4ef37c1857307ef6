"""The key figures of a book, period by period, each beside what it is held against.

One rule: results come from those who found them; here they are lined up, and nothing is told that
the book cannot carry.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from difflib import get_close_matches
from math import isfinite
from typing import Final, Protocol

import numpy as np
import polars as pl

from csk.book import Book
from csk.calendar import plus_months
from csk.engine.protocol import Engine
from csk.errors import UsageError
from csk.models.contract import ContractFit, Horizons
from csk.models.figures import BookFigures
from csk.models.measures import METRICS, Measured, answered, ratio, share
from csk.models.payback import cumulated, payback_months
from csk.models.rates import Rate, Retained
from csk.models.repeat import RepeatFit
from csk.money import COUNTS_PER_UNIT
from csk.stats.concentration import Slice, abc, deciles, gini, paying, top_share
from csk.stats.scores import Figure
from csk.tables.movements import Motion, states
from csk.tables.sales import sales_sums, spent, won_sums

YEAR: Final = 12
SPENT_DAYS: Final = 365
"""Days whose money tells how concentrated a shop's is."""
CHANNEL: Final = "channel"

NEEDS: Final[Mapping[str, tuple[str, ...]]] = {
    "contracts": (
        "mrr",
        "arpa",
        "customer_churn_rate",
        "revenue_churn_rate",
        "grr",
        "nrr",
        "upsell_rate",
        "cross_sell_rate",
        "quick_ratio",
    ),
    "shop": ("revenue", "active_customers", "order_value", "repeat_rate"),
    "nps": ("nps",),
    "csat": ("csat",),
    "cost": ("cac", "ltv_cac", "cac_payback"),
    "margin": ("ltv_cac", "cac_payback"),
    "year": ("grr_12m", "nrr_12m"),
    "model": ("ltv_residual", "ltv_new_customer"),
}
"""What a book may lack, and the metrics that this leaves out."""


class Moves(Protocol):
    """Customers who moved in one way."""

    @property
    def n(self) -> int:
        """Return how many."""
        ...

    @property
    def amount(self) -> int:
        """Return by how much, in counts."""
        ...


class Moving(Protocol):
    """One period of recurring revenue, as `csk mrr` tells it."""

    @property
    def starts_on(self) -> date: ...  # noqa: D102 # told by the class
    @property
    def n_start(self) -> int: ...  # noqa: D102 # likewise
    @property
    def start_amount(self) -> int: ...  # noqa: D102 # likewise
    @property
    def moved(self) -> Mapping[str, Moves]: ...  # noqa: D102 # likewise
    @property
    def how(self) -> Mapping[tuple[str, str], Moves]: ...  # noqa: D102 # likewise
    @property
    def n_end(self) -> int: ...  # noqa: D102 # likewise
    @property
    def end_amount(self) -> int: ...  # noqa: D102 # likewise
    @property
    def retained(self) -> Retained: ...  # noqa: D102 # likewise
    @property
    def is_complete(self) -> bool: ...  # noqa: D102 # likewise


@dataclass(frozen=True, slots=True)
class Standing:
    """Customers as they stood on one day, valued."""

    day: date
    customers: pl.DataFrame
    figures: BookFigures
    fit: ContractFit | RepeatFit
    horizons: Horizons
    basis: str


@dataclass(frozen=True, slots=True)
class Found:
    """What was found out before: the arguments of `kpis`."""

    periods: Sequence[Moving] = ()
    groups: Mapping[str, Mapping[str, Sequence[Moving]]] = field(default_factory=dict)
    """By dimension and group."""
    answers: Sequence[Measured] = ()
    standings: Sequence[Standing] = ()
    """As of the last day, a period before it, and a year before it; what could be had of them."""
    repeats: Mapping[date, Figure] = field(default_factory=dict)
    """Share that buys again, by the day as of which it is told."""


@dataclass(frozen=True, slots=True)
class Standard:
    """What a metric is held against, from outside; in the metric's unit, money in counts."""

    metric_id: str
    value: float
    low: float | None
    high: float | None
    source: str
    as_of: date | None


@dataclass(frozen=True, slots=True)
class Line:
    """One metric of the whole, and what it is held against."""

    now: Measured
    before: Measured | None
    year_ago: Measured | None
    target: float | None
    benchmark: Standard | None

    @property
    def is_met(self) -> bool | None:
        """Whether the target is met; null where there is none, or nothing to hold against it."""
        good = self.now.metric.good
        if self.target is None or self.now.value is None or not good:
            return None
        return (self.now.value - self.target) * good >= 0


@dataclass(frozen=True, slots=True)
class Kpis:
    """The key figures of a book."""

    book: Book
    motion: Motion
    by: str
    latest_on: date
    """First day of the last whole period."""
    stands_on: date
    """Day as of which customers are valued."""
    measured: tuple[Measured, ...]
    lines: tuple[Line, ...]
    lacking: tuple[str, ...]
    """Keys of `NEEDS`."""
    abc: tuple[Slice, ...]
    deciles: tuple[Slice, ...]
    basis: str
    payback_within: int
    """Months of the LTV horizon."""

    def at(self, metric_id: str, day: date, dimension: str = "", group: str = "") -> Measured | None:
        """Return one value; null where there is none."""
        for one in self.measured:
            if (one.metric_id, one.period_on) == (metric_id, day) and (
                one.dimension,
                one.group,
            ) == (dimension, group):
                return one
        return None


def kpis(
    book: Book,
    engine: Engine,
    motion: Motion,
    found: Found,
    by: str = "",
    standards: tuple[Mapping[str, float], Sequence[Standard]] = ({}, ()),
    window: tuple[date | None, date | None] = (None, None),
) -> Kpis:
    """Line up the key figures of a dated book.

    `standards` are targets by metric and benchmarks; `window` limits the periods. UsageError for
    a target or benchmark of a metric that there is not, or where no period is left.
    """
    targets = {name: _in_unit(name, value) for name, value in standards[0].items()}
    refuse_unknown([*targets, *(one.metric_id for one in standards[1])])
    dimensions = _dimensions(book, by)
    rows = [
        *_of_all_movements(found, by),
        *_of_trade(book, engine, motion, dimensions),
        *found.answers,
    ]
    rows = [one for one in rows if _is_within(one.period_on, window)]
    days = sorted({one.period_on for one in rows if not one.dimension})
    whole = [d for d in days if _is_whole(d, book, motion)]
    if not days:
        raise UsageError("There is no period between these days.")
    latest = (whole or days)[-1]
    rows += _of_years(book, engine, motion, (latest, *_earlier(latest, motion)))
    costs = _costs(book, engine, motion)
    for one in found.standings:
        rows += _of_standing(one, book, engine, motion, costs)
        rows += _of_groups(one, book, engine, motion, by)
    for day, figure in found.repeats.items():
        rows.append(answered("repeat_rate", _period_of(day, motion), figure))
    now = found.standings[0] if found.standings else None
    stands = now.day if now else max(found.repeats, default=book.span.as_of)
    amounts = _amounts(now, book, engine) if now else np.zeros(0, np.int64)
    benchmarks = {one.metric_id: one for one in standards[1]}
    return Kpis(
        book=book,
        motion=motion,
        by=by,
        latest_on=latest,
        stands_on=stands,
        measured=tuple(rows),
        lines=_lines(rows, latest, _period_of(stands, motion), motion, (targets, benchmarks)),
        lacking=_lacking(rows, book, now),
        abc=abc(amounts) if len(amounts) else (),
        deciles=deciles(amounts) if len(amounts) else (),
        basis=now.basis if now else "",
        payback_within=now.horizons.ltv_months if now else 0,
    )


def refuse_unknown(names: Iterable[str]) -> None:
    """Raise UsageError for a metric that there is not, naming the nearest."""
    for name in names:
        if name not in METRICS:
            near = get_close_matches(name, METRICS, n=1)
            raise UsageError(
                f"There is no metric {name!r} to hold against a target or benchmark.",
                hint=f"Is it {near[0]}?" if near else f"There are: {', '.join(METRICS)}.",
            )


def _in_unit(name: str, value: float) -> float:
    """Return a number as people write it as the metric has it: money in counts, NPS in [-1, 1]."""
    unit = METRICS[name].unit if name in METRICS else ""
    if unit == "money":
        return value * COUNTS_PER_UNIT
    return value / 100 if unit == "points" and abs(value) > 1 else value


def standard(
    metric_id: str,
    values: tuple[float, float | None, float | None],
    source: str,
    as_of: date | None,
) -> Standard:
    """Return a benchmark of a value with its two ends, as people write them."""
    value, low, high = (None if v is None else _in_unit(metric_id, v) for v in values)
    return Standard(metric_id, value or 0.0, low, high, source, as_of)


def _dimensions(book: Book, by: str) -> list[str]:
    """Return what new customers are told apart by: nothing, their channel, and `by`."""
    customers = book.tables.get("customers")
    columns = customers.columns if customers else ()
    return list(dict.fromkeys(["", *([CHANNEL] if CHANNEL in columns else []), by]))


def _of_all_movements(found: Found, by: str) -> list[Measured]:
    rows = [one for period in found.periods for one in _of_movement(period)]
    for dimension, groups in found.groups.items():
        for group, periods in groups.items():
            told = [one for period in periods for one in _of_movement(period)]
            rows += [
                one.of(dimension, group)
                for one in told
                if dimension == by or one.metric_id == "new_inflow"
            ]
    return rows


def _of_movement(one: Moving) -> list[Measured]:
    day, n = one.starts_on, one.n_start
    moved, how = one.moved, one.how
    came = sum(moved[kind].amount for kind in ("new", "expansion", "reactivation"))
    went = -sum(moved[kind].amount for kind in ("contraction", "churn"))
    upsold = how["expansion", "plan"].n + how["expansion", "price"].n
    crossed = how["expansion", "add_on"].n
    kept = one.retained
    rows = [
        Measured("mrr", day, one.end_amount, numerator=one.end_amount, n=one.n_end),
        Measured("paying_customers", day, one.n_end, numerator=one.n_end, n=one.n_end),
        ratio("arpa", day, Rate(one.end_amount, one.n_end), one.n_end),
        Measured("new_inflow", day, moved["new"].n, numerator=moved["new"].n, n=moved["new"].n),
        share("customer_churn_rate", day, Rate(moved["churn"].n, n), n),
        ratio("revenue_churn_rate", day, Rate(-moved["churn"].amount, one.start_amount), n),
        ratio("grr", day, kept.gross, n),
        ratio("nrr", day, kept.net, n),
        share("upsell_rate", day, Rate(upsold, n), n),
        share("cross_sell_rate", day, Rate(crossed, n), n),
        ratio("quick_ratio", day, Rate(came, went), n),
    ]
    return [replace(row, is_complete=one.is_complete) for row in rows]


def _of_trade(
    book: Book, engine: Engine, motion: Motion, dimensions: Sequence[str]
) -> list[Measured]:
    """Return what shops sold, and what new customers cost."""
    rows: list[Measured] = []
    is_shop = not book.is_contractual and "payments" in book.tables
    for dimension in dimensions:
        key = ("group", "period_on")
        if is_shop:
            sales = engine.total(book, sales_sums(motion, dimension), key)
            told = [one for row in sales.iter_rows(named=True) for one in _of_sales(row)]
            rows += told if dimension in ("", *dimensions[2:]) else []
        if is_shop or book.is_contractual:
            won = engine.total(book, won_sums(motion, dimension), key)
            rows += [
                one for row in won.iter_rows(named=True) for one in _of_won(row, is_shop=is_shop)
            ]
        rows = [_grouped(one, dimension) for one in rows]
    return [replace(one, is_complete=_is_whole(one.period_on, book, motion)) for one in rows]


def _grouped(one: Measured, dimension: str) -> Measured:
    return one if one.dimension or not dimension else replace(one, dimension=dimension)
