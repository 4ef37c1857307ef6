"""Rows of the files of a run on their way into the tables of a book.

One rule: a row that was parsed and a row that was kept from an earlier run take the same way, in
the same order, so that a book does not tell which of them were read again.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Final

import polars as pl

from csk.book import StoredTable
from csk.errors import DataError
from csk.intake.canonical.orders import OrderLines
from csk.intake.canonical.rows import DAY, canonical, dtype
from csk.intake.canonical.rules import FOOTER, MONEY, NO_FAILURES
from csk.intake.plans.opening import Opened
from csk.intake.storage.growing import Base, grow, take_over
from csk.intake.storage.inputs import Input, overlap
from csk.intake.storage.merging import MERGED
from csk.intake.storage.partition import PartitionedTable
from csk.intake.storage.pieces import Piece
from csk.intake.storage.tally import FileTally, Tally
from csk.intake.storage.upserts import Identified, Versions
from csk.money import COUNTS_PER_UNIT
from csk.schema import INPUTS

SHARDS_A_BUCKET: Final = 32
"""Shards whose ids are compared at once: an id is small beside its row."""
FAILED_PAYMENTS: Final = "failed_payments"
"""Table beside the others: `customer_id`, `failed_on`, each day of a customer once."""
LARGEST_SUM: Final = 10**14
"""Major units that the money of a table may add up to: what Decimal(18,4) holds."""


class Filing:
    """The tables of a book that is being made."""

    def __init__(
        self,
        root: Path,
        n_shards: int,
        inputs: Sequence[Input],
        today: date,
        bases: Mapping[str, Base],
        *,
        is_by_row: bool,
    ) -> None:
        self.root = root
        self.n_shards = n_shards
        self.inputs = inputs
        self.today = today
        self.tally = Tally()
        self.columns = {of.one.role: of.one.all_columns for of in inputs}
        self.overlapping: list[str] = []
        self.n_further: dict[str, int] = {}
        """Further parts of every shard, by table."""
        self._bases = bases
        self._repeated: Counter[str] = Counter()
        self._failed: PartitionedTable | None = None
        self._has_ids = {of.one.name: of.has_ids for of in inputs}
        self._late_days = {
            role: max(_late_days(of.one) for of in inputs if of.one.role == role)
            for role in self.columns
        }
        self._versions = {
            role: Versions(root / role / "ids", 1 + (n_shards - 1) // SHARDS_A_BUCKET, role)
            for role in self.columns
            if role not in bases and overlap([of for of in inputs if of.one.role == role])
        }
        self._tables = {
            role: PartitionedTable(
                root / role,
                n_shards,
                DAY.get(role),
                is_numbered=role in self._versions,
                merging=None if is_by_row else MERGED.get(role),
            )
            for role in self.columns
        }

    def read(self, of: Input) -> list[pl.DataFrame]:
        """Read a file into its table and return its broken values, batch by batch."""
        one, counted = of.one, FileTally(of.one.role, of.one.name)
        number = self._next(counted)
        rejects: list[pl.DataFrame] = []
        plan = one.plan(self.today)
        wanted = of.ids if of.writer is not None or one.role in self._versions else None
        once = one.recognition.once_per
        lines = OrderLines(once) if once else None
        needed = [*one.needed, *(wanted.columns if wanted is not None else ())]
        for batch in one.source.batches(list(dict.fromkeys(needed))):
            again = lines.again(batch.frame) if lines else None
            part = canonical(batch.frame, plan, batch.first_row, again)
            ids = wanted.identified(batch.frame, part) if wanted is not None else None
            if of.writer is not None:
                of.writer.add(part.rows, ids, part.failed)
            self._add_failed(part.failed)
            counted.n_read += part.n_read
            counted.add(part)
            self._add(one, number, counted, part.rows, ids)
            if part.n_rejected:
                rejects.append(part.rejects.with_columns(pl.col("row") + batch.first_row))
        if counted.n_read != counted.n_kept + counted.n_rejected + counted.excluded.total():
            message = f"{one.name}: {counted.n_read} rows read, but {counted.n_kept} kept"
            raise RuntimeError(message)
        counted.n_read += one.source.malformed_count + one.source.footer_count
        counted.n_rejected += one.source.malformed_count
        if one.source.footer_count:
            counted.excluded[FOOTER] += one.source.footer_count
        return rejects

    def take(self, one: Opened, piece: Piece) -> None:
        """Take the rows that were kept of a file into its table."""
        base = self._bases.get(one.role)
        if base is not None and one.name in base.tallies:
            self._next(base.tallies[one.name])
            return
        counted = piece.tally(one.name)
        number = self._next(counted)
        for rows, ids in piece.batches(with_ids=one.role in self._versions):
            self._add(one, number, counted, rows, ids)
        self._add_failed(piece.failed())

    def close(self) -> dict[str, StoredTable]:
        """Write all tables and return what they hold; only now is it known which rows count."""
        return {
            role: table
            for role in self._tables
            if (table := self._closed(role)) is not None and table.rows
        }

    def close_beside(self) -> tuple[str, ...]:
        """Write what counts in no table, and return the names of what there is."""
        base = self._bases.get("payments")
        if base is not None and FAILED_PAYMENTS in base.book.beside:
            take_over(base.book, FAILED_PAYMENTS, self.root / FAILED_PAYMENTS)
            return (FAILED_PAYMENTS,)
        if self._failed is None:
            return ()
        self._failed.close(NO_FAILURES, NO_FAILURES.columns)
        return (FAILED_PAYMENTS,)

    @property
    def repeated(self) -> Counter[str]:
        """Return how many rows repeated the id of a row of their own file, by table."""
        return self._repeated

    def _add_failed(self, failed: pl.DataFrame) -> None:
        if failed.is_empty():
            return
        if self._failed is None:
            self._failed = PartitionedTable(self.root / FAILED_PAYMENTS, self.n_shards, "failed_on")
        self._failed.add(failed)

    def _next(self, counted: FileTally) -> int:
        number = len(self.tally.of_role(counted.role))
        self.tally.of_files.append(counted)
        return number

    def _add(
        self,
        one: Opened,
        number: int,
        counted: FileTally,
        rows: pl.DataFrame,
        ids: Identified | None,
    ) -> None:
        table = self._tables[one.role]
        if ids is not None and one.role in self._versions:
            self._versions[one.role].add(number, rows, ids, table.rows)
        counted.add_rows(rows, self.today)
        _refuse_beyond_sums(rows, one, sum(f.size for f in self.tally.of_role(one.role)))
        table.add(_completed(rows, one.all_columns, one.role))

    def _closed(self, role: str) -> StoredTable | None:
        table, columns, files = self._tables[role], self.columns[role], self.tally.of_role(role)
        empty = pl.DataFrame(schema={name: _kind(role, name) for name in columns})
        if (base := self._bases.get(role)) is not None:
            return self._grown(role, base, empty)
        unique = ["customer_id"] if role == "customers" else []
        found = None
        if role in self._versions:
            order = sorted(range(len(files)), key=lambda number: files[number].reach)
            ranks = [order.index(number) for number in range(len(files))]
            found = self._versions[role].superseded(ranks, table.rows)
        is_trusted = found is None or not found.is_renumbered
        self.overlapping += _overlapping(files, self._has_ids if is_trusted else {})
        self._repeated[role] = table.close(empty, unique, found.rows if found else None)
        if found is None or not (found.kept or found.left):
            return replace(self.tally.table(role, columns), late_days=self._late_days[role])
        before = sum(one.amount for one in files)
        first_on, last_on, amount = self._held(role)
        self.tally.supersede(role, found, before - amount)
        return replace(
            self.tally.table(role, columns),
            first_on=first_on,
            last_on=last_on,
            amount=amount if role == "payments" else 0,
            late_days=self._late_days[role],
        )

    def _grown(self, role: str, base: Base, empty: pl.DataFrame) -> StoredTable:
        """Write a table that goes on from an earlier book."""
        files, table = self.tally.of_role(role), self._tables[role]
        if base.is_whole:
            take_over(base.book, role, table.folder)
            self.n_further[role] = base.book.n_further.get(role, 0)
            said = {(e.table, e.rule): e.rows for e in base.book.excluded}
            self._repeated[role] = said.get((role, "repeated_id"), 0)
            self.overlapping += [f.name for f in files if f.name in base.book.overlapping]
            return base.book.tables[role]
        self.n_further[role] = grow(table, base.book, role, empty)
        self.overlapping += _overlapping(files, self._has_ids)
        told = self.tally.table(role, self.columns[role])
        return replace(told, late_days=self._late_days[role])

    def _held(self, role: str) -> tuple[date | None, date | None, int]:
        """Return first and last day and the money of a table as it was written."""
        rows = pl.scan_parquet(self.root / role / "part-*.parquet")
        names = self.columns[role]
        day, money = DAY.get(role, ""), MONEY.get(role, "")
        days = pl.col(day).cast(pl.Date) if day in names else pl.lit(None, pl.Date)
        days = days.filter(days <= self.today)
        amount = pl.col(money).sum() if money in names else pl.lit(0, pl.Int64)
        first_on, last_on, held = (
            rows.select(first=days.min(), last=days.max(), amount=amount).collect().row(0)
        )
        return first_on, last_on, int(held)


def _late_days(one: Opened) -> int:
    """Return the last days that such an export still changes."""
    known = one.recognition.known
    return int(known.export.settings.get("late_window", 0)) if known else 0


def _overlapping(files: Sequence[FileTally], has_ids: dict[str, bool]) -> Iterator[str]:
    """Name the files whose days overlap those of another that cannot be told apart from it."""
    dated = [(f.first_on, f.last_on, f.name) for f in files if f.first_on and f.last_on]
    every = _Spans(dated)
    bare = _Spans([span for span in dated if not has_ids.get(span[2])])
    for span in dated:
        if (bare if has_ids.get(span[2]) else every).meet(span):
            yield span[2]


class _Spans:
    """First and last days of files, by their names: told without comparing each with each."""

    def __init__(self, spans: Sequence[tuple[date, date, str]]) -> None:
        ordered = sorted(spans)
        self._begins = [begins for begins, _, _ in ordered]
        self._furthest: list[list[tuple[date, str]]] = []
        """Of the first n spans the two that run furthest: one may be the span that is asked."""
        two: list[tuple[date, str]] = []
        for _, ends, name in ordered:
            two = sorted([*two, (ends, name)], reverse=True)[:2]
            self._furthest.append(two)

    def meet(self, span: tuple[date, date, str]) -> bool:
        """Tell whether another one overlaps this one by more than an end."""
        begins, ends, name = span
        n = bisect_left(self._begins, ends)
        return n > 0 and any(last > begins and of != name for last, of in self._furthest[n - 1])


def _completed(rows: pl.DataFrame, columns: Sequence[str], role: str) -> pl.DataFrame:
    """Give every file of a role the same columns, null where it has none."""
    missing = [c for c in columns if c not in rows.columns]
    return rows.with_columns(pl.lit(None, dtype=_kind(role, c)).alias(c) for c in missing).select(
        columns
    )


def _kind(role: str, column: str) -> pl.DataType | type[pl.DataType]:
    is_known = column in INPUTS[role].names or column == "margin_amount"
    return dtype(INPUTS[role], column) if is_known else pl.String()


def _refuse_beyond_sums(rows: pl.DataFrame, one: Opened, size: float) -> None:
    """Stop before money adds up to more than whole numbers hold: they would wrap in silence."""
    if size <= LARGEST_SUM * COUNTS_PER_UNIT:
        return
    largest = Decimal(int(str(rows[MONEY[one.role]].abs().max()))) / COUNTS_PER_UNIT
    raise DataError(
        f"{one.name}: the money adds up to more than {LARGEST_SUM:,}, which no table can hold.",
        details=[f"the largest amount is {largest:,}"],
        hint="Is the right column read as the amount (csk check --stub), and in the right unit "
        "(--amount-unit minor)?",
    )
