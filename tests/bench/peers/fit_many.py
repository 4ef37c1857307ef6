"""BG/NBD as `csk ltv` fits it, days pooled to at most 50,000 cells: fit_many.py FILE."""

import json
import sys
import time

import polars as pl

from csk.models.repeat import purchases_of

began = time.process_time()
names = {"x": "n_purchases", "t_x": "recency_days", "T": "age_days"}
buyers = (
    pl.read_parquet(sys.argv[1], columns=list(names))
    .rename(names)
    .with_columns(pl.col("n_purchases") + 1)
)
fitted = purchases_of(buyers)
cpu = time.process_time() - began
assert fitted.is_converged
print(json.dumps({"cpu": cpu, "answer": [fitted.r, fitted.alpha, fitted.a, fitted.b]}))
