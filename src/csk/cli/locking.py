"""One run at a time: the lock of a folder.

One rule: the lock is the operating system's. It ends with the process however that ends, so no
stale file ever stands in the way; what the file says is for people only.
"""

import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from csk.errors import StorageError, TryAgainError
from csk.sinks.staging.disk import is_locked_here

NAME: Final = ".lock"
_MOST_BYTES: Final = 4096


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of `folder`, which is there, while the block runs.

    TryAgainError where another run holds it (it says who and since when), StorageError where the
    folder cannot be written to.
    """
    path = folder / NAME
    try:
        handle = os.open(path, os.O_CREAT | os.O_RDWR | getattr(os, "O_CLOEXEC", 0), 0o666)
    except OSError as failure:
        raise StorageError(
            f"The folder '{folder}' cannot be locked: {failure.strerror}.",
            hint="Choose a folder that you may write to.",
        ) from failure
    try:
        if not is_locked_here(handle):
            raise TryAgainError(
                f"Another run works in '{folder}'{_holder(handle)}.",
                hint="Wait for it to end; nothing was read and nothing was written.",
            )
        _sign(handle)
        yield
    finally:
        os.close(handle)


def _sign(handle: int) -> None:
    """Say who holds the lock; a full disk is no reason not to hold it."""
    who = {"process": os.getpid(), "host": socket.gethostname(), "command": Path(sys.argv[0]).name}
    try:
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps(who).encode() + b"\n", 0)
    except OSError:
        return


def _holder(handle: int) -> str:
    """Return who holds the lock and since when, as far as the file tells."""
    try:
        since = datetime.fromtimestamp(os.fstat(handle).st_mtime, tz=UTC)
        who = json.loads(os.pread(handle, _MOST_BYTES, 0))
        return (
            f" (process {int(who['process'])} on {who['host']}, since {since:%Y-%m-%d %H:%M} UTC)"
        )
    except (OSError, ValueError, KeyError, TypeError):
        return ""
