"""What a bare Polars program does with the same columns: the net change of each customer's days."""

import json
import sys

import polars as pl

schema = {
    "subscription_id": pl.String,
    "customer_id": pl.String,
    "plan": pl.String,
    "started_on": pl.Date,
    "ended_on": pl.Date,
    "mrr_amount": pl.Float64,
    "cancel_reason": pl.String,
}
rows = pl.scan_csv(sys.argv[1], schema=schema)
rises = rows.select("customer_id", changed_on="started_on", change="mrr_amount")
falls = rows.filter(pl.col("ended_on").is_not_null()).select(
    "customer_id", changed_on="ended_on", change=-pl.col("mrr_amount")
)
found = (
    pl.concat([rises, falls])
    .group_by("customer_id", "changed_on")
    .agg(pl.col("change").sum())
    .collect(engine="streaming")
)
print(json.dumps({"answer": [found["change"].sum()]}))
