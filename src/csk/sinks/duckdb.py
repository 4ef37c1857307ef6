"""DuckDB: a database file that holds the one table, ready for SQL (extra `duckdb`).

One rule: the file is whole and closed when `write` returns, with no log beside it. Its bytes are
DuckDB's own affair and differ from run to run; its rows do not.
"""

import errno
import os
from itertools import chain
from pathlib import Path
from typing import Any, Final

from csk.errors import UsageError
from csk.schema import Table
from csk.sinks._arrow import arrow_schema, arrow_table
from csk.sinks._columns import pieces, stamps
from csk.sinks._streams import whole_files_only
from csk.sinks.protocol import Rows, Sink, SinkOptions


class DuckDb:
    """A database with the table under its own name, and `csk_stamps(key, value)`."""

    suffix: Final = ".duckdb"
    is_streamable: Final = False
    is_binary: Final = True

    def write(self, frames: Rows, target: Path, table: Table, options: SinkOptions) -> int:
        """Write `frames` into a new database at `target` and return the number of rows.

        A UsageError where the library is absent, an OSError where the file cannot be written.
        """
        duckdb = _library()
        target.unlink(missing_ok=True)
        try:
            with duckdb.connect(str(target)) as connection:
                return _filled(connection, frames, table, options)
        except (duckdb.IOException, duckdb.TransactionException) as failure:
            raise _numbered(str(failure)) from failure

    def write_stream(self, *_: object, **__: object) -> int:
        """Refuse with a UsageError."""
        raise whole_files_only(self.suffix)


def _library() -> Any:  # noqa: ANN401 # an optional library
    try:
        import duckdb  # noqa: PLC0415 # an extra, absent from the plain install
    except ImportError:
        raise UsageError(
            "Writing .duckdb needs the library duckdb, which is not installed.",
            hint="Install it with: pip install 'customer-success-kit[duckdb]'",
        ) from None
    return duckdb


def _numbered(words: str) -> OSError:
    """Find the number of the system's error, of which DuckDB passes on only the words."""
    for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EROFS):
        if os.strerror(number) in words:
            return OSError(number, words)
    return OSError(words)


def _filled(connection: Any, frames: Rows, table: Table, options: SinkOptions) -> int:  # noqa: ANN401 # untyped library
    rows = 0
    typed = pieces(frames, table)
    first = next(typed)
    marks = stamps(table, options)
    schema = arrow_schema(first, {})
    connection.execute("SET TimeZone = 'UTC'")
    for piece in chain([first], typed):
        relation = connection.from_arrow(arrow_table(piece, schema))
        if rows:
            relation.insert_into(table.name)
        else:
            relation.create(table.name)
        rows += piece.height
    connection.execute("CREATE TABLE csk_stamps (key VARCHAR, value VARCHAR)")
    connection.executemany("INSERT INTO csk_stamps VALUES (?, ?)", list(marks.items()))
    return rows


SINK: Final[Sink] = DuckDb()
