"""What goes with leaving: hazards or times of contracts with covariates of their customers.

One rule: it tells who leaves sooner, not why; a covariate is what was known before the risk.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import polars as pl

from csk.book import Book
from csk.engine.protocol import Engine, Tables
from csk.errors import ModelError, UsageError
from csk.models.accelerated import Accelerated, accelerated
from csk.models.covariates import USAGE
from csk.models.hazards import Hazards, hazards
from csk.settings import Settings
from csk.tables.drivers import Watch, watched

PLAN: Final = "plan"
DEFAULT: Final = (PLAN, "channel", USAGE)
"""Covariates where none are asked for, of those that the book has."""
MOST_ROWS: Final = 1_000_000
"""Contracts beyond which a part of the customers is read."""
_OWN: Final = ("customer_id", "created_on", "cac_amount")


@dataclass(frozen=True, slots=True)
class Drivers:
    """A model of who leaves sooner."""

    book: Book
    fitted: Hazards | Accelerated
    one_in: int
    """Of so many customers one was read."""


def drivers(
    book: Book,
    engine: Engine,
    settings: Settings,
    kind: Literal["cox", "aft"],
    covariates: Sequence[str] = (),
) -> Drivers:
    """Return the model of a contractual book; covariates that were asked for are in it or refused.

    UsageError for a covariate that the book does not have, ModelError where the data cannot carry
    the model.
    """
    names = _chosen(book, covariates)
    one_in = -(-book.tables["subscriptions"].rows // MOST_ROWS)
    span = book.span
    usage = book.tables.get("usage")
    watch = Watch(
        span.data_from,
        span.as_of,
        settings.grace_days,
        tuple(name for name in names if name not in (PLAN, USAGE)),
        usage.first_on if usage is not None and USAGE in names else None,
        max(one_in, 1),
    )

    def plan(tables: Tables) -> pl.LazyFrame:
        return watched(tables, watch)

    rows = engine.collect(book, plan, ["customer_id", "spell_no", "entry_age"])
    if not (rows["cause"] > 0).any():
        raise ModelError(
            f"No contract has ended before {span.as_of}, so nothing can be said of who leaves.",
            hint="Export ended subscriptions too, or choose a later --as-of.",
        )
    fit = hazards if kind == "cox" else accelerated
    return Drivers(book, fit(rows, names, is_asked=bool(covariates)), watch.one_in)


def _chosen(book: Book, asked: Sequence[str]) -> tuple[str, ...]:
    """Return the covariates to weigh, as asked for or as the book has them."""
    known = available(book)
    if unknown := [name for name in asked if name not in known]:
        raise UsageError(
            f"The book has no {' and no '.join(unknown)} to explain leaving by.",
            hint=f"It has {', '.join(known)}." if known else "",
        )
    names = tuple(dict.fromkeys(asked)) or tuple(name for name in DEFAULT if name in known)
    if not names:
        raise ModelError("The book has no plan, channel or usage, so nothing can explain leaving.")
    return names


def available(book: Book) -> tuple[str, ...]:
    """Return what a book has to explain leaving by."""
    names = [PLAN] if PLAN in book.tables["subscriptions"].columns else []
    if "customers" in book.tables:
        columns = [*book.tables["customers"].columns, *book.attributes]
        names += [name for name in dict.fromkeys(columns) if name not in (*_OWN, PLAN)]
    if "usage" in book.tables:
        names.append(USAGE)
    return tuple(names)
