"""Kaplan-Meier of spells by csk: survival_csk.py FILE ENTRY, `late` or `none`."""

import json
import sys
import time

import polars as pl

from csk.models.contract import counts
from csk.stats.survival import kaplan_meier, survival_at
from csk.tables.spells import age_counts

began = time.process_time()
spells = pl.scan_parquet(sys.argv[1])
if sys.argv[2] == "none":
    spells = spells.with_columns(entry_age=pl.lit(0, pl.Int32))
curve = kaplan_meier(counts(age_counts(spells).collect(engine="streaming")))
cpu = time.process_time() - began
print(json.dumps({"cpu": cpu, "answer": survival_at(curve, [31, 372, 744]).tolist()}))
