"""Kaplan-Meier of spells by lifelines, on rows: survival_lifelines.py FILE ENTRY."""

import json
import sys
import time

import polars as pl
from lifelines import KaplanMeierFitter

began = time.process_time()
spells = pl.read_parquet(sys.argv[1], columns=["entry_age", "exit_age", "cause"])
entry = spells["entry_age"].to_numpy() if sys.argv[2] == "late" else None
curve = KaplanMeierFitter().fit(
    spells["exit_age"].to_numpy(), (spells["cause"] > 0).to_numpy(), entry=entry
)
cpu = time.process_time() - began
found = curve.survival_function_at_times([31, 372, 744])
print(json.dumps({"cpu": cpu, "answer": found.tolist()}))
