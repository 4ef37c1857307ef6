"""Customers, money and days in what `csk segment` has written: answer_segment.py FILE [hash].

With `hash` the bytes of the file too.
"""

import json
import sys
from hashlib import sha256
from pathlib import Path

import polars as pl

path = Path(sys.argv[1])
found = pl.read_parquet(
    path, columns=["realised_amount", "customer_since_on", "last_purchase_on"]
).select(
    pl.len(),
    pl.col("realised_amount").sum().cast(pl.Float64),
    pl.col("customer_since_on").min().cast(pl.String),
    pl.col("last_purchase_on").max().cast(pl.String),
)
more = [sha256(path.read_bytes()).hexdigest()] if sys.argv[2:] else []
print(json.dumps({"answer": [*found.row(0), *more]}))
