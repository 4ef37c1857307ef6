"""How a delimited text is written: what stands between and around fields, where its header ends.

One rule: the separator is the one that gives the most lines the header's number of fields; a file
without a header is refused, because columns are known by their names only.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from csk.errors import DataError
from csk.intake.formats.headers import (
    AGREEMENT,
    ALIGNED,
    Header,
    Reading,
    header,
    lines_of,
    with_other_marks,
)
from csk.intake.formats.locating import Marks, is_closed
from csk.intake.formats.source import BLOCK_BYTES

SEPARATORS: Final = (",", "\t", ";", "|")

_SEP_LINE: Final = re.compile(r'"?sep=([\t !#-&(-/:-@\[\]-`{-~])"?[ \t]*(?:\r\n|\n|\r)')
"""The first line that Excel writes or wants for a separator that is not its own."""
_APOSTROPHES: Final = re.compile(r"(?:^|[,;\t|])'[^'\r\n]*'(?=[,;\t|\r\n])", re.MULTILINE)
_WRAPPED: Final = re.compile(r'[ ]*"(?s:.*)"[ ]*')
_OF_PLAIN_TEXT: Final = ("\t", "|")
"""Separators of exports that quote nothing, because values never hold them."""
_ESCAPE: Final = "\\"


class Dialect(NamedTuple):
    """What was found: the marks, the header's names, and where the rows begin.

    `header_end` counts characters of the text, `header_lines` the physical lines up to there.
    `header_line` is the line on which the header begins; `notes` are sentences for the user.
    `blanks` says that blanks stand between a separator and its value.
    """

    marks: Marks
    header: tuple[str, ...]
    header_end: int
    header_lines: int
    header_line: int
    notes: tuple[str, ...]
    blanks: bool = False

    @property
    def separator(self) -> str:
        """Character between fields; a blank for columns lined up with runs of them."""
        return self.marks.separator


class _Found(NamedTuple):
    """A way to read the text, and the header that it gives."""

    reading: Reading
    header: Header

    def merit(self) -> tuple[bool, float, bool, bool, int]:
        """Order: more than one field, agreement, no names in apostrophes, first line, width."""
        found = self.header
        return (
            found.width > 1,
            round(found.agreement, 1),
            not found.is_wrapped,
            not found.notes,
            found.width,
        )


def detected(text: str, name: str, *, separator: str | None = None) -> Dialect:
    """Find the dialect of a text from its beginning, which must hold the whole header.

    DataError where there is nothing but blank lines, or where the first line looks like a row.
    """
    if not text.strip():
        raise DataError(f"{name} is empty: it holds nothing but blank lines.")
    told = _SEP_LINE.match(text)
    skipped = told.group() if told else ""
    separator = separator or (told.group(1) if told else None)
    lines = lines_of(text[len(skipped) :])
    best = _best(lines, separator)
    if best is None:
        raise DataError(f"{name} has no header: its first line is blank, or too long to be one.")
    reading, found = best
    if found.is_a_row:
        raise DataError(
            f"{name} has no header: its first line looks like a row"
            f" ({', '.join(found.fields[:4])}).",
            hint="Add a first line with the names of the columns.",
        )
    if _is_left_open("".join(lines[found.line : found.end]), found, reading):
        raise DataError(f"{name} has a quote in its header that is never closed.")
    given, lines_told = names(found.fields), 1 if told else 0
    return Dialect(
        reading.marks,
        given,
        len(skipped) + sum(len(line) for line in lines[: found.end]),
        lines_told + found.end,
        lines_told + found.line + 1,
        (*found.notes, *_notes(found.fields, given)),
        blanks=reading.blanks,
    )


def _best(lines: Sequence[str], separator: str | None) -> _Found | None:
    """Choose the reading with the most merit, and then how quotes and blanks are meant in it."""
    text = "".join(lines)
    quotes = ['"', "'"] if len(_APOSTROPHES.findall(text)) > 1 else ['"']
    separators = (separator,) if separator else SEPARATORS
    marks = [Marks(each, quote) for quote in quotes for each in separators if each != ALIGNED]
    tried = [_found(Reading.of(lines, each)) for each in marks]
    tried = [each for each in tried if each.header.width]
    best = max(tried, key=_Found.merit, default=None)
    if separator == ALIGNED or (best is not None and best.header.width == 1 and not separator):
        aligned = _found(Reading.aligned(lines))
        if separator or (aligned.header.width > 1 and aligned.header.agreement >= AGREEMENT):
            return aligned
    if best is not None and not separator and not (best.header.width > 1 and best.header.agreement):
        for other in tried:
            found = with_other_marks(other.reading, (*SEPARATORS, ALIGNED))
            if found is not None:
                return _Found(other.reading, found)
    return _refined(best, text) if best is not None else None


def _found(reading: Reading) -> _Found:
    return _Found(reading, header(reading))


def _refined(best: _Found, text: str) -> _Found:
    """Try whether quotes are escaped or mean nothing, and whether blanks follow separators."""
    reading, found = best
    marks, lines = reading.marks, reading.lines
    if marks.quote == '"' and _ESCAPE + '"' in text:
        escaped = _found(Reading.of(lines, marks._replace(escape=_ESCAPE)))
        if _is_better(escaped.header, found) or (
            _is_as_good(escaped.header, found) and _is_escaped(text, marks.separator)
        ):
            return escaped
    if marks.separator in _OF_PLAIN_TEXT and marks.quote in text and found.agreement < 1:
        plain = _found(Reading.of(lines, marks._replace(quote="")))
        fields = (field for row in plain.reading.records for field in row)
        if _is_better(plain.header, found) and not any(_WRAPPED.fullmatch(f) for f in fields):
            return plain
    if found.width > 1 and all(name[:1] == " " for name in found.fields[1:]):
        values = [value for row in found.rows for value in row[1:] if value]
        tight = _found(Reading.of(lines, marks, blanks=True))
        apart = sum(value[0] == " " for value in values)
        if apart >= AGREEMENT * len(values) and _is_as_good(tight.header, found):
            return tight
    return best


def _is_better(one: Header, other: Header) -> bool:
    return one.width == other.width and one.agreement > other.agreement


def _is_as_good(one: Header, other: Header) -> bool:
    return one.width == other.width and one.agreement >= other.agreement


def _is_escaped(text: str, separator: str) -> bool:
    """Tell an escaped quote from a backslash that ends a value, or stands before a doubled one."""
    end = re.escape(separator)
    lone = re.search(rf'\\"(?![{end}"\r\n]|\Z)', text)
    return lone is not None and _ESCAPE + '""' not in text


def _is_left_open(written: str, found: Header, reading: Reading) -> bool:
    if not reading.marks.quote or reading.blanks or found.notes:
        return False
    return not is_closed(written.strip("\r\n"), reading.marks)


def _notes(fields: Sequence[str], given: Sequence[str]) -> Iterator[str]:
    for plain, name in zip(fields, given, strict=True):
        if not plain.strip():
            yield f"A column without a name is called {name!r}."
        elif " ".join(plain.split()) != name:
            yield f"The header has {plain.strip()!r} again: that one is called {name!r}."


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


def tightened(pieces: Iterable[bytes], marks: Marks) -> Iterator[bytes]:
    """Take away the blanks between a separator and its value, but for those inside quotes."""
    mark, quote = (re.escape(letter.encode()) for letter in marks[:2])
    begin = rb"(" + mark + rb"|[\r\n]|\A) *"
    value = quote + rb"(?:[^" + quote + rb"]|" + quote * 2 + rb")*+"
    closed = re.compile(begin + rb"(" + value + quote + rb"|(?!" + quote + rb"))")
    either = re.compile(begin + value + rb"(" + quote + rb"|\Z)")
    rest = b""
    for piece in pieces:
        rest += piece
        cut = max(rest.rfind(b"\n"), rest.rfind(b"\r", 0, -1)) + 1
        if rest.count(marks.quote.encode(), 0, cut) % 2:
            # A value may go on after this piece: it waits for the next.
            opened = [
                match.start() for match in either.finditer(rest, 0, cut) if not match.group(2)
            ]
            cut = opened[-1] if opened and cut < BLOCK_BYTES else cut
        yield closed.sub(rb"\1\2", rest[:cut])
        rest = rest[cut:]
    yield closed.sub(rb"\1\2", rest)
