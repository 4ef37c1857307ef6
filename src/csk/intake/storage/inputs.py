"""The files of a run on their way into a book, each with what is kept of it.

One rule: a file of which all rows are kept is known by its piece alone, and is not opened.
"""

from collections.abc import Sequence
from typing import NamedTuple

from csk.intake.plans.opening import Opened
from csk.intake.storage.keys import IdReading
from csk.intake.storage.pieces import Piece, PieceWriter


class Input(NamedTuple):
    """One file of a run: as it was opened, and what is kept of it or shall be."""

    one: Opened
    piece: Piece | None = None
    ids: IdReading | None = None
    writer: PieceWriter | None = None

    @property
    def has_ids(self) -> bool:
        """Whether its rows have ids."""
        return self.piece.has_ids if self.piece is not None else self.ids is not None

    @property
    def has_updates(self) -> bool:
        """Whether its rows know when they were last changed."""
        if self.piece is not None:
            return self.piece.has_updates
        return self.ids is not None and self.ids.updated is not None

    @property
    def spooled_bytes(self) -> int:
        """Size of it once it is unpacked and in UTF-8; 0 where it is so as it stands."""
        if self.piece is not None:
            return self.piece.spooled_bytes
        return sum(path.stat().st_size for path in self.one.source.temporary_files)


def overlap(inputs: Sequence[Input]) -> bool:
    """Tell whether a row of these files can stand in them in several versions."""
    return sum(of.has_ids for of in inputs) > 1 or any(of.has_updates for of in inputs)
