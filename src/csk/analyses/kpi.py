"""The key figures of a book, period by period, each beside what it is held against.

One rule: results come from those who found them; here they are lined up, and nothing is told that
the book cannot carry.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from difflib import get_close_matches
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from csk.book import Book
from csk.calendar import plus_months
from csk.engine.protocol import Engine
from csk.errors import UsageError
from csk.models.key_figures import (
    Standing,
    is_told,
    of_groups,
    of_movement,
    of_sales,
    of_standing,
    of_won,
    of_year,
)
from csk.models.measures import METRICS, Measured, answered
from csk.models.periods import Period
from csk.models.rates import Rate, Retained
from csk.money import COUNTS_PER_UNIT
from csk.stats.concentration import Slice, abc, deciles
from csk.stats.scores import Figure
from csk.tables.movements import Motion, states
from csk.tables.sales import sales_sums, spent, won_sums

YEAR: Final = 12
SPENT_DAYS: Final = 365
"""Days whose money tells how concentrated a shop's is."""
CHANNEL: Final = "channel"
_PERIOD: Final = ("group", "period_on")

NEEDS: Final[Mapping[str, tuple[str, ...]]] = {
    "contracts": ("mrr", "customer_churn_rate", "grr", "nrr", "quick_ratio", "upsell_rate"),
    "shop": ("revenue", "order_value", "repeat_rate"),
    "nps": ("nps",),
    "csat": ("csat",),
    "channel": (),
    "cost": ("cac", "ltv_cac", "cac_payback"),
    "margin": ("ltv_cac", "cac_payback"),
    "year": ("grr_12m", "nrr_12m"),
    "model": ("ltv_residual", "ltv_new_customer"),
    "repeat": ("repeat_rate",),
}
"""What a book may lack, and the metrics that are not told for it."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was found out of a book before its key figures are lined up."""

    periods: Sequence[Period] = ()
    groups: Mapping[str, Mapping[str, Sequence[Period]]] = field(default_factory=dict)
    """By dimension and group."""
    preset: str = ""
    """Whose definitions those periods follow."""
    answers: Sequence[Measured] = ()
    standings: Sequence[Standing] = ()
    """As of the last day, a period before it, a year before it: those that could be had."""
    repeats: Mapping[date, Figure] = field(default_factory=dict)
    """Share that buys again, by the day as of which it is told."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """What a metric is elsewhere, as people write it: shares as 0.9, money in major units."""

    metric_id: str
    value: float
    low: float | None
    high: float | None
    source: str
    as_of: date | None


@dataclass(frozen=True, slots=True)
class Line:
    """One metric of the whole, and what it is held against, all in the metric's own unit."""

    now: Measured
    before: Measured | None
    year_ago: Measured | None
    target: float | None = None
    benchmark: Benchmark | None = None

    @property
    def is_met(self) -> bool | None:
        """Whether the target is met; null where there is none or nothing to hold against it."""
        good = self.now.metric.good
        if self.target is None or not good:
            return None
        if self.now.value is None:
            # Of months until something is reached, no value is the worst one.
            return False if self.now.metric.unit == "months" else None
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
    standing: Standing | None


