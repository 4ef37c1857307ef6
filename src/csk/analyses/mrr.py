"""How recurring revenue moved: from the start of each period to its end, by kind.

One rule: start + new + expansion + reactivation + resume - contraction - churn - pause = end, to
the last count, for every period and group; where that does not hold there is no result.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import polars as pl

from csk.book import Book
from csk.calendar import plus_months
from csk.engine.protocol import Engine
from csk.errors import DataError, UsageError
from csk.models.rates import Retained
from csk.schema import MRR_MOVEMENT
from csk.tables.movements import (
    FALLS,
    KINDS,
    Motion,
    level_sums,
    movement_sums,
    states,
)
from csk.tables.spells import INVOLUNTARY, UNKNOWN, VOLUNTARY

CAUSES = {VOLUNTARY: "voluntary", INVOLUNTARY: "involuntary", UNKNOWN: "unknown"}
STAYED = ("plan", "add_on", "price")


@dataclass(frozen=True, slots=True)
class Moved:
    """Customers who moved in one way, and by how much (counts a month, signed)."""

    n: int = 0
    amount: int = 0

    def __add__(self, other: "Moved") -> "Moved":
        """Add two of them up."""
        return Moved(self.n + other.n, self.amount + other.amount)


@dataclass(frozen=True, slots=True)
class Period:
    """One period of one group; money in counts a month."""

    group: str
    starts_on: date
    ends_on: date
    """First day no longer in it."""
    n_start: int
    start_amount: int
    moved: Mapping[str, Moved]
    """By kind, all of `KINDS`."""
    how: Mapping[tuple[str, str], Moved]
    """By (expansion or contraction, way): plan, add_on, price."""
    causes: Mapping[str, Moved]
    """Churn by cause."""
    flash: Moved
    """Who came and left inside the period; part of no other kind."""
    is_complete: bool = True

    @property
    def n_end(self) -> int:
        """Return how many pay at the end."""
        came = sum(self.moved[k].n for k in ("new", "reactivation", "resume"))
        return self.n_start + came - self.moved["churn"].n - self.moved["pause"].n

    @property
    def end_amount(self) -> int:
        """Return what stands at the end."""
        return self.start_amount + sum(moved.amount for moved in self.moved.values())

    @property
    def retained(self) -> Retained:
        """Return what those who paid at the start kept paying."""
        lost = sum(-self.moved[kind].amount for kind in FALLS)
        rose = self.moved["expansion"].amount
        return Retained(
            n=self.n_start,
            n_after=self.n_start - self.moved["churn"].n - self.moved["pause"].n,
            amount=self.start_amount,
            kept_amount=self.start_amount - lost,
            amount_after=self.start_amount - lost + rose,
        )

    @property
    def quick_ratio(self) -> float | None:
        """Return what came in for each unit that went; null where nothing went."""
        came = sum(self.moved[kind].amount for kind in ("new", "expansion", "reactivation"))
        went = -sum(self.moved[kind].amount for kind in ("contraction", "churn"))
        return came / went if went else None


@dataclass(frozen=True, slots=True)
class MrrResult:
    """Every period of a book, of the whole and of each group."""

    book: Book
    motion: Motion
    periods: tuple[Period, ...]
    """Of the whole, in order."""
    groups: Mapping[str, tuple[Period, ...]] = field(default_factory=dict)
    year: Retained | None = None
    """Who paid twelve months before the last complete period ended, and what became of them."""
    year_from: date | None = None


def mrr(
    book: Book,
    engine: Engine,
    motion: Motion,
    by: str = "",
    window: tuple[date | None, date | None] = (None, None),
) -> MrrResult:
    """Return the movements of a dated, contractual book between two days.

    `by` is a column of the customers table, `plan`, or `cohort`. UsageError where the book has no
    contracts; DataError where movements and levels do not agree, naming the first period.
    """
    if not book.is_contractual:
        raise UsageError(
            "There are no subscriptions, so nothing recurs.",
            hint="csk segment and csk kpi tell of shops; csk check says what each file is.",
        )
    whole = _periods(book, engine, motion, "", window)
    groups = _by_group(_periods(book, engine, motion, by, window)) if by else {}
    _refuse_other_sums(whole, groups)
    year_from, year = _year(book, engine, motion, whole)
    return MrrResult(book, motion, whole, groups, year, year_from)


def _periods(
    book: Book, engine: Engine, motion: Motion, by: str, window: tuple[date | None, date | None]
) -> tuple[Period, ...]:
    key = ("group", "period_on", "kind", "how", "cause")
    sums = engine.total(book, movement_sums(motion, by), key)
    levels = engine.total(book, level_sums(motion, by), ("group", "period_on"))
    _refuse_broken(sums, levels)
    found: list[Period] = []
    for (group,), rows in sums.partition_by("group", as_dict=True, maintain_order=True).items():
        found += _of_group(str(group), rows, book, motion)
    first, last = window
    return tuple(
        one
        for one in found
        if (first is None or one.ends_on > first) and (last is None or one.starts_on < last)
    )


def _of_group(group: str, rows: pl.DataFrame, book: Book, motion: Motion) -> list[Period]:
    """Return one period after the other, those without a movement too."""
    by_period = {day: part for (day,), part in rows.partition_by("period_on", as_dict=True).items()}
    n, level, found = 0, 0, []
    day = min(by_period)
    while day < book.span.as_of:
        end = plus_months(day, motion.period_months)
        part = by_period.get(day, rows.clear())
        one = replace(
            _period(group, day, end, part),
            n_start=n,
            start_amount=level,
            is_complete=end <= book.span.as_of and day >= book.span.data_from.replace(day=1),
        )
        found.append(one)
        n, level, day = one.n_end, one.end_amount, end
    return found


def _period(group: str, day: date, end: date, rows: pl.DataFrame) -> Period:
    moved = dict.fromkeys(KINDS, Moved())
    how = {(kind, way): Moved() for kind in ("expansion", "contraction") for way in STAYED}
    causes = dict.fromkeys(CAUSES.values(), Moved())
    flash = Moved()
    for row in rows.iter_rows(named=True):
        this = Moved(row["n"], row["amount"])
        flash += Moved(row["n_flash"], row["flash_amount"])
        if row["kind"] is None:
            continue
        moved[row["kind"]] += this
        if row["how"]:
            how[row["kind"], row["how"]] += this
        if row["kind"] == "churn":
            causes[CAUSES[row["cause"]]] += this
    return Period(group, day, end, 0, 0, moved, how, causes, flash)


def _refuse_broken(sums: pl.DataFrame, levels: pl.DataFrame) -> None:
    """Hold the movements against what all contracts add and take, which knows no customers."""
    key = ["group", "period_on"]
    both = (
        sums.group_by(key)
        .agg(pl.col("amount").sum())
        .join(levels, on=key, how="full", coalesce=True, suffix="_level")
        .with_columns(pl.col("amount", "amount_level").fill_null(0))
        .filter(pl.col("amount") != pl.col("amount_level"))
        .sort("period_on", "group")
    )
    if not both.is_empty():
        first = both.row(0, named=True)
        where = f"{first['period_on']:%Y-%m} {first['group']}".strip()
        sums_ = f"moved {first['amount']}, expected {first['amount_level']} (in 1/10,000)"
        raise DataError(
            "The movements do not add up to what the contracts say.", details=[f"{where}: {sums_}"]
        )


def _refuse_other_sums(whole: Sequence[Period], groups: Mapping[str, Sequence[Period]]) -> None:
    """Hold the sum of the groups against the whole."""
    for one in whole if groups else ():
        parts = [p for of in groups.values() for p in of if p.starts_on == one.starts_on]
        if sum(p.end_amount for p in parts) != one.end_amount:
            raise DataError(
                f"The groups of {one.starts_on:%Y-%m} do not add up to the whole.",
            )


def _by_group(periods: Sequence[Period]) -> dict[str, tuple[Period, ...]]:
    names = dict.fromkeys(one.group for one in periods)
    return {name: tuple(one for one in periods if one.group == name) for name in names}


def _year(
    book: Book, engine: Engine, motion: Motion, periods: Sequence[Period]
) -> tuple[date | None, Retained | None]:
    """Return what became of those who paid twelve months before the last complete period ended."""
    complete = [one for one in periods if one.is_complete]
    if not complete:
        return None, None
    end = complete[-1].ends_on
    start = plus_months(end, -12)
    monthly = replace(motion, period_months=1)
    found = engine.total(book, states(monthly, start, end), ("group",))
    if found.is_empty():
        return start, None
    row = found.row(0, named=True)
    return start, Retained(**{name: row[name] for name in row if name != "group"})


def table(result: MrrResult, by: str = "") -> pl.DataFrame:
    """Return the table for machines, in the columns of `schema.MRR_MOVEMENT`, sorted by its key.

    Groups come under the dimension `by`; levels stand as the kinds `start` and `end`.
    """
    rows = [row for one in result.periods for row in _rows(one, None)]
    rows += [row for of in result.groups.values() for one in of for row in _rows(one, by)]
    kinds = {"date": pl.Date, "count": pl.Int64, "amount": pl.Int64, "flag": pl.Boolean}
    schema = {c.name: kinds.get(c.kind, pl.String) for c in MRR_MOVEMENT.columns}
    frame = pl.DataFrame(
        rows, schema={n: schema[n] for n in MRR_MOVEMENT.names[1:-1]}, orient="row"
    )
    return (
        frame.with_columns(
            as_of=pl.lit(result.book.span.as_of),
            currency=pl.lit(result.book.currency or None, dtype=pl.String),
        )
        .select(MRR_MOVEMENT.names)
        .sort("dimension", "group", "period_on", maintain_order=True)
    )


def _rows(one: Period, by: str | None) -> list[tuple[object, ...]]:
    """Return the lines of a period: its start, everything that moved, its end."""
    group = None if by is None else one.group
    lines: list[tuple[str, str | None, str | None, Moved]] = [
        ("start", None, None, Moved(one.n_start, one.start_amount))
    ]
    for kind in KINDS:
        if kind in ("expansion", "contraction"):
            lines += [(kind, way, None, one.how[kind, way]) for way in STAYED]
        elif kind == "churn":
            lines += [(kind, None, cause, one.causes[cause]) for cause in CAUSES.values()]
        else:
            lines.append((kind, None, None, one.moved[kind]))
    lines.append(("end", None, None, Moved(one.n_end, one.end_amount)))
    return [
        (one.starts_on, by, group, kind, way, cause, of.n, of.amount, one.is_complete)
        for kind, way, cause, of in lines
        if of.n or kind in ("start", "end")
    ]
