"""Reading back what earlier runs with a model's folder foretold: its ledger and its scores.

One rule: a folder without a ledger is new; a ledger that cannot be read is refused and never
taken for none, as the next write would be the end of it.
"""

from datetime import date
from pathlib import Path
from typing import Final

import polars as pl

from csk.errors import DataError
from csk.models.risk.ledger import Ledger
from csk.schema import AMOUNT_SCALE, RISK_LIVE, RISK_RUN, RISK_SCORE, Table
from csk.tables.columns import types_of

RUNS: Final = "runs.parquet"
LIVE: Final = "live.parquet"
SCORES: Final = "scores"


def earlier_runs(folder: Path) -> Ledger:
    """Return the ledger of a model's folder, money as counts; empty where there is none.

    DataError where a file of it cannot be read, or is another one.
    """
    return Ledger(_table(folder / RUNS, RISK_RUN), _table(folder / LIVE, RISK_LIVE))


def earlier_scores(folder: Path, day: date) -> pl.DataFrame | None:
    """Return what was foretold as of a day; null where it is not kept.

    DataError where it cannot be read.
    """
    path = score_file(folder, day)
    if not path.is_file():
        return None
    found = _table(path, RISK_SCORE)
    return found.filter(pl.col("as_of") == day)


def score_file(folder: Path, day: date) -> Path:
    """Return where the scores of a day lie."""
    return folder / SCORES / f"as_of={day.isoformat()}.parquet"


def _table(path: Path, table: Table) -> pl.DataFrame:
    """Read a file of the ledger; `p_churn_{H}d` come along beside the columns of the table."""
    known = types_of(table)
    if not path.exists():
        return pl.DataFrame(schema=known)
    try:
        found = pl.read_parquet(path, hive_partitioning=False, glob=False)
        risks = [name for name in found.columns if name.startswith("p_churn_")]
        return found.select(
            *(_inside(name, found.schema[name], dtype) for name, dtype in known.items()),
            *(pl.col(name).cast(pl.Float64) for name in risks),
        )
    except (OSError, KeyError, pl.exceptions.PolarsError) as failure:
        raise DataError(
            f"'{path}' cannot be read as what earlier runs foretold: {_first_line(failure)}.",
            hint="Put it back from a backup; or move it away, and the count of runs starts anew.",
        ) from failure


def _inside(name: str, found: pl.DataType, wanted: pl.DataType) -> pl.Expr:
    if found.is_decimal():
        wide = pl.col(name).cast(pl.Decimal(38, AMOUNT_SCALE))
        return (wide * 10**AMOUNT_SCALE).cast(pl.Int64).alias(name)
    return pl.col(name).cast(wanted)


def _first_line(failure: Exception) -> str:
    return (str(failure).splitlines() or [type(failure).__name__])[0].rstrip(".")
