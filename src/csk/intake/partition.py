"""Canonical rows, written to one Parquet file a shard, sorted by customer and day.

One rule: a customer's rows lie together, in one shard, in one run. Customers are told apart by
a hash of the id; where two ids of a shard share its bits, that shard is sorted by the id itself.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

import numpy as np
import polars as pl

from csk.errors import StorageError

SPOOLED_BYTES: Final = 480_000_000
"""Bytes of rows held in memory before they are spooled to disk."""

_SHARD_SEED, _ORDER_SEED = 1, 2
_DAY_BITS: Final = 2**16


class PartitionedTable:
    """One canonical table on its way into the store; `close` settles it."""

    def __init__(self, folder: Path, n_shards: int, day: str | None) -> None:
        self.folder = folder
        self.n_shards = n_shards
        self._day = day
        self._held: list[list[pl.DataFrame]] = [[] for _ in range(n_shards)]
        self._n_held = 0
        self._spools: list[list[Path]] = [[] for _ in range(n_shards)]
        self.rows = 0
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, rows: pl.DataFrame) -> None:
        """Take canonical rows; all calls must have the same columns and types."""
        if self.n_shards == 1:
            self._held[0].append(rows)
        else:
            shard = pl.col("customer_id").hash(_SHARD_SEED) % self.n_shards
            parts = rows.with_columns(shard.alias("shard")).partition_by(
                "shard", include_key=False, as_dict=True
            )
            for (number,), part in parts.items():
                self._held[int(number)].append(part)
        self.rows += rows.height
        self._n_held += int(rows.estimated_size())
        if self._n_held >= SPOOLED_BYTES:
            self._spool()

    def close(self, empty: pl.DataFrame, unique: Sequence[str] = ()) -> int:
        """Write every shard, sorted; return the rows dropped as repeats of `unique` (last wins).

        `empty` has the columns and types of the table, for a shard without customers.
        """
        repeats = 0
        for shard in range(self.n_shards):
            pieces = [pl.read_parquet(path) for path in self._spools[shard]] + self._held[shard]
            self._held[shard] = []
            rows = pl.concat([empty, *pieces], rechunk=True)
            if unique:
                kept = rows.unique(subset=list(unique), keep="last", maintain_order=True)
                repeats += rows.height - kept.height
                rows = kept
            day = self._day if self._day in empty.columns else None
            _write(_sorted(rows, day), self.folder / f"part-{shard:05d}.parquet")
        shutil.rmtree(self._spool_folder, ignore_errors=True)
        return repeats

    @property
    def _spool_folder(self) -> Path:
        return self.folder / "spool"

    def _spool(self) -> None:
        self._spool_folder.mkdir(exist_ok=True)
        for shard, held in enumerate(self._held):
            if held:
                path = self._spool_folder / f"{shard:05d}-{len(self._spools[shard]):05d}.parquet"
                _write(pl.concat(held), path)
                self._spools[shard].append(path)
                held.clear()
        self._n_held = 0


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


def _write(rows: pl.DataFrame, path: Path) -> None:
    try:
        rows.write_parquet(path, compression="uncompressed", statistics=False)
    except (OSError, pl.exceptions.ComputeError) as error:
        raise StorageError(
            f"The store could not be written: {error}.",
            hint="Free space in the temporary folder, or name another one with TMPDIR.",
        ) from error
