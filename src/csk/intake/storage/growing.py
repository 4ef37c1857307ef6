"""What an earlier book of a kept store gives to one that has more files.

One rule: a table is taken over only where the very files it was made of are there again, in the
same shards; what is added to it lies beside it, in further parts, and an earlier book is never
written to.
"""

import os
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any, Final, NamedTuple

import polars as pl

from csk.book import Book
from csk.errors import StorageError
from csk.intake import places
from csk.intake.storage.inputs import Input, overlap
from csk.intake.storage.manifest import filed_of, forget, manifest
from csk.intake.storage.partition import PartitionedTable
from csk.intake.storage.tally import FileTally

GROWING: Final = frozenset({"usage"})
"""Tables that get further parts: whatever reads them adds rows up, in any order."""
MOST_FURTHER: Final = 16
"""Further parts of a table before they are brought together into one."""
MOST_APART: Final = 2
"""How many times more shards files may ask for than a table that is taken over has."""

_DAYS: Final = ("first_on", "last_on", "latest")


class Filed(NamedTuple):
    """One file of a book: the piece of it that was kept, and all that was counted of it."""

    piece: str
    """Folder of its piece; empty where none is kept."""
    beside: str
    """Hash of what other files gave to its rows."""
    tally: FileTally

    @property
    def identity(self) -> tuple[str, str, str]:
        """What makes it the same file with the same rows."""
        return self.tally.name, self.piece, self.beside


@dataclass(frozen=True, slots=True)
class Base:
    """A table of an earlier book that goes on in a new one."""

    book: Book
    tallies: Mapping[str, FileTally]
    """What was counted of the files that it was made of, by name."""
    is_whole: bool
    """Whether no file is to be added to it."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """A book of the store that was made before, and the files that it was made of."""

    book: Book
    files: tuple[Filed, ...]

    def bases(self, inputs: Sequence[Input]) -> dict[str, Base]:
        """Return the tables that go on in a book of `inputs`, by role.

        Where rows may replace each other, a table goes on only as it is.
        """
        known: dict[str, dict[tuple[str, str, str], FileTally]] = {}
        for one in self.files:
            known.setdefault(one.tally.role, {})[one.identity] = one.tally
        found = {}
        for role, tallies in known.items():
            files = [of for of in inputs if of.one.role == role]
            table = self.book.tables.get(role)
            if table is None or not tallies.keys() <= {*map(_identity, files)}:
                continue
            is_whole = len(tallies) == len(files)
            may_grow = role in GROWING and not overlap(files) and not self._is_half_grown(role)
            if tuple(files[0].one.all_columns) == table.columns and (is_whole or may_grow):
                by_name = {tally.name: tally for tally in tallies.values()}
                found[role] = Base(self.book, by_name, is_whole)
        return found

    def _is_half_grown(self, table: str) -> bool:
        """Tell whether further parts of a table hold more than its first ones."""
        shards = range(self.book.n_shards)
        first = [self.book.part(table, shard) for shard in shards]
        further = [path for shard in shards for path in self.book.parts(table, shard)[1:]]
        try:
            return _height(further) > _height(first)
        except (OSError, pl.exceptions.PolarsError):  # damaged, so it is built anew
            return True


def earlier(store: Path, today: date, n_shards: int, *, is_asked: bool) -> Iterator[Earlier]:
    """Give the books of a store that can go on in about `n_shards` shards, the latest first.

    `is_asked` where the user asked for just so many shards.
    """
    books = sorted(store.glob(f"{places.BOOK}*"), key=lambda place: -place.stat().st_mtime_ns)
    for place in books:
        book = manifest(place, today)
        if book is None or (is_asked and book.n_shards != n_shards):
            continue
        if max(book.n_shards, n_shards) > MOST_APART * min(book.n_shards, n_shards):
            continue
        with suppress(OSError, ValueError, KeyError, TypeError):  # of another make
            yield Earlier(book, tuple(map(_filed, filed_of(place))))


def grow(table: PartitionedTable, base: Book, name: str, empty: pl.DataFrame) -> int:
    """Write a table as what it was in a book and the rows that came; return its further parts."""
    n_further = base.n_further.get(name, 0)
    if not table.rows:
        _link(base, name, table.folder, 1 + n_further)
        return n_further
    n_kept = 1 if n_further >= MOST_FURTHER else 1 + n_further
    _link(base, name, table.folder, n_kept)
    shards = range(base.n_shards)
    targets = [table.folder / base.part(name, shard, n_kept).name for shard in shards]
    joined = ([_read(base, path) for path in base.parts(name, shard)[n_kept:]] for shard in shards)
    table.close_beside(empty, targets, joined)
    return n_kept


def take_over(base: Book, name: str, folder: Path) -> None:
    """Bring a table of an earlier book into a folder as it is."""
    folder.mkdir(parents=True, exist_ok=True)
    _link(base, name, folder, 1 + base.n_further.get(name, 0))


def plain(one: Filed) -> dict[str, Any]:
    """Return a file of a book as what JSON holds."""
    tally = {field.name: getattr(one.tally, field.name) for field in fields(FileTally)}
    tally["currencies"] = sorted(one.tally.currencies)
    for name in _DAYS:
        tally[name] = tally[name].isoformat() if tally[name] else None
    return {"piece": one.piece, "beside": one.beside, "tally": tally}


def _filed(raw: Mapping[str, Any]) -> Filed:
    told = dict(raw["tally"])
    told["currencies"] = set(told["currencies"])
    for name in ("excluded", "excluded_amounts"):
        told[name] = Counter(told[name])
    for name in _DAYS:
        told[name] = date.fromisoformat(told[name]) if told[name] else None
    return Filed(raw["piece"], raw["beside"], FileTally(**told))


def _identity(of: Input) -> tuple[str, str, str]:
    """Return what a file is known by; nothing a book knows where it was read in this run."""
    if of.piece is None:
        return "", "", ""
    return of.one.name, of.piece.folder.name, of.piece.beside


def _link(base: Book, name: str, folder: Path, n_parts: int) -> None:
    """Bring parts of a table into a folder; files of a store are never written again."""
    for shard in range(base.n_shards):
        for path in base.parts(name, shard)[:n_parts]:
            try:
                os.link(path, folder / path.name)
            except OSError:  # a file system without links, or with too many of one file
                shutil.copyfile(path, folder / path.name)


def _read(base: Book, path: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        forget(base.root)
        raise StorageError(
            f"The store is damaged: {path} cannot be read.",
            hint="Run again: what it was made of will be read anew.",
        ) from error


def _height(paths: list[Path]) -> int:
    return int(pl.scan_parquet(paths).select(pl.len()).collect().item()) if paths else 0
