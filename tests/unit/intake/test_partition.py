"""Rows cut by customer, held in memory and on disk."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from csk.errors import StorageError
from csk.intake.storage.partition import Buckets, PartitionedTable, write_rows

ROWS = pl.DataFrame(
    {
        "customer_id": [f"c{n % 7}" for n in range(40)],
        "paid_on": [date(2024, 1, 1 + n % 28) for n in range(40)],
        "shard": [str(n) for n in range(40)],  # a column of a file may be called so
    }
)


def written(folder):
    return pl.concat([pl.read_parquet(path) for path in sorted(folder.glob("part-*"))])


@pytest.mark.parametrize("n_shards", [1, 5])
def test_every_row_is_written_once(tmp_path, n_shards):
    table = PartitionedTable(tmp_path, n_shards, "paid_on")
    for part in (ROWS.head(11), ROWS.tail(29)):
        table.add(part)
    assert (table.close(ROWS.clear()), table.rows) == (0, 40)
    assert written(tmp_path).sort("shard").equals(ROWS.sort("shard"))
    for path in tmp_path.glob("part-*"):
        part = pl.read_parquet(path)
        assert part["customer_id"].rle_id().n_unique() == part["customer_id"].n_unique()
        assert part.group_by("customer_id").agg(pl.col("paid_on").is_sorted().alias("n"))["n"].all()


@pytest.mark.parametrize("n_shards", [1, 5])
def test_marked_rows_are_left_out(tmp_path, n_shards):
    table = PartitionedTable(tmp_path, n_shards, "paid_on", is_numbered=True)
    for part in (ROWS.head(11), ROWS.tail(29)):
        table.add(part)
    marks = np.zeros(40, dtype=np.bool_)
    marks[[0, 12, 39]] = True
    table.close(ROWS.clear(), left_out=marks)
    gone = ROWS.filter(pl.col("shard").is_in(["0", "12", "39"]).not_())
    assert written(tmp_path).sort("shard").equals(gone.sort("shard"))


def test_numbering_rows_changes_no_byte(tmp_path):
    for name, is_numbered in (("plain", False), ("numbered", True)):
        table = PartitionedTable(tmp_path / name, 3, "paid_on", is_numbered=is_numbered)
        table.add(ROWS)
        table.close(ROWS.clear())
    for path in (tmp_path / "plain").iterdir():
        assert path.read_bytes() == (tmp_path / "numbered" / path.name).read_bytes()


def test_what_memory_does_not_hold_waits_on_disk_in_order(tmp_path):
    buckets = Buckets(tmp_path / "spool", 2, most_bytes=100)
    for start in range(0, 40, 8):
        buckets.add(ROWS.slice(start, 8), pl.col("customer_id").hash(1))
    assert list((tmp_path / "spool").iterdir())
    rows = [part for bucket in range(2) for part in buckets.taken(bucket)]
    kept = pl.concat(rows).with_columns(pl.col("shard").cast(pl.Int64))
    assert sorted(kept["shard"]) == [*range(40)]
    for _, of_one in kept.group_by("customer_id"):
        assert of_one["shard"].is_sorted()
    buckets.clear()
    assert not (tmp_path / "spool").exists()


def test_a_disk_that_takes_nothing_is_a_refusal(tmp_path):
    with pytest.raises(StorageError, match="could not be written"):
        write_rows(ROWS, tmp_path / "nowhere" / "rows.parquet")
