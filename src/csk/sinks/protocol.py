"""What a sink is, and what it is told.

One rule: all that differs between two runs' files comes in through the rows and `SinkOptions`;
the same of both gives the same bytes (but for .duckdb, whose format does not promise it).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import BinaryIO, Final, Literal, Protocol, TypeAlias

import polars as pl

from csk.errors import UsageError
from csk.registry import loaded, names
from csk.schema import Table

Rows: TypeAlias = pl.DataFrame | Iterator[pl.DataFrame]
Encoding: TypeAlias = Literal["utf-8", "utf-8-sig", "cp932"]

PACKAGE: Final = "csk.sinks"


@dataclass(frozen=True, slots=True)
class SinkOptions:
    """How a table is written.

    `as_of` is stamped into formats that hold metadata; `encoding` and `guards_formulas` are for
    CSV: with the guard, text that a spreadsheet would run as a formula gets a leading apostrophe.
    """

    as_of: date | None = None
    encoding: Encoding = "utf-8"
    guards_formulas: bool = True


class Sink(Protocol):
    """One format of file, found by the name of its module."""

    @property
    def suffix(self) -> str:
        """The end of a file's name that asks for this format: `.parquet`."""
        ...

    @property
    def is_streamable(self) -> bool:
        """Whether `write_stream` works, and so `-o -` and pipes."""
        ...

    @property
    def is_binary(self) -> bool:
        """Whether a terminal must not be sent these bytes."""
        ...

    def write(self, frames: Rows, target: Path, table: Table, options: SinkOptions) -> int:
        """Write `frames` to the file `target`, replacing it, and return the number of rows."""
        ...

    def write_stream(
        self, frames: Rows, stream: BinaryIO, table: Table, options: SinkOptions
    ) -> int:
        """Write `frames` to an open stream, which is left open; UsageError where it cannot be."""
        ...


def sink_named(name: str) -> Sink:
    """Load the sink of `--as NAME`; a UsageError for an unknown one lists the known."""
    sink: Sink = loaded(PACKAGE, name, "SINK")
    return sink


def sink_for(target: Path) -> Sink:
    """Load the sink that the suffix of `target` asks for; UsageError lists the known ones."""
    suffix = target.suffix.removeprefix(".").lower()
    if not suffix:
        known = ", ".join(f".{name}" for name in names(PACKAGE))
        raise UsageError(
            f"'{target}' has no suffix that says what format to write.",
            hint=f"Give it one of {known}, or end a folder's name in '/'.",
        )
    return sink_named(suffix)
