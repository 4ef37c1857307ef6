"""One pass over the user's files into the store, from which everything else is read.

One rule: nothing of an export is lost in silence: every row read is kept, excluded by a rule
and counted with its money, or rejected and listed; the sums are checked before a Book exists.
"""

import shutil
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

import polars as pl

from csk.book import Book, FileRead
from csk.errors import StorageError
from csk.intake import places
from csk.intake.canonical.changes import with_contracts
from csk.intake.origins.finding import Found
from csk.intake.plans.opening import OpenedFiles, opened_files
from csk.intake.plans.refusing import (
    is_over_limit,
    refuse_mixed_currencies,
    refuse_nothing_kept,
    refuse_rejects,
)
from csk.intake.storage import digests
from csk.intake.storage.filing import Filing
from csk.intake.storage.growing import Base, earlier, plain
from csk.intake.storage.inputs import Input
from csk.intake.storage.keeping import Kept, inputs
from csk.intake.storage.manifest import manifest, pieces_of, write_manifest
from csk.intake.storage.rejecting import listed, no_rejects, write_rejects
from csk.schema import INPUTS
from csk.settings import Settings

BYTES_A_SHARD: Final = 24_000_000
"""Text of exports that goes into one shard."""
MOST_SHARDS: Final = 64
LISTED_OF_REFUSED: Final = 1_000
"""Rejects of a file that are looked at where there are too many to go on."""
_PACKED: Final = 6
"""How much a compressed export is thought to grow."""
_PACKED_SUFFIXES: Final = frozenset({".gz", ".zst", ".zstd", ".xz", ".bz2", ".zip", ".parquet"})


def stored(
    files: Sequence[Found],
    settings: Settings,
    today: date,
    work: Path,
    keep_in: Path | None = None,
    *,
    is_by_row: bool = False,
) -> Book:
    """Read the files into a store and return its Book, not yet dated.

    `work` is an empty folder for it; with `keep_in` the store of the same content and settings
    is opened again if it is there, and otherwise made there, of what is kept of single files
    and of those that are new. The order of the files changes nothing, and what stands in two
    files counts once. Payments that differ in money alone are added up, unless `is_by_row`.
    DataError where files break the contract, StorageError where reading or writing fails.
    """
    read, repeats = digests.distinct(files)
    if keep_in is None:
        making = _Making(read, repeats, settings, today, work, is_by_row=is_by_row)
        return making.book(digests.of_book(read, repeats, {}, settings), None)
    contents = {found.path: digests.content(found.path) for found in read if not found.left_out}
    digest = digests.of_book(read, repeats, contents, settings, is_by_row=is_by_row)
    target = places.kept_folder(keep_in, digest, settings.shards)
    known = manifest(target, today)
    if known is not None:
        return known
    with places.building(keep_in) as folder:
        place = folder / "book"
        place.mkdir(mode=0o700)
        kept = Kept(keep_in, folder, _pieces(read, contents, settings))
        kept.find(today)
        making = _Making(read, repeats, settings, today, place, is_by_row=is_by_row)
        book = making.book(digest, kept)
        only_on = today.isoformat() if making.has_future else ""
        write_manifest(book, kept.settle(), only_on, making.filed)
        places.settle(place, target)
        books = keep_in.glob(f"{places.BOOK}*")
        places.clear_pieces(keep_in, {name for one in books for name in pieces_of(one)})
    opened_again = manifest(target, today)
    if opened_again is None:
        raise StorageError(f"The store {target} was kept but cannot be opened again.")
    return opened_again


