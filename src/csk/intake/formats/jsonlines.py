"""Rows of JSON lines: one object a line, every value as text.

One rule: a number keeps the text it has in the file (`1.50` stays `1.50`); the keys of an object
in a row are columns of their own (`properties.time`), and what is nested deeper stays JSON.
"""

import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Self

import polars as pl

from csk.errors import DataError
from csk.intake.formats.locating import line_blocks
from csk.intake.formats.scanning import Checked
from csk.intake.formats.source import TEXT_CAP, Batch, Malformed, Shape, Source

_SAMPLE_BYTES: Final = 1 << 20
_ROWS: Final = 1 << 16
_MOST_CELLS: Final = 10_000_000
"""Of the table that the first lines are: a megabyte of lines with the same keys has a tenth."""


@dataclass
class JsonLines(Source):
    """UTF-8 JSON lines at `path` from byte `offset` on."""

    path: Path = field(kw_only=True)
    offset: int = field(kw_only=True)
    _malformed_count: int = field(init=False, default=0)

    @classmethod
    def of(cls, path: Path, shape: Shape, offset: int) -> Self:
        """Open JSON lines; the columns are the keys of the first lines, in order of appearance."""
        found = cls(shape, path=path, offset=offset)
        keys: dict[str, None] = {}
        for n_rows, (_, row) in enumerate(found._first_objects(), 1):
            keys.update(dict.fromkeys(row or ()))
            if len(keys) * n_rows > _MOST_CELLS:
                raise DataError(
                    f"{shape.name} has {len(keys):,} different keys in its first {n_rows:,} lines,"
                    " as no table has.",
                    hint="Write one object a line, with the same keys in each.",
                )
        if not keys:
            raise DataError(
                f"{shape.name} begins like JSON lines, but none of its first lines is an object.",
                hint="Write one object a line: {"
                '"customer_id": "C1", "paid_on": "2024-01-05", "amount": 1200}.',
            )
        found.shape = replace(shape, format="jsonl", columns=tuple(keys))
        return found

    @property
    def malformed_count(self) -> int:
        """Lines that are no object seen by the last finished `batches`."""
        return self._malformed_count

    def batches(self, columns: Sequence[str] = ()) -> Iterator[Batch]:
        """Read these keys, in this order; all keys of the first lines where none is named."""
        wanted = list(columns or self.columns)
        first_row, malformed = 0, 0
        rows: list[list[str | None]] = []
        for _, line in self._lines():
            row = _object(line)
            if row is None:
                malformed += 1
                continue
            rows.append([_text(row.get(key), key, line) for key in wanted])
            if len(rows) == _ROWS:
                yield Batch(_frame(rows, wanted), first_row)
                first_row += len(rows)
                rows = []
        if rows:
            yield Batch(_frame(rows, wanted), first_row)
        self._malformed_count = malformed

    def sample(self, n: int = 1000) -> pl.DataFrame:
        """Read up to `n` of the first rows, every column, without reading the rest."""
        keys = self.columns
        rows = [
            [_text(row.get(key), key, line) for key in keys]
            for line, row in self._first_objects()
            if row is not None
        ]
        return _frame(rows[:n], keys)

    def malformed(self) -> Iterator[Malformed]:
        """Name the lines that are no object, in file order."""
        if not self._malformed_count:
            return
        for record, (number, line) in enumerate(self._lines(), 1):
            if _object(line) is None:
                text = line.decode("utf-8")[:TEXT_CAP]
                yield Malformed(record, number, _reason(text), text)

    def located(self, rows: Sequence[int]) -> list[tuple[int, int | None]]:
        """Give (record, line) of the rows with these ordinals, in the order asked."""
        wanted, last = set(rows), max(rows, default=-1)
        places: dict[int, tuple[int, int | None]] = {}
        ordinal = 0
        for record, (number, line) in enumerate(self._lines(), 1):
            if ordinal > last:
                break
            if self._malformed_count and _object(line) is None:
                continue
            if ordinal in wanted:
                places[ordinal] = (record, number)
            ordinal += 1
        return [places[row] for row in rows]

    def _lines(self, size: int = -1) -> Iterator[tuple[int, bytes]]:
        """Give the lines that are not blank, with their numbers."""
        with Checked(self.path, self.name, offset=self.offset) as file:
            source = file if size < 0 else io.BytesIO(file.read(size))
            number = 0
            for lines in line_blocks(source):
                for number, line in enumerate(lines, number + 1):  # noqa: B020 - goes on counting
                    if line and not line.isspace():
                        yield number, line

    def _first_objects(self) -> Iterator[tuple[bytes, dict[str, Any] | None]]:
        size = self.path.stat().st_size - self.offset
        held: bytes | None = None
        for _, line in self._lines(_SAMPLE_BYTES):
            if held is not None:
                yield held, _object(held)
            held = line
        # The last line of a sample may be cut; it counts only where the file ends with it.
        if held is not None and size <= _SAMPLE_BYTES:
            yield held, _object(held)


# Numbers stay the text they are; made once, because that costs more than a line.
_DECODER: Final = json.JSONDecoder(parse_float=str, parse_int=str)


_HALF: Final = re.compile(rb"\\u[dD][89a-fA-F]")
"""Half of a letter that JSON writes as two."""


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        row = _DECODER.decode(line.decode("utf-8"))
        if _HALF.search(line):
            json.dumps(row, ensure_ascii=False).encode()  # fails where the other half is missing
    except (ValueError, RecursionError):
        return None
    return _flat(row) if isinstance(row, dict) else None


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    if not any(isinstance(value, dict) for value in row.values()):
        return row
    flat: dict[str, Any] = {}
    for key, value in row.items():
        inner = value if isinstance(value, dict) else {"": value}
        flat.update((f"{key}.{name}" if name else key, one) for name, one in inner.items())
    return flat


def _text(value: object, key: str, line: bytes) -> str | None:
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, bool):
        return "true" if value else "false"
    # Parsed again, because the numbers inside would be written with quotes.
    return json.dumps(_flat(json.loads(line))[key], ensure_ascii=False)


def _reason(text: str) -> str:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return "no valid JSON"
    is_object = isinstance(found, dict)
    return "half a letter" if is_object else f"a JSON {type(found).__name__}, not an object"


def _frame(rows: list[list[str | None]], columns: Sequence[str]) -> pl.DataFrame:
    values = zip(*rows, strict=True) if rows else ([] for _ in columns)
    named = dict(zip(columns, values, strict=True))
    return pl.DataFrame(named, schema=dict.fromkeys(columns, pl.String))
