"""Where the header of a text stands among its first records, and what its fields are.

One rule: the first record is the header, unless the rows below contradict it; whatever is left
out or read otherwise is told in a note.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import islice
from typing import Final, NamedTuple

from csk.intake.formats import quoting
from csk.intake.formats.locating import Marks

ALIGNED: Final = " "
"""The separator of columns that are lined up with runs of blanks."""

AGREEMENT: Final = 0.8
"""Share of rows that must agree with a header that is not simply the first record."""

_RECORDS: Final = 200
_TITLE_LINES: Final = 20
_NUMBER: Final = re.compile(r"[+\-−△▲(]?[¥￥$€£]?\s*\d[\d,.]*%?\)?")
_DATE: Final = re.compile(
    r"\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?([T ]\d.*)?"
    r"|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}( \d.*)?|(19|20)\d{6}"
)
_YEAR: Final = re.compile(r"(19|20)\d\d")


class Reading(NamedTuple):
    """The first records of some lines as one set of marks cuts them.

    `begins` and `ends` are the index of the line on which each record begins, and of the one
    after it. `blanks` says that those after a separator are no part of a value.
    """

    lines: Sequence[str]
    marks: Marks
    blanks: bool
    records: list[list[str]]
    begins: list[int]
    ends: list[int]

    @classmethod
    def of(cls, lines: Sequence[str], marks: Marks, *, blanks: bool = False) -> "Reading":
        """Cut the lines into records, blank ones left out."""
        found = cls(lines, marks, blanks, [], [], [])
        # A text cut inside a quoted value ends there: csv takes what it has. It refuses fields of
        # more than 128 kB: what came before them is enough.
        with suppress(csv.Error):
            rows = csv.reader(
                iter(lines),
                delimiter=marks.separator,
                quotechar=marks.quote or None,
                quoting=csv.QUOTE_MINIMAL if marks.quote else csv.QUOTE_NONE,
                escapechar=marks.escape or None,
                skipinitialspace=blanks,
            )
            begin = 0
            for row in rows:
                if row and (len(row) > 1 or row[0].strip()):
                    found.add(row, begin, rows.line_num)
                    if len(found.records) == _RECORDS:
                        break
                begin = rows.line_num
        return found

    @classmethod
    def aligned(cls, lines: Sequence[str]) -> "Reading":
        """Cut the lines at runs of blanks."""
        found = cls(lines, Marks(ALIGNED, ""), blanks=False, records=[], begins=[], ends=[])
        filled = ((at, line.split()) for at, line in enumerate(lines) if line.strip())
        for at, row in islice(filled, _RECORDS):
            found.add(row, at, at + 1)
        return found

    def add(self, record: list[str], begin: int, end: int) -> None:
        """Put one more record to those that are there."""
        self.records.append(record)
        self.begins.append(begin)
        self.ends.append(end)


class Header(NamedTuple):
    """The fields of a header, the lines it takes (`line` to before `end`), and the rows below."""

    fields: list[str]
    line: int
    end: int
    rows: list[list[str]]
    notes: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """Number of fields."""
        return len(self.fields)

    @property
    def agreement(self) -> float:
        """Share of the rows that have as many fields."""
        return agreement(self.rows, self.width)

    @property
    def is_wrapped(self) -> bool:
        """Whether a name stands in apostrophes, which are then its quotes."""
        return any(len(name) > 1 and name[0] == name[-1] == "'" for name in self.fields)

    @property
    def is_a_row(self) -> bool:
        """Whether a field is a date or number, and so is its column below."""
        filled = [field.strip() for field in self.fields if field.strip()]
        if all(_kind(field) for field in filled) and not all(_YEAR.fullmatch(f) for f in filled):
            return True
        columns = [(field.strip(), below) for field, below in _columns(self.fields, self.rows)]
        return any(
            _kind(field) and not _YEAR.fullmatch(field) and _is_mostly(_kind(field), below)
            for field, below in columns
        )


def agreement(rows: Sequence[Sequence[str]], width: int) -> float:
    """Return the share of rows with `width` fields; 1 for no rows."""
    return sum(len(row) == width for row in rows) / len(rows) if rows else 1.0


def header(reading: Reading) -> Header:
    """Find the header of what was read; one without fields where nothing was."""
    found = _first(reading)
    found = _below_a_title(reading) or found
    if found.agreement < AGREEMENT:
        for other in _OTHERS:
            if (better := other(reading)) is not None and better.agreement >= AGREEMENT:
                found = better
                break
    return _once(reading, found)


def _first(reading: Reading) -> Header:
    if not reading.records:
        return Header([], 0, 0, [])
    return Header(reading.records[0], reading.begins[0], reading.ends[0], reading.records[1:])


def _below_a_title(reading: Reading) -> Header | None:
    """Find a header below lines of a title: one filled field each, and then names for all columns.

    Names differ from what is below them, or are set apart by an empty line.
    """
    records = reading.records
    filled = [sum(bool(field.strip()) for field in row) for row in records[: _TITLE_LINES + 1]]
    at = next((at for at, n in enumerate(filled) if n > 1), 0)
    if not at:
        return None
    line = reading.begins[at]
    found = Header(records[at], line, reading.ends[at], records[at + 1 :])
    names = [name.strip() for name in found.fields]
    is_apart = not reading.lines[line - 1].strip() or filled[at - 1] == 0
    if not all(names) or len(set(names)) < len(names) or found.agreement < AGREEMENT:
        return None
    if found.is_a_row or not (is_apart or _differs(found)):
        return None
    titles = [field.strip() for row in records[:at] for field in row if field.strip()]
    told = ", ".join(repr(title[:40]) for title in titles[:3])
    return found._replace(notes=(f"What stands above the header is left out: {told}.",))


def _with_a_stray_quote(reading: Reading) -> Header | None:
    """Read the first line with one of its quotes as text, so that it is as wide as the rows."""
    line = reading.begins[0]
    while not reading.lines[line].strip():
        line += 1
    rest = Reading.of(reading.lines[line + 1 :], reading.marks, blanks=reading.blanks)
    if not reading.marks.quote or not rest.records:
        return None
    fields = quoting.stray(reading.lines[line].rstrip("\r\n"), reading.marks, _width(rest.records))
    if fields is None or len(fields) == 1:
        return None
    notes = ("The header has a quote too many, which is left in its name.",)
    return Header(fields, line, line + 1, rest.records, notes)


def _with_an_empty_name_too_many(reading: Reading) -> Header | None:
    first = _first(reading)
    width = _width(first.rows)
    empty = [at for at, name in enumerate(first.fields) if not name.strip()]
    if len(empty) != 1 or width != first.width - 1:
        return None
    fields = [name for name in first.fields if name.strip()]
    notes = ("The header has one separator more than the rows: the empty name is left out.",)
    return first._replace(fields=fields, notes=notes)


def _with_a_separator_too_few(reading: Reading) -> Header | None:
    """Add an empty name where every row ends with a separator."""
    first = _first(reading)
    if not all(len(row) == first.width + 1 and row[-1] == "" for row in first.rows):
        return None
    notes = ("Every row ends with one separator more than the header.",)
    return first._replace(fields=[*first.fields, ""], notes=notes)


_OTHERS: Final[tuple[Callable[[Reading], Header | None], ...]] = (
    _with_a_stray_quote,
    _with_an_empty_name_too_many,
    _with_a_separator_too_few,
)


def with_other_marks(reading: Reading, separators: Sequence[str]) -> Header | None:
    """Read the first line with another separator, where that makes it as wide as the rows."""
    first = _first(reading)
    width = _width(first.rows) if first.rows else 0
    if first.width > 1 or width < 2 or agreement(first.rows, width) < AGREEMENT:  # noqa: PLR2004 # no other than one
        return None
    line = reading.lines[first.line : first.end]
    for separator in separators:
        fields = Reading.of(line, reading.marks._replace(separator=separator)).records[0]
        if len(fields) == width and all(field.strip() for field in fields):
            notes = (f"The header has other separators than the rows: {separator!r}.",)
            return first._replace(fields=fields, notes=notes)
    return None


def _once(reading: Reading, found: Header) -> Header:
    """Leave out a header that is there again right below itself."""
    times = 0
    while times < len(found.rows) and found.rows[times] == found.fields and found.width > 1:
        times += 1
    if not times:
        return found
    end = reading.ends[len(reading.records) - len(found.rows) + times - 1]
    notes = (*found.notes, f"The header is there {times + 1} times, one below the other.")
    return found._replace(end=end, rows=found.rows[times:], notes=notes)


def _width(rows: Sequence[Sequence[str]]) -> int:
    """Return the most common number of fields."""
    return Counter(map(len, rows)).most_common(1)[0][0] if rows else 0


def _differs(found: Header) -> bool:
    """Tell whether a name stands above numbers or dates, and is none."""
    return any(
        not _kind(name.strip()) and (_is_mostly("number", below) or _is_mostly("date", below))
        for name, below in _columns(found.fields, found.rows)
    )


def _columns(fields: Sequence[str], rows: Sequence[Sequence[str]]) -> list[tuple[str, list[str]]]:
    """Give each field with what is filled below it in rows of the same width."""
    same = [row for row in rows if len(row) == len(fields)]
    return [
        (field, [row[at].strip() for row in same if row[at].strip()])
        for at, field in enumerate(fields)
    ]


def _is_mostly(kind: str, values: Sequence[str]) -> bool:
    same = sum(_kind(value) == kind for value in values)
    return bool(values) and same >= AGREEMENT * len(values)


def _kind(field: str) -> str:
    if _DATE.fullmatch(field):
        return "date"
    return "number" if _NUMBER.fullmatch(field) else ""


def lines_of(text: str) -> list[str]:
    """Cut a text into lines with their ends: LF, CRLF or CR."""
    return list(io.StringIO(text, newline=""))
