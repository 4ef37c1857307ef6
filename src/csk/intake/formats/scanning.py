"""A file of UTF-8 text that is checked while it is read.

One rule: no byte is handed on that was not seen to be UTF-8, and no line longer than a block.
"""

import io
import os
from pathlib import Path
from typing import Final

import pyarrow as pa

from csk.errors import DataError, StorageError
from csk.intake.formats.source import BLOCK_BYTES

_CONTINUATION: Final = 0x80
_LEAD_BYTES: Final = ((0xC0, 0xE0, 2), (0xE0, 0xF0, 3), (0xF0, 0xF8, 4))


class Checked(io.RawIOBase):
    """The bytes of `path` from `offset` on, in whole characters; a DataError where they are bad.

    `name` is what refusals call the file; `ending` is handed on after its last byte. Readers ask
    for blocks, not bytes: each is looked at three times, at the speed of memory.
    """

    def __init__(self, path: Path, name: str, *, offset: int = 0, ending: bytes = b"") -> None:
        super().__init__()
        self._name = name
        self._path = path
        self._ending = ending
        self._run = 0
        try:
            self._file = path.open("rb", buffering=0)
            self._before = _stamp(self._file.fileno())
            self._file.seek(offset)
        except OSError as error:
            raise unreadable(name, error) from error

    def readable(self) -> bool:
        """Say yes."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes; fewer where a character would be cut."""
        if size == 0:
            return b""
        try:
            block = self._file.read(size)
        except OSError as error:
            raise unreadable(self._name, error) from error
        if not block:
            self._unchanged()
        if block in (b"", b"\n"):
            # After a carriage return pyarrow takes a block of one line feed for the end of all.
            block, self._ending = block + self._ending, b""
            return block
        if not block.isascii():
            block = self._whole_characters(block)
        self._check_line_length(block)
        return block

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()

    def _whole_characters(self, block: bytes) -> bytes:
        """Drop a character cut at the end of the block, and read it with the next."""
        cut = cut_character(block)
        if 0 < cut < len(block):
            self._file.seek(-cut, os.SEEK_CUR)
            block = block[:-cut]
        if not is_utf8(block):
            try:
                block.decode("utf-8")
            except UnicodeDecodeError as error:
                at = self._file.tell() - len(block) + error.start
                line = 1 + newlines_before(self._path, at)
                raise not_utf8(self._name, block[error.start], line) from None
        return block

    def _check_line_length(self, block: bytes) -> None:
        last = block.rfind(b"\n")
        if last < 0:
            last = block.rfind(b"\r")
        self._run = len(block) - 1 - last if last >= 0 else self._run + len(block)
        if self._run >= BLOCK_BYTES:
            raise too_long(self._name)

    def _unchanged(self) -> None:
        if _stamp(self._file.fileno()) != self._before:
            raise DataError(
                f"{self._name} was written to while it was being read.",
                hint="Run again when its export has finished.",
            )


def is_utf8(block: bytes) -> bool:
    """Tell whether whole bytes are UTF-8, without making a str of them."""
    ends = pa.py_buffer(len(block).to_bytes(4, "little").rjust(8, b"\0"))
    one = pa.Array.from_buffers(pa.binary(), 1, [None, ends, pa.py_buffer(block)])
    try:
        one.cast(pa.string())
    except pa.ArrowInvalid:
        return False
    return True


def cut_character(block: bytes) -> int:
    """Count the bytes at the end that begin a UTF-8 character without finishing it."""
    for back in range(1, min(4, len(block) + 1)):
        byte = block[-back]
        if byte & 0xC0 == _CONTINUATION:  # its lead byte is further left
            continue
        for low, high, length in _LEAD_BYTES:
            if low <= byte < high:
                return back if back < length else 0
        return 0
    return 0


def newlines_before(path: Path, offset: int) -> int:
    """Count the line feeds among the first `offset` bytes."""
    count = 0
    with path.open("rb", buffering=0) as file:
        while offset > 0 and (block := file.read(min(offset, BLOCK_BYTES))):
            count += block.count(b"\n")
            offset -= len(block)
    return count


def not_utf8(name: str, byte: int, line: int) -> DataError:
    """Build the refusal of a byte that is no UTF-8."""
    return DataError(
        f"{name} is not UTF-8 throughout: byte 0x{byte:02X} on line {line:,}.",
        hint="Name its encoding with --input-encoding (cp932, euc-jp, cp1252 ...), "
        "or export it again.",
    )


def too_long(name: str) -> DataError:
    """Build the refusal of a line that no table has."""
    return DataError(
        f"{name} has a line (or a quoted value) of more than {BLOCK_BYTES >> 20} MB.",
        hint="It is no table of text, or a quote in it is never closed.",
    )


def unreadable(name: str, error: OSError) -> StorageError:
    """Build the refusal of a file that the system does not let us read."""
    return StorageError(f"{name} cannot be read: {error.strerror or error}.")


def _stamp(descriptor: int) -> tuple[int, int]:
    seen = os.fstat(descriptor)
    return seen.st_size, seen.st_mtime_ns
