"""Rows of Parquet and Arrow files, with the types they were written with.

One rule: only the columns asked for are read, a few row groups at a time.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, Final, Self, cast

import polars as pl
import pyarrow as pa

from csk.errors import DataError
from csk.intake.formats.dialect import names
from csk.intake.formats.source import Batch, Malformed, Shape, Source

_ROWS: Final = 1 << 18
_EPOCH: Final = date(1970, 1, 1)
_FIRST_DAY: Final = (date(1, 1, 2) - _EPOCH).days
_LAST_DAY: Final = (date(9999, 12, 31) - _EPOCH).days
"""A day inside of what Python can say, in any time zone."""
_STEPS_A_DAY: Final = {"ms": 86_400_000, "us": 86_400_000_000}


@dataclass
class Columnar(Source):
    """A Parquet or Arrow file; dictionary columns come as String."""

    path: Path = field(kw_only=True)
    stored: tuple[str, ...] = field(kw_only=True)
    """Names as the file has them, in the order of `columns`."""

    @classmethod
    def of(cls, path: Path, name: str, head: bytes) -> Self:
        """Open a file that begins with the mark of Parquet or Arrow; DataError if it is broken."""
        shape = Shape(name, "parquet" if head.startswith(b"PAR1") else "arrow", ())
        found = cls(shape, path=path, stored=())
        with found._opened() as file:
            schema = file.schema_arrow if found.format == "parquet" else file.schema
        try:
            found.stored = tuple(schema.names)
        except UnicodeDecodeError as error:
            raise found._broken(error) from None
        if len(set(found.stored)) < len(found.stored):
            raise DataError(f"{name} has two columns of the same name.")
        found.shape = replace(shape, columns=names(found.stored))
        return found

    @property
    def malformed_count(self) -> int:
        """Rows of the wrong shape: typed files have none."""
        return 0

    def batches(self, columns: Sequence[str] = ()) -> Iterator[Batch]:
        """Read the rows of these columns, in this order; of all columns where none is named."""
        wanted = list(columns or self.columns)
        stored = [self.stored[self.columns.index(column)] for column in wanted]
        first_row = 0
        for batch in self._batches(stored):
            frame = cast("pl.DataFrame", pl.from_arrow(batch)).select(stored)
            frame.columns = wanted
            frame = frame.with_columns(
                pl.col(pl.Categorical).cast(pl.String), pl.col(pl.Enum).cast(pl.String)
            )
            yield Batch(frame.with_columns(*_spelt(frame), *_within_calendar(frame)), first_row)
            first_row += frame.height

    def sample(self, n: int = 1000) -> pl.DataFrame:
        """Read up to `n` of the first rows, every column, without reading the rest."""
        for batch in self.batches():
            return batch.frame.head(n)
        return pl.DataFrame(schema=dict.fromkeys(self.columns, pl.String))

    def malformed(self) -> Iterator[Malformed]:
        """Name the rows of the wrong shape: none."""
        return iter(())

    def located(self, rows: Sequence[int]) -> list[tuple[int, int | None]]:
        """Give (record, None) of the rows with these ordinals: a typed file has no lines."""
        return [(row + 1, None) for row in rows]

    def _batches(self, stored: list[str]) -> Iterator[Any]:
        with self._opened() as file:
            try:
                if self.format == "parquet":
                    for batch in file.iter_batches(batch_size=_ROWS, columns=stored):
                        # Polars trusts what it is given: a damaged file would crash it.
                        batch.validate(full=True)
                        yield batch
                    return
                for position in range(file.num_record_batches):
                    batch = file.get_batch(position).select(stored)
                    batch.validate(full=True)
                    for start in range(0, batch.num_rows, _ROWS):
                        yield batch.slice(start, _ROWS)
            except (pa.ArrowException, OSError) as error:
                raise self._broken(error) from None

    def _opened(self) -> Any:  # noqa: ANN401 - pyarrow has no types
        try:
            if self.format == "parquet":
                from pyarrow import parquet  # noqa: PLC0415 - costs a start-up that text needs not

                # Pages that Spark wrote have checksums; a flipped bit is another amount else.
                return parquet.ParquetFile(self.path, page_checksum_verification=True)
            return pa.ipc.open_file(pa.OSFile(str(self.path)))
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise self._broken(error) from None

    def _broken(self, error: Exception) -> DataError:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        return DataError(
            f"{self.name} is no whole {self.format.capitalize()} file: {first}",
            hint="Copy or export the file again.",
        )


def _within_calendar(frame: pl.DataFrame) -> list[pl.Series]:
    """Return days and instants; those before year 1 or after 9999 are moved to its edges.

    Databases write infinity so; Polars does not survive showing one.
    """
    found = []
    for column in frame:
        steps = _STEPS_A_DAY.get(getattr(column.dtype, "time_unit", ""), 1)
        is_far = isinstance(column.dtype, pl.Datetime) and column.dtype.time_unit != "ns"
        if is_far or column.dtype == pl.Date:
            inside = column.to_physical().clip(_FIRST_DAY * steps, _LAST_DAY * steps)
            found.append(inside.cast(column.dtype))
    return found


def _spelt(frame: pl.DataFrame) -> list[pl.Series]:
    """Return as text the columns whose types no table has: nested values, bytes, durations."""
    return [
        pl.Series(column.name, [None if v is None else str(v) for v in column], dtype=pl.String)
        for column in frame
        if column.dtype.is_nested() or column.dtype in (pl.Binary, pl.Duration, pl.Object)
    ]
