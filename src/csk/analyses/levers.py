"""Why LTV is not what it was: its change, split into the four levers, in money.

One rule: the parts add up, to the last count of money, to the change that they explain.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from csk.book import Book
from csk.engine.protocol import Engine
from csk.errors import ModelError, UsageError
from csk.models.attributes import attribute
from csk.models.contract import Horizons
from csk.models.factor_draws import Members, factor_draws
from csk.models.key_figures import Standing
from csk.models.lever_asking import Asked, cohort_span
from csk.models.value import UNIT, Factors, factors
from csk.stats import decomposition

FACTORS: Final = ("price", "margin", "frequency", "duration", "discount")
"""The factors of mean LTV, in the order of the formula."""
CUSTOMERS: Final = "customers"
"""The factor that makes a mean a total."""
ENOUGH_DRAWN: Final = 10
"""Customers alive that each side needs for an interval."""
_TO_COUNTS: Final = np.array([float(UNIT), 1.0, 1.0, 1.0, 1.0])
"""Factors times this multiply to counts."""
_AGAINST: Final = 0.5
"""Share of the larger, and of both, that the smaller of two parts must undo to be told with it."""
_LISTED: Final = 8
_ENDS: Final = (0.025, 0.975)


@dataclass(frozen=True, slots=True)
class Side:
    """One of two things compared; money in counts."""

    name: str
    as_of: date
    n_members: int
    """Customers, those who have left included."""
    factors: Factors
    """Of those alive."""

    @property
    def mean_amount(self) -> int:
        """Return the residual LTV of one customer alive, in whole counts."""
        return round(self.factors.mean_ltv)


@dataclass(frozen=True, slots=True)
class Part:
    """What one lever did between the two; money in counts."""

    lever: str
    before: float | None
    after: float | None
    """The factor on each side; null where nobody is left to tell it."""
    amount: int
    """Of the mean LTV of a customer; 0 for the number of customers."""
    low: float | None
    high: float | None
    """Bounds of `amount`; null where a side has too few customers."""
    total: int
    """Of the LTV of all."""


@dataclass(frozen=True, slots=True)
class Why:
    """The change of LTV from one thing to another, by lever."""

    book: Book
    asked: Asked
    horizons: Horizons
    basis: str
    first: Side
    second: Side
    parts: tuple[Part, ...]
    """Of the number of customers, then of `FACTORS`."""
    low: float | None
    high: float | None
    """95 % bounds of the difference of means."""
    n_events: int
    """Ends, or purchases again, on which the model rests; the fewer of two models."""

    @property
    def difference(self) -> int:
        """Return what a customer is worth more; the parts add up to it."""
        return self.second.mean_amount - self.first.mean_amount

    @property
    def total_difference(self) -> int:
        """Return what all customers are worth more; the parts' totals add up to it."""
        return self.second.factors.ltv_amount - self.first.factors.ltv_amount

    @property
    def pair(self) -> tuple[str, str]:
        """Return the two levers that may pull against each other without saying much apart.

        Under contract, where terms get longer payments are larger and fewer; in a shop, where a
        longer silence counts as leaving customers stay longer and buy less often.
        """
        return ("price" if self.book.is_contractual else "duration", "frequency")

    @property
    def paired(self) -> int | None:
        """Return what the two of `pair` did together; null where they do not pull apart."""
        by = {part.lever: part.amount for part in self.parts}
        one, other = (by[name] for name in self.pair)
        less, more = sorted((abs(one), abs(other)))
        is_apart = one * other < 0 and less > _AGAINST * more and less > _AGAINST * abs(one + other)
        return one + other if is_apart else None

    @property
    def largest(self) -> Part | None:
        """Return the part that moved the mean most; null where a pair did, or nothing moved."""
        paired = self.paired
        passed = self.pair if paired is not None else ()
        parts = [part for part in self.parts if part.lever not in passed]
        most = max(parts, key=lambda part: abs(part.amount))
        return most if abs(most.amount) > abs(paired or 0) else None


def needed_days(asked: Asked, book: Book) -> tuple[date, ...]:
    """Return the days whose standings `why` needs; UsageError where the book has no such day."""
    span = book.span
    if asked.kind != "days":
        return (span.as_of,)
    for day in asked.days:
        if not span.data_from < day <= span.as_of:
            raise UsageError(
                f"LTV cannot be told as of {day}.",
                hint=f"The data begin on {span.data_from} and are read up to {span.as_of}.",
            )
    return asked.days


