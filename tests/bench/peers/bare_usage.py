"""What a bare Polars program does with usage: sums by customer, 28 days and feature, then without.

bare_usage.py FOLDER. It checks nothing and knows no contracts, no baselines and no shards.
"""

import sys
from datetime import date

import polars as pl

AS_OF = date(2025, 12, 22)
day = pl.col("used_at").dt.date()
key = ("customer_id", "period_no")
found = (
    pl.scan_parquet(f"{sys.argv[1]}/usage-*.parquet")
    .with_columns(day=day, period_no=(pl.lit(AS_OF) - day).dt.total_days() // 28)
    .group_by(*key, "feature")
    .agg(pl.col("quantity").sum(), first=pl.col("day").min(), last=pl.col("day").max())
    .group_by(*key)
    .agg(
        used=pl.col("quantity").sum(),
        most_used=pl.col("quantity").max(),
        n_features=pl.len(),
        first=pl.col("first").min(),
        last=pl.col("last").max(),
    )
    .collect(engine="streaming")
)
print(found.height)
