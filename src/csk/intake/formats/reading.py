"""Opening a file of rows: what it is, and a source of its rows.

One rule: the input is never changed, and plain UTF-8 is never copied; whatever must be unpacked,
transcoded or spooled goes to the folder for temporary files, piece by piece.
"""

import errno
import os
import signal
import stat
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import IO, Final

from csk.errors import CskError, DataError, StorageError, UsageError
from csk.intake.formats import compression, dialect, encoding
from csk.intake.formats.delimited import Delimited
from csk.intake.formats.headers import ALIGNED
from csk.intake.formats.scanning import Checked, not_utf8, too_long, unreadable
from csk.intake.formats.source import BLOCK_BYTES, Batch, Format, Malformed, Shape, Source

__all__ = ["Batch", "Format", "Malformed", "Shape", "Source", "opened"]

_CHUNK: Final = 4 << 20
_SAMPLE: Final = 256 << 10
_DIALECT_SAMPLE: Final = 64 << 10
_ASCII_LOOKED_AT: Final = 64 << 20
_COLUMNAR: Final = (b"PAR1", b"ARROW1")
_NO_TABLES: Final = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"%PDF", "a PDF document"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"\x7fELF", "a program"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
)


def opened(
    path: Path | str,
    *,
    temporary: Path,
    encoding: str | None = None,
    separator: str | None = None,
    sheet: str = "",
    name: str = "",
) -> Source:
    """Open a file, or standard input where `path` is "-", and understand its form.

    `temporary` is a folder that exists; `encoding` and `separator` override what would be found;
    `sheet` is that of a workbook; `name` is what the file is called, where that is not its path.
    UsageError for a file that is not there, StorageError for one that cannot be read, DataError
    for one that holds no table.
    """
    name = name or str(path)
    opening = _Opening(name, temporary, encoding, separator, sheet)
    try:
        return opening.source(opening.seekable(path))
    except BaseException as error:
        opening.discard()
        if isinstance(error, OSError):
            raise unreadable(name, error) from error
        raise


