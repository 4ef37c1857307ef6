"""Columns that one export takes from another: an item its plan's price, a line its order's day.

One rule: the other export is small and held whole, each of its ids once; rows keep their number
and their order, so that a reject is still found where it stands.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import polars as pl

from csk.intake.canonical.rules import spoken
from csk.intake.formats.source import Batch, Malformed, Source
from csk.intake.recognition.exports import Join, Known, known

ROW: Final = "row"
"""Name of the id in what is looked up."""


def joined(sources: Sequence[Source]) -> list[Source]:
    """Return the sources, those of known exports with the columns that others among them add."""
    recognised = [known(source.columns) for source in sources]
    by_name: dict[str, list[tuple[Source, Known]]] = {}
    for source, one in zip(sources, recognised, strict=True):
        if one is not None:
            by_name.setdefault(one.export.name, []).append((source, one))
    return [
        source if one is None else _with_joins(source, one, by_name)
        for source, one in zip(sources, recognised, strict=True)
    ]


def _with_joins(
    source: Source, one: Known, by_name: Mapping[str, Sequence[tuple[Source, Known]]]
) -> Source:
    for join in one.export.joins:
        if join.export in by_name and join.on[0] in one.found:
            found = [_lookup(other, theirs, join) for other, theirs in by_name[join.export]]
            if parts := [part for part in found if part is not None]:
                lookup = pl.concat(parts, how="diagonal")
                lookup = lookup.unique(ROW, keep="last", maintain_order=True)
                source = Joined(
                    replace(source.shape, columns=(*source.columns, *lookup.columns[1:])),
                    source=source,
                    key=one.found[join.on[0]],
                    lookup=lookup,
                )
    return source


def _lookup(other: Source, theirs: Known, join: Join) -> pl.DataFrame | None:
    """Return the other export's id and the columns it gives, each id once (its last row)."""
    wanted = {new: theirs.found[key] for new, key in join.take.items() if key in theirs.found}
    key = theirs.found.get(join.on[1])
    if key is None or not wanted or not join.where.keys() <= theirs.found.keys():
        return None
    where = {theirs.found[k]: values for k, values in join.where.items()}
    names = list(dict.fromkeys([key, *wanted.values(), *where]))
    rows = pl.concat(
        [pl.DataFrame(schema=dict.fromkeys(names, pl.String))]
        + [batch.frame.select(pl.col(names).cast(pl.String)) for batch in other.batches(names)]
    )
    for column, values in where.items():
        rows = rows.filter(spoken(pl.col(column)).is_in(list(values)))
    renamed = rows.select(pl.col(key).alias(ROW), *(pl.col(c).alias(n) for n, c in wanted.items()))
    return renamed.drop_nulls(ROW).unique(ROW, keep="last", maintain_order=True)


@dataclass
class Joined(Source):
    """A source with further columns; null where the other export has not the row's id."""

    source: Source = None  # type: ignore[assignment] # a field after those with defaults
    key: str = ""
    lookup: pl.DataFrame = None  # type: ignore[assignment] # likewise

    def batches(self, columns: Sequence[str] = ()) -> Iterator[Batch]:
        """Read the rows of these columns, in this order; of all columns where none is named."""
        wanted = list(columns or self.columns)
        own = [name for name in wanted if name in self.source.columns]
        for batch in self.source.batches(list(dict.fromkeys([*own, self.key]))):
            yield Batch(self._completed(batch.frame).select(wanted), batch.first_row)

    def sample(self, n: int = 1000) -> pl.DataFrame:
        """Read up to `n` of the first rows, every column, without reading the rest."""
        return self._completed(self.source.sample(n))

    @property
    def malformed_count(self) -> int:
        """Rows of the wrong shape seen by the last finished `batches`."""
        return self.source.malformed_count

    def malformed(self) -> Iterator[Malformed]:
        """Name the rows of the wrong shape, in file order."""
        return self.source.malformed()

    def located(self, rows: Sequence[int]) -> list[tuple[int, int | None]]:
        """Give (record, line) of the rows with these ordinals."""
        return self.source.located(rows)

    def close(self) -> None:
        """Remove the temporary files."""
        self.source.close()

    def _completed(self, rows: pl.DataFrame) -> pl.DataFrame:
        ids = rows[self.key].cast(pl.String)
        found = (
            ids.alias(ROW).to_frame().join(self.lookup, on=ROW, how="left", maintain_order="left")
        )
        return rows.hstack(found.drop(ROW))
