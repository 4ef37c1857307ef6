"""CSV: for spreadsheets and for whatever reads nothing better.

One rule: text stays text. Ids keep their leading zeros, decimals are plain, dates are ISO 8601,
an empty field is null; and a text or a column's name that a spreadsheet would run as a formula
gets a leading apostrophe (`SinkOptions.guards_formulas`); a plain number such as -5 is none.
"""

import re
from pathlib import Path
from typing import BinaryIO, Final

import polars as pl

from csk.errors import DataError
from csk.schema import Table
from csk.sinks._columns import pieces
from csk.sinks._streams import opened
from csk.sinks.protocol import Rows, Sink, SinkOptions

INSTANT_FORMAT: Final = "%Y-%m-%dT%H:%M:%S%.6fZ"
_BOM: Final = "\ufeff"
_FORMULA: Final = r"^[=+\-@\t\r\n＝＋－＠]"
_NUMBER: Final = r"^[+-](\d{1,3}(,\d{3})+|\d+)(\.\d+)?$|^[+-]\.\d+$"


class Csv:
    """Comma, double quote where needed, line feed."""

    suffix: Final = ".csv"
    is_streamable: Final = True
    is_binary: Final = False

    def write(self, frames: Rows, target: Path, table: Table, options: SinkOptions) -> int:
        """Write `frames` to the file `target` and return the number of rows."""
        with opened(target) as stream:
            return self.write_stream(frames, stream, table, options)

    def write_stream(
        self, frames: Rows, stream: BinaryIO, table: Table, options: SinkOptions
    ) -> int:
        """Write `frames` to `stream`; a DataError names text that the encoding cannot hold."""
        rows = 0
        codec = "cp932" if options.encoding == "cp932" else "utf-8"
        if options.encoding == "utf-8-sig":
            stream.write(_BOM.encode())
        for number, piece in enumerate(pieces(frames, table)):
            worded = _worded(piece, guards=options.guards_formulas)
            lines = worded.write_csv(include_header=number == 0)
            try:
                stream.write(lines.encode(codec))
            except UnicodeEncodeError as failure:
                raise _unwritable(piece, failure, rows) from None
            rows += piece.height
        stream.flush()
        return rows


def _worded(piece: pl.DataFrame, *, guards: bool) -> pl.DataFrame:
    strings = pl.col(pl.String)
    instants = pl.col(pl.Datetime("us", "UTC")).dt.strftime(INSTANT_FORMAT)
    if not guards:
        return piece.with_columns(instants)
    is_formula = strings.str.contains(_FORMULA) & ~strings.str.contains(_NUMBER)
    worded = piece.with_columns(
        instants, pl.when(is_formula).then("'" + strings).otherwise(strings).name.keep()
    )
    return worded.rename(lambda name: f"'{name}" if re.match(_FORMULA, name) else name)


def _unwritable(piece: pl.DataFrame, failure: UnicodeEncodeError, before: int) -> DataError:
    sign = failure.object[failure.start]
    for name, dtype in piece.schema.items():
        if dtype != pl.String:
            continue
        places = piece[name].str.contains(sign, literal=True).arg_true()
        if len(places):
            value = piece[name][places[0]]
            where = f"'{value}' in column '{name}', row {before + places[0] + 1:,}"
            break
    else:
        where = "a column's name"
    return DataError(
        f"CP932 has no character '{sign}' (U+{ord(sign):04X}): {where}.",
        hint="Write --encoding utf-8-sig: Excel opens it with every character in place.",
    )


SINK: Final[Sink] = Csv()
