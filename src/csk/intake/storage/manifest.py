"""A Book as JSON beside its tables, so that a kept store opens without reading an export.

One rule: only what is in the manifest makes a store whole; it is written last.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import fields, is_dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from csk.book import Book, Excluded, FileRead, StoredTable
from csk.schema import SCHEMA_VERSION

NAME: Final = "manifest.json"


def write_manifest(
    book: Book,
    pieces: Sequence[str] = (),
    only_on: str = "",
    filed: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Write the manifest of a store, after everything else in it.

    `pieces` are the folders of the pieces it was made of; `only_on` is the day on which alone it
    holds, in ISO form, where it has rows that a later day would count otherwise; `filed` is what
    a book of more files needs to know of each of its own.
    """
    content = {
        "schema_version": SCHEMA_VERSION,
        "sizes": _sizes(book),
        "pieces": sorted(pieces),
        "only_on": only_on,
        "filed": filed,
        "book": book,
    }
    text = json.dumps(content, default=_plain, ensure_ascii=False)
    (book.root / NAME).write_text(text + "\n", encoding="utf-8")


def manifest(root: Path, today: date | None = None) -> Book | None:
    """Return the Book of a store; None where there is none, or it is damaged or of another make.

    None, too, where `today` is given and the book does not hold on it.
    """
    try:
        content = json.loads((root / NAME).read_text(encoding="utf-8"))
        if content["schema_version"] != SCHEMA_VERSION:
            return None
        if today is not None and content["only_on"] not in ("", today.isoformat()):
            return None
        book = _book(content["book"], root)
        return book if content["sizes"] == _sizes(book) else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def pieces_of(root: Path) -> frozenset[str]:
    """Return the folders of the pieces that a store was made of; none where it is damaged."""
    try:
        return frozenset(json.loads((root / NAME).read_text(encoding="utf-8"))["pieces"])
    except (OSError, ValueError, KeyError, TypeError):
        return frozenset()


def filed_of(root: Path) -> list[dict[str, Any]]:
    """Return what the manifest of a whole store says of each of its files."""
    return list(json.loads((root / NAME).read_text(encoding="utf-8"))["filed"])


def forget(root: Path) -> None:
    """Take the manifest away from a store that is damaged, so that nobody opens it again."""
    with suppress(OSError):
        (root / NAME).unlink()


def _sizes(book: Book) -> dict[str, int]:
    """Return the bytes of every file that the book is made of; OSError where one is not there."""
    tables = (*book.tables, *book.beside)
    shards = range(book.n_shards)
    paths = [path for table in tables for shard in shards for path in book.parts(table, shard)]
    paths.append(book.root / "rejects.parquet")
    return {str(path.relative_to(book.root)): path.stat().st_size for path in paths}


def _book(raw: dict[str, Any], root: Path) -> Book:
    raw = {**raw, "root": root, "window": None}
    raw["tables"] = {
        name: StoredTable(
            **{**_tuples(t), "first_on": _day(t["first_on"]), "last_on": _day(t["last_on"])}
        )
        for name, t in raw["tables"].items()
    }
    raw["files"] = tuple(
        FileRead(**{**_tuples(f), "mapping": tuple((a, b) for a, b in f["mapping"])})
        for f in raw["files"]
    )
    raw["excluded"] = tuple(Excluded(**e) for e in raw["excluded"])
    known = {field.name for field in fields(Book)}
    return Book(**{name: value for name, value in _tuples(raw).items() if name in known})


def _tuples(raw: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in raw.items()}


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _plain(value: object) -> object:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Path):
        return ""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    message = f"{type(value).__name__} has no place in a manifest"
    raise TypeError(message)
