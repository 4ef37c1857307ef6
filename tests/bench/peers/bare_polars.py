"""What a bare Polars program does with the same columns: count, sum, first and last day."""

import sys

import polars as pl

schema = {
    "payment_id": pl.String,
    "customer_id": pl.String,
    "paid_on": pl.Date,
    "amount": pl.Float64,
}
found = (
    pl.scan_csv(sys.argv[1], schema=schema)
    .group_by("customer_id")
    .agg(
        pl.len(),
        pl.col("amount").sum(),
        pl.col("paid_on").min().alias("first"),
        pl.col("paid_on").max().alias("last"),
    )
    .collect(engine="streaming")
)
print(found.height)
