"""Who goes on from one delivery to the next: retention by number of deliveries.

One rule: a share is of those for whom the next delivery was due, so that who has just begun is
not taken for lost.
"""

from dataclasses import dataclass

import polars as pl

from csk.book import Book
from csk.engine.protocol import Engine
from csk.schema import SURVIVAL
from csk.stats.intervals import wilson
from csk.tables.deliveries import delivery_gaps, delivery_steps

_SHARE_COME: float = 0.95
"""A delivery is due when so many of those that came had come."""
_SHARE_NUMBERED: float = 0.5
"""Less than so many followed by the next number: the column counts something else."""
_LEAST: int = 10


@dataclass(frozen=True, slots=True)
class Step:
    """From one delivery to the next."""

    number: int
    n: int
    """Contracts that had this delivery."""
    n_due: int
    """Of those, for whom the next one was due."""
    n_went_on: int
    """Of those, who had a later one."""
    share: float
    low: float
    high: float
    reach: float
    """Share of all first deliveries that get as far as this one, by the shares before it."""


@dataclass(frozen=True, slots=True)
class Deliveries:
    """Every step of a book whose payments know the number of their delivery."""

    book: Book
    due_days: int
    steps: tuple[Step, ...]


def deliveries(book: Book, engine: Engine) -> Deliveries | None:
    """Return the steps from delivery to delivery; none where payments do not number them.

    None too where numbers are seldom followed by the next: then they count something else, like
    all purchases of a customer at the time of the export.
    """
    if "n_delivery" not in book.tables["payments"].columns:
        return None
    as_of = book.span.as_of
    gaps = engine.total(book, delivery_gaps(as_of), ("days",))
    known = gaps.drop_nulls("days").sort("days")
    n_known = int(known["n_bought"].sum())
    due_days = _due_days(known, n_known)
    rows = engine.total(book, delivery_steps(as_of, due_days), ("n_delivery",))
    n_later = int(rows.filter(pl.col("n_delivery") > 1)["n"].sum())
    if n_known < _LEAST or n_known < _SHARE_NUMBERED * n_later:
        return None
    return Deliveries(book, due_days, _steps(rows))


def _due_days(known: pl.DataFrame, n_known: int) -> int:
    """Return by how many days most of those deliveries had come that did."""
    come = known.filter(pl.col("n_bought").cum_sum() >= _SHARE_COME * n_known)
    return int(come["days"][0]) if n_known else 0


def _steps(rows: pl.DataFrame) -> tuple[Step, ...]:
    found, reach = [], 1.0
    for number, n, n_due, n_went_on in rows.select(
        "n_delivery", "n", "n_due", "n_went_on"
    ).iter_rows():
        if not n_due:
            break
        low, high = (float(end) for end in wilson(n_went_on, n_due))
        share = n_went_on / n_due
        found.append(Step(number, n, n_due, n_went_on, share, low, high, reach))
        reach *= share
    return tuple(found)


def table(result: Deliveries) -> pl.DataFrame:
    """Return the steps in the columns of `SURVIVAL`: groups are numbers of deliveries."""
    rows = [
        (str(one.number), one.n_due, one.n_due - one.n_went_on, one.share, one.low, one.high)
        for one in result.steps
    ]
    schema = {
        "group": pl.String,
        "n_at_risk": pl.Int64,
        "n_ended": pl.Int64,
        "survival": pl.Float64,
        "survival_low": pl.Float64,
        "survival_high": pl.Float64,
    }
    return (
        pl.DataFrame(rows, schema=schema, orient="row")
        .with_columns(
            as_of=pl.lit(result.book.span.as_of),
            dimension=pl.lit("n_delivery"),
            age_months=pl.lit(None, dtype=pl.Float64),
        )
        .select(SURVIVAL.names)
    )
