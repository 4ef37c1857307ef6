"""What every source of rows gives, whatever its format.

One rule: a source is read front to back in bounded memory, as often as asked, and never changed.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, NamedTuple, Self

import polars as pl

Format = Literal["delimited", "jsonl", "parquet", "arrow", "xlsx"]

BLOCK_BYTES: Final = 8 << 20
"""Bytes parsed at a time, and so the longest record that is read."""

TEXT_CAP: Final = 500
"""Characters kept of a malformed row."""


class Batch(NamedTuple):
    """Some consecutive rows.

    Every column is String (null where empty) for delimited text, JSON lines and workbooks, typed
    for Parquet and Arrow. `first_row` counts from 0 over the rows of the file that could be read.
    """

    frame: pl.DataFrame
    first_row: int


class Malformed(NamedTuple):
    """A row of the wrong shape: its record (the first after the header is 1), line and text."""

    record: int
    line: int | None
    reason: str
    text: str


@dataclass(frozen=True)
class Shape:
    """What was understood of a file before its rows are read; "" where a word means nothing."""

    name: str
    format: Format
    columns: tuple[str, ...]
    encoding: str = ""
    compression: str = ""
    delimiter: str = ""
    header_line: int = 0
    notes: tuple[str, ...] = ()


@dataclass
class Source(ABC):
    """One opened file; close it, or use it in a `with`, to remove its temporary files."""

    shape: Shape
    temporary_files: tuple[Path, ...] = ()

    @property
    def name(self) -> str:
        """Name as the user gave it, "-" for standard input."""
        return self.shape.name

    @property
    def format(self) -> Format:
        """Kind of file."""
        return self.shape.format

    @property
    def encoding(self) -> str:
        """Encoding of the text as it was found."""
        return self.shape.encoding

    @property
    def compression(self) -> str:
        """Compression as it was found."""
        return self.shape.compression

    @property
    def delimiter(self) -> str:
        """Character between fields; a blank for whitespace-aligned columns."""
        return self.shape.delimiter

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the header, trimmed; the second of a name is called `name (2)`."""
        return self.shape.columns

    @abstractmethod
    def batches(self, columns: Sequence[str] = ()) -> Iterator[Batch]:
        """Read the rows of these columns, in this order; of all columns where none is named."""

    @abstractmethod
    def sample(self, n: int = 1000) -> pl.DataFrame:
        """Read up to `n` of the first rows, every column, without reading the rest."""

    @property
    @abstractmethod
    def malformed_count(self) -> int:
        """Rows of the wrong shape seen by the last finished `batches`."""

    @property
    def footer_count(self) -> int:
        """Lines below the last row that are no rows; seen by the last finished `batches`."""
        return 0

    @abstractmethod
    def malformed(self) -> Iterator[Malformed]:
        """Name the rows of the wrong shape, in file order; valid after `batches` has ended."""

    @abstractmethod
    def located(self, rows: Sequence[int]) -> list[tuple[int, int | None]]:
        """Give (record, line) of the rows with these ordinals, in the order asked.

        Reads the file again where a line number is asked of text: ask once, for all rows.
        """

    def close(self) -> None:
        """Remove the temporary files."""
        for path in self.temporary_files:
            path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
