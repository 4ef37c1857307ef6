"""Frames as Arrow tables with plain strings, which every reader of Parquet and Arrow knows.

One rule: the Arrow schema is stated, never inferred from the values of one piece.
"""

from typing import TYPE_CHECKING, Final

import polars as pl

from csk.schema import AMOUNT_SCALE

if TYPE_CHECKING:
    import pyarrow as pa


def arrow_schema(frame: pl.DataFrame, metadata: dict[str, str]) -> "pa.Schema":
    """Return the schema of files for a frame made by `pieces`, `metadata` stamped into it."""
    import pyarrow as pa  # noqa: PLC0415 # only runs that write these formats pay its import

    types: Final = {
        pl.String: pa.string(),
        pl.Date: pa.date32(),
        pl.Datetime: pa.timestamp("us", tz="UTC"),
        pl.Decimal: pa.decimal128(18, AMOUNT_SCALE),
        pl.Int64: pa.int64(),
        pl.Float64: pa.float64(),
        pl.Boolean: pa.bool_(),
    }
    fields = [(name, types[dtype.base_type()]) for name, dtype in frame.schema.items()]
    return pa.schema(fields, metadata=metadata)


def arrow_table(frame: pl.DataFrame, schema: "pa.Schema") -> "pa.Table":
    """Return `frame` as one Arrow table of `schema`, each column in one chunk."""
    return frame.to_arrow().cast(schema).combine_chunks()
