"""Excel workbooks: one sheet of one, as lines of text that say what a person sees in its cells.

One rule: nothing of a workbook is believed before it is measured: how much it unpacks to, and
how wide and long its sheets are, is counted before the library that parses it holds a cell.
"""

import csv
import errno
import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from datetime import MAXYEAR, date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

import polars as pl
from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    SheetTypeEnum,
    SheetVisibleEnum,
    load_workbook,
)

from csk.errors import DataError, UsageError
from csk.intake.formats import dialect
from csk.intake.recognition.recognise import recognise

OLE: Final = b"\xd0\xcf\x11\xe0"
"""How old Office files begin, and the envelope of those with a password."""

UNPACKED_LIMIT: Final = 2 << 30
RATIO_LIMIT: Final = 200
RATIO_FROM: Final = 100 << 20
"""Bytes from which a workbook that unpacks to more than 200 times its size is a bomb."""
CELLS_LIMIT: Final = 1 << 25
"""Cells of the rectangle around a sheet's cells, which are held at a time: 32 full columns."""

_ROWS: Final = 1 << 20
_ENVELOPE: Final = "EncryptedPackage".encode("utf-16-le")
_OLE_LOOKED_AT: Final = 8 << 20
_LONGEST_TAG: Final = 16 << 20
_LOOKED_AT: Final = 200
_CHUNK: Final = 4 << 20
_EXACT_BELOW: Final = 1e21
_HALF_MILLISECOND: Final = timedelta(microseconds=500)
_FAR_CELL: Final = re.compile(
    rb"""r(?:=["'](?:(?:[Aa][G-Zg-z]|[B-Zb-z][A-Za-z]|[A-Za-z]{3,})\d"""
    rb"""|[A-Za-z]?\d{8}|[A-Za-z]{0,2}[2-9]\d{6})|\s+=|=\s)"""
)
"""What may be a cell beyond the 32nd column or the 2,000,000th row; quick, and looked at again."""
_CELL: Final = re.compile(
    rb"""<(?:\w+:)?c\s[^>]*?\br\s*=\s*["']([A-Z]+)(\d+)["'](?![^>]*/>)""", re.IGNORECASE
)
"""A cell that is not empty."""
_ERROR_CELL: Final = b't="e"'
_SHOWN_WITH_ZEROS: Final = re.compile(rb"""formatCode\s*=\s*["']0{2,}["']""")
_OTHERS: Final = {
    "xl/workbook.bin": "a binary Excel workbook (.xlsb)",
    "word/document.xml": "a Word document",
    "ppt/presentation.xml": "a PowerPoint presentation",
    "content.xml": "an OpenDocument file",
}


class Sheet(NamedTuple):
    """The sheet to read, and what is to be said of the choice."""

    title: str
    cells: CalamineSheet
    notes: tuple[str, ...]


class _Measured(NamedTuple):
    """What was seen while a workbook was measured."""

    n_errors: int
    hides_zeros: bool


def is_workbook(path: Path, name: str) -> bool:
    """Tell a workbook among zip archives; DataError for other documents that are such archives."""
    try:
        with zipfile.ZipFile(path) as archive:
            inside = set(archive.namelist())
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        return False
    except OSError as error:
        if error.errno == errno.EINVAL:  # a place before the beginning of the file
            raise _damaged(name, error) from None
        raise
    other = next((what for member, what in _OTHERS.items() if member in inside), "")
    if other and ("[Content_Types].xml" in inside or "mimetype" in inside):
        raise DataError(
            f"{name} is {other}, which csk does not read.",
            hint="Save it as an Excel workbook (.xlsx) or as CSV UTF-8, and name that file.",
        )
    return "[Content_Types].xml" in inside and any(n.startswith("xl/") for n in inside)


def refusal_of_ole(path: Path, name: str) -> DataError:
    """Build the refusal of an old Office file, or of a workbook with a password."""
    with path.open("rb") as file:
        beginning = file.read(_OLE_LOOKED_AT)
        file.seek(max(0, path.stat().st_size - _OLE_LOOKED_AT))
        has_envelope = any(_ENVELOPE in part for part in (beginning, file.read()))
    if has_envelope:
        return DataError(
            f"{name} is an Excel workbook with a password.",
            hint="Save it without the password (File, Info, Protect Workbook), and name that file.",
        )
    return DataError(
        f"{name} is an old Excel workbook (.xls), which csk does not read.",
        hint="Open it, save it as an Excel workbook (.xlsx) or as CSV UTF-8, and name that file.",
    )


