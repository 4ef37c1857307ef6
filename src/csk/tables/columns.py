"""The types that columns have inside csk, by their kind in the glossary.

One rule: money is a count until a sink writes it; files have types of their own.
"""

from collections.abc import Mapping
from typing import Final

import polars as pl

from csk.schema import Table

INSIDE: Final[Mapping[str, pl.DataType]] = {
    "id": pl.String(),
    "text": pl.String(),
    "date": pl.Date(),
    "instant": pl.Datetime("us", "UTC"),
    "amount": pl.Int64(),
    "count": pl.Int64(),
    "number": pl.Float64(),
    "flag": pl.Boolean(),
}


def types_of(table: Table) -> dict[str, pl.DataType]:
    """Return the type of each column of a table, in its order."""
    return {column.name: INSIDE[column.kind] for column in table.columns}
