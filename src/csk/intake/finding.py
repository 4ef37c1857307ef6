"""Which files the user means: files, folders, globs, `role=path`, `-` for standard input.

One rule: a file the user names is always tried; of a folder only what can hold a table is.
"""

import glob
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from csk.errors import UsageError
from csk.schema import INPUTS

_TABLE_SUFFIXES: Final = frozenset(
    {
        ".csv",
        ".tsv",
        ".tab",
        ".txt",
        ".psv",
        ".parquet",
        ".pq",
        ".jsonl",
        ".ndjson",
        ".arrow",
        ".feather",
    }
)
_PACKED_SUFFIXES: Final = frozenset({".gz", ".zst", ".zstd", ".xz", ".bz2", ".zip"})


@dataclass(frozen=True, slots=True)
class Found:
    """One file to read; `role` where the user said what it is."""

    path: Path
    name: str
    role: str | None
    was_named: bool
    """Whether the user named this very file, not a folder or pattern it lies in."""


def found(arguments: Iterable[str]) -> tuple[Found, ...]:
    """Return the files that the arguments name, each once, in the order of their names.

    A file that is found in several ways (in a folder, by a link) is read once, with the role
    that it was given anywhere. UsageError names every argument that leads nowhere.
    """
    files: dict[object, Found] = {}
    missing: list[str] = []
    for argument in arguments:
        role, path = _role_and_path(argument)
        matches = _matches(path, role)
        if not matches:
            missing.append(path)
        for match in matches:
            same = files.setdefault(_identity(match.path), match)
            if match.role and same.role and match.role != same.role:
                raise UsageError(f"{match.name} is named as {same.role} and as {match.role}.")
            if match.was_named or match.role:
                files[_identity(match.path)] = replace(
                    same, role=match.role or same.role, was_named=same.was_named or match.was_named
                )
    if missing:
        raise UsageError(
            "Nothing to read at " + ", ".join(missing) + ".",
            hint="Name files, folders or patterns such as exports/*.csv, or - for standard input.",
        )
    return tuple(files.values())


def _identity(path: Path) -> object:
    try:
        about = path.stat()
    except OSError:
        return path
    return about.st_dev, about.st_ino


def _role_and_path(argument: str) -> tuple[str | None, str]:
    role, mark, path = argument.partition("=")
    if mark and role in INPUTS:
        return role, path
    if mark and role.isidentifier() and not Path(argument).exists():
        known = ", ".join(sorted(INPUTS))
        raise UsageError(f"{role!r} is not a table that csk knows.", hint=f"Tables: {known}.")
    return None, argument


def _matches(path: str, role: str | None) -> list[Found]:
    if path == "-":
        return [Found(Path("-"), "-", role, was_named=True)]
    place = Path(path).expanduser()
    if place.is_dir():
        inside = (p for p in sorted(place.rglob("*")) if p.is_file() and _may_be_table(p, place))
        return [Found(p, str(p.relative_to(place)), role, was_named=False) for p in inside]
    if place.exists():
        return [Found(place, path, role, was_named=True)]
    # Path.glob takes no absolute pattern, and a user types one.
    hits = sorted(Path(hit) for hit in glob.glob(str(place), recursive=True))  # noqa: PTH207 # see above
    return [Found(p, str(p), role, was_named=False) for p in hits if p.is_file()]


def _may_be_table(path: Path, folder: Path) -> bool:
    if any(part.startswith((".", "_")) for part in path.relative_to(folder).parts):
        return False
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in _PACKED_SUFFIXES:
        suffixes.pop()
    return bool(suffixes) and suffixes[-1] in _TABLE_SUFFIXES
