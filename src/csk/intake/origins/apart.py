"""Inputs and outputs of one run, kept apart.

One rule: an export is never overwritten, and what this run will write into a folder of exports
is not read from there as one.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from csk.errors import UsageError
from csk.intake.origins.finding import Found
from csk.schema import CUSTOMER_SNAPSHOT

_HEAD: Final = 4096
_COLUMNAR: Final = (b"PAR1", b"ARROW1")
_BEGINNINGS: Final = (
    ",".join(CUSTOMER_SNAPSHOT.names[:2]).encode() + b",",
    f'{{"{CUSTOMER_SNAPSHOT.names[0]}":'.encode(),
)


def apart(files: Sequence[Found], outputs: Iterable[Path]) -> tuple[Found, ...]:
    """Return the files to read, without what csk itself wrote among them.

    UsageError where an output would overwrite an input. A file found in a folder that is an
    output of this run and was written by csk earlier is left out; one that the user named is not.
    """
    written = [path for path in outputs if str(path) != "-"]
    folders = [path.resolve() for path in written if path.is_dir()]
    kept, lost = [], []
    for found in files:
        target = next((path for path in written if _is_same(found.path, path)), None)
        if target is not None and (found.was_named or not _is_output(found.path)):
            lost.append(f"{target} is the input {found.name}")
        elif target is None and not _is_inside(found, folders):
            kept.append(found)
    if lost:
        raise UsageError(
            "An output would overwrite an input.",
            details=lost,
            hint="Write to another file: csk never changes what it reads.",
        )
    if not kept:
        raise UsageError("There is nothing to read but what csk itself wrote.")
    return tuple(kept)


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def _is_inside(found: Found, folders: Sequence[Path]) -> bool:
    """Tell whether a file that was not named lies in an output folder, as csk's own."""
    if found.was_named or str(found.path) == "-":
        return False
    place = found.path.resolve()
    if not any(place.is_relative_to(folder) for folder in folders):
        return False
    return _is_output(found.path) or _is_of_model(found.path)


def _is_of_model(path: Path) -> bool:
    """Tell whether a file is a part of a kept model: beside its pointer, in a folder of a fit."""
    from csk.models.risk.kept_places import FIT, POINTER  # noqa: PLC0415 # outputs that are folders

    fit = path.parent
    return FIT.fullmatch(fit.name) is not None and (fit.parent / POINTER).is_file()


def _is_output(path: Path) -> bool:
    """Tell whether csk wrote a file, by its first bytes or its metadata."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            head = file.read(_HEAD).removeprefix(b"\xef\xbb\xbf")
    except OSError:
        return False
    return _is_stamped(path, head) if head.startswith(_COLUMNAR) else head.startswith(_BEGINNINGS)


def _is_stamped(path: Path, head: bytes) -> bool:
    import pyarrow as pa  # noqa: PLC0415 # only a columnar file pays for it

    try:
        if head.startswith(_COLUMNAR[0]):
            from pyarrow import parquet  # noqa: PLC0415 # likewise

            stamps = parquet.read_schema(path).metadata
        else:
            with pa.OSFile(str(path)) as file:
                stamps = pa.ipc.open_file(file).schema.metadata
    except (pa.ArrowException, OSError):
        return False
    return b"csk.table" in (stamps or {})
