"""Plans on this machine: Polars streaming, shard by shard, with spill.

One rule: a shard is run to its end before the next is opened, so memory is bounded by the
largest shard and by what is small by contract.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from csk.book import Book
from csk.engine.protocol import Plan, Tables
from csk.errors import StorageError


class LocalEngine:
    """Polars in this process."""

    def total(self, book: Book, summary: Plan, key: Sequence[str]) -> pl.DataFrame:
        """Add up a summary over all shards; see the protocol."""
        parts = pl.concat(list(self._run(book, summary)))
        for name, dtype in parts.schema.items():
            if name not in key and not dtype.is_integer():
                message = f"column {name} of a summary is {dtype}, not an integer"
                raise TypeError(message)
        sums = [pl.col(n).cast(pl.Int64).sum() for n in parts.columns if n not in key]
        if not key:
            return parts.select(sums)
        return parts.group_by(*key).agg(sums).sort(*key)

    def collect(self, book: Book, plan: Plan, order: Sequence[str]) -> pl.DataFrame:
        """Return the rows of a plan, sorted; see the protocol."""
        rows = pl.concat(list(self._run(book, plan)))
        # Millions of rows by a text cost less than half of what they cost `DataFrame.sort`.
        return rows.lazy().sort(*order).collect(engine="streaming")

    def write(self, book: Book, plan: Plan, folder: Path) -> list[Path]:
        """Write the rows of a plan, one file a shard; see the protocol."""
        folder.mkdir(parents=True, exist_ok=True)
        written = []
        for shard in range(book.n_shards):
            target = folder / f"part-{shard:05d}.parquet"
            try:
                plan(tables(book, shard)).sink_parquet(target, compression="lz4")
            except OSError as error:
                raise StorageError(f"{target.name} could not be written: {error}.") from error
            written.append(target)
        return written

    def _run(self, book: Book, plan: Plan) -> Iterator[pl.DataFrame]:
        for shard in range(book.n_shards):
            yield plan(tables(book, shard)).collect(engine="streaming")


def tables(book: Book, shard: int) -> Tables:
    """Open the canonical tables of one shard, lazily."""
    return {name: pl.scan_parquet(book.parts(name, shard)) for name in (*book.tables, *book.beside)}
