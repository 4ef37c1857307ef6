"""Cohorts: who came together, and what has become of them, period by period.

One rule: a cell that is not yet a whole period, or lies before the log begins, is marked and is
in no mean; a mean is of the cohorts that have reached that age.
"""

from dataclasses import dataclass
from datetime import date

import polars as pl

from csk.book import Book
from csk.calendar import plus_months
from csk.engine.protocol import Engine
from csk.errors import DataError
from csk.models.rates import Rate
from csk.schema import COHORT_CELL
from csk.tables.cohorts import contract_cohorts, purchase_cohorts
from csk.tables.movements import Motion


@dataclass(frozen=True, slots=True)
class Cell:
    """One cohort at one age; money in counts: recurring a month, or paid in the period."""

    age: int
    """Periods since the cohort's own, which is 0."""
    n: int
    amount: int
    is_complete: bool


@dataclass(frozen=True, slots=True)
class Cohort:
    """Customers who came in one period."""

    starts_on: date
    n: int
    cells: tuple[Cell, ...]
    is_whole: bool
    """False where it began before the log: who had left by then is not in it."""


@dataclass(frozen=True, slots=True)
class Mean:
    """All cohorts that have reached an age, whole and complete."""

    age: int
    customers: Rate
    money: Rate
    n_cohorts: int


@dataclass(frozen=True, slots=True)
class Cohorts:
    """The triangle of a book."""

    book: Book
    motion: Motion
    is_contractual: bool
    cohorts: tuple[Cohort, ...]
    means: tuple[Mean, ...]


def cohorts(book: Book, engine: Engine, motion: Motion) -> Cohorts:
    """Return the cohorts of a dated book: contracts by first start, shops by first purchase.

    DataError where nobody ever came.
    """
    plan = contract_cohorts(motion) if book.is_contractual else purchase_cohorts(motion)
    sums = engine.total(book, plan, ("group", "period_on"))
    found = tuple(
        _cohort(part.sort("period_on"), book, motion)
        for _, part in sorted(sums.partition_by("group", as_dict=True).items())
    )
    if not found:
        raise DataError("Nobody came before the day as of which the book is read.")
    return Cohorts(book, motion, book.is_contractual, found, _means(found))


def _cohort(rows: pl.DataFrame, book: Book, motion: Motion) -> Cohort:
    starts_on = date.fromisoformat(f"{rows['group'][0]}-01")
    changed = {row["period_on"]: row for row in rows.iter_rows(named=True)}
    n_standing, standing, day, age = 0, 0, starts_on, 0
    cells = []
    while day < book.span.as_of:
        row = changed.get(day, {"n": 0, "amount": 0})
        n_standing, standing = n_standing + row["n"], standing + row["amount"]
        end = plus_months(day, motion.period_months)
        whole = end <= book.span.as_of
        told = (n_standing, standing) if book.is_contractual else (row["n"], row["amount"])
        cells.append(Cell(age, *told, whole))
        day, age = end, age + 1
    n = int(rows["n_came"].sum())
    return Cohort(starts_on, n, tuple(cells), starts_on >= book.span.data_from.replace(day=1))


def _means(found: tuple[Cohort, ...]) -> tuple[Mean, ...]:
    means = []
    for age in range(max(len(one.cells) for one in found)):
        reached = [
            one
            for one in found
            if one.is_whole and len(one.cells) > age and one.cells[age].is_complete
        ]
        if not reached:
            break
        customers = Rate(sum(c.cells[age].n for c in reached), sum(c.n for c in reached))
        money = Rate(
            sum(c.cells[age].amount for c in reached), sum(c.cells[0].amount for c in reached)
        )
        means.append(Mean(age, customers, money, len(reached)))
    return tuple(means)


def table(result: Cohorts) -> pl.DataFrame:
    """Return the table for machines, in the columns of `schema.COHORT_CELL`, sorted by its key."""
    rows = [
        (
            one.starts_on,
            cell.age,
            one.n,
            cell.n,
            cell.amount,
            cell.n / one.n if one.n else None,
            cell.amount / one.cells[0].amount if one.cells[0].amount else None,
            cell.is_complete,
            one.is_whole,
        )
        for one in result.cohorts
        for cell in one.cells
    ]
    kinds = {"date": pl.Date, "count": pl.Int64, "amount": pl.Int64, "number": pl.Float64}
    told = {c.name: kinds.get(c.kind, pl.Boolean) for c in COHORT_CELL.columns[1:-1]}
    return (
        pl.DataFrame(rows, schema=told, orient="row")
        .with_columns(
            as_of=pl.lit(result.book.span.as_of),
            currency=pl.lit(result.book.currency or None, dtype=pl.String),
        )
        .select(COHORT_CELL.names)
    )
