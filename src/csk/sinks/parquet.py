"""Parquet: the contract with BI tools.

One rule: the bytes depend on the rows, the options and the version of the writer alone; there
is no clock in them, and row groups are cut by count.
"""

from itertools import chain
from pathlib import Path
from typing import BinaryIO, Final

import polars as pl

from csk.schema import Table
from csk.sinks._arrow import arrow_schema, arrow_table
from csk.sinks._columns import ROW_GROUP, pieces, stamps
from csk.sinks._streams import Counted, opened
from csk.sinks.protocol import Rows, Sink, SinkOptions


class Parquet:
    """zstd, row groups of 262,144 rows, `csk.*` key-values in the footer."""

    suffix: Final = ".parquet"
    is_streamable: Final = True
    is_binary: Final = True

    def write(self, frames: Rows, target: Path, table: Table, options: SinkOptions) -> int:
        """Write `frames` to the file `target` and return the number of rows."""
        with opened(target) as stream:
            return self.write_stream(frames, stream, table, options)

    def write_stream(
        self, frames: Rows, stream: BinaryIO, table: Table, options: SinkOptions
    ) -> int:
        """Write `frames` to `stream`; readers of Parquet need it kept as a file in the end."""
        from pyarrow import parquet as pq  # noqa: PLC0415 # paid only by runs that write it

        rows = 0
        typed = pieces(frames, table)
        first = next(typed)
        schema = arrow_schema(first, stamps(table, options))
        beneath = Counted(stream)
        # A dictionary of a million distinct floats is built only to be thrown away.
        words = [name for name, dtype in first.schema.items() if dtype == pl.String]
        with pq.ParquetWriter(
            beneath,
            schema,
            compression="zstd",
            version="2.6",
            use_dictionary=words,
            store_decimal_as_integer=True,
        ) as writer:
            for piece in chain([first], typed):
                writer.write_table(arrow_table(piece, schema), row_group_size=ROW_GROUP)
                rows += piece.height
        beneath.flush()
        return rows


SINK: Final[Sink] = Parquet()