def sheet(path: Path, name: str, wanted: str = "") -> Sheet:
    """Return the sheet called `wanted`, else the first that is a table csk knows, else any table.

    UsageError where there is no such sheet; DataError where the workbook is damaged, holds
    nothing, or is larger than any export.
    """
    measured = _measured(path, name)
    try:
        book = load_workbook(str(path))
        kinds = [meta for meta in book.sheets_metadata if meta.typ == SheetTypeEnum.WorkSheet]
        titles = [meta.name for meta in kinds]
        if wanted:
            title = next((t for t in titles if t.casefold() == wanted.casefold()), None)
            if title is None:
                raise UsageError(
                    f"{name} has no sheet {wanted!r}.", hint=f"It has: {', '.join(titles)}."
                )
            return Sheet(title, book.get_sheet_by_name(title), _notes(measured))
        seen = [meta.name for meta in kinds if meta.visible == SheetVisibleEnum.Visible]
        title, cells = _first_table(book, seen, name)
    except CalamineError as error:
        raise _damaged(name, error) from None
    others = [t for t in titles if t != title]
    told = [t if t in seen else f"{t} (hidden)" for t in others]
    return Sheet(title, cells, (*_notes(measured), *_named(name, others, told)))


def lines(found: Sheet, name: str) -> Iterator[bytes]:
    """Give the rows of a sheet as lines of CSV: the line is the number of the row in the sheet."""
    rows = found.cells.iter_rows()
    try:
        while block := _csv(list(islice(rows, 1 << 14))):
            yield block
    except CalamineError as error:
        raise _damaged(name, error) from None


def _first_table(
    book: CalamineWorkbook, titles: Sequence[str], name: str
) -> tuple[str, CalamineSheet]:
    """Return the first sheet that is recognised, else the first with a header and rows."""
    tables: list[tuple[str, CalamineSheet]] = []
    filled: list[tuple[str, CalamineSheet]] = []
    for title in titles:
        cells = book.get_sheet_by_name(title)
        beginning = list(islice(cells.iter_rows(), _LOOKED_AT))
        if any(_filled(row) for row in beginning):
            filled.append((title, cells))
        if sum(_filled(row) > 1 for row in beginning) < 2:  # noqa: PLR2004 - a header and a row
            continue
        try:
            role = _role(_csv(beginning).decode(), f"{name}#{title}")
        except DataError:
            continue
        if role is not None:
            return title, cells
        tables.append((title, cells))
    if not filled:
        raise DataError(f"{name} is empty: none of its sheets holds a row.")
    return (tables or filled)[0]


def _role(text: str, name: str) -> str | None:
    found = dialect.detected(text, name, separator=",")
    below = list(csv.reader(io.StringIO(text[found.header_end :])))
    width = len(found.header)
    rows = [row for row in below if len(row) == width]
    schema = dict.fromkeys(found.header, pl.String)
    return recognise(found.header, pl.DataFrame(rows, schema=schema, orient="row")).role


def _filled(row: Sequence[object]) -> int:
    return sum(cell != "" for cell in row)


def _named(name: str, others: Sequence[str], told: Sequence[str]) -> tuple[str, ...]:
    if not others:
        return ()
    return (f"Other sheets are not read: {', '.join(told)}. Name one as '{name}#{others[0]}'.",)


def _notes(measured: _Measured) -> tuple[str, ...]:
    notes = []
    if measured.n_errors:
        plural = "" if measured.n_errors == 1 else "s"
        notes.append(f"Empty here: {measured.n_errors:,} cell{plural} with an error such as #N/A.")
    if measured.hides_zeros:
        notes.append("Zeros that a cell format puts before a number are not part of it.")
    return tuple(notes)


def _damaged(name: str, error: Exception) -> DataError:
    first = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
    return DataError(
        f"{name} is a damaged Excel workbook ({first}).",
        hint="Open it in Excel, save it again, and name that file.",
    )


# --- what a person sees ---------------------------------------------------------------------------


