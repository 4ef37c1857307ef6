"""Which inputs the user means: files, folders, globs, `-`, addresses and queries; `role=` in front.

One rule: an input the user names is always tried; of a folder only what can hold a table is, and
no link is followed out of it.
"""

import glob
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
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
        ".xlsx",
        ".xlsm",
    }
)
_PACKED_SUFFIXES: Final = frozenset({".gz", ".zst", ".zstd", ".xz", ".bz2", ".zip"})
_ADDRESS: Final = re.compile(r"(https?|s3|gs|az)://", re.IGNORECASE)
_QUERY: Final = re.compile(r"sql(@[\w-]+)?:", re.IGNORECASE)
_SHEET_OF: Final = re.compile(r"(?s)(.+)#([^#/]+)")
_QUERY_SHOWN: Final = 48
_HIDDEN: Final = (".", "_")


@dataclass(frozen=True, slots=True)
class Found:
    """One input to read; `role` where the user said what it is."""

    path: Path
    name: str
    role: str | None
    was_named: bool
    """Whether the user named this very file, not a folder or pattern it lies in."""

    sheet: str = ""
    """The sheet of a workbook that the user named."""

    place: str = ""
    """The address or query, as typed, of what lies elsewhere; it may hold a secret. Until it is
    brought near (`nearby`), there is nothing at `path`."""

    left_out: str = ""
    """Why it is not read."""

    is_canonical: bool = False
    """Whether its columns are called as csk calls them, whatever the settings say of files."""


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
            key = _identity(match)
            files[key] = merged(files[key], match) if key in files else match
    if missing:
        raise UsageError(
            "Nothing to read at " + ", ".join(missing) + ".",
            hint="Name files, folders or patterns such as exports/*.csv, or - for standard input.",
        )
    return tuple(_named_apart(files.values()))


def _named_apart(files: Iterable[Found]) -> Iterator[Found]:
    """Give addresses and queries that would be shown alike a number in their name."""
    taken: Counter[str] = Counter()
    for file in files:
        taken[file.name] += 1
        again = file.place and taken[file.name] > 1
        yield replace(file, name=f"{file.name} ({taken[file.name]})") if again else file


def merged(one: Found, other: Found) -> Found:
    """Return an input that was found twice as one; UsageError where it has two roles."""
    if one.role and other.role and one.role != other.role:
        raise UsageError(f"{other.name} is named as {one.role} and as {other.role}.")
    kept = other if one.left_out else one
    return replace(kept, role=one.role or other.role, was_named=one.was_named or other.was_named)


def _identity(found: Found) -> object:
    if found.place or found.left_out:
        return found.place or found.path
    try:
        about = found.path.stat()
    except OSError:
        return found.path
    return about.st_dev, about.st_ino, found.sheet


def _role_and_path(argument: str) -> tuple[str | None, str]:
    role, mark, path = argument.partition("=")
    if mark and role in INPUTS:
        return role, path
    if mark and role.isidentifier() and not os.path.lexists(argument):
        known = ", ".join(sorted(INPUTS))
        raise UsageError(f"{role!r} is not a table that csk knows.", hint=f"Tables: {known}.")
    return None, argument


def _matches(path: str, role: str | None) -> list[Found]:
    if path == "-":
        return [Found(Path("-"), "-", role, was_named=True)]
    if is_elsewhere(path):
        name = address_shown(path) if _ADDRESS.match(path) else _query_shown(path)
        return [Found(Path(name), name, role, was_named=True, place=path)]
    place = expanded(path)
    if place.is_dir():
        return list(_inside(place, role))
    if place.exists():
        return [Found(place, path, role, was_named=True)]
    sheet = _SHEET_OF.fullmatch(path)
    if sheet and (book := expanded(sheet[1])).is_file():
        return [Found(book, path, role, was_named=True, sheet=sheet[2])]
    # Path.glob takes no absolute pattern, and a user types one.
    hits = sorted(Path(hit) for hit in glob.glob(str(place), recursive=True))  # noqa: PTH207 # see above
    return [Found(p, str(p), role, was_named=False) for p in hits if p.is_file()]


def expanded(path: str) -> Path:
    """Return a path with `~` as the home folder; as it stands where nobody has that name."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def _inside(folder: Path, role: str | None) -> Iterator[Found]:
    """Give what a folder holds that can be a table, and the links that lead out of it."""
    home, closed = folder.resolve(), list[OSError]()
    for path in _links_and_files(folder, closed.append):
        name = str(path.relative_to(folder))
        if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(home):
            if path.is_dir() or may_be_table(PurePath(name)):
                why = "a link that leads out of the folder; name it itself to have it read"
                yield Found(path, name, role, was_named=False, left_out=why)
        elif path.is_file() and may_be_table(PurePath(name)):
            yield Found(path, name, role, was_named=False)
    for error in closed:
        path, why = Path(error.filename), f"a folder that cannot be opened: {error.strerror}"
        name = str(path.relative_to(folder)) if path != folder else str(folder)
        yield Found(path, name, role, was_named=False, left_out=why)


def _links_and_files(folder: Path, on_closed: Callable[[OSError], object]) -> list[Path]:
    """Return all files under a folder, and links to folders, in the order of their names.

    `on_closed` hears of every folder that cannot be opened.
    """
    paths: list[Path] = []
    for inside, folders, files in os.walk(folder, onerror=on_closed):
        at = Path(inside)
        folders[:] = [name for name in folders if not name.startswith(_HIDDEN)]
        paths += [at / name for name in files]
        paths += [at / name for name in folders if (at / name).is_symlink()]
    return sorted(paths)


def may_be_table(path: PurePath) -> bool:
    """Tell by its name whether a file in a folder can hold a table."""
    if any(part.startswith(_HIDDEN) for part in path.parts):
        return False
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in _PACKED_SUFFIXES:
        suffixes.pop()
    return bool(suffixes) and suffixes[-1] in _TABLE_SUFFIXES


def is_elsewhere(argument: str) -> bool:
    """Tell whether an argument, without a role in front, is an address or a query."""
    return bool(_ADDRESS.match(argument) or _QUERY.match(argument))


def is_query(argument: str) -> bool:
    """Tell whether an argument, with a role in front or none, is a query."""
    role, mark, rest = argument.partition("=")
    return bool(_QUERY.match(rest if mark and role in INPUTS else argument))


def address_shown(address: str) -> str:
    """Return an address as it may be shown: what it asks for and any password are secrets."""
    scheme, _, rest = address.partition("://")
    if scheme.lower() in ("http", "https"):
        # In the name of an object these marks are letters, or stand for any.
        rest = re.split(r"[?#]", rest, maxsplit=1)[0]
    host, slash, path = rest.partition("/")
    return f"{scheme.lower()}://{host.rpartition('@')[2]}{slash}{path}"


def _query_shown(query: str) -> str:
    words = " ".join(query.split())
    return words if len(words) <= _QUERY_SHOWN else words[: _QUERY_SHOWN - 1] + "…"
