"""Spells of contracts as `csk.tables.spells.exposures` returns them: generate_spells.py ROWS FILE.

Ages are ticks (31 a month); a quarter had run for a while when the log began. Beside FILE the
same as .npz, for those who read no Parquet.
"""

import sys
from pathlib import Path

import numpy as np
import polars as pl

n, target = int(sys.argv[1]), sys.argv[2]
rng = np.random.default_rng(20_260_103)
ends = 1 + (900 * rng.weibull(0.8, n)).astype(np.int64)
entry = np.where(rng.random(n) < 0.25, rng.integers(0, 300, n), 0)
entry = np.where(entry < ends, entry, 0)
cut = entry + rng.integers(1, 1_100, n)
cause = np.where(ends <= cut, 1 + (rng.random(n) < 0.2), 0)
np.savez(Path(target).with_suffix(".npz"), entry=entry, exit=np.minimum(ends, cut), left=cause > 0)
pl.DataFrame(
    {"entry_age": entry, "exit_age": np.minimum(ends, cut), "cause": cause},
    schema=dict.fromkeys(("entry_age", "exit_age", "cause"), pl.Int32),
).with_columns(group=pl.lit("all"), term_months=pl.lit(1, pl.Int32)).write_parquet(target)
