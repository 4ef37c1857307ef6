"""Small tables that are read whole before the others: margins and rates of exchange.

One rule: what they say is shared by all files of a run.
"""

from collections.abc import Mapping

import polars as pl

from csk.errors import DataError
from csk.intake.formats.source import Source
from csk.intake.values.casts import ColumnReading, cast


def margins(
    source: Source, readings: tuple[ColumnReading, ...]
) -> tuple[int, dict[str, dict[str, float]]]:
    """Return the rows of a costs file, and its margin shares by `plan` and by `product_id`.

    DataError where a share does not lie in 0 to 1.
    """
    n = 0
    found: dict[str, dict[str, float]] = {"plan": {}, "product_id": {}}
    for batch in source.batches([r.name for r in readings]):
        values = {r.column.name: cast(batch.frame[r.name], r).values for r in readings}
        for key, shares in found.items():
            if key in values:
                pairs = zip(values[key].to_list(), values["margin_share"].to_list(), strict=True)
                shares.update(
                    {str(k): float(v) for k, v in pairs if k is not None and v is not None}
                )
        n += batch.frame.height
    _refuse_no_shares(source, {**found["plan"], **found["product_id"]})
    return n, found


def rate_table(
    source: Source, readings: tuple[ColumnReading, ...]
) -> tuple[int, list[pl.DataFrame]]:
    """Return the rows of a table of rates, and its parts; rows that say nothing are left out."""
    n, parts = 0, []
    for batch in source.batches([r.name for r in readings]):
        typed = [cast(batch.frame[r.name], r).values for r in readings]
        parts.append(pl.DataFrame(typed).drop_nulls())
        n += batch.frame.height
    return n, parts


def _refuse_no_shares(source: Source, shares: Mapping[str, float]) -> None:
    bad = [f"{key}: {share}" for key, share in shares.items() if not 0 <= share <= 1]
    if bad:
        raise DataError(f"{source.name}: a margin share must lie in 0 to 1.", details=bad)
