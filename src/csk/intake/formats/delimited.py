"""Rows of delimited text, every value as the text that stands in the file.

One rule: a row that does not have as many fields as the header is reported, never repaired. Only
where one stray quote is all that is wrong with it, it is read: that quote is text.
"""

import io
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Final

import polars as pl
import pyarrow as pa
import pyarrow.csv as pacsv

from csk.errors import DataError
from csk.intake.formats import quoting
from csk.intake.formats.locating import Lines, Marks
from csk.intake.formats.scanning import Checked, too_long
from csk.intake.formats.source import BLOCK_BYTES, TEXT_CAP, Batch, Malformed, Source

_SAMPLE_BYTES: Final = 1 << 20
_MOST_SWALLOWED: Final = 10_000
_LOOKED_AT: Final = 16 << 20
"""Characters looked at for stray quotes, so that a file made to be slow is not."""
_END: Final = "\0csk: end of file\0"


class _Refused:
    """Hears of every record that the parser refuses, from any of its threads.

    A last record that it must refuse is put after the end of the file: where it is not heard of
    as itself, it lies inside a quoted value that is still open there.
    """

    def __init__(self, columns: int, marks: Marks) -> None:
        self.columns, self.marks = columns, marks
        self.ending = marks.separator.join([_END, _END]) if columns == 1 else _END
        self.is_closed = False
        self.is_last_refused = False
        self._malformed, self._skipped, self._odd = count(), count(), count()

    def __call__(self, row: Any) -> str:  # noqa: ANN401 - pyarrow has no types
        if _END in row.text:
            if row.text == self.ending:
                self.is_closed = True
            else:
                self.is_last_refused = True
            return "skip"
        next(self._skipped)
        if row.text.strip():
            next(self._malformed)
            if self.marks.quote and row.text.count(self.marks.quote) % 2:
                next(self._odd)
        self.keep(row)
        return "skip"

    def keep(self, row: Any) -> None:  # noqa: ANN401 - pyarrow has no types
        """Do nothing more about it."""

    def counts(self) -> tuple[int, int, int]:
        """Return the records that were malformed, those that were no rows, those to mend; once."""
        return next(self._malformed), next(self._skipped), next(self._odd)


class _Numbered(_Refused):
    """Keeps what it hears of in order, where the parser has one thread and so numbers them."""

    def __init__(self, columns: int, marks: Marks) -> None:
        super().__init__(columns, marks)
        self.numbers = array("Q")
        self.waiting: list[tuple[int, str, str]] = []
        self.mended: list[tuple[int, list[list[str]]]] = []
        self._left = _LOOKED_AT

    def keep(self, row: Any) -> None:  # noqa: ANN401 - pyarrow has no types
        """Keep its number, and for a malformed one its rows, or what is wrong and its text."""
        self.numbers.append(row.number)
        if not row.text.strip():
            return
        rows = self._rows(row.text)
        if rows is not None:
            self.mended.append((row.number, rows))
            return
        reason = f"{row.actual_columns} fields, header has {row.expected_columns}"
        lines = len(row.text.splitlines())
        if lines > 1:
            reason += f" (in {lines} lines: a quote may be left open)"
        self.waiting.append((row.number, reason, row.text[:TEXT_CAP]))

    def _rows(self, text: str) -> list[list[str]] | None:
        """Return the rows that a record is with one of its quotes as text, if that is all."""
        quotes = text.count(self.marks.quote) if self.marks.quote else 0
        if quotes % 2 == 0:
            return None
        self._left -= len(text) * quotes
        return quoting.rows(text, self.marks, self.columns) if self._left > 0 else None


