"""How a delimited text is written: what stands between fields, and where its header ends.

One rule: the separator is the one that gives the most lines the header's number of fields; a file
without a header is refused, because columns are known by their names only.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import Final, NamedTuple

from csk.errors import DataError
from csk.intake.locating import is_closed

SEPARATORS: Final = (",", "\t", ";", "|")
ALIGNED: Final = " "
"""The separator of columns that are lined up with runs of blanks."""

_RECORDS: Final = 200
_NUMBER: Final = re.compile(r"[+\-−△▲(]?[¥￥$€£]?\s*\d[\d,.]*%?\)?")
_DATE: Final = re.compile(
    r"\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?([T ]\d.*)?"
    r"|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}( \d.*)?|(19|20)\d{6}"
)
_SEP_LINE: Final = re.compile(r'"?sep=(.)"?[ \t]*\r?\n')
"""The first line that Excel writes or wants for a separator that is not its own."""
_YEAR: Final = re.compile(r"(19|20)\d\d")
_SAME_KIND: Final = 0.8


class Dialect(NamedTuple):
    """What was found: the separator, the header's names, and where the rows begin.

    `header_end` counts characters of the text, `header_lines` the physical lines up to there.
    `header_line` is the line on which the header begins; `notes` are sentences for the user.
    """

    separator: str
    header: tuple[str, ...]
    header_end: int
    header_lines: int
    header_line: int
    notes: tuple[str, ...]


def detected(text: str, name: str, *, separator: str | None = None) -> Dialect:
    """Find the dialect of a text from its beginning, which must hold the whole header.

    DataError where there is nothing but blank lines, or where the first line looks like a row.
    """
    if not text.strip():
        raise DataError(f"{name} is empty: it holds nothing but blank lines.")
    told = _SEP_LINE.match(text)
    skipped = told.group() if told else ""
    separator = separator or (told.group(1) if told else None)
    text = text[len(skipped) :]
    candidates = (separator,) if separator else SEPARATORS
    tried = [_Reading.of(text, candidate) for candidate in candidates if candidate != ALIGNED]
    best = max(tried, key=_Reading.merit, default=None)
    if separator == ALIGNED or (best is not None and best.width == 1 and separator is None):
        aligned = _Reading.of(text, ALIGNED)
        if separator or (aligned.width > 1 and aligned.agreement >= _SAME_KIND):
            best = aligned
    assert best is not None  # noqa: S101 - for mypy: one of the two was tried
    if _looks_like_a_row(best.records):
        raise DataError(
            f"{name} has no header: its first line looks like a row"
            f" ({', '.join(best.records[0][:4])}).",
            hint="Add a first line with the names of the columns.",
        )
    if best.separator != ALIGNED and not is_closed(
        text[: best.header_end].strip("\r\n"), best.separator
    ):
        raise DataError(f"{name} has a quote in its header that is never closed.")
    header = names(best.header)
    return Dialect(
        best.separator,
        header,
        len(skipped) + best.header_end,
        len(skipped.splitlines()) + best.header_lines,
        len(skipped.splitlines()) + best.header_line,
        _notes(best, header),
    )


def _notes(reading: "_Reading", header: Sequence[str]) -> tuple[str, ...]:
    notes = []
    if len(reading.header) > len(reading.records[0]):
        notes.append("Every row ends with one separator more than the header.")
    for plain, name in zip(reading.header, header, strict=True):
        if not plain.strip():
            notes.append(f"A column without a name is called {name!r}.")
        elif " ".join(plain.split()) != name:
            notes.append(f"The header has {plain.strip()!r} again: that one is called {name!r}.")
    return tuple(notes)


def names(header: Sequence[str]) -> tuple[str, ...]:
    """Trim the names of a header; number those that come again, and name those without one."""
    taken: set[str] = set()
    found: list[str] = []
    for position, field in enumerate(header, 1):
        name = " ".join(field.split()) or f"column {position}"
        again, plain = 1, name
        while name in taken:
            again += 1
            name = f"{plain} ({again})"
        taken.add(name)
        found.append(name)
    return tuple(found)


def tabbed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Turn runs of blanks between fields into one tab, line for line."""
    rest = b""
    for piece in pieces:
        rest += piece
        whole = max(rest.rfind(b"\n"), rest.rfind(b"\r", 0, -1)) + 1
        if whole:
            yield _tabbed_lines(rest[:whole])
            rest = rest[whole:]
    if rest:
        yield _tabbed_lines(rest)


def _tabbed_lines(block: bytes) -> bytes:
    return b"".join(b"\t".join(line.split()) + b"\n" for line in block.splitlines())


class _Reading(NamedTuple):
    """The first records as one separator cuts them."""

    separator: str
    records: list[list[str]]
    header_end: int
    header_lines: int
    header_line: int

    @classmethod
    def of(cls, text: str, separator: str) -> "_Reading":
        lines = list(io.StringIO(text, newline=""))
        if separator == ALIGNED:
            rows: Iterator[list[str]] = (line.split() for line in lines)
        else:
            # A text cut inside a quoted value ends there: csv takes what it has.
            rows = csv.reader(iter(lines), delimiter=separator)
        blank = next((at for at, line in enumerate(lines) if line.strip()), 0)
        records: list[list[str]] = []
        header_lines = blank + 1
        # csv refuses fields of more than 128 kB: what came before them is enough.
        with suppress(csv.Error):
            for row in islice(rows, blank, None):
                if not row:
                    continue
                records.append(row)
                if len(records) == 1 and separator != ALIGNED:
                    header_lines = rows.line_num  # type: ignore[attr-defined] # csv's readers have it
                if len(records) > _RECORDS:
                    break
        records = records or [lines[blank].split(separator)]
        end = sum(len(line) for line in lines[:header_lines])
        return cls(separator, records, end, header_lines, blank + 1)

    @property
    def header(self) -> list[str]:
        """The header's fields, with as many more as every row has after its trailing separator."""
        header = self.records[0]
        rows = self.records[1:]
        width = len(header)
        if rows and all(len(row) == width + 1 and row[-1] == "" for row in rows):
            return [*header, ""]
        return header

    @property
    def width(self) -> int:
        return len(self.header)

    @property
    def agreement(self) -> float:
        rows = self.records[1:]
        if not rows:
            return 1.0
        return Counter(len(row) for row in rows)[self.width] / len(rows)

    def merit(self) -> tuple[bool, float, int]:
        """Order readings: more than one field first, then agreement, then width."""
        return self.width > 1, round(self.agreement, 1), self.width


def _looks_like_a_row(records: list[list[str]]) -> bool:
    """Tell a row from a header: a field is a date or number, and so is its column below."""
    first, rows = records[0], records[1:]
    filled = [field.strip() for field in first if field.strip()]
    if all(_kind(field) for field in filled) and not all(_YEAR.fullmatch(f) for f in filled):
        return True
    for position, field in enumerate(first):
        kind = _kind(field.strip())
        below = [row[position].strip() for row in rows if len(row) == len(first)]
        below = [value for value in below if value]
        if not kind or not below or _YEAR.fullmatch(field.strip()):
            continue
        if sum(_kind(value) == kind for value in below) >= _SAME_KIND * len(below):
            return True
    return False


def _kind(field: str) -> str:
    if _DATE.fullmatch(field):
        return "date"
    return "number" if _NUMBER.fullmatch(field) else ""
