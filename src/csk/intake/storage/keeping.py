"""What a kept store has of the files of a run, and what it shall keep of them.

One rule: of a file that takes columns from another, or gives them, nothing is kept: it is read
again whenever something has changed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import polars as pl

from csk.intake import places
from csk.intake.formats.source import Batch, Malformed, Shape, Source
from csk.intake.plans.joining import Joined
from csk.intake.plans.opening import Opened
from csk.intake.recognition.exports import GENERIC, exports, known
from csk.intake.recognition.recognise import Recognition
from csk.intake.storage import digests
from csk.intake.storage.growing import Filed
from csk.intake.storage.inputs import Input
from csk.intake.storage.keys import id_reading
from csk.intake.storage.pieces import Piece, PieceWriter, piece
from csk.intake.storage.tally import FileTally, Tally
from csk.intake.values.casts import ColumnReading
from csk.schema import INPUTS


@dataclass
class Kept:
    """The pieces of a store, of the files of one run."""

    store: Path
    building: Path
    """Folder for what is not yet whole."""
    digests: Mapping[str, str]
    """Hash of each file and of what reads it, by the name of the file."""
    pieces: dict[str, Piece] = field(default_factory=dict)
    """What is kept already, by the name of the file."""
    made: dict[str, PieceWriter] = field(default_factory=dict)

    def opened(self) -> list[Opened]:
        """Return the files of which everything is kept, as if they had been opened."""
        return [_opened(name, kept) for name, kept in self.pieces.items()]

    def drop_stale(self, opened: Sequence[Opened]) -> bool:
        """Forget pieces that other files would give other rows now; tell whether there were any."""
        stale = [
            one.name
            for one in opened
            if (kept := self.pieces.get(one.name)) is not None and kept.beside != beside(one)
        ]
        for name in stale:
            del self.pieces[name]
        return bool(stale)

    def writer(self, one: Opened) -> PieceWriter | None:
        """Return the writer of a new piece; null where none of this file is kept."""
        if one.name not in self.digests or _is_joined(one):
            return None
        writer = PieceWriter(self.building / "pieces" / f"{len(self.made):05d}")
        self.made[one.name] = writer
        return writer

    def close(self, of: Input, counted: FileTally, rejects: pl.DataFrame, today: date) -> None:
        """Finish the piece of a file that was read."""
        if of.writer is None:
            return
        facts = {
            "told": of.one.told(0, 0, 0, 0),
            "columns": of.one.source.columns,
            "attributes": of.one.attributes,
            "spooled_bytes": of.spooled_bytes,
            "beside": beside(of.one),
            "only_on": today.isoformat() if counted.has_future else "",
            "has_ids": of.has_ids,
            "has_updates": of.has_updates,
        }
        of.writer.close(facts, counted, rejects)

    def settle(self) -> list[str]:
        """Move the new pieces to their places; return the names of all that the run used."""
        for name, writer in self.made.items():
            places.settle_piece(writer.folder, self._place(name))
        return [self._place(name).name for name in {**self.pieces, **self.made}]

    def filed(self, files: Sequence[Input], tally: Tally) -> list[Filed]:
        """Return the files of a book with their pieces, as the next book will know them again."""
        kept = {name: self._place(name).name for name in {**self.pieces, **self.made}}
        return [
            Filed(kept.get(of.one.name, ""), beside(of.one), counted)
            for of, counted in zip(files, tally.of_files, strict=True)
        ]

    def find(self, today: date) -> None:
        """Open every piece that is there and holds on this day."""
        found = {name: piece(self._place(name), today) for name in self.digests}
        self.pieces = {name: kept for name, kept in found.items() if kept is not None}

    def _place(self, name: str) -> Path:
        return places.piece_folder(self.store, self.digests[name])


def beside(one: Opened) -> str:
    """Return the hash of what other files and the user's key give to the rows of a file."""
    rates = [one.rates.to, *one.rates.table.rows()] if one.rates is not None else []
    margins = sorted(one.margins.items())
    return digests.of_words([*margins, *rates, *([one.secret] if one.secret else [])])


def inputs(opened: Sequence[Opened], tz: str, kept: Kept | None) -> list[Input]:
    """Return the files of a run in the order of their names, each with what is kept of it."""
    found = []
    for one in sorted(opened, key=lambda one: one.name):
        have = kept.pieces.get(one.name) if kept is not None else None
        if have is not None:
            found.append(Input(one, have))
        else:
            writer = kept.writer(one) if kept is not None else None
            found.append(Input(one, None, id_reading(one, tz), writer))
    return found


@dataclass
class _Unread(Source):
    """The source of a file that need not be read: only its columns are known."""

    def batches(self, columns: Sequence[str] = ()) -> Iterator[Batch]:
        """Refuse: all rows are kept."""
        raise NotImplementedError(f"{self.name} is kept, with {columns}")

    def sample(self, n: int = 1000) -> pl.DataFrame:
        """Return no rows of all columns."""
        return pl.DataFrame(schema=dict.fromkeys(self.columns, pl.String)).head(n)

    @property
    def malformed_count(self) -> int:
        """Return 0: what was malformed stands in the piece."""
        return 0

    def malformed(self) -> Iterator[Malformed]:
        """Give nothing, likewise."""
        return iter(())

    def located(self, rows: Sequence[int]) -> list[tuple[int, int | None]]:
        """Give nothing, likewise."""
        return [(row, None) for row in rows]


def _opened(name: str, kept: Piece) -> Opened:
    told = kept.told
    table = INPUTS[told.role]
    export = known(kept.columns) if told.profile != GENERIC else None
    return Opened(
        name=name,
        source=_Unread(Shape(name, "delimited", kept.columns)),
        role=told.role,
        recognition=Recognition(told.role, dict(told.mapping), (), (), (), 0.0, "", known=export),
        readings=tuple(ColumnReading(of, table[column], "") for column, of in told.mapping),
        attributes=kept.attributes,
    )


def _is_joined(one: Opened) -> bool:
    """Tell whether a file takes columns from another export, or may give them."""
    export = one.recognition.known
    if export is None or isinstance(one.source, Joined):
        return isinstance(one.source, Joined)
    givers = {join.export for other in exports() for join in other.joins}
    return bool(export.export.joins) or export.export.name in givers
