"""What a bare Polars program does with payments: bare_polars.py FILE, CSV or Parquet.

Count, sum, first and last day of every customer. It checks nothing and keeps no rejects.
"""

import json
import sys

import polars as pl

schema = {
    "payment_id": pl.String,
    "customer_id": pl.String,
    "paid_on": pl.Date,
    "amount": pl.Float64,
}
path = sys.argv[1]
rows = pl.scan_parquet(path) if path.endswith(".parquet") else pl.scan_csv(path, schema=schema)
found = (
    rows.group_by("customer_id")
    .agg(
        pl.len(),
        pl.col("amount").sum(),
        pl.col("paid_on").min().alias("first"),
        pl.col("paid_on").max().alias("last"),
    )
    .collect(engine="streaming")
)
days = [str(found["first"].min()), str(found["last"].max())]
print(json.dumps({"answer": [found.height, found["amount"].sum(), *days]}))