@dataclass
class _Opening:
    """One opening under way, with the temporary files it has made."""

    name: str
    temporary: Path
    encoding: str | None
    separator: str | None
    sheet: str = ""

    def __post_init__(self) -> None:
        self.spools: list[Path] = []

    def seekable(self, path: Path | str) -> Path:
        """Return the file itself, or a copy of what comes through a pipe."""
        if str(path) == "-":
            _let_interrupt()
            return self.spooled(_pieces(sys.stdin.buffer))
        path = Path(path)
        try:
            mode = path.stat().st_mode
        except FileNotFoundError:
            raise UsageError(f"There is no file {self.name}.") from None
        if stat.S_ISDIR(mode):
            raise UsageError(f"{self.name} is a folder; a file is expected here.")
        if stat.S_ISREG(mode):
            return path
        _let_interrupt()
        with path.open("rb") as pipe:
            return self.spooled(_pieces(pipe))

    def source(self, path: Path) -> Source:
        """Understand a seekable file, layer by layer."""
        head = _head(path, 64)
        self.refuse_known(head)
        packing = compression.compression(head)
        found = self.workbook(path, head)
        if packing and found is None:
            path = self.replaced(path, compression.unpacked(path, packing, self.name))
            head = _head(path, 64)
            self.refuse_known(head)
            found = self.workbook(path, head)
            if found is None and compression.compression(head):
                raise DataError(f"{self.name} is packed twice.", hint="Unpack it once.")
        elif found is not None:
            packing = ""
        found = found or self.columnar(path, head) or self.text(path)
        found.shape = replace(found.shape, compression=packing)
        found.temporary_files = tuple(self.spools)
        return found

    def workbook(self, path: Path, head: bytes) -> Source | None:
        """Open a sheet of an Excel workbook, or return None for anything else."""
        if not head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
            return None
        from csk.intake.formats import workbook  # noqa: PLC0415 - text needs no reader of workbooks

        if head.startswith(workbook.OLE):
            raise workbook.refusal_of_ole(path, self.name)
        if not workbook.is_workbook(path, self.name):
            return None
        chosen = workbook.sheet(path, self.name, self.sheet)
        self.separator = ","
        path = self.replaced(path, workbook.lines(chosen, self.name))
        shape = Shape(self.name, "xlsx", (), encoding=f"Excel, sheet {chosen.title}")
        found = self.delimited(path, shape, 0, self.beginning(path, 0))
        found.shape = replace(found.shape, delimiter="", notes=(*found.shape.notes, *chosen.notes))
        return found

    def columnar(self, path: Path, head: bytes) -> Source | None:
        """Open Parquet or Arrow, or return None for anything else."""
        if not head.startswith(_COLUMNAR):
            return None
        from csk.intake.formats.columnar import Columnar  # noqa: PLC0415 - text needs no Parquet reader

        return Columnar.of(path, self.name, head)

    def text(self, path: Path) -> Source:
        """Open text of any encoding."""
        size = path.stat().st_size
        if size == 0:
            raise DataError(f"{self.name} is empty (0 bytes).")
        if self.encoding is not None:
            coding = encoding.named(self.encoding)
        else:
            sample = _foreign_sample(path)
            coding = encoding.detected(sample, self.name, whole=len(sample) >= size)
        if coding not in {"utf-8", "utf-8-sig"}:
            path = self.replaced(path, encoding.utf8(_file_pieces(path), coding, self.name))
        bom = 3 if _head(path, 3) == b"\xef\xbb\xbf" else 0
        coding = "utf-8-sig" if bom else coding
        beginning = self.beginning(path, bom)
        shape = Shape(self.name, "delimited", (), encoding=encoding.title(coding))
        first = beginning.lstrip()[:1]
        if first == "[":
            raise DataError(
                f"{self.name} is a JSON document, not JSON lines.",
                hint="Write one object a line (jq -c '.[]' FILE).",
            )
        if first == "{":
            from csk.intake.formats.jsonlines import JsonLines  # noqa: PLC0415 - delimited text needs none

            return JsonLines.of(path, shape, bom)
        return self.delimited(path, shape, bom, beginning)

    def delimited(self, path: Path, shape: Shape, bom: int, beginning: str) -> Source:
        """Open delimited text whose first characters are `beginning`."""
        found = dialect.detected(beginning, self.name, separator=self.separator)
        end = bom + len(beginning[: found.header_end].encode())
        marks, rewritten = found.marks, None
        if not marks.quote and marks.separator == ALIGNED:
            marks, rewritten = marks._replace(separator="\t"), dialect.tabbed
        elif found.blanks:
            rewritten = partial(dialect.tightened, marks=marks)
        if rewritten:
            with Checked(path, self.name, offset=end) as file:
                path, end = self.replaced(path, rewritten(_pieces(file))), 0
        return Delimited(
            replace(
                shape,
                columns=found.header,
                delimiter=found.separator,
                header_line=found.header_line,
                notes=found.notes,
            ),
            path=path,
            offset=end,
            marks=marks,
            first_line=found.header_lines + 1,
        )

    def beginning(self, path: Path, bom: int) -> str:
        """Read the first lines: 64 kB, or as much more as the first line takes."""
        size = _DIALECT_SAMPLE
        while True:
            sample = _head(path, bom + size)[bom:]
            whole = len(sample) < size
            cut = len(sample) if whole else max(sample.rfind(b"\n"), sample.rfind(b"\r", 0, -1)) + 1
            if cut or whole:
                break
            if size >= BLOCK_BYTES:
                raise too_long(self.name)
            size = min(size * 16, BLOCK_BYTES)
        sample = sample[:cut]
        if b"\0" in sample:
            raise encoding.binary(self.name, 1 + sample.count(b"\n", 0, sample.index(0)))
        try:
            return sample.decode("utf-8")
        except UnicodeDecodeError as error:
            line = 1 + sample[: error.start].count(b"\n")
            raise not_utf8(self.name, sample[error.start], line) from None

    def refuse_known(self, head: bytes) -> None:
        """Refuse what is known to be no table, by name."""
        for magic, what in _NO_TABLES:
            if head.startswith(magic):
                raise DataError(
                    f"{self.name} is {what}, not a table of text.",
                    hint="Export it as CSV and name that file.",
                )

    def replaced(self, path: Path, pieces: Iterable[bytes]) -> Path:
        """Write pieces to a temporary file, and drop the temporary file they came from."""
        made = self.spooled(pieces)
        if path in self.spools:
            self.spools.remove(path)
            path.unlink()
        return made

    def spooled(self, pieces: Iterable[bytes]) -> Path:
        """Write pieces to a new temporary file."""
        descriptor, place = tempfile.mkstemp(prefix="spool-", dir=self.temporary)
        path = Path(place)
        self.spools.append(path)
        with os.fdopen(descriptor, "wb") as file:
            first_line = 0
            for piece in pieces:
                if first_line >= 0:
                    # Checked here, so that a file without lines does not fill the disk.
                    lined = b"\n" in piece or b"\r" in piece or piece.startswith(_COLUMNAR)
                    first_line = -1 if lined else first_line + len(piece)
                    if first_line > BLOCK_BYTES:
                        raise too_long(self.name)
                try:
                    file.write(piece)
                except OSError as error:
                    raise self.unwritable(error) from error
        return path

    def unwritable(self, error: OSError) -> CskError:
        """Build the refusal where a temporary file cannot be written."""
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        why = "the disk is full" if full else error.strerror
        return StorageError(
            f"{self.name} cannot be unpacked to {self.temporary}: {why}.",
            hint="Set TMPDIR to a folder on a disk with more room.",
        )

    def discard(self) -> None:
        """Remove the temporary files."""
        for path in self.spools:
            path.unlink(missing_ok=True)


def _let_interrupt() -> None:
    """Let Ctrl-C end the wait for a silent pipe: Polars takes it so that reads go on."""
    signal.siginterrupt(signal.SIGINT, True)  # noqa: FBT003 - the call's only form


def _head(path: Path, size: int) -> bytes:
    with path.open("rb", buffering=0) as file:
        return file.read(size) or b""


def _pieces(file: IO[bytes] | Checked) -> Iterator[bytes]:
    while piece := file.read(_CHUNK):
        yield piece


def _file_pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb", buffering=0) as file:
        yield from _pieces(file)


def _foreign_sample(path: Path) -> bytes:
    """Return the first bytes, or, where they are ASCII, those around the first that are not."""
    with path.open("rb", buffering=0) as file:
        sample = first = file.read(_SAMPLE) or b""
        looked = len(sample)
        while sample.isascii() and looked < _ASCII_LOOKED_AT:
            sample = file.read(_CHUNK)
            if not sample:
                return first
            looked += len(sample)
        if sample is first or sample.isascii():
            return first
        start = next(at for at, byte in enumerate(sample) if byte > 0x7F)  # noqa: PLR2004 - ASCII
        return sample[sample.rfind(b"\n", 0, start) + 1 :][:_SAMPLE]
