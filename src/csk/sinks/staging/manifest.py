"""The list of a folder's files: what a reader of the folder may trust.

One rule: it is replaced last, by one rename, and holds no clock; a file that does not match its
entry belongs to a run that has not finished.
"""

import json
from dataclasses import asdict, dataclass
from hashlib import file_digest
from pathlib import Path
from typing import Final

from csk.errors import DataError
from csk.schema import SCHEMA_VERSION

NAME: Final = "_manifest.json"


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of the folder, by its path from the folder."""

    path: str
    table: str
    as_of: str
    rows: int
    bytes: int
    sha256: str
    inputs_sha256: str
    schema_version: int = SCHEMA_VERSION


def entries(folder: Path) -> tuple[Entry, ...]:
    """Read the manifest of `folder`; none is empty, and a DataError meets one that is broken."""
    path = folder / NAME
    if not path.exists():
        return ()
    try:
        document = json.loads(path.read_text("utf-8"))
        return tuple(Entry(**entry) for entry in document["files"])
    except (ValueError, TypeError, KeyError):
        raise DataError(
            f"The manifest '{path}' cannot be understood.",
            hint="It was not written by this version of csk: write to another folder.",
        ) from None


def document(old: tuple[Entry, ...], new: tuple[Entry, ...]) -> str:
    """Write the manifest in which `new` entries stand in place of old ones of the same path."""
    merged = {entry.path: entry for entry in (*old, *new)}
    files = [asdict(merged[path]) for path in sorted(merged)]
    return json.dumps({"schema_version": SCHEMA_VERSION, "files": files}, indent=2) + "\n"


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()
