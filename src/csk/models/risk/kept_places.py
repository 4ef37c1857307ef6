"""Where a kept model lies: a folder for each fit, and one small text that says which one holds.

One rule: whoever reads follows the pointer and nothing else. It is replaced by one rename, so a
reader sees a whole model, the old or the new one; it names the hash of every file.
"""

import json
import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Final, NamedTuple

from csk.errors import DataError, ModelError
from csk.models.risk.kept import NAMES, TREES
from csk.models.strict_json import made, parsed, plain, refuse_fields, shown

POINTER: Final = "current.json"
MOST_CHARACTERS: Final = 100_000
"""Of the pointer."""
MOST_BYTES: Final = 200_000_000
"""Of one file of a model."""
FIT: Final = re.compile(r"fit-[0-9a-f]{12}")
"""Name of the folder of a fit."""
SCHEMA: Final = "csk.risk_model.current"
VERSION: Final = 1
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


class Mark(NamedTuple):
    """By what a file is known."""

    bytes: int
    sha256: str


class Pointer(NamedTuple):
    """Which fit holds, and by what each of its files is known."""

    fit: str
    files: Mapping[str, Mark]


def mark(content: bytes) -> Mark:
    """Return by what a file of this content is known."""
    return Mark(len(content), sha256(content).hexdigest())


def pointer_to(contents: Mapping[str, bytes]) -> Pointer:
    """Return the pointer to a fit of these files; the same files have the same name."""
    marks = {name: mark(contents[name]) for name in sorted(contents)}
    told = "\n".join(f"{name} {of.sha256}" for name, of in marks.items())
    return Pointer(f"fit-{sha256(told.encode()).hexdigest()[:12]}", marks)


def pointer_text(pointer: Pointer) -> str:
    """Return a pointer as JSON."""
    told = {"schema": SCHEMA, "version": VERSION, **plain(pointer)}
    return json.dumps(told, indent=2) + "\n"


def pointer_of(text: bytes) -> Pointer:
    """Return the pointer of its text.

    DataError for what is none, ModelError for a newer version. A name that it gives is one of
    `NAMES`, in a folder `FIT`: it cannot lead elsewhere.
    """
    told = parsed(text, "pointer to a model", MOST_CHARACTERS)
    if told.get("schema") != SCHEMA:
        raise DataError("This is no pointer to a model that csk has kept.")
    version = told.get("version")
    if version != VERSION or isinstance(version, bool | float):
        raise ModelError(
            f"The model was kept by version {shown(version)} of its folder; "
            f"this csk reads version {VERSION}.",
            hint="Fit it again: --refit.",
        )
    refuse_fields(told, ("schema", "version", *Pointer._fields), "The pointer")
    pointer: Pointer = made(Pointer, {name: told[name] for name in Pointer._fields}, "The pointer")
    if FIT.fullmatch(pointer.fit) is None:
        raise DataError(f"The pointer names {shown(pointer.fit)}, which is no folder of a fit.")
    refuse_fields(
        dict(pointer.files),
        [name for name in NAMES if name != TREES or name in pointer.files],
        "The list of files of the pointer",
    )
    for name, of in pointer.files.items():
        if not 0 < of.bytes <= MOST_BYTES or _SHA256.fullmatch(of.sha256) is None:
            raise DataError(f"The pointer knows {name} by no size and hash that can be.")
    return pointer
