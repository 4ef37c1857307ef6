"""Order lines of a shop in no order, as csk stores payments: generate_purchases.py ROWS FILE.

Writes FILE, and beside it `sorted-` FILE, by customer and day as the store keeps them.
"""

import sys
from pathlib import Path

import numpy as np
import polars as pl
from generate import purchases

n_rows, target = int(sys.argv[1]), Path(sys.argv[2])
rng = np.random.default_rng(20_260_102)
customer, day = purchases(max(1, n_rows // 10), rng)
lines = rng.integers(0, len(customer), max(0, n_rows - len(customer)))
line = np.concatenate([np.arange(len(customer)), lines])[:n_rows]
rng.shuffle(line)
payments = pl.DataFrame({"customer": customer[line], "day": day[line]}).select(
    pl.format("C{}", pl.col("customer").cast(pl.String).str.zfill(7)).alias("customer_id"),
    (pl.date(2023, 1, 1) + pl.duration(days="day")).alias("paid_on"),
    pl.lit(rng.integers(1, 2_000, n_rows)).alias("amount") * 10_000,
)
payments.write_parquet(target)
payments.sort("customer_id", "paid_on").write_parquet(target.with_name(f"sorted-{target.name}"))
