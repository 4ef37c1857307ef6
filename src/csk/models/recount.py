"""Contracts counted again, each way once, and the customers for whom two ways differ.

One rule: whatever is told of a way is a sum of one count of it, so figures of one side agree.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction

from csk.book import Book
from csk.calendar import plus_months
from csk.engine.protocol import Engine
from csk.models.causes import Cell
from csk.models.reconcile import (
    Figure,
    Side,
    Terms,
    figure,
    formula_customers,
    looked,
    periods,
)
from csk.tables.movements import Motion
from csk.tables.reconcile import BEFORE, Way, changed, flow_sums


@dataclass(slots=True)
class Recount:
    """What was counted in one run, so that nothing is counted twice."""

    book: Book
    engine: Engine
    known: dict[Way, dict[date, Terms]] = field(default_factory=dict)
    reckoned: dict[Side, dict[Cell, Fraction | None]] = field(default_factory=dict)

    def months(self, way: Way) -> dict[date, Terms]:
        """Return the terms of every period under a way."""
        if way not in self.known:
            frame = self.engine.total(self.book, flow_sums(way), ("period_on",))
            sums = {row["period_on"]: row for row in frame.iter_rows(named=True)}
            first, as_of = self.first(way.motion), self.book.span.as_of
            self.known[way] = periods(sums, first, as_of, way.motion.period_months)
        return self.known[way]

    def first(self, motion: Motion) -> date:
        """Return the first period of all ways: that before the first contract, in any zone."""
        days = [of.first_on for of in self.book.tables.values() if of.first_on is not None]
        eve = min(days, default=self.book.span.as_of) - timedelta(days=1)
        month = eve.month - 1 - (motion.year_starts - 1)
        return plus_months(eve.replace(day=1), -(month % motion.period_months))

    def figure(self, metric_id: str, side: Side, day: date) -> Figure | None:
        """Return a figure of a period; null where there is no such period."""
        terms = side.terms(self.months(side.way), day)
        return None if terms is None else figure(metric_id, side, terms)

    def values(self, side: Side, cells: Iterable[Cell]) -> dict[Cell, Fraction | None]:
        """Return the values of figures."""
        if side not in self.reckoned:
            found = {cell: self.figure(cell[0], side, cell[1]) for cell in cells}
            self.reckoned[side] = {cell: of.value if of else None for cell, of in found.items()}
        return self.reckoned[side]

    def customers(self, before: Side, after: Side, names: Sequence[str]) -> dict[Cell, int | None]:
        """Return for how many customers each figure of each period changed.

        Empty where no sum of any period changed, so that there is no step to tell of.
        """
        days = self.months(before.way)
        if before.way != after.way and days == self.months(after.way):
            return {}
        if before.way == after.way:
            return {
                (name, day): formula_customers(name, before, after, terms)
                for name in names
                for day, terms in days.items()
            }
        plan = changed(before.way, after.way, looked(names, before.preset))
        frame = self.engine.total(self.book, plan, ("period_on",))
        rows = {row["period_on"]: row for row in frame.iter_rows(named=True)}
        found: dict[Cell, int | None] = {}
        for name, parts in looked(names, before.preset).items():
            at_start = any(side == BEFORE for _, side in parts.levels)
            apart = 0
            for day in days:
                row = rows.get(day, {})
                turned, beside = row.get(f"turned.{name}", 0), row.get(f"beside.{name}", 0)
                found[name, day] = (apart if at_start else apart + turned) + beside
                apart += turned
        return found
