"""How recurring revenue moved: from the start of each period to its end, by kind.

One rule: every period adds up (see `csk.models.periods`), and so do the groups of one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import polars as pl

from csk.book import Book
from csk.calendar import plus_months
from csk.engine.protocol import Engine
from csk.errors import DataError, UsageError
from csk.models.periods import (
    CAUSES,
    STAYED,
    SWAPPED,
    Moved,
    Period,
    renewal,
    told,
)
from csk.models.rates import Rate, Retained
from csk.schema import MRR_MOVEMENT
from csk.tables.motion import SWAP
from csk.tables.movements import KINDS, Motion, states
from csk.tables.renewals import long_terms


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
    preset: str = ""
    """Whose definitions hold; empty for csk's own."""
    renewal: Rate | None = None
    """Of who was up for renewal in the last complete period, who left in it; null where no term
    is longer than a period."""

    @property
    def latest(self) -> Period:
        """Return the last complete period, or the last one where none is."""
        complete = [one for one in self.periods if one.is_complete]
        return complete[-1] if complete else self.periods[-1]


def mrr(
    book: Book,
    engine: Engine,
    motion: Motion,
    by: str = "",
    window: tuple[date | None, date | None] = (None, None),
    preset: str = "",
) -> MrrResult:
    """Return the movements of a dated, contractual book between two days.

    `by` is a column of the customers table, `plan`, or `cohort`; `preset` only labels whose rates
    are shown, `motion` must be under it already. UsageError where the book has no contracts, or no
    period lies in the window; DataError where movements and levels do not agree.
    """
    if not book.is_contractual:
        raise UsageError(
            "There are no subscriptions, so nothing recurs.",
            hint="csk segment and csk kpi tell of shops; csk check says what each file is.",
        )
    whole = _within(told(book, engine, motion).get("", ()), window)
    if not whole:
        raise UsageError("No period lies between these days.")
    groups = {
        name: _within(of, window)
        for name, of in (told(book, engine, motion, by) if by else {}).items()
    }
    _refuse_other_sums(whole, groups)
    year_from, year = _year(book, engine, motion, whole)
    result = MrrResult(book, motion, whole, groups, year, year_from, preset)
    if not engine.total(book, long_terms(motion.period_months), ())["n"].item():
        return result  # everybody is up for renewal in every period
    return replace(result, renewal=renewal(book, engine, motion, result.latest))


def _within(found: Sequence[Period], window: tuple[date | None, date | None]) -> tuple[Period, ...]:
    first, last = window
    return tuple(
        one
        for one in found
        if (first is None or one.ends_on > first) and (last is None or one.starts_on < last)
    )


def _refuse_other_sums(whole: Sequence[Period], groups: Mapping[str, Sequence[Period]]) -> None:
    """Hold the sum of the groups against the whole."""
    for one in whole if groups else ():
        parts = [p for of in groups.values() for p in of if p.starts_on == one.starts_on]
        if sum(p.end_amount for p in parts) != one.end_amount:
            raise DataError(
                f"The groups of {one.starts_on:%Y-%m} do not add up to the whole.",
            )


def _year(
    book: Book, engine: Engine, motion: Motion, periods: Sequence[Period]
) -> tuple[date | None, Retained | None]:
    """Return what became of those who paid twelve months before the last complete period ended."""
    complete = [one for one in periods if one.is_complete]
    if not complete:
        return None, None
    end = complete[-1].ends_on
    start = plus_months(end, -12)
    monthly = replace(motion, period_months=1, grain="period")
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
    lines += [(SWAP, way, None, one.how[SWAP, way]) for way in SWAPPED]
    lines.append(("end", None, None, Moved(one.n_end, one.end_amount)))
    return [
        (one.starts_on, by, group, kind, way, cause, of.n, of.amount, one.is_complete)
        for kind, way, cause, of in lines
        if of.n or of.amount or kind in ("start", "end")
    ]
