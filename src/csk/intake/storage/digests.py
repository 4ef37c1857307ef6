"""Hashes by which a kept store knows its inputs again.

One rule: what could change a row is hashed: the content, the versions, and every setting that is
not named here as one that is used after reading.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import polars as pl

import csk
from csk.book import FileRead
from csk.errors import StorageError
from csk.intake.origins.finding import Found
from csk.schema import SCHEMA_VERSION
from csk.settings import Settings

AFTER_READING: Final = frozenset(
    {
        "as_of",
        "data_from",
        "data_through",
        "late_window",
        "tax",
        "shipping",
        "margin_share",
        "discount_rate",
        "ltv_horizon",
        "risk_horizon",
        "grace_days",
        "purchase_within_days",
        "silence_share",
        "by",
        "keep",
        "shards",
        "tiers",
        "rfm",
        "stages",
        "csat_scale",
        "targets",
        "usage",
        "milestones",
        "risk",
        "contact",
        "control",
        "alerts",
        # From where rows come: their content is hashed, and an address may hold a secret.
        "engine",
        "cluster",
    }
)
"""Settings that say what is done with rows, not how they are read."""

_LAYOUT: Final = 6
"""Which columns and tables are kept, and in which files: raised with every one that is added."""
_OF_THE_WHOLE: Final = frozenset({"reject_limit", "skip"})
"""Settings that say which rows and files are taken, but change none of them."""


def content(path: Path) -> str:
    """Return the hash of a file's bytes."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise StorageError(f"{path} could not be read: {error}.") from error


def of_book(
    files: Sequence[Found],
    repeats: Sequence[FileRead],
    contents: Mapping[Path, str],
    settings: Settings,
    *,
    is_by_row: bool = False,
) -> str:
    """Return the hash of a whole book; a file without content counts by size and time."""
    parts: list[object] = [*_versions(), _rules(settings, AFTER_READING), repeats, is_by_row]
    for found in files:
        parts += [(found.name, found.role, found.sheet), contents.get(found.path, _about(found))]
    return _hash(parts)


def of_piece(found: Found, content: str, settings: Settings) -> str:
    """Return the hash of one file and of what reads it."""
    rules = _rules(settings, AFTER_READING | _OF_THE_WHOLE)
    return _hash([*_versions(), rules, found.role, found.sheet, content])


def of_words(parts: Iterable[object]) -> str:
    """Return the hash of plain values; empty where there are none."""
    listed = list(parts)
    return _hash(listed) if listed else ""


def distinct(files: Sequence[Found]) -> tuple[tuple[Found, ...], list[FileRead]]:
    """Return the files to read, in the order of their names, and those that repeat others.

    Where two files have one name (in two folders), they are called by their paths.
    """
    named = _apart(files)
    by_size: defaultdict[int, list[Found]] = defaultdict(list)
    for found in named:
        if not found.left_out and found.path.is_file():
            by_size[found.path.stat().st_size].append(found)
    same_as: dict[int, Found] = {}
    for size, alike in by_size.items():
        if size and len(alike) > 1:
            same_as |= _repeats(alike)
    read = tuple(found for found in named if id(found) not in same_as)
    said = [
        FileRead(
            *(found.name, "", "", "", "", 0, 0, 0, 0),
            note=f"it is the same as {same_as[id(found)].name}",
        )
        for found in named
        if id(found) in same_as
    ]
    return read, said


def _repeats(files: Iterable[Found]) -> dict[int, Found]:
    """Return, by identity, the files whose content another one has, with that one."""
    first: dict[tuple[str, str, str | None], Found] = {}
    repeats = {}
    # Who was given a role comes first, so that one without is its repeat.
    for found in sorted(files, key=lambda one: one.role is None):
        of = (content(found.path), found.sheet)
        key = next((k for k in first if k[:2] == of and found.role in (None, k[2])), None)
        if key is None:
            first[(*of, found.role)] = found
        else:
            repeats[id(found)] = first[key]
    return repeats


def _apart(files: Sequence[Found]) -> list[Found]:
    counts: defaultdict[str, int] = defaultdict(int)
    for found in files:
        counts[found.name] += 1
    named = [replace(f, name=str(f.path)) if counts[f.name] > 1 else f for f in files]
    return sorted(named, key=lambda found: (found.name, str(found.path)))


def _rules(settings: Settings, but: frozenset[str]) -> str:
    return repr(sorted(settings.model_dump(mode="json", exclude=set(but)).items()))


def _versions() -> list[object]:
    return [csk.__version__, SCHEMA_VERSION, _LAYOUT, pl.__version__]


def _about(found: Found) -> object:
    try:
        about = found.path.stat()
    except OSError:
        return ""
    return about.st_size, about.st_mtime_ns


def _hash(parts: Iterable[object]) -> str:
    digest = hashlib.blake2b(digest_size=32)
    for part in parts:
        digest.update(repr(part).encode())
    return digest.hexdigest()
