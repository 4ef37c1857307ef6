"""Which columns of a file tell its rows apart, and when each of them was last changed.

One rule: a column is an id where the file was understood so; when rows were updated is told by
the name of a column alone, and never where rows are lines of something larger.
"""

from dataclasses import dataclass
from typing import Final

import polars as pl

from csk.errors import CskError
from csk.intake.canonical.rows import Canonical
from csk.intake.plans.opening import Opened
from csk.intake.recognition.profiles import normal, profile, unqualified
from csk.intake.storage.upserts import IDS_OF, Identified, identified
from csk.intake.values.casts import CastOptions, ColumnReading, cast, reading
from csk.schema import Column

_ID: Final = Column("id", "id", "What tells a row from all others.")
_UPDATED: Final = Column("updated", "instant", "When a row was last changed.")
_LOOKED_AT: Final = 2_000


@dataclass(frozen=True, slots=True)
class IdReading:
    """How the id of a row, and the time of its last change, are read."""

    role: str
    id: ColumnReading | None
    """Null where it is the customer."""
    updated: ColumnReading | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns of the file that are read for it."""
        return tuple(one.name for one in (self.id, self.updated) if one is not None)

    def identified(self, batch: pl.DataFrame, part: Canonical) -> Identified:
        """Return the ids of a batch of the file."""
        ids = part.typed["customer_id"] if self.id is None else _values(batch, self.id)
        if self.updated is None:
            return identified(part, self.role, ids, None)
        times = _values(batch, self.updated).dt.epoch("us")
        return identified(part, self.role, ids, times)


def id_reading(one: Opened, tz: str) -> IdReading | None:
    """Tell how the rows of a file are told apart; None where nothing tells."""
    once, canonical = one.recognition.once_per, IDS_OF.get(one.role, "")
    name = once or one.recognition.mapping.get(canonical)
    if one.role == "customers":
        return IdReading(one.role, None, _update(one, tz))
    if name is None:
        return None
    sample = one.source.sample(_LOOKED_AT)
    is_line = bool(once) or any(normal(c) in profile().line_ids for c in one.source.columns)
    return IdReading(one.role, reading(sample[name], _ID), None if is_line else _update(one, tz))


def _update(one: Opened, tz: str) -> ColumnReading | None:
    names = profile().updates
    for column in one.source.columns:
        if normal(column) in names or unqualified(column, profile().qualifiers) in names:
            try:
                return reading(one.source.sample(_LOOKED_AT)[column], _UPDATED, CastOptions(tz))
            except CskError:
                return None  # its days could be read two ways, so they order nothing
    return None


def _values(batch: pl.DataFrame, reading: ColumnReading) -> pl.Series:
    return cast(batch[reading.name], reading).values
