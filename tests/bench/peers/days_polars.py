"""Customers and days on which they were there, from the events: days_polars.py FILE, a CSV."""

import json
import sys

import polars as pl

found = (
    pl.scan_csv(sys.argv[1], schema_overrides={"used_at": pl.String})
    .select("customer_id", day=pl.col("used_at").str.slice(0, 10))
    .group_by("customer_id")
    .agg(pl.col("day").n_unique())
    .collect(engine="streaming")
)
print(json.dumps({"answer": [found.height, int(found["day"].sum())]}))