class _Making:
    """One book on its way from files to a folder."""

    def __init__(
        self,
        files: Sequence[Found],
        repeats: Sequence[FileRead],
        settings: Settings,
        today: date,
        work: Path,
        *,
        is_by_row: bool,
    ) -> None:
        self.files = files
        self.repeats = repeats
        self.settings = settings
        self.today = today
        self.work = work
        self.is_by_row = is_by_row
        self.has_future = False
        self.filed: list[dict[str, Any]] = []
        """What the next book has to know of the files of this one."""

    def book(self, digest: str, kept: Kept | None) -> Book:
        """Read what is not kept and return the book of all."""
        size = sum(map(_size, self.files))
        places.check_space(self.work, size)
        spool = self.work / "spool"
        spool.mkdir(mode=0o700)
        while True:
            have = kept.opened() if kept is not None else []
            names = {one.name for one in have}
            unread = [found for found in self.files if found.name not in names]
            with opened_files(unread, self.settings, spool, kept=have) as opened:
                if kept is not None and kept.drop_stale(opened.files):
                    continue
                filed, rejects, told = self._filed(opened, kept, size)
            break
        shutil.rmtree(spool, ignore_errors=True)
        book = self._closed(digest, filed, rejects, (opened, told))
        if kept is not None:
            self.filed = [plain(one) for one in kept.filed(filed.inputs, filed.tally)]
        return book

    def _filed(
        self, opened: OpenedFiles, kept: Kept | None, size: int
    ) -> tuple[Filing, pl.DataFrame, list[FileRead]]:
        """Bring the rows of all files into tables; return them, the rejects, and what was read."""
        settings = self.settings
        files = inputs(opened.files, settings.tz, kept)
        spooled = sum(of.spooled_bytes for of in files)
        n_shards = settings.shards or _shards(max(size, spooled))
        bases = self._bases(files, n_shards, kept)
        n_shards = next((base.book.n_shards for base in bases.values()), n_shards)
        filing = Filing(self.work, n_shards, files, self.today, bases, is_by_row=self.is_by_row)
        broken: list[list[pl.DataFrame]] = []
        for of in files:
            if of.piece is not None:
                filing.take(of.one, of.piece)
            broken.append(filing.read(of) if of.piece is None else [])
        tally = filing.tally
        told = [
            counted.told(of.piece.told if of.piece is not None else of.one.told(0, 0, 0, 0))
            for of, counted in zip(files, tally.of_files, strict=True)
        ]
        # What will be refused is not worth finding millions of lines for.
        is_over = is_over_limit(told, settings.reject_limit)
        most = LISTED_OF_REFUSED if is_over else None
        found = [
            of.piece.rejects(of.one.name) if of.piece is not None else listed(of.one, rows, most)
            for of, rows in zip(files, broken, strict=True)
        ]
        rejects = pl.concat([no_rejects(), *found])
        if is_over:
            refuse_rejects([*told, *opened.unneeded], rejects, settings.reject_limit)
        if kept is not None:
            for of, counted, rows in zip(files, tally.of_files, found, strict=True):
                kept.close(of, counted, rows, self.today)
        self.has_future = any(counted.has_future for counted in tally.of_files)
        return filing, rejects, told

    def _bases(self, files: Sequence[Input], n_shards: int, kept: Kept | None) -> dict[str, Base]:
        """Return the tables that go on in this book, of the earlier one with most of its files."""
        if kept is None:
            return {}
        is_asked = self.settings.shards is not None
        books = earlier(kept.store, self.today, n_shards, is_asked=is_asked)
        return max(
            (one.bases(files) for one in books if one.book.is_by_row == self.is_by_row),
            key=lambda bases: sum(len(base.tallies) for base in bases.values()),
            default={},
        )

    def _closed(
        self,
        digest: str,
        filing: Filing,
        rejects: pl.DataFrame,
        read: tuple[OpenedFiles, list[FileRead]],
    ) -> Book:
        opened, told = read
        tally, columns = filing.tally, filing.columns
        rules = [(one.role, rule) for one in tally.of_files for rule in one.excluded]
        refuse_nothing_kept([*told, *opened.unneeded], tally.n_kept, rules)
        write_rejects(rejects, self.work)
        tables = filing.close()
        beside = filing.close_beside()
        attributes = (c for c in columns.get("customers", ()) if c not in INPUTS["customers"].names)
        files = [one.told(of) for one, of in zip(tally.of_files, told, strict=True)]
        unneeded = sorted([*opened.unneeded, *self.repeats], key=lambda one: one.file)
        book = Book(
            root=self.work,
            n_shards=filing.n_shards,
            tables=tables,
            files=(*files, *unneeded),
            excluded=tally.exclusions(filing.repeated),
            rows_rejected=sum(one.rows_rejected for one in files),
            currency=refuse_mixed_currencies(tally.currencies, self.settings.currency),
            attributes=tuple(attributes),
            margin_by_plan=dict(opened.margin_by_plan),
            has_product_margin=bool(opened.margin_by_product),
            digest=digest,
            is_by_row=self.is_by_row,
            overlapping=tuple(filing.overlapping),
            beside=beside,
            n_further={table: n for table, n in filing.n_further.items() if n},
        )
        return with_contracts(book)


def _pieces(
    files: Sequence[Found], contents: Mapping[Path, str], settings: Settings
) -> dict[str, str]:
    return {
        found.name: digests.of_piece(found, contents[found.path], settings)
        for found in files
        if found.path in contents and found.path.stat().st_size
    }


def _shards(size: int) -> int:
    return min(MOST_SHARDS, 1 + size // BYTES_A_SHARD)


def _size(found: Found) -> int:
    if str(found.path) == "-":
        return 0
    try:
        size = found.path.stat().st_size
    except OSError:
        return 0
    return size * (_PACKED if found.path.suffix.lower() in _PACKED_SUFFIXES else 1)
