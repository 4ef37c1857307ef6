"""Streams under the libraries that write: Python's own files, so that errors keep their number.

One rule: every byte goes through a Python file; a full disk is then an OSError with its errno
and no sentence of some library.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from io import RawIOBase
from pathlib import Path
from typing import BinaryIO, cast

from csk.errors import UsageError


@contextmanager
def opened(target: Path) -> Iterator[BinaryIO]:
    """Open `target` for writing bytes, replacing what it holds."""
    with target.open("wb") as stream:
        yield stream


def whole_files_only(suffix: str) -> UsageError:
    """Return the refusal of a format that no pipe can carry."""
    return UsageError(
        f"A {suffix} file cannot be written to a pipe.",
        hint=f"Name a file (-o NAME{suffix}), or choose --as parquet, csv, jsonl or arrow.",
    )


class Counted(RawIOBase):
    """A stream that knows its position even where the one beneath (a pipe) does not."""

    def __init__(self, beneath: BinaryIO) -> None:
        super().__init__()
        self._beneath = beneath
        self._written = 0

    def writable(self) -> bool:
        """Say that this stream takes bytes."""
        return True

    def write(self, block: object) -> int:
        """Pass all of `block` on."""
        view = memoryview(cast("bytes", block)).cast("B")
        left = view
        while left:
            left = left[self._beneath.write(left) :]
        self._written += len(view)
        return len(view)

    def tell(self) -> int:
        """Return the number of bytes written so far."""
        return self._written

    def flush(self) -> None:
        """Pass on what the stream beneath may still hold."""
        if not self.closed and not self._beneath.closed:
            self._beneath.flush()
