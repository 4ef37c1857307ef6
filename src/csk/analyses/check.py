"""What looks wrong in a book: broken keys, impossible dates, doubts about the file's edge.

One rule: a finding names how many rows it is about and gives examples; it changes nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import polars as pl

from csk.book import Book
from csk.engine.protocol import Engine, Tables
from csk.schema import Column
from csk.tables.spells import contracts, spells

EXAMPLES: Final = 3
_EARLY: Final = date(1990, 1, 1)
_DAYS: Final = {"payments": "paid_on", "subscriptions": "started_on", "usage": "used_at"}

Rows = Callable[[Tables], pl.LazyFrame]
Rejects = pl.DataFrame
"""Rows with the columns of `schema.REJECTS`."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that looks wrong: the key of its words, the table, rows and examples."""

    key: str
    table: str
    n: int
    examples: tuple[str, ...]
    is_grave: bool = False
    """Whether results cannot be trusted as long as it stands."""


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a file: as it is read (money in counts), and the text it was read from."""

    value: str | int | float | bool | date | datetime | None
    text: str
    """As the file has it; "" where it has none."""


@dataclass(frozen=True, slots=True)
class FirstRow:
    """One of the first rows of a file: its values by canonical column, and what becomes of it."""

    row: int
    """The first one after the header is 1."""
    values: Mapping[str, Value]
    rule: str = ""
    """The rule that leaves it out."""
    reason: str = ""
    """Why it is malformed."""


@dataclass(frozen=True, slots=True)
class FirstRows:
    """How a file begins."""

    file: str
    role: str
    columns: tuple[Column, ...]
    """Canonical columns of which `rows` have values."""
    names: Mapping[str, str]
    """Canonical column -> column of the file, where it is not computed."""
    hidden: tuple[str, ...]
    """Columns of the file that hold persons: their values are not given out."""
    rows: tuple[FirstRow, ...]


def findings(book: Book, engine: Engine) -> tuple[Finding, ...]:
    """Look at a whole dated book; the gravest findings come first."""
    as_of = book.span.as_of
    checks: list[tuple[str, str, Rows, bool]] = []
    for table in book.tables:
        if table in ("customers", "cross_section"):
            continue
        if "customers" in book.tables:
            checks.append(("orphans", table, _orphans(table), False))
        if table in _DAYS:
            checks.append(("early_dates", table, _early(table), True))
    if book.is_contractual:
        checks += [
            ("overlaps", "subscriptions", _overlaps(as_of), False),
            ("future_ends", "subscriptions", _future_ends(as_of), False),
        ]
        if "usage" in book.tables:
            checks.append(("usage_before_start", "usage", _usage_before_start(as_of), False))
    if "payments" in book.tables:
        checks += [
            ("negative", "payments", _payments(pl.col("amount") < 0), False),
            ("zero", "payments", _payments(pl.col("amount") == 0), False),
            ("repeats", "payments", _repeats, False),
        ]
    found = [
        one
        for key, table, rows, grave in checks
        if (one := _found(book, engine, key, table, rows, grave=grave))
    ]
    if "survivors_only" in book.span.notes:
        found.append(
            Finding(
                "survivors_only",
                "subscriptions",
                book.tables["subscriptions"].rows,
                (),
                is_grave=True,
            )
        )
    return tuple(sorted(found, key=lambda finding: (not finding.is_grave, -finding.n)))


def _found(
    book: Book, engine: Engine, key: str, table: str, rows: Rows, *, grave: bool
) -> Finding | None:
    n = engine.total(book, lambda tables: rows(tables).select(n=pl.len().cast(pl.Int64)), []).item()
    if not n:
        return None

    def examples(tables: Tables) -> pl.LazyFrame:
        return rows(tables).select("customer_id").unique().sort("customer_id").head(EXAMPLES)

    ids = engine.collect(book, examples, ["customer_id"])["customer_id"].head(EXAMPLES).to_list()
    return Finding(key, table, int(n), tuple(map(str, ids)), grave)


def _orphans(table: str) -> Rows:
    return lambda tables: tables[table].join(
        tables["customers"].select("customer_id"), on="customer_id", how="anti"
    )


def _early(table: str) -> Rows:
    return lambda tables: tables[table].filter(pl.col(_DAYS[table]).cast(pl.Date) < _EARLY)


def _overlaps(as_of: date) -> Rows:
    return lambda tables: contracts(tables, as_of).filter("is_add_on")


def _future_ends(as_of: date) -> Rows:
    return lambda tables: tables["subscriptions"].filter(pl.col("ended_on") >= as_of)


def _usage_before_start(as_of: date) -> Rows:
    def rows(tables: Tables) -> pl.LazyFrame:
        started = (
            spells(contracts(tables, as_of)).group_by("customer_id").agg(pl.col("started_on").min())
        )
        used = tables["usage"].select("customer_id", "used_at")
        return used.join(started, on="customer_id", how="inner").filter(
            pl.col("used_at").cast(pl.Date) < pl.col("started_on")
        )

    return rows


def _payments(which: pl.Expr) -> Rows:
    return lambda tables: tables["payments"].filter(which)


def _repeats(tables: Tables) -> pl.LazyFrame:
    key = ["customer_id", "paid_on", "amount"]
    return (
        tables["payments"]
        .filter(pl.col("amount") > 0)
        .group_by(key)
        .agg(n=pl.len())
        .filter(pl.col("n") > 1)
    )
