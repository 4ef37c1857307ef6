"""Whether `csk usage` counted right: answer_usage.py FILE EVENTS; fails where it did not.

Usage of the last 28 days of all customers in FILE, added up anew from the CSV of events.
"""

import json
import sys
from datetime import timedelta

import polars as pl

told = pl.read_parquet(sys.argv[1], columns=["as_of", "customer_id", "usage_28d"])
until = told["as_of"][0]
day = pl.col("used_at").str.slice(0, 10).str.to_date("%Y-%m-%d")
found = (
    pl.scan_csv(sys.argv[2], schema_overrides={"used_at": pl.String})
    .filter(day >= until - timedelta(days=28), day < until)
    .group_by("customer_id")
    .agg(pl.col("quantity").sum())
    .collect(engine="streaming")
)
both = told.join(found, on="customer_id", how="left")
here, there = float(told["usage_28d"].sum()), float(both["quantity"].sum())
assert abs(here - there) <= 1e-9 * there, (here, there)
print(json.dumps({"customers": told.height, "usage": here, "added up anew": there}))
