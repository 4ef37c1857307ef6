"""What the disk may do to us: be full, read-only, locked, or lose its power.

One rule: every OSError of an output becomes a sentence that names the file and says what became
of the old one.
"""

import errno
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from csk.errors import StorageError

_CAUSES: Final = {
    errno.ENOSPC: ("the disk is full", "Free some space, or write to another disk."),
    errno.EDQUOT: ("the disk quota is used up", "Free some space, or write to another disk."),
    errno.EFBIG: ("the file would grow beyond the size allowed", "See ulimit -f."),
    errno.EACCES: ("permission is denied", "Choose a folder that you may write to."),
    errno.EPERM: ("permission is denied", "Choose a folder that you may write to."),
    errno.EROFS: ("the file system is read-only", "Choose a folder that you may write to."),
    errno.ENAMETOOLONG: ("the name is too long", "Choose a shorter one."),
    errno.EIO: ("the disk reported a failure", "Write to another disk."),
}


def refusal(failure: OSError, target: Path, fate: str = "") -> StorageError:
    """Put a failed write of `target` into words; `fate` says what became of what was there."""
    cause, advice = _CAUSES.get(
        failure.errno or 0, (failure.strerror or str(failure) or "unknown cause", "")
    )
    if not fate:
        is_there = os.path.exists(target)  # noqa: PTH110 # Path.exists raises where we may not look
        fate = "What was there before is unchanged." if is_there else "Nothing was left behind."
    return StorageError(f"Could not write '{target}': {cause}. {fate}", hint=advice)


@contextmanager
def worded(target: Path, fate: str = "") -> Iterator[None]:
    """Turn an OSError of the block into a refusal about `target`; a closed pipe passes."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as failure:
        raise refusal(failure, target, fate) from failure


def settle(path: Path) -> None:
    """Bring the file or folder `path` to the disk (folders only where the system can)."""
    if path.is_dir() and sys.platform == "win32":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as failure:
        if failure.errno not in {errno.EINVAL, errno.ENOTSUP}:
            raise
    finally:
        os.close(handle)


def is_locked_here(handle: int) -> bool:
    """Take the lock of an open file or folder without waiting; False where another holds it.

    Where the file system has no locks there is nobody to be told from, and the answer is True.
    """
    if sys.platform == "win32":
        return True
    import fcntl  # noqa: PLC0415 # there is none on Windows

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as failure:
        return failure.errno not in {errno.EWOULDBLOCK, errno.EACCES}
    return True


def remove(paths: Iterable[Path]) -> None:
    """Delete files, as far as they are there and can be deleted."""
    for path in paths:
        with suppress(OSError):
            path.unlink(missing_ok=True)
