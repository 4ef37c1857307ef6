"""Arrow: a random-access file on disk, a stream in a pipe.

One rule: nothing is compressed, so that every Arrow reader can map it.
"""

from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from csk.schema import Table
from csk.sinks._arrow import arrow_schema, arrow_table
from csk.sinks._columns import pieces, stamps
from csk.sinks._streams import Counted, opened
from csk.sinks.protocol import Rows, Sink, SinkOptions

if TYPE_CHECKING:
    import pyarrow as pa


class Arrow:
    """Arrow IPC."""

    suffix: Final = ".arrow"
    is_streamable: Final = True
    is_binary: Final = True

    def write(self, frames: Rows, target: Path, table: Table, options: SinkOptions) -> int:
        """Write `frames` as an Arrow file to `target` and return the number of rows."""
        with opened(target) as stream:
            return _written(frames, stream, table, options, is_file=True)

    def write_stream(
        self, frames: Rows, stream: BinaryIO, table: Table, options: SinkOptions
    ) -> int:
        """Write `frames` as an Arrow stream."""
        return _written(frames, stream, table, options, is_file=False)


def _written(
    frames: Rows, stream: BinaryIO, table: Table, options: SinkOptions, *, is_file: bool
) -> int:
    from pyarrow import ipc  # noqa: PLC0415 # paid only by runs that write it

    rows = 0
    typed = pieces(frames, table)
    first = next(typed)
    schema = arrow_schema(first, stamps(table, options))
    beneath = Counted(stream)
    with (ipc.new_file if is_file else ipc.new_stream)(beneath, schema) as writer:
        for piece in chain([first], typed):
            writer.write_table(_copied(arrow_table(piece, schema)))
            rows += piece.height
    beneath.flush()
    return rows


def _copied(table: "pa.Table") -> "pa.Table":
    """Copy every column, since a copy alone clears the unused bits at the end of a bitmap.

    Those bits depend on where the rows came from, and would make equal files differ.
    """
    import pyarrow as pa  # noqa: PLC0415 # as above

    columns = [
        pa.concat_arrays([chunk, chunk.slice(0, 0)])
        for column in table.itercolumns()
        for chunk in (column.chunks or [pa.array([], column.type)])
    ]
    return pa.Table.from_arrays(columns, schema=table.schema)


SINK: Final[Sink] = Arrow()
