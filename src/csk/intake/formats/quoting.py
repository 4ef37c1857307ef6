"""Lines with one quote too many, as in `Table 48" round,"oak, white",5`.

One rule: a quote is taken as text only where no other reading gives the line as many fields as
the header has; a line that can be read in two ways, or in none, stays refused.
"""

import re
from functools import lru_cache
from typing import Final

from csk.intake.formats.locating import Marks

_LINE_END: Final = re.compile("\r\n|\n|\r")
_MOST_QUOTES: Final = 65
_LONGEST: Final = 20_000
"""Of what is read again: so that a file made to be slow is not."""


def rows(text: str, marks: Marks, width: int) -> list[list[str]] | None:
    """Read a refused record as rows of `width` fields, with one of all its quotes as text.

    The record has several lines where the quote has swallowed rows that follow; each must be a
    row by itself. None where there is no such reading, or more than one.
    """
    if not marks.quote or marks.escape or text.count(marks.quote) % 2 == 0:
        return None
    found = []
    for line in _LINE_END.split(text):
        row = fields(line, marks) if line.count(marks.quote) % 2 == 0 else stray(line, marks, width)
        if row is None or len(row) != width:
            return None
        found.append(row)
    return found


def stray(line: str, marks: Marks, width: int) -> list[str] | None:
    """Cut a line into `width` fields with one of its quotes as text, None where none fits."""
    quotes = [at for at, letter in enumerate(line) if letter == marks.quote]
    if len(quotes) > _MOST_QUOTES or len(line) > _LONGEST:
        return None
    readings: list[list[str]] = []
    for at in quotes:
        cut = _spans(line[:at] + line[at + 1 :], marks)
        if cut is None or len(cut) != width:
            continue
        reading = [_with_quote(piece, at - start, marks) for start, piece in cut]
        if reading not in readings:
            readings.append(reading)
    return readings[0] if len(readings) == 1 else None


def fields(line: str, marks: Marks) -> list[str] | None:
    """Cut a line whose quotes all stand around values, or doubled inside; None for any other."""
    cut = _spans(line, marks)
    return None if cut is None else [_plain(piece, marks) for _, piece in cut]


def _spans(line: str, marks: Marks) -> list[tuple[int, str]] | None:
    """Give where each field begins, and its text with its quotes."""
    field, at = _field(marks), 0
    found: list[tuple[int, str]] = []
    while match := field.match(line, at):
        found.append((at, match.group(1)))
        at = match.end()
        if not match.group(2):
            return found if at == len(line) else None
    return None


@lru_cache(maxsize=8)
def _field(marks: Marks) -> re.Pattern[str]:
    mark, quote = re.escape(marks.separator), re.escape(marks.quote)
    quoted = f"{quote}(?:[^{quote}]|{quote}{quote})*+{quote}"
    return re.compile(f"({quoted}|[^{quote}{mark}]*+)({mark}|\\Z)")


def _plain(piece: str, marks: Marks) -> str:
    if not piece.startswith(marks.quote):
        return piece
    return piece[1:-1].replace(marks.quote * 2, marks.quote)


def _with_quote(piece: str, at: int, marks: Marks) -> str:
    """Take the quotes of a value away, and put the stray one back at `at` if it is of this one."""
    if not 0 <= at <= len(piece):
        return _plain(piece, marks)
    if not piece.startswith(marks.quote):
        return piece[:at] + marks.quote + piece[at:]
    inside = piece[1:-1]
    at = min(max(at - 1, 0), len(inside))
    # Never between the two of a pair: quotes in a row are all alike.
    while at < len(inside) and inside[at] == marks.quote:
        at += 1
    halves = (half.replace(marks.quote * 2, marks.quote) for half in (inside[:at], inside[at:]))
    return marks.quote.join(halves)
