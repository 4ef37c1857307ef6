"""Periods of movements: what stood at the start, what moved, what stands at the end.

One rule: start + new + expansion + reactivation + resume - contraction - churn - pause = end, to
the last count, for every period and group; where that does not hold there is no result.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

import polars as pl

from csk.book import Book, Window
from csk.calendar import plus_months
from csk.definitions import definition
from csk.engine.protocol import Engine
from csk.errors import DataError
from csk.models.rates import Rate, Retained, rate
from csk.tables.motion import SWAP, TO_FREE
from csk.tables.movements import FALLS, KINDS, Motion, level_sums, movement_sums
from csk.tables.renewals import renewals
from csk.tables.spells import INVOLUNTARY, UNKNOWN, VOLUNTARY

MOVEMENT_KEY: Final = ("group", "period_on", "kind", "how", "cause")
LEVEL_KEY: Final = ("group", "period_on")
CAUSES: Final = {
    VOLUNTARY: "voluntary",
    INVOLUNTARY: "involuntary",
    UNKNOWN: "unknown",
    TO_FREE: "to_free",
}
STAYED: Final = ("plan", "add_on", "price")
SWAPPED: Final = ("in", "out")
UPSELL: Final = ("plan", "price")


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
    """By kind: all of `KINDS`, and `SWAP`, which is nothing but for a plan."""
    how: Mapping[tuple[str, str], Moved]
    """By (expansion or contraction, way): plan, add_on, price; and by (swap, in or out)."""
    causes: Mapping[str, Moved]
    """Churn by cause."""
    flash: Moved
    """Who came and left inside the period; part of no other kind."""
    is_complete: bool = True
    from_end_to_end: "Period | None" = None
    """The same period by its two ends, where movements are told by the day."""

    @property
    def n_end(self) -> int:
        """Return how many pay at the end."""
        came = sum(self.moved[k].n for k in ("new", "reactivation", "resume"))
        went = sum(self.moved[k].n for k in ("churn", "pause"))
        return self.n_start + came - went + self.moved[SWAP].n

    @property
    def end_amount(self) -> int:
        """Return what stands at the end."""
        return self.start_amount + sum(moved.amount for moved in self.moved.values())

    @property
    def retained(self) -> Retained:
        """Return what those who paid at the start kept paying."""
        if self.from_end_to_end is not None:
            return self.from_end_to_end.retained
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
    def terms(self) -> dict[str, int]:
        """Return the terms of definitions; falls are positive, money in counts a month."""
        ends = self.from_end_to_end or self
        found = {
            "customers.end": self.n_end,
            "customers.flash": self.flash.n,
            "customers.upsell": sum(ends.how["expansion", way].n for way in UPSELL),
            "customers.cross_sell": ends.how["expansion", "add_on"].n,
            "money.end": self.end_amount,
            "money.flash": self.flash.amount,
            "money.lower_total": min(self.start_amount, self.end_amount),
        }
        for kind, moved in self.moved.items():
            found[f"customers.{kind}"] = moved.n
            found[f"money.{kind}"] = -moved.amount if kind in FALLS else moved.amount
        for cause, moved in self.causes.items():
            found[f"customers.{cause}"] = moved.n
            found[f"money.{cause}"] = -moved.amount
        return found | self.retained.terms

    def rate(self, metric_id: str, preset: str = "") -> Rate:
        """Return a metric of movements, as `preset` reckons it."""
        return rate(definition(metric_id), self.terms, preset)


def told(book: Book, engine: Engine, motion: Motion, by: str = "") -> dict[str, tuple[Period, ...]]:
    """Return all periods of each group; without `by` the one group is empty."""
    levels = engine.total(book, level_sums(motion, by), LEVEL_KEY)
    sums = engine.total(book, movement_sums(motion, by), MOVEMENT_KEY)
    found = periods(sums, levels, motion, book.span)
    if motion.grain == "period":
        return found
    ends = engine.total(book, movement_sums(replace(motion, grain="period"), by), MOVEMENT_KEY)
    return by_ends(found, periods(ends, levels, motion, book.span))


def renewal(book: Book, engine: Engine, motion: Motion, one: Period) -> Rate:
    """Return the churn of who was up for renewal in a period of the whole book."""
    plan = renewals(motion, one.starts_on, one.ends_on)
    due = engine.total(book, plan, ("group",)).sum()
    terms = {
        "customers.due": int(due["n_due"].item()),
        "customers.due_churn": int(due["n_due_churn"].item()),
    }
    return rate(definition("renewal_eligible_churn_rate"), terms)


def periods(
    sums: pl.DataFrame, levels: pl.DataFrame, motion: Motion, span: Window
) -> dict[str, tuple[Period, ...]]:
    """Return one period after the other for each group, those without a movement too.

    `sums` and `levels` are the totals of `movement_sums` and `level_sums`. DataError where they do
    not agree, naming the first period.
    """
    _refuse_broken(sums, levels)
    return {
        str(group): tuple(_of_group(str(group), rows, motion, span))
        for (group,), rows in sums.partition_by("group", as_dict=True, maintain_order=True).items()
    }


def by_ends(
    told: Mapping[str, tuple[Period, ...]], ends: Mapping[str, tuple[Period, ...]]
) -> dict[str, tuple[Period, ...]]:
    """Add to each period that was told by the day the same one by its two ends."""
    known = {(one.group, one.starts_on): one for of in ends.values() for one in of}
    return {
        group: tuple(replace(one, from_end_to_end=known[one.group, one.starts_on]) for one in of)
        for group, of in told.items()
    }


def _of_group(group: str, rows: pl.DataFrame, motion: Motion, span: Window) -> list[Period]:
    by_period = {day: part for (day,), part in rows.partition_by("period_on", as_dict=True).items()}
    n, level, found = 0, 0, []
    day = min(by_period)
    while day < span.as_of:
        end = plus_months(day, motion.period_months)
        one = replace(
            _period(group, day, end, by_period.get(day, rows.clear())),
            n_start=n,
            start_amount=level,
            is_complete=end <= span.as_of and day >= span.data_from.replace(day=1),
        )
        found.append(one)
        n, level, day = one.n_end, one.end_amount, end
    return found


def _period(group: str, day: date, end: date, rows: pl.DataFrame) -> Period:
    moved = dict.fromkeys((*KINDS, SWAP), Moved())
    how = {(kind, way): Moved() for kind in ("expansion", "contraction") for way in STAYED}
    how |= {(SWAP, way): Moved() for way in SWAPPED}
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
    key = list(LEVEL_KEY)
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
