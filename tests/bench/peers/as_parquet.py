"""Payments as Parquet, typed and otherwise as they came: as_parquet.py CSV FILE."""

import sys

import polars as pl

schema = {
    "payment_id": pl.String,
    "customer_id": pl.String,
    "paid_on": pl.Date,
    "amount": pl.Float64,
}
pl.scan_csv(sys.argv[1], schema=schema).sink_parquet(sys.argv[2])
