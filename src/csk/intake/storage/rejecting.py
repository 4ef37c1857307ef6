"""The rejects of a run: each with its file, record, line, column, value and reason.

One rule: lines are looked for once, after a file was read, and only for what is listed.
"""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Final

import polars as pl

from csk.book import Book
from csk.intake.plans.opening import Opened
from csk.intake.storage.partition import write_rows
from csk.schema import REJECTS

NAME: Final = "rejects.parquet"


def rejects(book: Book) -> pl.DataFrame:
    """Return the rejects of a book, in the columns of `schema.REJECTS`."""
    return pl.read_parquet(book.root / NAME)


def no_rejects() -> pl.DataFrame:
    """Return a table of rejects without rows."""
    kinds = {"count": pl.Int64, "text": pl.String}
    return pl.DataFrame(schema={c.name: kinds[c.kind] for c in REJECTS.columns})


def listed(one: Opened, broken: Sequence[pl.DataFrame], most: int | None = None) -> pl.DataFrame:
    """Return the rejects of a file with the record and the physical line of each.

    `broken` are the broken values as `rows.canonical` gives them, `row` counting over the whole
    file. Only the first `most` of each kind are listed, where it is given.
    """
    found = [no_rejects()]
    if broken:
        values = pl.concat(broken)
        values = values if most is None else values.head(most)
        rows = values["row"].unique().sort()
        places = pl.DataFrame(
            one.source.located(rows.to_list()),
            schema={"record": pl.Int64, "line": pl.Int64},
            orient="row",
        ).with_columns(row=rows)
        placed = values.join(places, on="row", how="left", maintain_order="left")
        found.append(placed.with_columns(file=pl.lit(one.name)))
    if one.source.malformed_count:
        malformed = islice(one.source.malformed(), most)
        lines = [(one.name, m.record, m.line, "", m.text, m.reason) for m in malformed]
        found.append(pl.DataFrame(lines, schema=no_rejects().schema, orient="row"))
    return pl.concat([part.select(REJECTS.names) for part in found])


def write_rejects(found: pl.DataFrame, folder: Path) -> None:
    """Keep the rejects beside the tables of a book."""
    write_rows(found, folder / NAME)
