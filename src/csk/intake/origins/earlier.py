"""Reading back a snapshot that csk wrote on an earlier day.

One rule: only what csk itself can have written is read, and nothing of it is trusted beyond its
columns; whatever else lies there is no earlier snapshot.
"""

from datetime import date
from pathlib import Path

import polars as pl

from csk.analyses.segment import Earlier
from csk.schema import AMOUNT_SCALE, CUSTOMER_SNAPSHOT

_NEEDED = ("as_of", "customer_id", "tier", "ltv_amount")


def earlier_snapshot(place: Path, as_of: date) -> Earlier | None:
    """Return the snapshot of a day before `as_of`.

    `place` is a Parquet file, or a folder with `fct_customer_snapshot/as_of=.../`. None where
    there is none, or what is there is something else.
    """
    if place.is_dir():
        days = sorted((place / CUSTOMER_SNAPSHOT.name).glob("as_of=*/part-*.parquet"), reverse=True)
        read = (_read(path, as_of) for path in days)
        return next((one for one in read if one is not None), None)
    if place.suffix.lower() != ".parquet" or not place.is_file():
        return None
    return _read(place, as_of)


def _read(path: Path, as_of: date) -> Earlier | None:
    try:
        found = pl.read_parquet(path, columns=list(_NEEDED), hive_partitioning=False)
        ltv = pl.col("ltv_amount").cast(pl.Decimal(38, AMOUNT_SCALE))
        counts = (ltv * 10**AMOUNT_SCALE).cast(pl.Int64)
        rows = found.select(pl.col("customer_id", "tier").cast(pl.String), ltv_amount=counts)
    except (OSError, pl.exceptions.PolarsError):
        return None
    days = found["as_of"].unique().to_list()
    if len(days) != 1 or not isinstance(days[0], date) or days[0] >= as_of:
        return None
    return Earlier(days[0], rows)
