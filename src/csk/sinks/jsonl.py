"""JSON lines: one object a row, for programs in a pipe.

One rule: money is a JSON number with its four decimals written out, never through a float;
dates and instants are ISO 8601 strings; null is null.
"""

import re
from pathlib import Path
from typing import BinaryIO, Final

import polars as pl

from csk.schema import Table
from csk.sinks._columns import pieces
from csk.sinks._streams import opened
from csk.sinks.csv import INSTANT_FORMAT
from csk.sinks.protocol import Rows, Sink, SinkOptions


class JsonLines:
    """UTF-8, keys in file order."""

    suffix: Final = ".jsonl"
    is_streamable: Final = True
    is_binary: Final = False

    def write(self, frames: Rows, target: Path, table: Table, options: SinkOptions) -> int:
        """Write `frames` to the file `target` and return the number of rows."""
        with opened(target) as stream:
            return self.write_stream(frames, stream, table, options)

    def write_stream(
        self,
        frames: Rows,
        stream: BinaryIO,
        table: Table,
        options: SinkOptions,  # noqa: ARG002 # the format has no choices
    ) -> int:
        """Write `frames` to `stream` and return the number of rows."""
        rows = 0
        for piece in pieces(frames, table):
            instants = pl.col(pl.Datetime("us", "UTC")).dt.strftime(INSTANT_FORMAT)
            lines = piece.with_columns(instants).write_ndjson()
            stream.write(_unquoted(lines, piece).encode())
            rows += piece.height
        stream.flush()
        return rows


def _unquoted(lines: str, piece: pl.DataFrame) -> str:
    """Take the quotes off decimals, which Polars writes as strings.

    Quotes inside values are escaped, so an unescaped `"name":` after `{` or `,` is a key.
    """
    names = [name for name, dtype in piece.schema.items() if dtype.is_decimal()]
    if not names:
        return lines
    keys = "|".join(re.escape(name) for name in names)
    return re.sub(rf'(?<=[{{,])("(?:{keys})":)"(-?[0-9.]+)"', r"\1\2", lines)


SINK: Final[Sink] = JsonLines()
