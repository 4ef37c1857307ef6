"""Days on which each customer was there, from the sorted shards of a store: days_csk.py STORE.

Rows of a customer lie together and in the order of time, so a day that differs from the one in
the row before is a day more: nothing is hashed.
"""

import json
import sys
from pathlib import Path

import polars as pl

n_customers = n_days = 0
for shard in sorted(Path(sys.argv[1]).glob("_book-*/usage/part-*.parquet")):
    day = pl.col("used_at").dt.date()
    moved = pl.col("customer_id").ne_missing(pl.col("customer_id").shift(1))
    rows = pl.read_parquet(shard, columns=["customer_id", "used_at"])
    starts = rows.select(moved=moved, day=moved | (day != day.shift(1)))
    first = starts["moved"].arg_true()
    # Days so far, at the last row of every customer: its own are the difference to the one before.
    days = starts["day"].cast(pl.UInt32).cum_sum()
    ends = pl.concat([first[1:], pl.Series([rows.height], dtype=pl.UInt32)]) - 1
    own = days.gather(ends).diff().fill_null(days.gather(ends[:1])[0]) if rows.height else days
    n_customers += len(own)
    n_days += int(own.sum())
print(json.dumps({"answer": [n_customers, n_days]}))
