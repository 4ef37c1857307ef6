"""Compressed files: told by their first bytes, unpacked as a stream.

One rule: the bytes decide, never the suffix; a stream that ends early is refused, not used.
"""

import bz2
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final, Literal, cast

import pyarrow as pa

from csk.errors import DataError

Compression = Literal["", "gzip", "zstd", "xz", "bz2", "zip"]

_MAGIC: Final[tuple[tuple[bytes, Compression], ...]] = (
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"BZh", "bz2"),
    (b"PK\x03\x04", "zip"),
)
_CHUNK: Final = 4 << 20
_OF_ZIP: Final = (zipfile.BadZipFile, NotImplementedError, RuntimeError, UnicodeDecodeError)
"""What `zipfile` raises for damage, and for what it cannot read."""
RATIO_LIMIT: Final = 200
SIZE_LIMIT: Final = 256 << 20
"""Bytes that a file may unpack to however small it is packed: no bomb."""


def compression(head: bytes) -> Compression:
    """Name the compression of a file from its first bytes, "" for none."""
    return next((word for magic, word in _MAGIC if head.startswith(magic)), "")


def unpacked(
    path: Path, kind: Compression, name: str, *, size_limit: int = SIZE_LIMIT
) -> Iterator[bytes]:
    """Unpack `path` piece by piece.

    No name inside an archive is ever used as a path. DataError for a damaged or cut-off file, for
    a zip of several files, and where more than `size_limit` bytes come out at more than 200 for 1;
    a zip that says so itself is not begun.
    """
    packed, size = path.stat().st_size, 0
    try:
        with _stream(path, kind, name, size_limit) as stream:
            while piece := stream.read(_CHUNK):
                size += len(piece)
                _refuse_a_bomb(size, packed, name, size_limit)
                yield piece
    except EOFError:
        raise _cut_off(name, kind) from None
    except (gzip.BadGzipFile, zlib.error, lzma.LZMAError, *_OF_ZIP) as error:
        raise _damaged(name, kind, error) from None
    except OSError as error:
        if error.errno is not None:
            raise
        # Codecs of Arrow and bz2 speak in OSErrors without a number.
        if "runcated" in str(error):
            raise _cut_off(name, kind) from None
        raise _damaged(name, kind, error) from None


def _refuse_a_bomb(size: int, packed: int, name: str, size_limit: int) -> None:
    if size > size_limit and size > RATIO_LIMIT * packed:
        raise DataError(
            f"{name} unpacks to more than {RATIO_LIMIT} times its size"
            f" ({size >> 20:,} MB or more).",
            hint="No export does that. If it is right, unpack it and name the result.",
        )


def _stream(path: Path, kind: Compression, name: str, size_limit: int) -> IO[bytes]:
    if kind == "gzip":
        return cast("IO[bytes]", gzip.open(path, "rb"))
    if kind == "xz":
        return lzma.open(path, "rb")
    if kind == "bz2":
        return bz2.open(path, "rb")
    if kind == "zip":
        return _only_member(path, name, size_limit)
    return cast("IO[bytes]", pa.CompressedInputStream(pa.OSFile(str(path)), "zstd"))


def _only_member(path: Path, name: str, size_limit: int) -> IO[bytes]:
    archive = zipfile.ZipFile(path)
    members = [
        entry
        for entry in archive.infolist()
        if not entry.is_dir() and not entry.filename.startswith("__MACOSX/")
    ]
    inside = {entry.filename for entry in members}
    if "[Content_Types].xml" in inside:
        raise DataError(
            f"{name} is an Excel workbook.",
            hint="Save the sheet as CSV UTF-8 (File, Save As) and name that file.",
        )
    if len(members) != 1:
        raise DataError(
            f"{name} is a zip of {len(members)} files; one is expected.",
            details=sorted(inside)[:5],
            hint="Unpack it and name the folder.",
        )
    if members[0].flag_bits & 1:
        raise DataError(f"{name} is a zip with a password.", hint="Unpack it first.")
    _refuse_a_bomb(members[0].file_size, path.stat().st_size, name, size_limit)
    return archive.open(members[0])


def _cut_off(name: str, kind: Compression) -> DataError:
    return DataError(
        f"{name} is cut off: its {kind} stream ends before its end.",
        hint="Copy or export the file again.",
    )


def _damaged(name: str, kind: Compression, error: Exception) -> DataError:
    return DataError(
        f"{name} is damaged: its {kind} stream cannot be unpacked ({error}).",
        hint="Copy or export the file again.",
    )
