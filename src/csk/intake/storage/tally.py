"""What a pass over the files has seen: rows, days, money, and what was left out.

One rule: everything counted here is a sum, a smallest or a largest, so the order of files and
batches does not matter.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import polars as pl

from csk.book import Excluded, FileRead, StoredTable
from csk.intake.canonical.rows import DAY, FUTURE, Canonical
from csk.intake.canonical.rules import MONEY
from csk.intake.storage.upserts import Superseded
from csk.tables.merged import n_rows

SUPERSEDED = "superseded"
"""Rule for rows of which another version counts."""


@dataclass
class FileTally:
    """What one file holds, as far as it was read."""

    role: str
    name: str
    n_read: int = 0
    n_rejected: int = 0
    n_kept: int = 0
    excluded: Counter[str] = field(default_factory=Counter)
    excluded_amounts: Counter[str] = field(default_factory=Counter)
    currencies: set[str] = field(default_factory=set)
    rounded: int = 0
    amount: int = 0
    size: float = 0.0
    """Sum of its money without the sign."""
    first_on: date | None = None
    last_on: date | None = None
    """First and last day of its rows; days after today do not stretch the log."""
    latest: date | None = None
    """Last day in any of its columns."""
    has_future: bool = False
    """Whether a day in it lies after today, so that a later day will count it otherwise."""

    def add(self, part: Canonical) -> None:
        """Count what became of one batch, but for the rows that were kept."""
        for rule, n, amount in part.excluded:
            self.excluded[rule] += n
            self.excluded_amounts[rule] += amount
        self.currencies |= part.currencies
        self.rounded += part.rounded
        self.n_rejected += part.n_rejected
        self.has_future |= FUTURE in part.rejects["reason"]

    def add_rows(self, rows: pl.DataFrame, today: date) -> None:
        """Count kept rows."""
        self.n_kept += n_rows(rows, self.role)
        money = MONEY.get(self.role, "")
        if money in rows.columns:
            self.amount += int(rows[money].sum())
            self.size += float(rows[money].cast(pl.Float64).abs().sum())
        for name, kind in rows.schema.items():
            if not kind.is_temporal():
                continue
            days = rows[name].cast(pl.Date)
            is_past = days <= today
            if name == DAY.get(self.role):
                self.has_future |= not is_past.all()
                self.first_on = _first([self.first_on, days.filter(is_past).min()])
                self.last_on = _last([self.last_on, days.filter(is_past).max()])
            self.latest = _last([self.latest, days.filter(is_past).max()])

    @property
    def reach(self) -> tuple[date, date, str]:
        """Return how far the file runs: of two exports, the one that runs further is the later."""
        return self.last_on or date.min, self.latest or date.min, self.name

    def told(self, told: FileRead) -> FileRead:
        """Return what the user is told of the file, with these counts."""
        return replace(
            told,
            file=self.name,
            rows_read=self.n_read,
            rows_excluded=sum(self.excluded.values()),
            rows_rejected=self.n_rejected,
            rows_kept=self.n_kept,
        )


@dataclass
class Tally:
    """All files of a run, in the order in which they were read."""

    of_files: list[FileTally] = field(default_factory=list)

    def of_role(self, role: str) -> list[FileTally]:
        """Return the files of one table."""
        return [one for one in self.of_files if one.role == role]

    @property
    def n_kept(self) -> int:
        """Rows kept, of all tables."""
        return sum(one.n_kept for one in self.of_files)

    @property
    def currencies(self) -> dict[str, str]:
        """Each currency with the first file it stands in."""
        return {
            code: one.name for one in reversed(self.of_files) for code in sorted(one.currencies)
        }

    def supersede(self, role: str, found: Superseded, amount: int) -> None:
        """Move what does not count from kept (`amount` is its money) and other rules to its own."""
        files = self.of_role(role)
        for number, n in found.kept.items():
            files[number].n_kept -= n
            files[number].excluded[SUPERSEDED] += n
        for (number, rule), n in found.left.items():
            one, money = files[number], found.left_amounts[number, rule]
            one.excluded.update({rule: -n, SUPERSEDED: n})
            one.excluded_amounts.update({rule: -money, SUPERSEDED: money})
        if found.kept:
            files[min(found.kept)].excluded_amounts[SUPERSEDED] += amount

    def table(self, role: str, columns: Sequence[str]) -> StoredTable:
        """Return what is known of a stored table."""
        files = self.of_role(role)
        return StoredTable(
            rows=sum(one.n_kept for one in files),
            first_on=_first([one.first_on for one in files]),
            last_on=_last([one.last_on for one in files]),
            columns=tuple(columns),
            amount=sum(one.amount for one in files) if role == "payments" else 0,
            rounded=sum(one.rounded for one in files),
        )

    def exclusions(self, repeated: Counter[str]) -> tuple[Excluded, ...]:
        """Return what was left out, by table and rule; `repeated` are repeats of ids by table."""
        rows: Counter[tuple[str, str]] = Counter()
        amounts: Counter[tuple[str, str]] = Counter()
        for one in self.of_files:
            rows.update({(one.role, rule): n for rule, n in one.excluded.items()})
            amounts.update({(one.role, rule): n for rule, n in one.excluded_amounts.items()})
        rows.update({(role, "repeated_id"): n for role, n in repeated.items()})
        return tuple(Excluded(*which, n, amounts[which]) for which, n in sorted(rows.items()) if n)


def _first(days: Iterable[object]) -> date | None:
    return min((day for day in days if isinstance(day, date)), default=None)


def _last(days: Iterable[object]) -> date | None:
    return max((day for day in days if isinstance(day, date)), default=None)