def _csv(rows: Sequence[Sequence[Any]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    for row in rows:
        shown = [_SHOWN[type(cell)](cell) for cell in row]
        # csv writes a row of one empty field as "", which would no longer be a blank line.
        writer.writerow(shown if any(shown) else [])
    return text.getvalue().encode("utf-8", "replace")


def _number(value: float) -> str:
    if value.is_integer() and abs(value) < _EXACT_BELOW:
        return str(int(value))
    return format(value, ".15g")


def _one_line(value: str) -> str:
    return value if value.isprintable() else " ".join(value.splitlines()).replace("\0", "")


def _instant(value: datetime) -> str:
    # A serial day is a float: 10:00 comes as 09:59:59.999997.
    near = value if value.year == MAXYEAR else value + _HALF_MILLISECOND
    near = near.replace(microsecond=near.microsecond // 1000 * 1000)
    if near.time() == time.min:
        return near.date().isoformat()
    return near.isoformat(" ", "milliseconds" if near.microsecond else "seconds")


def _duration(value: timedelta) -> str:
    seconds = round(value.total_seconds())
    sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
    return f"{sign}{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


_SHOWN: Final[dict[type, Any]] = {
    str: _one_line,
    float: _number,
    int: str,
    bool: lambda value: "TRUE" if value else "FALSE",
    date: date.isoformat,
    datetime: _instant,
    time: lambda value: value.isoformat("seconds"),
    timedelta: _duration,
}


# --- measuring -----------------------------------------------------------------------------------


def _measured(path: Path, name: str) -> _Measured:
    """Unpack every part once without keeping it; DataError for a bomb, or a sheet without end."""
    packed, size, n_errors, hides_zeros = path.stat().st_size, 0, 0, False
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                if member.flag_bits & 1:
                    raise DataError(f"{name} is a workbook with a password.")
                is_sheet = member.filename.startswith("xl/worksheets/")
                is_style = member.filename == "xl/styles.xml"
                is_far = False
                for chunk in _chunks(archive, member):
                    size += len(chunk)
                    _refuse_bomb(size, packed, name)
                    is_far = is_far or bool(_FAR_CELL.search(chunk))
                    n_errors += chunk.count(_ERROR_CELL) if is_sheet else 0
                    hides_zeros |= is_style and bool(_SHOWN_WITH_ZEROS.search(chunk))
                if is_far:
                    _refuse_endless(archive, member, name)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError) as error:
        raise _damaged(name, error) from None
    return _Measured(n_errors, hides_zeros)


def _refuse_bomb(size: int, packed: int, name: str) -> None:
    if size > UNPACKED_LIMIT or (size > RATIO_FROM and size > RATIO_LIMIT * packed):
        raise DataError(
            f"{name} unpacks to more than {size >> 20} MB, which no workbook of an export does.",
            hint="If it is right, save the sheet as CSV UTF-8 and name that file.",
        )


def _chunks(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """Give the bytes of a part, cut between tags; what its header says of its size is no limit."""
    member.file_size = UNPACKED_LIMIT + 2 * _CHUNK
    rest = b""
    with archive.open(member) as part:
        while piece := part.read(_CHUNK):
            rest += piece
            cut = rest.rfind(b"<")
            if cut < 0 or len(rest) - cut > _LONGEST_TAG:
                cut = len(rest)
            yield rest[:cut]
            rest = rest[cut:]
    yield rest


def _refuse_endless(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> None:
    """Refuse a sheet whose cells, far apart, span more than is held: space is taken for all."""
    last_column = last_row = 0
    for chunk in _chunks(archive, member):
        cells = _CELL.findall(chunk)
        last_column = max([last_column, *map(_column, {column for column, _ in cells})])
        last_row = max([last_row, *map(int, {row for _, row in cells})])
        if last_column * last_row > CELLS_LIMIT or last_row > _ROWS:
            raise DataError(
                f"{name} has a sheet of {last_row:,} rows and {last_column:,} columns, more cells"
                f" than the {CELLS_LIMIT:,} that are read.",
                hint="A cell far from the table is often there by mistake: delete it; or save the"
                " sheet as CSV UTF-8 and name that file.",
            )


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - ord("A") + 1
    return number
