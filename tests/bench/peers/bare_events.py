"""What a bare Polars program does with events: bare_events.py FILE, a CSV with moments in it.

Events and quantities by customer, day and feature; moments by an explicit format, which is
several times faster than a schema that says Datetime.
"""

import json
import sys

import polars as pl

schema = {
    "customer_id": pl.String,
    "used_at": pl.String,
    "feature": pl.String,
    "quantity": pl.Int64,
}
found = (
    pl.scan_csv(sys.argv[1], schema=schema)
    .with_columns(used_on=pl.col("used_at").str.to_datetime("%Y-%m-%d %H:%M:%S").dt.date())
    .group_by("customer_id", "used_on", "feature")
    .agg(pl.len(), pl.col("quantity").sum())
    .collect(engine="streaming")
)
sums = [found.height, int(found["len"].sum()), int(found["quantity"].sum())]
print(json.dumps({"answer": sums}))
