"""Order lines to (x, t_x, T) as csk runs it: histories_csk.py FILE STATE.

`unsorted` lines are sorted into the store's shards first, written and read again; `sorted` ones
are a shard of the store already.
"""

import json
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import polars as pl

from csk.intake.storage.partition import PartitionedTable
from csk.tables.snapshot import purchase_snapshot

SHARDS = 15  # What the store takes for the 359 MB that 10 M payments are as CSV.
lines, state = Path(sys.argv[1]), sys.argv[2]
found = []
began = time.process_time()
with tempfile.TemporaryDirectory(dir=lines.parent) as name:
    shards = [lines]
    if state == "unsorted":
        payments = PartitionedTable(Path(name), SHARDS, "paid_on")
        rows = pl.read_parquet(lines)
        payments.add(rows)
        payments.close(rows.clear())
        shards = sorted(Path(name).glob("part-*.parquet"))
    for shard in shards:
        plan = purchase_snapshot({"payments": pl.scan_parquet(shard)}, date(2025, 1, 1))
        x = pl.col("n_purchases") - 1
        history = plan.select("customer_id", x=x, t_x="recency_days", T="age_days")
        found.append(history.collect(engine="streaming"))
cpu = time.process_time() - began
sums = pl.concat(found).select(pl.len(), pl.col("x", "t_x", "T").cast(pl.Int64).sum()).row(0)
print(json.dumps({"cpu": cpu, "answer": list(sums)}))
