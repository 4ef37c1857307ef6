"""Rows of delimited text, every value as the text that stands in the file.

One rule: a row that does not have as many fields as the header is reported, never repaired.
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
from csk.intake.locating import Lines, is_closed
from csk.intake.scanning import Checked, too_long
from csk.intake.source import BLOCK_BYTES, TEXT_CAP, Batch, Malformed, Source

_SAMPLE_BYTES: Final = 1 << 20
_MOST_SWALLOWED: Final = 4 << 20


@dataclass
class Delimited(Source):
    """Delimited UTF-8 text at `path`, whose rows begin at byte `offset`."""

    path: Path = field(kw_only=True)
    offset: int = field(kw_only=True)
    separator: str = field(kw_only=True)
    quotes: bool = field(kw_only=True, default=True)
    first_line: int = field(kw_only=True, default=2)
    block_bytes: int = field(kw_only=True, default=BLOCK_BYTES)
    _malformed_count: int = field(init=False, default=0)
    _gone: Sequence[int] | None = field(init=False, default=None)
    """Records that are no rows, in order: malformed ones and lines of nothing but blanks."""
    _skipped: int = field(init=False, default=0)

    @property
    def malformed_count(self) -> int:
        """Rows of the wrong shape seen by the last finished `batches`."""
        return self._malformed_count

    def batches(self, columns: Sequence[str] = ()) -> Iterator[Batch]:
        """Read the rows of these columns, in this order; of all columns where none is named."""
        malformed, skipped = count(), count()

        def noted(row: Any) -> str:  # noqa: ANN401 - pyarrow has no types
            for _ in self._reasons(row):
                next(malformed)
            next(skipped)
            return "skip"

        first_row = 0
        for frame in self._frames(self._checked(), list(columns), noted, threads=True):
            yield Batch(frame, first_row)
            first_row += frame.height
        self._malformed_count = next(malformed)
        self._skipped = next(skipped)
        self._gone = None

    def sample(self, n: int = 1000) -> pl.DataFrame:
        """Read up to `n` of the first rows, every column, without reading the rest."""
        with self._checked() as file:
            text = file.read(_SAMPLE_BYTES)
            if file.read(4):
                text = text[: max(text.rfind(b"\n"), text.rfind(b"\r")) + 1]
        frames = list(self._frames(io.BytesIO(text), [], lambda _: "skip", threads=False))
        empty = pl.DataFrame(schema=dict.fromkeys(self.columns, pl.String))
        return pl.concat([empty, *frames]).head(n)

    def malformed(self) -> Iterator[Malformed]:
        """Name the rows of the wrong shape, in file order; valid after `batches` has ended."""
        if not self._malformed_count:
            return
        waiting: list[tuple[int, int, str, str]] = []
        gone = array("Q")
        lines = self._lines()

        def noted(row: Any) -> str:  # noqa: ANN401 - pyarrow has no types
            gone.append(row.number)
            for further, (reason, text) in enumerate(self._reasons(row)):
                waiting.append((row.number, further, reason, text[:TEXT_CAP]))
            return "skip"

        def told() -> Iterator[Malformed]:
            line = None
            for record, further, reason, text in waiting:
                line = line + 1 if further and line else lines.line(record)
                yield Malformed(record, line, reason, text)
            waiting.clear()

        for _ in self._frames(self._checked(), [self.columns[0]], noted, threads=False):
            yield from told()
        yield from told()
        self._gone = gone

    def located(self, rows: Sequence[int]) -> list[tuple[int, int | None]]:
        """Give (record, line) of the rows with these ordinals, in the order asked."""
        if not rows:
            return []
        records: dict[int, int] = {}
        gone, passed = self._records_gone(), 0
        for row in sorted(set(rows)):
            while passed < len(gone) and gone[passed] <= row + 1 + passed:
                passed += 1
            records[row] = row + 1 + passed
        lines = self._lines()
        places = {row: (record, lines.line(record)) for row, record in records.items()}
        lines.close()
        return [places[row] for row in rows]

    def _reasons(self, row: Any) -> list[tuple[str, str]]:  # noqa: ANN401 - pyarrow has no types
        """Say what is wrong with a row, and give its text; nothing for a line of blanks.

        A quote that is never closed swallows the rest of the file: every line of that counts.
        """
        text = row.text
        if not text.strip():
            return []
        reason = f"{row.actual_columns} fields, header has {row.expected_columns}"
        lines = text.splitlines()
        if not self.quotes or is_closed(text, self.separator):
            if len(lines) > 1:
                reason += f" (in {len(lines)} lines: a quote may be left open)"
            return [(reason, text)]
        if len(text) > _MOST_SWALLOWED:
            raise too_long(self.name)
        within = "inside the quote that is left open above"
        return [
            (f"{reason}; a quote is never closed" if at == 0 else within, line)
            for at, line in enumerate(lines)
        ]

    def _records_gone(self) -> Sequence[int]:
        if not self._skipped:
            return ()
        if self._gone is None:
            gone = array("Q")

            def noted(row: Any) -> str:  # noqa: ANN401 - pyarrow has no types
                gone.append(row.number)
                return "skip"

            for _ in self._frames(self._checked(), [self.columns[0]], noted, threads=False):
                pass
            self._gone = gone
        return self._gone

    def _lines(self) -> Lines:
        separator = self.separator if self.quotes else ""
        return Lines(self._checked(), separator, self.first_line)

    def _checked(self) -> Checked:
        return Checked(self.path, self.name, offset=self.offset)

    def _frames(
        self,
        file: io.IOBase,
        columns: list[str],
        noted: Any,  # noqa: ANN401 - pyarrow has no types
        *,
        threads: bool,
    ) -> Iterator[pl.DataFrame]:
        reading = pacsv.ReadOptions(
            column_names=list(self.columns), block_size=self.block_bytes, use_threads=threads
        )
        parsing = pacsv.ParseOptions(
            delimiter=self.separator,
            quote_char='"' if self.quotes else False,
            newlines_in_values=self.quotes,
            invalid_row_handler=noted,
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
                        yield pl.from_arrow(batch)  # type: ignore[misc]
            except pa.ArrowInvalid as error:
                if "Empty CSV" in str(error):
                    return
                if "straddling" in str(error):
                    raise too_long(self.name) from None
                raise DataError(f"{self.name} cannot be parsed: {error}") from None
