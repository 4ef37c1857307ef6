"""What a kept store holds, and freeing it.

One rule: only what csk itself keeps there is counted or removed; whatever else lies in the folder
is somebody else's.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from csk.book import KeptPart
from csk.errors import UsageError
from csk.intake import places
from csk.intake.storage import manifest, pieces


def kept_parts(store: Path) -> tuple[KeptPart, ...]:
    """Return what a store holds, the latest books first, then files.

    UsageError where the folder is no store: it is not there, or holds only other things.
    """
    if not store.is_dir():
        raise UsageError(f"There is no folder {store}.")
    folders = places.parts_of(store)
    if not folders and any(store.iterdir()):
        raise UsageError(f"{store} is no store of csk.", hint="Name the folder given to --store.")
    books = [folder for folder in folders if folder.name.startswith(places.BOOK)]
    latest = max(books, key=lambda folder: folder.stat().st_mtime_ns, default=None)
    current = {latest.name, *manifest.pieces_of(latest)} if latest is not None else set()
    seen: set[tuple[int, int]] = set()
    # A file that two books share is counted with the later one.
    later_first = sorted(folders, key=lambda folder: -folder.stat().st_mtime_ns)
    parts = [_part(folder, seen, is_current=folder.name in current) for folder in later_first]
    return tuple(sorted(parts, key=lambda part: (part.kind, -part.made_at.timestamp(), part.name)))


def clear(store: Path) -> tuple[KeptPart, ...]:
    """Remove what csk keeps in a store and return what that was.

    TryAgainError, and nothing is removed, where a run uses it.
    """
    parts = kept_parts(store)
    places.clear(store)
    return parts


def _part(folder: Path, seen: set[tuple[int, int]], *, is_current: bool) -> KeptPart:
    about = folder.stat()
    is_book = folder.name.startswith(places.BOOK)
    files, rows = (_of_book if is_book else _of_piece)(folder)
    return KeptPart(
        kind="book" if is_book else "file",
        name=folder.name,
        files=files,
        rows=rows,
        n_bytes=_n_bytes(folder, seen),
        made_at=datetime.fromtimestamp(about.st_mtime, tz=UTC),
        is_current=is_current,
    )


def _n_bytes(folder: Path, seen: set[tuple[int, int]]) -> int:
    """Return the bytes of the files of a folder that were not seen before, and see them."""
    files = {
        (about.st_dev, about.st_ino): about.st_size
        for path in folder.rglob("*")
        if path.is_file()
        for about in [path.stat()]
    }
    new = files.keys() - seen
    seen |= new
    return sum(files[file] for file in new)


def _of_book(folder: Path) -> tuple[tuple[str, ...], int]:
    raw = _facts(folder / manifest.NAME)
    try:
        read = [file for file in raw["book"]["files"] if file["role"]]
        rows = sum(table["rows"] for table in raw["book"]["tables"].values())
        return tuple(file["file"] for file in read), rows
    except (KeyError, TypeError, AttributeError):
        return (), 0


def _of_piece(folder: Path) -> tuple[tuple[str, ...], int]:
    raw = _facts(folder / pieces.NAME)
    try:
        counts = raw["counts"]
        left_out = sum(counts["excluded"].values()) + counts["n_rejected"]
        return (raw["told"]["file"],), counts["n_read"] - left_out
    except (KeyError, TypeError, AttributeError):
        return (), 0


def _facts(path: Path) -> Any:  # noqa: ANN401 # whatever JSON holds
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
