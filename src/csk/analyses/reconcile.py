"""Why two people who count the same contracts have other figures.

One rule: the way from one to the other is walked one cause at a time, each counted anew from the
contracts, so the causes add up to the difference; what no cause reproduces is unexplained.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from typing import Final

import polars as pl

from csk.book import Book
from csk.calendar import plus_months
from csk.engine.protocol import Engine
from csk.errors import DataError, UsageError
from csk.models.candidates import Choices
from csk.models.causes import Candidate, Cell, Found, search
from csk.models.reconcile import (
    Figure,
    Line,
    Side,
    Step,
    Told,
    change,
    is_money,
    last_step,
    metric,
    step,
    walk,
)
from csk.models.recount import Recount
from csk.money import AMOUNT_SCALE, COUNTS_PER_UNIT, minor_digits
from csk.schema import RECONCILIATION

MOST_VALUES: Final = 12
"""Values of a column for which leaving them out is tried."""
_MANY: Final = 3
"""Sums of money of which a common factor says something; two could have one by chance."""
_WHOLE: Final = COUNTS_PER_UNIT
"""Counts of one customer in columns that hold money or customers."""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """Figures on two sides, with the causes between them."""

    book: Book
    ours: str
    theirs: str
    """What the sides are called."""
    lines: tuple[Line, ...]
    """By figure, then by period."""
    order: tuple[str, ...]
    """Causes, as they were walked."""
    found: Found | None = None
    """How causes were found where the other side only tells figures."""
    outside: tuple[date, ...] = ()
    """Months of theirs of which we have no whole one."""
    not_tried: tuple[str, ...] = ()
    """Causes of which the contracts at hand say nothing."""
    columns: tuple[tuple[str, str], ...] = ()
    """Of a file of theirs: column and figure."""
    untold: tuple[str, ...] = ()
    """Columns that are no figure of ours."""
    in_per_cent: tuple[str, ...] = ()
    """Columns taken for per cent because of their size alone."""
    presets: tuple[str, ...] = ()
    """Presets whose formulas were taken, on our side or on theirs."""

    @property
    def months(self) -> tuple[date, ...]:
        """Return the periods of which there are lines."""
        return tuple(sorted({line.period_on for line in self.lines}))

    @property
    def metric_ids(self) -> tuple[str, ...]:
        """Return the figures, in their order."""
        return tuple(dict.fromkeys(line.metric_id for line in self.lines))


@dataclass(frozen=True, slots=True)
class Sides:
    """Two sides and what they are called."""

    ours: Side
    theirs: Side
    names: tuple[str, str]


def between(
    book: Book,
    engine: Engine,
    sides: Sides,
    names: Sequence[str],
    window: tuple[date | None, date | None] = (None, None),
) -> Reconciled:
    """Return each figure of each whole period under two definitions, with the steps between.

    UsageError where the book has no contracts.
    """
    _refuse_shops(book)
    counts = Recount(book, engine)
    path = walk(sides.ours, sides.theirs)
    stages = [("", sides.ours), *path]
    for _, side in stages:
        counts.months(side.way)
    days = _days(counts, sides.ours, window)
    lines = _lines(counts, stages, [(name, day) for name in names for day in days])
    order = tuple(cause for cause, _ in path)
    return Reconciled(book, *sides.names, tuple(lines), order, presets=_presets(stages))


def against(
    book: Book,
    engine: Engine,
    ours: Side,
    names: tuple[str, str],
    told: Mapping[Cell, Told],
    tried: Choices,
) -> Reconciled:
    """Return each figure that is told of a whole month, ours, and the causes found between.

    UsageError where the book has no contracts; DataError where no month is told that we have.
    """
    _refuse_shops(book)
    counts = Recount(book, engine)
    days = set(_days(counts, ours, (None, None)))
    cells = {cell: of for cell, of in told.items() if cell[1] in days}
    outside = tuple(sorted({day for _, day in told} - days))
    if not cells:
        raise DataError(
            f"{names[1]} tells of no month that is whole in these files.",
            details=[f"it has {min(outside):%Y-%m} to {max(outside):%Y-%m}"] if outside else [],
        )
    candidates = [*tried.candidates(ours), *_by_ratio(counts, ours, cells)]
    found = search(ours, candidates, cells, lambda side: counts.values(side, cells))
    stages = [("", ours)]
    for one in found.chosen:
        stages.append((one.cause, one.applied(stages[-1][1])))
    lines = []
    for line in _lines(counts, stages, list(cells), [one.detail for one in found.chosen]):
        of = cells[line.metric_id, line.period_on]
        # Where the causes do not reproduce what is told, they are not claimed.
        is_met = of.holds(line.theirs.value)
        steps = (*line.steps, *last_step(of, line.theirs)) if is_met else last_step(of, line.ours)
        lines.append(replace(line, theirs=Figure(of.value), steps=steps))
    order = tuple(one.cause for one in found.chosen)
    return Reconciled(book, *names, tuple(lines), order, found, outside, tried.not_tried)


def _presets(stages: Sequence[tuple[str, Side]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(side.preset for _, side in stages if side.preset))


def choices(book: Book, engine: Engine, elsewhere: tuple[str, str] = ("", "")) -> Choices:
    """Return what the contracts of a book allow to be tried.

    `elsewhere` is a table with another reading of the contracts, and the time zone of its days.
    """
    customers = book.tables.get("customers")
    columns = ("plan", *(customers.columns[1:] if customers else ()))
    values = {name: _values(book, engine, name) for name in dict.fromkeys(columns)}
    return Choices(
        scopes={name: found for name, found in values.items() if found},
        minors=_minors(book),
        columns=book.tables["subscriptions"].columns,
        elsewhere=elsewhere,
    )


def _by_ratio(counts: Recount, ours: Side, told: Mapping[Cell, Told]) -> list[Candidate]:
    """Return the one factor that could lie between all sums of money: a rate of exchange."""
    cells = [cell for cell in told if metric(cell[0]).unit == "money"]
    here = counts.values(ours, told)
    mine = sum(value for cell in cells if (value := here[cell]) is not None)
    theirs = sum(told[cell].value for cell in cells)
    if not mine or theirs <= 0 or len(cells) < _MANY:
        return []
    factor = Fraction(theirs) / mine
    return [Candidate("fx", f"x {float(factor):.6g}", side={"factor": factor})]


def _minors(book: Book) -> tuple[int, ...]:
    """Return the counts of a minor unit and of a whole one."""
    digits = minor_digits(book.currency) if book.currency else 2
    return tuple(dict.fromkeys((10 ** (AMOUNT_SCALE - digits), COUNTS_PER_UNIT)))


def _values(book: Book, engine: Engine, column: str) -> list[str]:
    """Return the values of a column of contracts or customers; none where they are too many."""
    table = "subscriptions" if column == "plan" else "customers"
    rows = engine.total(
        book,
        lambda tables: (
            tables[table]
            .group_by(group=pl.col(column).cast(pl.String))
            .agg(n=pl.len().cast(pl.Int64))
        ),
        ("group",),
    )
    values = rows["group"].drop_nulls().to_list()
    return values if 1 < len(values) <= MOST_VALUES else []


def _lines(
    counts: Recount,
    stages: Sequence[tuple[str, Side]],
    cells: Sequence[Cell],
    details: Sequence[str] = (),
) -> list[Line]:
    """Return the lines of figures along the stages, the first of which is ours."""
    names = tuple(dict.fromkeys(name for name, _ in cells))
    found: dict[Cell, list[Step]] = {cell: [] for cell in cells}
    for place in range(1, len(stages)):
        (_, before), (cause, after) = stages[place - 1], stages[place]
        touched = counts.customers(before, after, names)
        detail = details[place - 1] if details else _detail(before, after)
        for cell in cells:
            one, other = (_figure(counts, cell, side) for side in (before, after))
            found[cell].append(step(cause, detail, one, other, touched.get(cell)))
    ends = (stages[0][1], stages[-1][1])
    return [
        Line(
            metric_id=cell[0],
            period_on=cell[1],
            ours=_figure(counts, cell, ends[0]),
            theirs=_figure(counts, cell, ends[1]),
            steps=_moving(steps),
        )
        for cell, steps in found.items()
    ]


def _figure(counts: Recount, cell: Cell, side: Side) -> Figure:
    return counts.figure(cell[0], side, cell[1]) or Figure(Fraction(0), Fraction(0))


def _moving(steps: Iterable[Step]) -> tuple[Step, ...]:
    """Leave out the steps that change nothing."""
    return tuple(s for s in steps if s.value != 0 or s.numerator or s.denominator)


def _detail(before: Side, after: Side) -> str:
    """Say what changed from one side to the next: the options, as they are and as they become."""
    pairs = [
        (getattr(one, name), getattr(other, name))
        for one, other in (
            (before.way.motion, after.way.motion),
            (before.way, after.way),
            (before, after),
        )
        for name in one.__dataclass_fields__
        if name not in ("way", "motion", "table")
    ]
    return ", ".join(change(one, other) for one, other in pairs if one != other)


def _days(counts: Recount, ours: Side, window: tuple[date | None, date | None]) -> tuple[date, ...]:
    """Return the whole periods of a window; of all where none is whole."""
    span, (first, last) = counts.book.span, window
    days = counts.months(ours.way)
    months = ours.way.motion.period_months
    return tuple(
        day
        for day in days
        if plus_months(day, months) <= span.as_of
        and day >= span.data_from.replace(day=1)
        and (first is None or plus_months(day, months) > first)
        and (last is None or day < last)
    )


def _refuse_shops(book: Book) -> None:
    if not book.is_contractual:
        raise UsageError(
            "There are no subscriptions, so there are no recurring figures to reconcile.",
            hint="csk check says what each file is.",
        )


def table(result: Reconciled) -> pl.DataFrame:
    """Return the table for machines, in the columns of `schema.RECONCILIATION`."""
    rows = [row for line in result.lines for row in _rows(line)]
    kinds = {"date": pl.Date, "count": pl.Int64, "amount": pl.Int64, "number": pl.Float64}
    schema = {c.name: kinds.get(c.kind, pl.String) for c in RECONCILIATION.columns}
    names = RECONCILIATION.names
    frame = pl.DataFrame(rows, schema={name: schema[name] for name in names[1:-1]}, orient="row")
    return frame.with_columns(
        as_of=pl.lit(result.book.span.as_of),
        currency=pl.lit(result.book.currency or None, dtype=pl.String),
    ).select(names)


def _rows(line: Line) -> list[tuple[object, ...]]:
    """Return the rows of a line: ours, each step, theirs."""
    unit = 1 if is_money(metric(line.metric_id).variant.numerator) else _WHOLE
    below = 1 if is_money(metric(line.metric_id).variant.denominator) else _WHOLE
    steps = (*line.steps,)
    values = [float(s.value) if s.value is not None else None for s in steps]
    numerators = _rounded(line.ours.numerator, [s.numerator for s in steps], unit)
    denominators = _rounded(line.ours.denominator, [s.denominator for s in steps], below)
    ours = _row(line.ours, unit, below)
    theirs = _row(line.theirs, unit, below)
    scale = 1 / _WHOLE if metric(line.metric_id).unit == "money" else 1.0
    changes = [
        (s.cause, s.detail or None, s.n_customers, value, numerator, denominator)
        for s, value, numerator, denominator in zip(
            steps, values, numerators, denominators, strict=True
        )
    ]
    parts = [("ours", None, None, *ours), *changes, ("theirs", None, None, *theirs)]
    return [
        (line.period_on, line.metric_id, place, cause, detail, n, _times(value, scale), up, down)
        for place, (cause, detail, n, value, up, down) in enumerate(parts)
    ]


def _row(of: Figure, unit: int, below: int) -> tuple[float | None, int, int | None]:
    value = None if of.value is None else float(of.value)
    down = None if of.denominator is None else round(of.denominator * below)
    return value, round(of.numerator * unit), down


def _rounded(
    start: Fraction | None, steps: Sequence[Fraction | None], unit: int
) -> list[int | None]:
    """Return steps in whole counts that still add up: the difference of rounded sums."""
    here, found = start or Fraction(0), list[int | None]()
    for moved in steps:
        before, here = here, here + (moved or 0)
        found.append(None if moved is None else round(here * unit) - round(before * unit))
    return found


def _times(value: float | None, scale: float) -> float | None:
    return None if value is None else value * scale