@dataclass
class Delimited(Source):
    """Delimited UTF-8 text at `path`, whose rows begin at byte `offset`, on line `first_line`."""

    path: Path = field(kw_only=True)
    offset: int = field(kw_only=True)
    marks: Marks = field(kw_only=True)
    first_line: int = field(kw_only=True, default=2)
    block_bytes: int = field(kw_only=True, default=BLOCK_BYTES)
    _malformed_count: int = field(init=False, default=0)
    _swallowed: list[Malformed] = field(init=False, default_factory=list)
    """The lines from a quote that is never closed to the end of the file."""
    _skipped: int = field(init=False, default=0)
    _gone: Sequence[int] | None = field(init=False, default=None)
    """Records that are no rows, in order: malformed ones and lines of nothing but blanks."""
    _mended: list[tuple[int, int]] = field(init=False, default_factory=list)
    """Record, and line of it, of the rows that were read by leaving a stray quote."""
    _in_order: int = field(init=False, default=0)

    @property
    def malformed_count(self) -> int:
        """Rows of the wrong shape seen by the last finished `batches`."""
        return self._malformed_count + len(self._swallowed)

    def batches(self, columns: Sequence[str] = ()) -> Iterator[Batch]:
        """Read the rows of these columns, in this order; of all columns where none is named.

        Rows with a stray quote come last. DataError in the middle where the text turns out not to
        be UTF-8, to have a line of more than 8 MB, or to be written to; at the end, where an
        open quote swallows many lines.
        """
        refused = _Refused(len(self.columns), self.marks)
        first_row, held = 0, None
        for frame in self._frames(list(columns), refused, threads=True):
            if held is not None:
                yield Batch(held, first_row)
                first_row += held.height
            held = frame
        is_open = bool(self.marks.quote) and not refused.is_closed
        if is_open and not refused.is_last_refused and held is not None:
            # The record with the open quote has the right number of fields by chance.
            held = held.head(-1)
        if held is not None and held.height:
            yield Batch(held, first_row)
            first_row += held.height
        self._malformed_count, self._skipped, odd = refused.counts()
        self._in_order, self._gone = first_row, None
        self._swallowed = self._lines_swallowed(first_row + self._skipped + 1) if is_open else []
        mended = self._records_mended() if odd else []
        self._malformed_count -= len(mended)
        self._mended = [(record, line) for record, rows in mended for line in range(len(rows))]
        if mended:
            rows = [row for _, rows in mended for row in rows]
            yield Batch(self._frame_of(rows, columns or self.columns), first_row)

    def sample(self, n: int = 1000) -> pl.DataFrame:
        """Read up to `n` of the first rows, every column, without reading the rest."""
        with self._checked() as file:
            text = file.read(_SAMPLE_BYTES)
            if file.read(4):
                text = text[: max(text.rfind(b"\n"), text.rfind(b"\r")) + 1]
        refused = _Refused(len(self.columns), self.marks)
        frames = list(self._parsed(io.BytesIO(text), [], refused, threads=False))
        empty = pl.DataFrame(schema=dict.fromkeys(self.columns, pl.String))
        return pl.concat([empty, *frames]).head(n)

    def malformed(self) -> Iterator[Malformed]:
        """Name the rows of the wrong shape, in file order; valid after `batches` has ended."""
        if self._malformed_count:
            refused = _Numbered(len(self.columns), self.marks)
            lines = self._lines()
            for _ in self._frames([self.columns[0]], refused, threads=False):
                yield from _placed(refused, lines)
            yield from _placed(refused, lines)
            lines.close()
            self._gone = refused.numbers
        yield from self._swallowed

    def located(self, rows: Sequence[int]) -> list[tuple[int, int | None]]:
        """Give (record, line) of the rows with these ordinals, in the order asked."""
        if not rows:
            return []
        records: dict[int, tuple[int, int]] = {}
        gone, passed = self._records_gone(), 0
        for row in sorted(set(rows)):
            if row >= self._in_order and self._mended:
                records[row] = self._mended[row - self._in_order]
                continue
            while passed < len(gone) and gone[passed] <= row + 1 + passed:
                passed += 1
            records[row] = row + 1 + passed, 0
        lines, begins = self._lines(), dict[int, int | None]()
        for record in sorted({record for record, _ in records.values()}):
            begins[record] = lines.line(record)
        lines.close()
        places = {row: (record, _after(begins[record], n)) for row, (record, n) in records.items()}
        return [places[row] for row in rows]

    def _records_gone(self) -> Sequence[int]:
        if not self._skipped:
            return ()
        if self._gone is None:
            self._records_mended()
        return self._gone or ()

    def _records_mended(self) -> list[tuple[int, list[list[str]]]]:
        """Read once more in order: find what is no row, and what is one but for a stray quote."""
        refused = _Numbered(len(self.columns), self.marks)
        for _ in self._frames([self.columns[0]], refused, threads=False):
            refused.waiting.clear()
        self._gone = refused.numbers
        return refused.mended

    def _frame_of(self, rows: list[list[str]], columns: Sequence[str]) -> pl.DataFrame:
        values = dict(zip(self.columns, zip(*rows, strict=True), strict=True))
        named = {name: [value or None for value in values[name]] for name in columns}
        return pl.DataFrame(named, schema=dict.fromkeys(columns, pl.String))

    def _lines_swallowed(self, record: int) -> list[Malformed]:
        """Give the lines from `record`, which has the open quote, to the end of the file.

        They are never rows: most files that end inside a value are cut off.
        """
        lines = self._lines()
        first, swallowed = lines.rest(record, _MOST_SWALLOWED)
        lines.close()
        if len(swallowed) > _MOST_SWALLOWED or not swallowed:
            raise DataError(
                f"{self.name} has a quote that is never closed, in the record on line {first:,}:"
                f" the rest of the file is inside it.",
                hint="Close the quote, or take it away.",
            )
        reasons = ["a quote is opened here and never closed"]
        reasons += [f"inside the quote left open on line {first}"] * (len(swallowed) - 1)
        return [
            Malformed(record, line, reason, text.decode()[:TEXT_CAP])
            for line, (reason, text) in enumerate(zip(reasons, swallowed, strict=True), first)
            if text.strip()
        ]

    def _lines(self) -> Lines:
        return Lines(self._checked(), self.marks, self.first_line)

    def _checked(self, ending: str = "") -> Checked:
        return Checked(self.path, self.name, offset=self.offset, ending=ending.encode())

    def _frames(
        self, columns: list[str], refused: _Refused, *, threads: bool
    ) -> Iterator[pl.DataFrame]:
        file = self._checked("\n" + refused.ending + "\n" if self.marks.quote else "")
        return self._parsed(file, columns, refused, threads=threads)

    def _parsed(
        self, file: io.IOBase, columns: list[str], refused: _Refused, *, threads: bool
    ) -> Iterator[pl.DataFrame]:
        reading = pacsv.ReadOptions(
            column_names=list(self.columns), block_size=self.block_bytes, use_threads=threads
        )
        parsing = pacsv.ParseOptions(
            delimiter=self.marks.separator,
            quote_char=self.marks.quote or False,
            escape_char=self.marks.escape or False,
            newlines_in_values=bool(self.marks.quote),
            invalid_row_handler=refused,
        )
        converting = pacsv.ConvertOptions(
            column_types=dict.fromkeys(self.columns, pa.string()),
            include_columns=columns or list(self.columns),
            check_utf8=False,  # `Checked` has done it, at a tenth of the cost
            strings_can_be_null=True,
            null_values=[""],
        )
        with file:
            try:
                batches = pacsv.open_csv(
                    pa.PythonFile(file, mode="r"), reading, parsing, converting
                )
                for batch in batches:
                    if batch.num_rows:
                        yield pl.from_arrow(batch)  # type: ignore[misc] # a batch makes a frame
            except pa.ArrowInvalid as error:
                if "Empty CSV" in str(error):
                    return
                if "straddling" in str(error):
                    raise too_long(self.name) from None
                raise DataError(f"{self.name} cannot be parsed: {error}") from None


def _after(line: int | None, lines: int) -> int | None:
    return None if line is None else line + lines


def _placed(refused: _Numbered, lines: Lines) -> Iterator[Malformed]:
    for record, reason, text in refused.waiting:
        yield Malformed(record, lines.line(record), reason, text)
    refused.waiting.clear()
