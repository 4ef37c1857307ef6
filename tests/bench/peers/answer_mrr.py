"""Recurring revenue at the end of the last period, as `csk mrr` wrote it: answer_mrr.py FILE."""

import json
import sys

import polars as pl

of_all = pl.read_parquet(sys.argv[1]).filter(pl.col("dimension").is_null())
last = of_all.filter(pl.col("kind") == "end").sort("period_on").tail(1)
print(json.dumps({"answer": [float(last["amount"][0])]}))
