"""Excel: one sheet, a header that stays, dates as dates (extra `xlsx`).

One rule: text is written as text, so no cell becomes a formula and ids keep their zeros. A
spreadsheet's numbers have 15 digits; who needs all of 18 takes another format.
"""

from datetime import UTC, datetime, time
from decimal import Decimal
from io import BytesIO
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import polars as pl

from csk.errors import UsageError
from csk.schema import Table
from csk.sinks._columns import pieces, stamps
from csk.sinks._streams import opened, whole_files_only
from csk.sinks.protocol import Rows, Sink, SinkOptions

_MOST_ROWS: Final = 1_048_575
_LONGEST_TEXT: Final = 32_767
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_FORMATS: Final = {
    pl.Date: "yyyy-mm-dd",
    pl.Datetime: "yyyy-mm-dd hh:mm:ss",
    pl.Decimal: "#,##0.####",
}


class Xlsx:
    """Excel workbook."""

    suffix: Final = ".xlsx"
    is_streamable: Final = False
    is_binary: Final = True

    def write(self, frames: Rows, target: Path, table: Table, options: SinkOptions) -> int:
        """Write `frames` as one sheet and return the number of rows.

        The zipped workbook is made in memory: a zip that fails half-way complains after the fact.
        A UsageError where the library is absent or the rows are more than a sheet holds.
        """
        xlsxwriter = _library()
        archive = BytesIO()
        with TemporaryDirectory() as folder:
            workbook = xlsxwriter.Workbook(archive, {"constant_memory": True, "tmpdir": folder})
            try:
                rows = _sheet(workbook, frames, table, options)
                workbook.close()
            except xlsxwriter.exceptions.FileCreateError as failure:
                raise OSError(*getattr(failure.args[0], "args", failure.args)) from failure
            finally:
                for sheet in workbook.worksheets():
                    sheet.row_data_fh.close()
        with opened(target) as stream:
            stream.write(archive.getbuffer())
        return rows

    def write_stream(self, *_: object, **__: object) -> int:
        """Refuse with a UsageError."""
        raise whole_files_only(self.suffix)


def _library() -> Any:  # noqa: ANN401 # an optional library without types
    try:
        import xlsxwriter  # type: ignore[import-untyped] # noqa: PLC0415 # an extra, absent from the plain install
    except ImportError:
        raise UsageError(
            "Writing .xlsx needs the library xlsxwriter, which is not installed.",
            hint="Install it with: pip install 'customer-success-kit[xlsx]'",
        ) from None
    return xlsxwriter


def _sheet(workbook: Any, frames: Rows, table: Table, options: SinkOptions) -> int:  # noqa: ANN401 # untyped library
    day = options.as_of
    created = datetime.combine(day, time(), UTC) if day else _EPOCH
    workbook.set_properties({"created": created.replace(tzinfo=None), "title": table.name})
    for key, value in stamps(table, options).items():
        workbook.set_custom_property(key, value, "text")
    sheet = workbook.add_worksheet(table.name[:31])
    typed = pieces(frames, table)
    first = next(typed)
    bold = workbook.add_format({"bold": True})
    for place, name in enumerate(first.columns):
        sheet.set_column(place, place, max(len(name) + 2, 12))
        sheet.write_string(0, place, name, bold)
    sheet.freeze_panes(1, 0)
    formats = [
        workbook.add_format({"num_format": _FORMATS.get(dtype.base_type(), "General")})
        for dtype in first.dtypes
    ]
    row = 0
    for piece in chain([first], typed):
        if row + piece.height > _MOST_ROWS:
            raise UsageError(
                f"An Excel sheet holds {_MOST_ROWS:,} rows, and '{table.name}' has more.",
                hint="Write .parquet or .csv instead.",
            )
        for cells in piece.iter_rows():
            row += 1
            for place, value in enumerate(cells):
                if value is not None:
                    _write(sheet, (row, place), value, formats[place])
    return row


def _write(sheet: Any, cell: tuple[int, int], value: object, look: object) -> None:  # noqa: ANN401 # untyped library
    match value:
        case str():
            sheet.write_string(*cell, value[:_LONGEST_TEXT])
        case bool():
            sheet.write_boolean(*cell, value)
        case int() | float() | Decimal():
            sheet.write_number(*cell, value, look)
        case datetime():
            sheet.write_datetime(*cell, value.replace(tzinfo=None), look)
        case _:
            sheet.write_datetime(*cell, value, look)


SINK: Final[Sink] = Xlsx()
