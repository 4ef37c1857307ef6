"""What a pass over the files has seen so far: rows, days, money, and what was left out.

One rule: everything counted here is a sum, a smallest or a largest, so the order of files and
batches does not matter.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from csk.book import Excluded, FileRead, StoredTable
from csk.intake.rows import DAY, Canonical


@dataclass
class Tally:
    """Counts by role (table) and by (table, rule)."""

    files: list[FileRead] = field(default_factory=list)
    excluded: Counter[tuple[str, str]] = field(default_factory=Counter)
    excluded_amounts: Counter[tuple[str, str]] = field(default_factory=Counter)
    currencies: dict[str, str] = field(default_factory=dict)
    """Each currency with the first file it stands in."""
    rows: Counter[str] = field(default_factory=Counter)
    amounts: Counter[str] = field(default_factory=Counter)
    sizes: dict[str, float] = field(default_factory=dict)
    """Sums of money without its sign."""
    rounded: Counter[str] = field(default_factory=Counter)
    days: dict[str, tuple[date, date]] = field(default_factory=dict)

    def add(self, role: str, name: str, part: Canonical, today: date) -> None:
        """Count one batch of the file `name`; days after `today` do not stretch the log."""
        for rule, n, amount in part.excluded:
            self.excluded[role, rule] += n
            self.excluded_amounts[role, rule] += amount
        for code in part.currencies:
            self.currencies.setdefault(code, name)
        self.rows[role] += part.rows.height
        self.rounded[role] += part.rounded
        if role == "payments" and part.rows.height:
            self.amounts[role] += int(part.rows["amount"].sum())
        day = DAY.get(role)
        if day is None or day not in part.rows.columns:
            return
        days = part.rows[day].cast(pl.Date)
        days = days.filter(days <= today)
        first, last = days.min(), days.max()
        if isinstance(first, date) and isinstance(last, date):
            seen = self.days.get(role, (first, last))
            self.days[role] = (min(seen[0], first), max(seen[1], last))

    def table(self, role: str, columns: Sequence[str]) -> StoredTable:
        """Return what is known of a stored table."""
        first, last = self.days.get(role, (None, None))
        return StoredTable(
            rows=self.rows[role],
            first_on=first,
            last_on=last,
            columns=tuple(columns),
            amount=self.amounts[role],
            rounded=self.rounded[role],
        )

    def exclusions(self) -> tuple[Excluded, ...]:
        """Return what was left out, by table and rule."""
        return tuple(
            Excluded(table, rule, n, self.excluded_amounts[table, rule])
            for (table, rule), n in sorted(self.excluded.items())
            if n
        )
