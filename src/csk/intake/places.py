"""Where a store lies: a temporary folder of this run, or a kept one.

One rule: a store holds customers' data, so its folder is readable by its owner alone, and a
temporary one does not outlive its run (what a killed run left, the next run removes). A folder
is locked while a run uses it, and nobody removes a locked one.
"""

import errno
import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Container, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from csk.errors import StorageError, TryAgainError

_PREFIX: Final = "csk-store-"
_MB: Final = 1 << 20
_BUILDING: Final = ".building-"
BOOK: Final = "_book-"
PIECE: Final = "_piece-"
"""Begin with a mark that folders of exports are searched without: a store is none."""
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
        with in_use(folder):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def in_use(folder: Path) -> Iterator[None]:
    """Keep other runs from removing a folder."""
    handle = _locked(folder, fcntl.LOCK_SH)
    try:
        yield
    finally:
        _unlocked(handle)


@contextmanager
def building(store: Path) -> Iterator[Path]:
    """Give an empty folder inside a kept store, where one run at a time may build.

    TryAgainError where another run builds. The folder is removed at the end, unless it was
    settled; so is what a killed run left.
    """
    handle = _for_one_run(store)
    try:
        for left in store.glob(f"{_BUILDING}*"):
            shutil.rmtree(left, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix=_BUILDING, dir=store))
        yield folder
    except OSError as error:
        raise StorageError(f"The store {store} cannot be written to: {error.strerror}.") from error
    finally:
        for left in store.glob(f"{_BUILDING}*"):
            shutil.rmtree(left, ignore_errors=True)
        _unlocked(handle)


def clear(store: Path) -> None:
    """Remove all that csk keeps in a store, and nothing else.

    TryAgainError, and nothing is removed, where another run reads into it or out of it.
    """
    handles = [_for_one_run(store)]
    try:
        parts = parts_of(store)
        for part in parts:
            handles.append(_locked(part, fcntl.LOCK_EX))
            if handles[-1] is None:
                raise TryAgainError(
                    f"Another run is reading out of the store {store}.", hint="Wait for it to end."
                )
        for part in [*parts, *store.glob(f"{_BUILDING}*")]:
            shutil.rmtree(part)
    except OSError as error:
        raise StorageError(f"The store {store} could not be cleared: {error.strerror}.") from error
    finally:
        for handle in reversed(handles):
            _unlocked(handle)


def parts_of(store: Path) -> list[Path]:
    """Return the folders that csk keeps in a store, in the order of their names."""
    return sorted([*store.glob(f"{BOOK}*"), *store.glob(f"{PIECE}*")])


def check_space(folder: Path, needed: int) -> None:
    """Refuse with StorageError where a store of about `needed` bytes would not fit."""
    free = shutil.disk_usage(folder).free
    if needed > free:
        own = (_PREFIX, _BUILDING)
        place = next(above for above in folder.parents if not above.name.startswith(own))
        raise StorageError(
            f"The store needs about {needed / _MB:,.1f} MB and {place} has"
            f" {free / _MB:,.1f} MB free.",
            hint="Free some space, or name another folder with --store or TMPDIR.",
        )


def kept_folder(store: Path, digest: str, shards: int | None = None) -> Path:
    """Return the folder of one set of inputs in a kept store, made private if it is new."""
    try:
        store.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StorageError(
            f"The store {store} could not be made: {error.strerror}.", hint="Name another folder."
        ) from error
    return store / (f"{BOOK}{digest[:32]}" + (f"-{shards}" if shards else ""))


def settle(building: Path, target: Path) -> None:
    """Move a finished store to its place and remove all but the latest ones beside it."""
    try:
        building.chmod(0o700)
        if target.exists():
            shutil.rmtree(target)
        building.rename(target)
        others = sorted(
            (p for p in target.parent.glob(f"{BOOK}*") if p != target),
            key=lambda p: p.stat().st_mtime,
        )
        for old in others[: max(0, len(others) + 1 - KEPT_STORES)]:
            _remove_unused(old)
    except OSError as error:
        raise StorageError(f"The store {target} could not be kept: {error}.") from error


def piece_folder(store: Path, digest: str) -> Path:
    """Return the folder of what is kept of one input file."""
    return store / f"{PIECE}{digest[:32]}"


def settle_piece(building: Path, target: Path) -> None:
    """Move a finished piece to its place."""
    try:
        if target.exists():
            shutil.rmtree(target)
        building.rename(target)
    except OSError as error:
        raise StorageError(f"The store {target} could not be kept: {error}.") from error


def clear_pieces(store: Path, used: Container[str]) -> None:
    """Remove the pieces of a store but for those that are used; only while building there."""
    for path in store.glob(f"{PIECE}*"):
        if path.name not in used:
            shutil.rmtree(path, ignore_errors=True)


def _clear_orphans(folder: Path) -> None:
    for path in folder.glob(f"{_PREFIX}*"):
        owner = _OWNED.match(path.name)
        with suppress(OSError):  # another run may be removing it at the same time
            if owner and not _runs(int(owner[1])) and path.stat().st_uid == os.getuid():
                _remove_unused(path)


def _remove_unused(folder: Path) -> None:
    handle = _locked(folder, fcntl.LOCK_EX)
    if handle is not None:
        shutil.rmtree(folder, ignore_errors=True)
        _unlocked(handle)


def _for_one_run(store: Path) -> int | None:
    """Lock a store against others that would build in it or clear it."""
    handle = _locked(store, fcntl.LOCK_EX)
    if handle is None:
        raise TryAgainError(
            f"Another run is reading into the store {store}.",
            hint="Wait for it to end: what it has read will be used.",
        )
    return handle


def _locked(folder: Path, kind: int) -> int | None:
    """Lock a folder without waiting; None where another run holds it, -1 where nobody can."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return -1
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        return None if error.errno == errno.EWOULDBLOCK else -1
    return handle


def _unlocked(handle: int | None) -> None:
    if handle is not None and handle >= 0:
        os.close(handle)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
