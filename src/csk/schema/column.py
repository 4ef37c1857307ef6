"""What a column and a table are, and the kinds of values.

One rule: this is plain data and imports nothing of csk.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

SCHEMA_VERSION: Final = 1

AMOUNT_SCALE: Final = 4
"""Money is held as Int64 counts of 10**-4 of the currency's major unit."""


class Column(NamedTuple):
    """One column: its name, its kind (see `KINDS`), whether a table needs it, its meaning."""

    name: str
    kind: str
    definition: str
    required: bool = False


@dataclass(frozen=True)
class Table:
    """One table: its columns in file order and the columns that identify a row."""

    name: str
    definition: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    one_of: tuple[tuple[str, ...], ...] = ()
    """Groups of which a table needs at least one: `("amount", "unit_price_amount")`."""

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in file order."""
        return tuple(column.name for column in self.columns)

    def __getitem__(self, name: str) -> Column:
        """Return the column called `name`; KeyError where there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


KINDS: Final = {
    "id": "String, normalised by the id rule",
    "text": "String, trimmed, NFKC",
    "date": "Date",
    "instant": "Datetime(us, UTC)",
    "amount": "Int64 of 1/10,000 major unit inside, Decimal(18,4) in files",
    "count": "Int64",
    "number": "Float64",
    "flag": "Boolean",
}
