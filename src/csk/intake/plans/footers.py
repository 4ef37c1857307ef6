"""Lines that a report has below its rows: its totals, who may read it, whose it is.

One rule: a footer is what stands below the last row, has one value a line, and has a line among
it that is known; a short line anywhere else, or beside none that is known, stays malformed.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from csk.intake.canonical.rules import spoken
from csk.intake.formats.source import Batch, Malformed, Source
from csk.intake.recognition.exports import Known

LONGEST: Final = 20
"""Lines of the longest footer; where more are malformed, the file is broken."""


@dataclass
class Footed(Source):
    """A source whose last lines may be a footer, which is told apart from malformed rows."""

    source: Source = None  # type: ignore[assignment] # a field after those with defaults
    endings: tuple[str, ...] = ()
    """How known lines of a footer begin, as `rules.spoken` gives them."""
    _n_rows: int = field(init=False, default=0)
    _found: tuple[list[Malformed], int] | None = field(init=False, default=None)

    def batches(self, columns: Sequence[str] = ()) -> Iterator[Batch]:
        """Read the rows of these columns, in this order; of all columns where none is named."""
        self._n_rows, self._found = 0, None
        for batch in self.source.batches(columns):
            self._n_rows += batch.frame.height
            yield batch

    def sample(self, n: int = 1000) -> pl.DataFrame:
        """Read up to `n` of the first rows, every column, without reading the rest."""
        return self.source.sample(n)

    @property
    def footer_count(self) -> int:
        """Lines of the footer seen by the last finished `batches`."""
        return self._parted()[1]

    @property
    def malformed_count(self) -> int:
        """Rows of the wrong shape seen by the last finished `batches`."""
        return self.source.malformed_count - self.footer_count

    def malformed(self) -> Iterator[Malformed]:
        """Name the rows of the wrong shape, in file order."""
        rows, n_footer = self._parted()
        yield from rows if n_footer else self.source.malformed()

    def located(self, rows: Sequence[int]) -> list[tuple[int, int | None]]:
        """Give (record, line) of the rows with these ordinals."""
        return self.source.located(rows)

    def close(self) -> None:
        """Remove the temporary files."""
        self.source.close()

    def _parted(self) -> tuple[list[Malformed], int]:
        """Return the malformed rows above the footer, and the number of its lines."""
        if self._found is None:
            is_short = 0 < self.source.malformed_count <= LONGEST
            lines = list(self.source.malformed()) if is_short else []
            self._found = lines, 0
            if any(self._is_known(line) for line in lines):
                last = self.source.located([self._n_rows - 1])[0][0] if self._n_rows else 0
                rows = [line for line in lines if line.record <= last or not self._is_one(line)]
                if any(self._is_known(line) for line in lines if line not in rows):
                    self._found = rows, len(lines) - len(rows)
        return self._found

    def _is_known(self, line: Malformed) -> bool:
        text = pl.select(spoken(pl.lit(_first(self._values(line))))).item()
        return str(text).startswith(self.endings)

    def _is_one(self, line: Malformed) -> bool:
        """Tell whether a line has one value, or begins as those of a footer do."""
        return sum(map(bool, self._values(line))) == 1 or self._is_known(line)

    def _values(self, line: Malformed) -> list[str]:
        rows = csv.reader(line.text.splitlines(), delimiter=self.delimiter or ",")
        return [value.strip() for row in rows for value in row]


def footed(source: Source, known: Known | None) -> Source:
    """Return the source of a known export with its footer, if it may have one, told apart."""
    if known is None or not known.export.footers:
        return source
    endings = known.export.footers
    return Footed(source.shape, source.temporary_files, source=source, endings=endings)


def _first(values: Sequence[str]) -> str:
    return next(filter(None, values), "")
