"""Where a store lies: a temporary folder of this run, or a kept one.

One rule: a store holds customers' data, so its folder is readable by its owner alone, and a
temporary one does not outlive its run (what a killed run left, the next run removes).
"""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from csk.errors import StorageError

_PREFIX: Final = "csk-store-"
_OWNED = re.compile(rf"{_PREFIX}(\d+)-")
KEPT_STORES: Final = 2
"""Stores that a kept folder holds before the oldest is removed."""


@contextmanager
def temporary_store() -> Iterator[Path]:
    """Give an empty folder that is removed at the end, after clearing what killed runs left."""
    _clear_orphans(Path(tempfile.gettempdir()))
    try:
        folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
    except OSError as error:
        raise StorageError(
            f"No temporary folder could be made: {error}.", hint="Name another one with TMPDIR."
        ) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def check_space(folder: Path, needed: int) -> None:
    """Refuse with StorageError where a store of about `needed` bytes would not fit."""
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise StorageError(
            f"The store needs about {needed >> 20:,} MB and {folder} has {free >> 20:,} MB free.",
            hint="Free some space, or name another folder with --store or TMPDIR.",
        )


def kept_folder(store: Path, digest: str) -> Path:
    """Return the folder of one set of inputs in a kept store, made private if it is new."""
    try:
        store.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StorageError(f"The store {store} could not be made: {error}.") from error
    return store / f"book-{digest[:32]}"


def settle(building: Path, target: Path) -> None:
    """Move a finished store to its place and remove all but the latest ones beside it."""
    try:
        building.chmod(0o700)
        if target.exists():
            shutil.rmtree(target)
        building.rename(target)
        others = sorted(
            (p for p in target.parent.glob("book-*") if p != target),
            key=lambda p: p.stat().st_mtime,
        )
        for old in others[: max(0, len(others) + 1 - KEPT_STORES)]:
            shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise StorageError(f"The store {target} could not be kept: {error}.") from error


def _clear_orphans(folder: Path) -> None:
    for path in folder.glob(f"{_PREFIX}*"):
        owner = _OWNED.match(path.name)
        if owner and not _runs(int(owner[1])) and path.stat().st_uid == os.getuid():
            shutil.rmtree(path, ignore_errors=True)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