def kpis(
    book: Book,
    engine: Engine,
    motion: Motion,
    found: Found,
    by: str = "",
    standards: tuple[Mapping[str, float], Sequence[Benchmark]] = ({}, ()),
    window: tuple[date | None, date | None] = (None, None),
) -> Kpis:
    """Line up the key figures of a dated book.

    `standards` are targets by metric, and benchmarks; `window` limits the periods. UsageError
    for a metric of theirs that there is not, and where no period is left.
    """
    refuse_unknown([*standards[0], *(one.metric_id for one in standards[1])])
    rows = [*_of_movements(found, by), *_of_trade(book, engine, motion, by), *found.answers]
    rows = [one for one in rows if _is_within(one.period_on, window)]
    days = sorted({one.period_on for one in rows if not one.dimension})
    if not days:
        raise UsageError("There is no period of known data between these days.")
    latest = ([day for day in days if is_whole(day, book, motion)] or days)[-1]
    rows += _of_years(book, engine, motion, by, latest)
    now = found.standings[0] if found.standings else None
    rows += _of_standings(book, engine, motion, found.standings, by)
    rows += [
        answered("repeat_rate", period_of(day, motion), of) for day, of in found.repeats.items()
    ]
    stands = now.day if now else max(found.repeats, default=book.span.as_of)
    amounts = _amounts(now, book, engine, motion) if now else np.zeros(0, np.int64)
    return Kpis(
        book=book,
        motion=motion,
        by=by,
        latest_on=latest,
        stands_on=stands,
        measured=tuple(rows),
        lines=_lines(rows, (latest, period_of(stands, motion)), motion, standards),
        lacking=_lacking(rows, book, now, is_short=motion.period_months < YEAR),
        abc=abc(amounts) if len(amounts) else (),
        deciles=deciles(amounts) if len(amounts) else (),
        standing=now,
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


def in_unit(metric_id: str, value: float) -> float:
    """Return a number as people write it in the metric's unit: money in counts, NPS in [-1, 1].

    An NPS beyond 1 is in points.
    """
    unit = METRICS[metric_id].unit
    if unit == "money":
        return value * COUNTS_PER_UNIT
    return value / 100 if unit == "points" and abs(value) > 1 else value


def period_of(day: date, motion: Motion) -> date:
    """Return the first day of the period in which the eve of `day` lies."""
    eve = day - timedelta(days=1)
    months = eve.year * YEAR + eve.month - 1
    first = months - (months - (motion.year_starts - 1)) % motion.period_months
    return date(first // YEAR, first % YEAR + 1, 1)


def is_whole(day: date, book: Book, motion: Motion) -> bool:
    """Tell whether all of the period that begins on `day` is known."""
    is_over = plus_months(day, motion.period_months) <= book.span.as_of
    return is_over and day >= book.span.data_from.replace(day=1)


def _is_within(day: date, window: tuple[date | None, date | None]) -> bool:
    first, last = window
    return (first is None or day >= first) and (last is None or day < last)


def _of_movements(found: Found, by: str) -> list[Measured]:
    """Return figures of contracts: all of them of the whole and of `by`, who came of the rest."""
    rows = [one for period in found.periods for one in of_movement(period, found.preset)]
    for dimension, groups in found.groups.items():
        rows += [
            one.of(dimension, group)
            for group, periods in groups.items()
            for period in periods
            for one in of_movement(period, found.preset)
            if dimension == by or one.metric_id == "new_inflow"
        ]
    return rows


def _of_trade(book: Book, engine: Engine, motion: Motion, by: str) -> list[Measured]:
    """Return what a shop sold, and what new customers cost, of the whole and by group."""
    is_shop = not book.is_contractual and "payments" in book.tables
    if not is_shop and not book.is_contractual:
        return []
    rows: list[Measured] = []
    customers = book.tables.get("customers")
    has_channel = CHANNEL in (customers.columns if customers else ())
    for dimension in dict.fromkeys(["", by, *([CHANNEL] if has_channel else [])]):
        if is_shop and dimension in ("", by):
            sales = engine.total(book, sales_sums(motion, dimension), _PERIOD)
            for row in _every_period(sales, book, motion):
                rows += [one.of(dimension, row["group"]) for one in of_sales(row)]
        won = engine.total(book, won_sums(motion, dimension), _PERIOD)
        for row in _every_period(won, book, motion):
            told = of_won(row, with_number=is_shop)
            rows += [one.of(dimension, row["group"]) for one in told]
    return [replace(one, is_complete=is_whole(one.period_on, book, motion)) for one in rows]


def _every_period(sums: pl.DataFrame, book: Book, motion: Motion) -> Iterator[dict[str, Any]]:
    """Yield the rows of each group from its first period on; zeros where nothing happened."""
    for (group,), rows in sums.partition_by("group", as_dict=True, maintain_order=True).items():
        told = {row["period_on"]: row for row in rows.iter_rows(named=True)}
        nothing = dict.fromkeys(sums.columns, 0) | {"group": group}
        day = min(told)
        while day < book.span.as_of:
            yield told.get(day, nothing | {"period_on": day})
            day = plus_months(day, motion.period_months)


def _of_years(book: Book, engine: Engine, motion: Motion, by: str, latest: date) -> list[Measured]:
    """Return twelve months of retention, up to the ends of three periods."""
    if not book.is_contractual or motion.period_months == YEAR:
        return []
    monthly = replace(motion, period_months=1, grain="period")
    rows: list[Measured] = []
    for day in (latest, *_earlier(latest, motion)):
        end = plus_months(day, motion.period_months)
        start = plus_months(end, -YEAR)
        if end > book.span.as_of or start < book.span.data_from:
            continue
        for dimension in dict.fromkeys(["", by]):
            found = engine.total(book, states(monthly, start, end, dimension), ("group",))
            for row in found.iter_rows(named=True):
                group = row.pop("group")
                rows += [one.of(dimension, group) for one in of_year(day, Retained(**row))]
    return rows


def _of_standings(
    book: Book, engine: Engine, motion: Motion, standings: Sequence[Standing], by: str
) -> list[Measured]:
    rows: list[Measured] = []
    costs = engine.total(book, won_sums(motion), _PERIOD) if standings else pl.DataFrame()
    for one in standings:
        day = period_of(one.day, motion)
        since = plus_months(day, motion.period_months - YEAR)
        year = costs.filter(pl.col("period_on").is_between(since, day))
        cost = Rate(int(year["amount"].sum()), int(year["n_known"].sum()))
        told = of_standing(one, day, _amounts(one, book, engine, motion), cost)
        if by:
            groups = engine.collect(
                book,
                lambda tables: tables["customers"].select(
                    "customer_id", group=pl.col(by).cast(pl.String)
                ),
                ["customer_id"],
            )
            told += of_groups(one, day, groups, by)
        rows += [replace(row, is_complete=is_whole(day, book, motion)) for row in told]
    return rows


def _amounts(one: Standing, book: Book, engine: Engine, motion: Motion) -> NDArray[np.int64]:
    """Return what customers pay a month; of a shop what each paid in the year before."""
    if book.is_contractual:
        amounts = one.customers.filter("is_alive")["mrr_amount"].to_numpy()
    else:
        then = replace(motion, as_of=one.day)
        plan = spent(then, one.day - timedelta(SPENT_DAYS))
        amounts = engine.collect(book, plan, ["customer_id"])["spent_amount"].to_numpy()
    return np.asarray(amounts, np.int64)


def _earlier(day: date, motion: Motion) -> tuple[date, date]:
    """Return the period before, and that of a year before."""
    return plus_months(day, -motion.period_months), plus_months(day, -YEAR)


def _lines(
    rows: Sequence[Measured],
    latest: tuple[date, date],
    motion: Motion,
    standards: tuple[Mapping[str, float], Sequence[Benchmark]],
) -> tuple[Line, ...]:
    """Return every metric of the whole in the last period, or as of the last day."""
    of_whole = {(one.metric_id, one.period_on): one for one in rows if not one.dimension}
    benchmarks = {one.metric_id: one for one in standards[1]}
    found = []
    for name, metric in METRICS.items():
        days = sorted(day for (of, day), one in of_whole.items() if of == name and is_told(one))
        day = latest[1] if metric.when == "day" else latest[0]
        if metric.when == "answer":
            days = [answered_on for answered_on in days if answered_on <= day]
            day = days[-1] if days else day
        now = of_whole.get((name, day))
        if now is None or (now.value is None and metric.unit != "months"):
            continue
        before, year_ago = _earlier(day, motion)
        if metric.when == "answer" and len(days) > 1:
            before = days[-2]
        target = standards[0].get(name)
        found.append(
            Line(
                now,
                of_whole[name, before] if before in days else None,
                of_whole[name, year_ago] if year_ago in days else None,
                None if target is None else in_unit(name, target),
                benchmarks.get(name),
            )
        )
    return tuple(found)


def _lacking(
    rows: Sequence[Measured], book: Book, now: Standing | None, *, is_short: bool
) -> tuple[str, ...]:
    """Return what the book lacks for the metrics that it does not tell.

    Where periods are not shorter than a year, there are no figures of twelve months beside them.
    """
    told = {one.metric_id for one in rows if one.value is not None}
    channels = any(one.dimension == CHANNEL for one in rows)
    lacks = {
        "contracts": not book.is_contractual,
        "shop": book.is_contractual,
        "nps": "nps" not in told,
        "csat": "csat" not in told,
        "channel": not channels,
        "cost": "cac" not in told,
        "margin": "cac" in told and now is not None and now.basis != "margin",
        "year": book.is_contractual and is_short and "grr_12m" not in told,
        "model": now is None,
        "repeat": not book.is_contractual and "repeat_rate" not in told,
    }
    return tuple(name for name, is_lacking in lacks.items() if is_lacking)
