"""Facts of usage by csk, from files to Parquet: facts_csk.py FOLDER OUTPUT [STORE].

Everything is read as text, checked, cast, rejected where it is wrong, cut into shards, sorted and
stored; then the facts of customer, day and feature are made of the store and written.
"""

import json
import sys
from datetime import date
from pathlib import Path

import polars as pl

from csk.cli.session import configured, opened_book
from csk.engine.protocol import Tables
from csk.facts.usage_days import usage_days

folder, output, *store = sys.argv[1:]


def facts(tables: Tables) -> pl.LazyFrame:
    """Return what was used by customer, day and feature."""
    return usage_days(tables["usage"], date.min, date.max, by_feature=True)


kept_in = Path(store[0]) if store else None
with opened_book([folder], configured({}, None), kept_in, quiet=True) as session:
    parts = session.engine.write(session.book, facts, Path(output))
found = pl.scan_parquet(parts).select(pl.len(), pl.col("n_rows", "n_used").sum()).collect().row(0)
print(json.dumps({"answer": [found[0], found[1], found[2] // 1000]}))
