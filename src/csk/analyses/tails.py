"""How long contracts will stay, beyond what was seen: laws by AIC and by what came after.

One rule: each kind of contract has a law of its own, as its terms end at their own ages.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

import polars as pl

from csk.book import Book
from csk.calendar import TICKS_PER_MONTH, plus_months
from csk.engine.protocol import Engine, Plan, Tables
from csk.errors import ModelError
from csk.models.contract import ENOUGH_ENDS, counts
from csk.models.tails import Since, Tail, tail
from csk.settings import Settings
from csk.stats import survival
from csk.tables.groups import grouped
from csk.tables.spells import age_counts, contracts, exposures
from csk.tables.tails import still_there

BACK: Final = (12, 9, 6, 3)
"""Months before `as_of` at which laws are tried."""
_KEY: Final = ["group", "term_months", "age"]

_Parts = Mapping[tuple[str, int], pl.DataFrame]


@dataclass(frozen=True, slots=True)
class TooFew:
    """A kind of contract with too few ends for a law of its own."""

    group: str
    term_months: int
    n_ended: int


@dataclass(frozen=True, slots=True)
class Tails:
    """The laws of a book."""

    book: Book
    by: str
    tails: tuple[Tail, ...]
    """Those with most ends first."""
    too_few: tuple[TooFew, ...]


@dataclass(frozen=True, slots=True)
class _Past:
    """Counts of all kinds of contracts at one origin."""

    origin: date
    months: int
    known: _Parts
    followed: _Parts
    alive: _Parts


def tails(book: Book, engine: Engine, settings: Settings, by: str = "") -> Tails:
    """Return the laws of staying of a contractual book, by group and length of term.

    ModelError where no kind of contract has ended often enough.
    """
    span, grace = book.span, settings.grace_days

    def watched(from_day: date, to_day: date) -> Plan:
        def plan(tables: Tables) -> pl.LazyFrame:
            rows = grouped(contracts(tables, to_day, grace), tables, by)
            return exposures(rows, from_day, to_day)

        return plan

    def counted(from_day: date, to_day: date) -> _Parts:
        plan = watched(from_day, to_day)
        return _parts(engine.total(book, lambda tables: age_counts(plan(tables)), _KEY))

    every = counted(span.data_from, span.as_of)
    ends = {name: int(counts(part).left.sum()) for name, part in every.items()}
    enough = [name for name, n in ends.items() if n >= ENOUGH_ENDS]
    if not enough:
        raise ModelError(
            f"No kind of contract has ended {ENOUGH_ENDS} times, so no law of staying can be "
            "fitted.",
            details=[f"{_named(name)}: {n} ended" for name, n in sorted(ends.items())],
        )
    past = []
    for months in BACK:
        origin = plus_months(span.as_of, -months)
        if origin <= span.data_from:
            continue
        since = watched(origin, span.as_of)
        past.append(
            _Past(
                origin,
                months,
                counted(span.data_from, origin),
                counted(origin, span.as_of),
                _parts(engine.total(book, lambda tables: still_there(since(tables)), _KEY)),  # noqa: B023 - run at once
            )
        )
    enough.sort(key=lambda name: -ends[name])
    return Tails(
        book,
        by,
        tuple(_tail(name, every[name], past, book) for name in enough),
        tuple(TooFew(*name, n) for name, n in sorted(ends.items()) if name not in enough),
    )


def _parts(rows: pl.DataFrame) -> _Parts:
    filled = rows.with_columns(pl.col("group").fill_null(""), pl.col("term_months").fill_null(0))
    parts = filled.partition_by("group", "term_months", as_dict=True, maintain_order=True)
    return {(str(group), int(str(term))): part for (group, term), part in parts.items()}


def _tail(name: tuple[str, int], rows: pl.DataFrame, past: list[_Past], book: Book) -> Tail:
    seen = counts(rows)
    since = [
        Since(
            one.origin,
            counts(one.known[name]),
            counts(one.followed[name]),
            tuple(one.alive[name].select("age", "n", "n_after").iter_rows()),
            one.months,
        )
        for one in past
        if all(name in part for part in (one.known, one.followed, one.alive))
    ]
    start = survival.starts_at(seen) if book.span.is_late_entry else 0
    return tail(name, seen, since, -(-(start or 0) // TICKS_PER_MONTH))


def _named(name: tuple[str, int]) -> str:
    group, term = name
    terms = f"{max(term, 1)}-month terms"
    return f"{group}, {terms}" if group else terms
