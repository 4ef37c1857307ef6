"""The types in which tables leave csk: those of the contract with BI tools and no others.

One rule: a kind of `csk.schema` decides; only columns that the table does not know (kept ones)
go by their own type and by the grammar of their name. Money becomes Decimal without a float.
"""

from collections.abc import Iterator
from datetime import date
from typing import Final

import polars as pl

from csk.errors import DataError
from csk.schema import AMOUNT_SCALE, SCHEMA_VERSION, Table
from csk.sinks.protocol import Rows, SinkOptions

ROW_GROUP: Final = 262_144
AMOUNT: Final = pl.Decimal(18, AMOUNT_SCALE)
INSTANT: Final = pl.Datetime("us", "UTC")

_TYPES: Final[dict[str, pl.DataType]] = {
    "id": pl.String(),
    "text": pl.String(),
    "date": pl.Date(),
    "instant": INSTANT,
    "amount": AMOUNT,
    "count": pl.Int64(),
    "number": pl.Float64(),
    "flag": pl.Boolean(),
}
_LARGEST_AMOUNT: Final = 10**18 - 1
_UNIT: Final = 10**AMOUNT_SCALE


def stamps(table: Table, options: SinkOptions) -> dict[str, str]:
    """Return what is written beside the rows in formats that hold metadata."""
    as_of = options.as_of.isoformat() if isinstance(options.as_of, date) else ""
    return {
        "csk.schema_version": str(SCHEMA_VERSION),
        "csk.table": table.name,
        **({"csk.as_of": as_of} if as_of else {}),
    }


def pieces(frames: Rows, table: Table) -> Iterator[pl.DataFrame]:
    """Yield typed frames of `ROW_GROUP` rows each (the last one shorter), columns in file order.

    Where the pieces are cut depends on the rows alone and not on how they came, so that shards
    change no byte. At least one frame comes, empty where there are no rows; a first frame fixes
    the columns, and a ValueError meets one that differs.
    """
    waiting: list[pl.DataFrame] = []
    height, columns = 0, None
    for frame in [frames] if isinstance(frames, pl.DataFrame) else frames:
        typed = exported(frame, table)
        if columns is not None and typed.schema != columns:
            raise ValueError(f"frames of {table.name} differ: {typed.schema} after {columns}")
        columns = typed.schema
        waiting.append(typed)
        height += typed.height
        while height > ROW_GROUP:
            whole = pl.concat(waiting)
            yield whole.head(ROW_GROUP).rechunk()
            waiting = [whole.slice(ROW_GROUP)]
            height -= ROW_GROUP
    if columns is None:
        yield pl.DataFrame(schema={column.name: _TYPES[column.kind] for column in table.columns})
    else:
        yield pl.concat(waiting).rechunk()


def exported(frame: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Cast `frame` to the types of files: the table's columns in its order, then the kept ones.

    Columns that the table knows and the frame lacks stay out, but a ValueError names those that
    it requires. Numbers that are not finite become null. A DataError names a column whose
    values no file type can hold.
    """
    missing = [c.name for c in table.columns if c.required and c.name not in frame.columns]
    if missing:
        raise ValueError(f"{table.name} needs the columns {missing}")
    kinds = {column.name: column.kind for column in table.columns if column.name in frame.columns}
    kinds |= {name: _kind(name, frame.schema[name]) for name in frame.columns if name not in kinds}
    return frame.select(_cast(frame, name, kind) for name, kind in kinds.items())


def _kind(name: str, dtype: pl.DataType) -> str:
    """Find the kind of a kept column by its type; money also by its name."""
    is_money = name == "amount" or name.endswith("_amount")
    for kind, is_kind in (
        ("amount", dtype.is_decimal() or (dtype.is_integer() and is_money)),
        ("count", dtype.is_integer()),
        ("number", dtype.is_float()),
        ("date", dtype == pl.Date),
        ("instant", isinstance(dtype, pl.Datetime)),
        ("flag", dtype == pl.Boolean),
        ("text", dtype in {pl.String, pl.Null} or isinstance(dtype, pl.Categorical | pl.Enum)),
    ):
        if is_kind:
            return kind
    raise DataError(
        f"The column '{name}' holds values of type {dtype}, which no table of csk may hold.",
        hint="Leave it out of --keep, or turn it into text, a number or a date first.",
    )


def _cast(frame: pl.DataFrame, name: str, kind: str) -> pl.Expr:
    dtype = frame.schema[name]
    column = pl.col(name)
    if kind == "amount" and not dtype.is_decimal() and dtype != pl.Null:
        if not dtype.is_integer():
            raise ValueError(f"money in '{name}' must be whole 1/{_UNIT} units, not {dtype}")
        return _amount(frame, name)
    if kind == "instant" and isinstance(dtype, pl.Datetime) and dtype.time_zone is None:
        return column.cast(pl.Datetime("us")).dt.replace_time_zone("UTC").alias(name)
    if kind == "number":
        number = column.cast(pl.Float64())
        return pl.when(number.is_finite()).then(number).alias(name)
    return column.cast(_TYPES[kind])


def _amount(frame: pl.DataFrame, name: str) -> pl.Expr:
    """Read counts of 1/10,000 as Decimal: 38 digits hold every Int64 so shifted, exactly."""
    largest = frame.select(pl.col(name).cast(pl.Int128()).abs().max()).item()
    if largest is not None and largest > _LARGEST_AMOUNT:
        raise DataError(
            f"An amount in '{name}' is too large for a file: {largest // _UNIT:,} major units.",
            hint="Decimal(18,4) ends below 100,000,000,000,000; is the unit of the amounts right?",
        )
    wide = pl.Decimal(38, AMOUNT_SCALE)
    unit = pl.lit(_UNIT, dtype=pl.Int64()).cast(pl.Decimal(38, 0))
    return (pl.col(name).cast(pl.Int64()).cast(wide) / unit).cast(AMOUNT).alias(name)
