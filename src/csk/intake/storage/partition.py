"""Canonical rows, written to one Parquet file a shard, sorted by customer and day.

One rule: a customer's rows lie together, in one shard, in one run. Customers are told apart by
a hash of the id; where two ids of a shard share its bits, that shard is sorted by the id itself.
"""

import errno
import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, Literal, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from csk.errors import StorageError
from csk.intake.storage.merging import Merging

SPOOLED_BYTES: Final = 480_000_000
"""Bytes of rows held in memory before they are spooled to disk."""

Marks: TypeAlias = NDArray[np.bool_]
"""One mark a row of a table, by the number the row was given when it was added."""

_SHARD_SEED, _ORDER_SEED = 1, 2
_DAY_BITS: Final = 2**16
_SHARD, _NUMBER = " shard", " row"
"""No column of a file is called so: names of columns are trimmed."""


class Buckets:
    """Rows cut by a hash, held in memory up to a limit and on disk beyond it."""

    def __init__(self, folder: Path, n_buckets: int, most_bytes: int = SPOOLED_BYTES) -> None:
        self.folder = folder
        self.n_buckets = n_buckets
        self._most_bytes = most_bytes
        self._held: list[list[pl.DataFrame]] = [[] for _ in range(n_buckets)]
        self._n_held = 0
        self._spools: list[list[Path]] = [[] for _ in range(n_buckets)]

    def add(self, rows: pl.DataFrame, by: pl.Expr) -> None:
        """Take rows; `by` is the hash that tells where each belongs."""
        if self.n_buckets == 1:
            self._held[0].append(rows)
        else:
            parts = rows.with_columns((by % self.n_buckets).alias(_SHARD)).partition_by(
                _SHARD, include_key=False, as_dict=True
            )
            for (number,), part in parts.items():
                self._held[int(number)].append(part)
        self._n_held += int(rows.estimated_size())
        if self._n_held >= self._most_bytes:
            self._spool()

    def taken(self, bucket: int) -> list[pl.DataFrame]:
        """Return the rows of one bucket, in the order they came, and let go of them."""
        rows = [pl.read_parquet(path) for path in self._spools[bucket]] + self._held[bucket]
        self._held[bucket] = []
        return rows

    def clear(self) -> None:
        """Remove what lies on disk."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _spool(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        for bucket, held in enumerate(self._held):
            if held:
                path = self.folder / f"{bucket:05d}-{len(self._spools[bucket]):05d}.parquet"
                write_rows(pl.concat(held), path)
                self._spools[bucket].append(path)
                held.clear()
        self._n_held = 0


class PartitionedTable:
    """One canonical table on its way into the store; `close` settles it."""

    def __init__(
        self,
        folder: Path,
        n_shards: int,
        day: str | None,
        *,
        is_numbered: bool = False,
        merging: Merging | None = None,
    ) -> None:
        self.folder = folder
        self.n_shards = n_shards
        self.is_numbered = is_numbered
        """Whether rows are numbered as they come, so that `close` can leave some of them out."""
        self._day = day
        self._merging = merging
        """How sorted rows are added up before they are written."""
        self._buckets = Buckets(folder / "spool", n_shards)
        self.rows = 0
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, rows: pl.DataFrame) -> None:
        """Take canonical rows; all calls must have the same columns and types."""
        numbered = rows.with_row_index(_NUMBER, self.rows) if self.is_numbered else rows
        self._buckets.add(numbered, pl.col("customer_id").hash(_SHARD_SEED))
        self.rows += rows.height

    def close(
        self, empty: pl.DataFrame, unique: Sequence[str] = (), left_out: Marks | None = None
    ) -> int:
        """Write every shard, sorted; return the rows dropped as repeats of `unique` (last wins).

        `empty` has the columns and types of the table, for a shard without customers. `left_out`
        marks the rows that do not count, where they were numbered.
        """
        repeats = 0
        for shard in range(self.n_shards):
            pieces = self._buckets.taken(shard)
            if self.is_numbered:
                pieces = [_counting(piece, left_out) for piece in pieces]
            rows = pl.concat([empty, *pieces], rechunk=True)
            if unique:
                kept = rows.unique(subset=list(unique), keep="last", maintain_order=True)
                repeats += rows.height - kept.height
                rows = kept
            self._write(rows, self.folder / f"part-{shard:05d}.parquet")
        self._buckets.clear()
        return repeats

    def close_beside(
        self, empty: pl.DataFrame, targets: Sequence[Path], also: Iterable[Sequence[pl.DataFrame]]
    ) -> None:
        """Write the rows of every shard, and `also` those, sorted, to the file of `targets`."""
        for shard, (target, frames) in enumerate(zip(targets, also, strict=True)):
            rows = pl.concat([empty, *frames, *self._buckets.taken(shard)], rechunk=True)
            self._write(rows, target)
        self._buckets.clear()

    def _write(self, rows: pl.DataFrame, path: Path) -> None:
        ordered = _sorted(rows, self._day if self._day in rows.columns else None)
        write_rows(ordered if self._merging is None else self._merging(ordered), path)


def write_rows(
    rows: pl.DataFrame, path: Path, compression: Literal["uncompressed", "zstd"] = "uncompressed"
) -> None:
    """Write rows of a store; StorageError where the disk does not take them."""
    level = 1 if compression == "zstd" else None
    try:
        rows.write_parquet(path, compression=compression, compression_level=level, statistics=False)
    except (OSError, pl.exceptions.ComputeError) as error:
        full = os.strerror(errno.ENOSPC)
        why = f"{full}." if full in str(error) else f"{error}."
        raise StorageError(
            f"The store could not be written: {why}",
            details=[str(path)],
            hint="Free some space, or name another folder with --store or TMPDIR.",
        ) from error


def _counting(rows: pl.DataFrame, left_out: Marks | None) -> pl.DataFrame:
    if left_out is not None:
        rows = rows.filter(pl.Series(~left_out[rows[_NUMBER].to_numpy()]))
    return rows.drop(_NUMBER)


def _sorted(rows: pl.DataFrame, day: str | None) -> pl.DataFrame:
    order = pl.col("customer_id").hash(_ORDER_SEED) // _DAY_BITS * _DAY_BITS
    if day is not None:
        date_of = pl.col(day).cast(pl.Date).to_physical().fill_null(0)
        order = order + (date_of.cast(pl.Int64) + _DAY_BITS // 2).clip(0, _DAY_BITS - 1).cast(
            pl.UInt64
        )
    # Rows of one customer and day may change places: what reads payments adds them up. Other
    # tables keep the order of the file among equals.
    kind: Literal["quicksort", "stable"] = "quicksort" if day == "paid_on" else "stable"
    ordered = rows[np.argsort(rows.select(order.alias("order"))["order"].to_numpy(), kind=kind)]
    starts = ordered.select(
        pl.col("customer_id").filter(
            (pl.col("customer_id") != pl.col("customer_id").shift(1)).fill_null(value=True)
        )
    ).to_series()
    if starts.n_unique() == starts.len():
        return ordered
    by = ["customer_id"] if day is None else ["customer_id", day]
    return rows.sort(*by, maintain_order=True)
