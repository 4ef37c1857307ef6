"""The physical line on which a record of delimited text begins.

One rule: records are counted as the parser counts them: empty lines are none, and a line feed
inside a quoted value begins none.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final, NamedTuple, Protocol

from csk.intake.formats.source import BLOCK_BYTES

_LINES_OF_PART: Final = 128


class Bytes(Protocol):
    """A binary file, as far as it is needed here."""

    def read(self, size: int = ..., /) -> bytes | None:
        """Return up to `size` bytes, none at the end."""

    def close(self) -> None:
        """Close the file."""


class Marks(NamedTuple):
    """The characters that part fields: between them, around them, and before one that is text.

    `quote` is "" where it is a letter like others; `escape` is "" where a quote inside a value is
    doubled and nothing else is special.
    """

    separator: str
    quote: str = '"'
    escape: str = ""


class Lines:
    """Finds lines for records asked in ascending order, reading `file` only as far as needed.

    `first_line` is the number of the first physical line of `file`.
    """

    def __init__(self, file: Bytes, marks: Marks, first_line: int) -> None:
        self._file = file
        self._quote = marks.quote.encode()
        self._patterns = _patterns(marks) if marks.quote else None
        self._blocks = line_blocks(file)
        if marks.quote:
            # One value with a line end in it makes its whole block slow, so blocks are small.
            self._blocks = _parts(self._blocks)
        self._lines: list[bytes] = []
        self._line = first_line
        self._at = 0
        self._record = 0
        self._inside = False
        self._plain = True

    def line(self, record: int) -> int | None:
        """Return the line on which `record` (1 = the first) begins, None past the end."""
        while True:
            found = self._found_plain(record) if self._plain else self._found_quoted(record)
            if found is not None:
                return found
            self._line += len(self._lines)
            self._at = 0
            lines = next(self._blocks, None)
            if lines is None:
                self._lines = []
                return None
            self._lines = lines
            self._plain = not self._inside and b"" not in lines and self._all_closed(lines)

    def rest(self, record: int, most: int) -> tuple[int, list[bytes]]:
        """Return the line on which `record` begins, and the lines from there to the end.

        Not many more than `most` lines are read; 0 and none for a record past the end.
        """
        line = self.line(record)
        if line is None:
            return 0, []
        lines = self._lines[line - self._line :]
        while len(lines) <= most and (more := next(self._blocks, None)):
            lines += more
        return line, lines

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _all_closed(self, lines: list[bytes]) -> bool:
        """Tell whether no value in the lines goes on after its line."""
        if self._patterns is None:
            return True
        text = b"\n".join(lines)
        return self._quote not in text or self._patterns.closed_lines.fullmatch(text) is not None

    def _found_plain(self, record: int) -> int | None:
        """Look in a block in which every line is a record."""
        if record <= self._record + len(self._lines):
            return self._line + record - self._record - 1
        self._record += len(self._lines)
        return None

    def _found_quoted(self, record: int) -> int | None:
        for index in range(self._at, len(self._lines)):
            line = self._lines[index]
            begins = not self._inside and line != b""
            if begins:
                self._record += 1
            if self._patterns and (self._inside or self._quote in line):
                self._inside = _ends_inside(line, self._patterns, inside=self._inside)
            if begins and self._record == record:
                self._at = index + 1
                return self._line + index
        return None


class _Patterns(NamedTuple):
    """What a line, or the rest of one, looks like when no quoted value is open at its end."""

    closed: re.Pattern[bytes]
    closed_lines: re.Pattern[bytes]
    rest_of_value: re.Pattern[bytes]


def _ends_inside(line: bytes, patterns: _Patterns, *, inside: bool) -> bool:
    """Tell whether a quoted value is still open at the end of the line."""
    at = 0
    if inside:
        rest = patterns.rest_of_value.match(line)
        if rest is None:
            return True
        at = rest.end()
    return patterns.closed.fullmatch(line, at) is None


def is_closed(record: str, marks: Marks) -> bool:
    """Tell whether every quoted value of a record is closed."""
    return _patterns(marks).closed.fullmatch(record.encode()) is not None


@lru_cache(maxsize=8)
def _patterns(marks: Marks) -> _Patterns:
    """Build patterns for a line whose quotes are all closed, and for the rest of a quoted value.

    A quote opens a value only as its first character, and is doubled inside; what follows a
    closing quote is taken as it stands. The quantifiers give nothing back, so that a doubled
    quote is never read as one that closes.
    """
    mark = re.escape(marks.separator.encode())
    record, in_a_line = _record(marks, b""), _record(marks, rb"\r\n")
    return _Patterns(
        closed=re.compile(record, re.DOTALL),
        closed_lines=re.compile(in_a_line + rb"(?:\n" + in_a_line + rb")*+"),
        rest_of_value=re.compile(_value(marks, b"") + rb"(?:" + mark + rb"|$)", re.DOTALL),
    )


def _record(marks: Marks, line_ends: bytes) -> bytes:
    mark, quote = re.escape(marks.separator.encode()), re.escape(marks.quote.encode())
    escape = re.escape(marks.escape.encode())
    first = rb"[^" + quote + mark + escape + line_ends + rb"]"
    later = rb"[^" + mark + escape + line_ends + rb"]"
    if escape:
        first, later = (rb"(?:" + one + rb"|" + escape + rb".)" for one in (first, later))
    field = rb"(?:" + quote + _value(marks, line_ends) + rb"|" + first + later + rb"*+|)"
    return field + rb"(?:" + mark + field + rb")*+"


def _value(marks: Marks, line_ends: bytes) -> bytes:
    """Build the pattern of a quoted value after its opening quote."""
    mark, quote = re.escape(marks.separator.encode()), re.escape(marks.quote.encode())
    escape = re.escape(marks.escape.encode())
    escaped = rb"|" + escape + rb"." if escape else b""
    inside = rb"(?:[^" + quote + escape + line_ends + rb"]++|" + quote + quote + escaped + rb")*+"
    return inside + quote + rb"(?!" + quote + rb")[^" + mark + line_ends + rb"]*+"


def line_blocks(file: Bytes) -> Iterator[list[bytes]]:
    """Cut the file into lists of whole lines without their ends (LF, CRLF or CR)."""
    rest = b""
    while block := file.read(BLOCK_BYTES):
        rest += block
        # A carriage return at the end may be the first half of CRLF: it waits for the next block.
        whole = max(rest.rfind(b"\n"), rest.rfind(b"\r", 0, -1)) + 1
        if whole:
            yield rest[:whole].splitlines()
            rest = rest[whole:]
    if rest:
        yield rest.splitlines()


def _parts(blocks: Iterable[list[bytes]]) -> Iterator[list[bytes]]:
    for lines in blocks:
        for start in range(0, len(lines), _LINES_OF_PART):
            yield lines[start : start + _LINES_OF_PART]