def why(
    book: Book,
    engine: Engine,
    asked: Asked,
    standings: Mapping[date, Standing],
) -> Why:
    """Split the change of mean residual LTV, and of the total, into the levers.

    `standings` has those of `needed_days(asked, book)`. The split is LMDI-I of the factors as
    ratios of sums; intervals are of `models.factor_draws`. ModelError where a side has nobody.
    """
    sides = _sides(book, engine, asked, standings)
    alive = [members.filter("is_alive") for _, members, _ in sides]
    named = [
        Side(name, standing.day, members.height, factors(there))
        for (name, members, standing), there in zip(sides, alive, strict=True)
    ]
    _refuse_empty(named)
    values = [_values(side.factors) for side in named]
    filled = _filled(*values)
    n = np.array([[float(side.factors.n)] for side in named])
    of_mean = decomposition.parts(*(filled * _TO_COUNTS))
    of_total = decomposition.parts(*np.concatenate([n, filled * _TO_COUNTS], axis=1))
    first, second = named
    amounts = decomposition.whole_parts(of_mean.tolist(), second.mean_amount - first.mean_amount)
    totals = decomposition.whole_parts(
        of_total.tolist(), second.factors.ltv_amount - first.factors.ltv_amount
    )
    groups = [
        Members(there, standing.fit, standing.horizons, int(asked.kind == "days") * i)
        for i, (there, (_, _, standing)) in enumerate(zip(alive, sides, strict=True))
    ]
    lows, highs, low, high = _bounds(named, groups)
    parts = [Part(CUSTOMERS, first.factors.n, second.factors.n, 0, None, None, totals[0])]
    for i, name in enumerate(FACTORS):
        parts.append(
            Part(name, values[0][i], values[1][i], amounts[i], lows[i], highs[i], totals[i + 1])
        )
    standing = sides[1][2]
    return Why(
        book=book,
        asked=asked,
        horizons=standing.horizons,
        basis=standing.basis,
        first=first,
        second=second,
        parts=tuple(parts),
        low=low,
        high=high,
        n_events=min(one.fit.n_events for _, _, one in sides),
    )


def _sides(
    book: Book, engine: Engine, asked: Asked, standings: Mapping[date, Standing]
) -> list[tuple[str, pl.DataFrame, Standing]]:
    """Return the name, customers (also gone) and standing of each of the two."""
    names = (asked.first, asked.second)
    if asked.kind == "days":
        found = [standings[day] for day in asked.days]
        return [(name, one.customers, one) for name, one in zip(names, found, strict=True)]
    now = standings[book.span.as_of]
    if asked.kind == "cohorts":
        since = pl.col("customer_since_on")
        spans = [cohort_span(name) for name in names]
        chosen = [now.customers.filter((since >= start) & (since < end)) for start, end in spans]
        return [(name, rows, now) for name, rows in zip(names, chosen, strict=True)]
    groups = attribute(book, engine, now.customers, asked.column)
    known = groups.drop_nulls().unique().sort().to_list()
    for name in names:
        if name not in known:
            close = get_close_matches(name, known, n=1)
            listed = ", ".join(known[:_LISTED]) + (", ..." if len(known) > _LISTED else "")
            raise UsageError(
                f"No customer has {asked.column} {name!r}"
                + (f"; is it {close[0]}?" if close else "."),
                hint=f"There are: {listed}.",
            )
    return [(name, now.customers.filter(groups == name), now) for name in names]


def _refuse_empty(sides: Sequence[Side]) -> None:
    for side in sides:
        if not side.factors.n:
            gone = f" All {side.n_members} have left." if side.n_members else ""
            raise ModelError(
                f"Nobody of {side.name} is a customer on {side.as_of}, so there is no LTV to "
                f"compare.{gone}"
            )


def _values(of: Factors) -> list[float | None]:
    return [
        of.unit_price_amount,
        of.margin_share,
        of.frequency,
        of.duration_months,
        of.discount_factor,
    ]


def _filled(first: Sequence[float | None], second: Sequence[float | None]) -> NDArray[np.float64]:
    """Return the factors (2, 5); one that a side cannot tell is as on the other: not moved."""
    pairs = [
        (b if a is None else a, a if b is None else b) for a, b in zip(first, second, strict=True)
    ]
    return np.array([[1.0 if v is None else v for v in side] for side in zip(*pairs, strict=True)])


def _bounds(
    sides: Sequence[Side], groups: Sequence[Members]
) -> tuple[list[float | None], list[float | None], float | None, float | None]:
    """Return bounds of each factor's part of the mean, and of the difference."""
    nothing: list[float | None] = [None] * len(FACTORS)
    if any(side.factors.n < ENOUGH_DRAWN for side in sides):
        return nothing, nothing, None, None
    split = decomposition.parts(*(drawn * _TO_COUNTS for drawn in factor_draws(groups)))
    low, high = np.quantile(split, _ENDS, axis=0, method="weibull")
    ends = np.quantile(split.sum(axis=1), _ENDS, method="weibull")
    return low.tolist(), high.tolist(), float(ends[0]), float(ends[1])
