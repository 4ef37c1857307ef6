"""Single files that are staged beside their targets under hidden names.

One rule: a staged file is `.csk-PID-N.part` in its target's own folder, locked while its writer
lives. One that nobody locks and whose process is gone is a dead run's, and the next run into
that folder deletes it (the lock serves where processes cannot see each other, the number where
a library put a new file under the name and with it lost the lock).
"""

import os
import stat
import sys
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

from csk.errors import UsageError
from csk.sinks.staging.disk import is_locked_here, refusal, remove, settle, worded

_PATTERN: Final = ".csk-*.part"
_BACKUP: Final = ".old"
_LOG: Final = ".wal"
_MODE: Final = 0o666


@dataclass(slots=True)
class StagedFile:
    """A new file and the place it is meant for; `handle` holds its lock."""

    target: Path
    path: Path
    handle: int
    backup: Path | None = None
    is_new: bool = False

    def release(self) -> None:
        """Give up the lock."""
        if self.handle >= 0:
            os.close(self.handle)
            self.handle = -1


def staged_file(target: Path) -> StagedFile:
    """Create the hidden file for `target`, after sweeping up what dead runs left in its folder.

    A UsageError where there is no such folder, a StorageError where nothing can be written.
    """
    folder = target.parent
    if not folder.is_dir():
        raise UsageError(
            f"There is no folder '{folder}' to write '{target.name}' to.",
            hint=f"Make it first: mkdir -p '{folder}'",
        )
    with worded(target):
        sweep(folder)
        for number in count():
            path = folder / f".csk-{os.getpid()}-{number}.part"
            with suppress(FileExistsError):
                handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, _MODE)
                if is_locked_here(handle) and _is_at(path, handle):
                    break
                os.close(handle)
    with suppress(OSError):
        path.chmod(stat.S_IMODE(target.stat().st_mode))
    return StagedFile(target, path, handle)


def sweep(folder: Path) -> None:
    """Delete the staged files of runs that are no longer alive."""
    for path in folder.glob(_PATTERN):
        if _is_alive(path):
            continue
        with suppress(OSError):
            handle = os.open(path, os.O_RDWR)
            try:
                if is_locked_here(handle) and _is_at(path, handle):
                    remove([path, *_companions(path)])
            finally:
                os.close(handle)


def prepare(files: list[StagedFile]) -> None:
    """Bring every staged file to the disk, and keep a second name for each file in its place."""
    for staged in files:
        with worded(staged.target):
            settle(staged.path)
            staged.is_new = not staged.target.exists()
        backup = staged.path.with_name(staged.path.name + _BACKUP)
        with suppress(OSError):
            os.link(staged.target, backup)
            staged.backup = backup


def finish(files: list[StagedFile]) -> None:
    """Rename all files into place; where one rename fails, those done before are undone."""
    done: list[StagedFile] = []
    for staged in files:
        try:
            os.replace(staged.path, staged.target)  # noqa: PTH105 # same call, seen to be atomic
        except OSError as failure:
            _undo(done)
            raise refusal(failure, staged.target) from failure
        done.append(staged)
    for folder in {staged.target.parent for staged in files}:
        with worded(folder, "The files are in place, but may not outlive a power cut."):
            settle(folder)
    discard(files)


def discard(files: list[StagedFile]) -> None:
    """Delete what is left of staged files."""
    for staged in files:
        remove([staged.path, *_companions(staged.path)])
        staged.release()


def _undo(done: list[StagedFile]) -> None:
    for staged in reversed(done):
        with suppress(OSError):
            if staged.backup is not None:
                os.replace(staged.backup, staged.target)  # noqa: PTH105 # as above
            elif staged.is_new:
                staged.target.unlink()


def _companions(path: Path) -> list[Path]:
    return [path.with_name(path.name + ending) for ending in (_BACKUP, _LOG)]


def _is_alive(path: Path) -> bool:
    """Whether the process that `path` is named for is running; True where that is unknown."""
    number = path.name.split("-")[1]
    if not number.isdecimal() or sys.platform == "win32":
        return True
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _is_at(path: Path, handle: int) -> bool:
    """Whether `path` is still the file of `handle`, which a sweep may have taken away."""
    with suppress(OSError):
        return path.stat().st_ino == os.fstat(handle).st_ino
    return False
