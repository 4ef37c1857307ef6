"""A model of churn risk on its way into its folder.

One rule: its files lie whole and on the disk in a folder of their own before the pointer, which
appears with the other outputs of the run, says that they hold.
"""

import os
import shutil
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Final

import polars as pl

from csk.errors import CskError
from csk.models.risk.kept import files
from csk.models.risk.kept_places import (
    FIT,
    POINTER,
    Pointer,
    mark,
    pointer_of,
    pointer_text,
    pointer_to,
)
from csk.models.risk.model import RiskModel
from csk.sinks.staging.disk import settle, worded
from csk.sinks.staging.outputs import Outputs

_BUILDING: Final = ".building"


def stage_model(outputs: Outputs, folder: Path, model: RiskModel) -> None:
    """Write a model beside the one that is kept in `folder`, and stage the pointer to it.

    The folder is made where it is not there; the caller holds the lock of the one above it.
    Fits that no pointer named but the last are deleted: the one that holds is kept beside the
    new one. ModelError for a model that is not sound, StorageError where the disk refuses.
    """
    contents = {name: _bytes(one) for name, one in files(model).items()}
    pointer = pointer_to(contents)
    with worded(folder):
        folder.mkdir(exist_ok=True)
        _sweep(folder, {pointer.fit, _current(folder)})
        _place(folder, pointer, contents)
    outputs.add_text(folder / POINTER, pointer_text(pointer))


def _place(folder: Path, pointer: Pointer, contents: dict[str, bytes]) -> None:
    """Write all files and bring them to the disk, then give their folder its name."""
    home = folder / pointer.fit
    if _is_there(home, pointer):
        return
    building = folder / _BUILDING
    building.mkdir()
    for name, content in contents.items():
        path = building / name
        path.write_bytes(content)
        settle(path)
    settle(building)
    # What has the name of this fit but other content is broken, and nothing is lost with it.
    _remove(home)
    building.rename(home)
    settle(folder)


def _is_there(home: Path, pointer: Pointer) -> bool:
    if home.is_symlink() or not home.is_dir():
        return False
    if {path.name for path in home.iterdir()} != set(pointer.files):
        return False
    return all(
        not (home / name).is_symlink() and mark((home / name).read_bytes()) == of
        for name, of in pointer.files.items()
    )


def _current(folder: Path) -> str:
    """Return the fit that holds; empty where none does or the pointer cannot be understood."""
    with suppress(OSError, CskError):
        return pointer_of((folder / POINTER).read_bytes()).fit
    return ""


def _sweep(folder: Path, kept: set[str]) -> None:
    """Delete what a killed run left, and the fits before the one that holds."""
    for path in [folder / _BUILDING, *folder.iterdir()]:
        if path.name == _BUILDING or (FIT.fullmatch(path.name) and path.name not in kept):
            _remove(path)


def _remove(path: Path) -> None:
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif os.path.lexists(path):
        shutil.rmtree(path)


def _bytes(one: str | pl.DataFrame) -> bytes:
    """Return a text as UTF-8 and a table as Parquet that any reader knows."""
    if isinstance(one, str):
        return one.encode()
    from pyarrow import parquet as pq  # noqa: PLC0415 # paid only by runs that keep a model

    stream = BytesIO()
    table = one.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())
    pq.write_table(table, stream, compression="zstd", version="2.6")
    return stream.getvalue()
