"""The second pass over a shop's files: its rows with a customer id, without personal data.

One rule: a column that may hold a person is left out whole, and an address that stands where none
is expected is struck out; what is shown of a key is too little to find anybody by.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import polars as pl

from csk.errors import DataError
from csk.intake.identity.normalising import emails, phones
from csk.intake.recognition.profiles import normal
from csk.intake.resolving.columns import personal_columns
from csk.intake.resolving.evidence import ShopFile, first_text
from csk.intake.values.ids import texts_of
from csk.schema import Column, Table

IDENTIFIED: Final = Table(
    "identified",
    "Rows of a shop's export with the customer that each belongs to.",
    (Column("customer_id", "id", "Who ordered; null where nothing tells."),),
)
_ADDRESS: Final = r"[^\s@＠<>(),;:\"]+[@＠][^\s@＠<>(),;:\"]+[.．][^\s@＠<>(),;:\"]+"
_STRUCK: Final = "***"


@dataclass
class Answers:
    """The customer of each record, and what is to be shown of some rows."""

    ids: pl.DataFrame
    """`record`, `customer_id`."""
    keeps_personal: bool
    shown: Mapping[int, str]
    """Rows, counted over all files, of which a hint is shown, and the kind of key wanted."""
    hints: dict[int, str] = field(default_factory=dict)
    struck: Counter[str] = field(default_factory=Counter)
    """Addresses struck out, by column."""

    def __post_init__(self) -> None:
        in_order = self.ids.sort("record")
        self._records = in_order["record"].to_numpy()
        self._customers = in_order["customer_id"]

    def rows(self, file: ShopFile, records: pl.Series, first_row: int) -> Iterator[pl.DataFrame]:
        """Yield the rows of a file, every column as text, the customer's id in front.

        `records` has the record of every row, `first_row` is the number of the first of them over
        all files. DataError where the file has changed since it was read.
        """
        dropped = (
            set() if self.keeps_personal else {*personal_columns(file.source.columns, file.keys)}
        )
        kept = [c for c in file.source.columns if c not in dropped and normal(c) != "customerid"]
        n = 0
        for batch in file.source.batches():
            self._take_hints(batch.frame, file, first_row + batch.first_row)
            height = batch.frame.height
            customers = self._customers_of(records.slice(batch.first_row, height))
            if len(customers) != height:
                break
            texts = [self._clean(batch.frame[column]) for column in kept]
            yield pl.DataFrame([customers.alias("customer_id"), *texts])
            n += height
        if n != records.len():
            raise DataError(
                f"{file.source.name} has changed while it was read.", hint="Start again."
            )

    def look(self, file: ShopFile, first_row: int, n_rows: int) -> None:
        """Read only what is to be shown of a file of which nothing is written."""
        wanted = [row for row in self.shown if first_row <= row < first_row + n_rows]
        if not wanted:
            return
        for batch in file.source.batches(file.keys.read):
            self._take_hints(batch.frame, file, first_row + batch.first_row)

    def _customers_of(self, records: pl.Series) -> pl.Series:
        known = records.fill_null(0).to_numpy()
        at = np.searchsorted(self._records, known)
        at = np.minimum(at, max(len(self._records) - 1, 0))
        if not len(self._records):
            return pl.repeat(None, records.len(), dtype=pl.String, eager=True)
        is_known = pl.Series(self._records[at] == known) & records.is_not_null()
        return self._customers.gather(at).set(~is_known, None)

    def _clean(self, values: pl.Series) -> pl.Series:
        """Return a column as text, addresses struck out."""
        text = _text(values)
        if self.keeps_personal or not text.str.contains("[@＠]").any():
            return text
        n = int(text.str.count_matches(_ADDRESS).sum())
        if n:
            self.struck[values.name] += n
        return text.str.replace_all(_ADDRESS, _STRUCK)

    def _take_hints(self, frame: pl.DataFrame, file: ShopFile, first_row: int) -> None:
        for row, kind in self.shown.items():
            if first_row <= row < first_row + frame.height and row not in self.hints:
                self.hints[row] = _hint(frame.slice(row - first_row, 1), file, kind)


def _text(values: pl.Series) -> pl.Series:
    """Return a column as text: whole numbers without a point, moments in ISO 8601."""
    if values.dtype == pl.Datetime:
        zone = "" if values.dtype.time_zone is None else "%:z"  # type: ignore[attr-defined] # a Datetime
        return values.dt.strftime(f"%Y-%m-%dT%H:%M:%S%.f{zone}")
    if values.dtype.is_nested() or values.dtype == pl.Binary:
        raise DataError(
            f"The column '{values.name}' holds values of type {values.dtype}, which are no text.",
            hint="Leave it out of the file.",
        )
    return texts_of(values)


def _hint(row: pl.DataFrame, file: ShopFile, kind: str) -> str:
    """Return what may be shown of a row's key: of `kind`, or of the first it has."""
    keys = file.keys
    country = pl.Series([keys.default_country], dtype=pl.String)
    address = first_text(row, keys.email, emails)
    number = first_text(row, keys.phone, lambda one: phones(one, country))
    if address and kind != "phone":
        return masked_email(address)
    return masked_phone(number) if number else ""


def masked_email(address: str) -> str:
    """Return the first letters of an address and the end of its domain: `t***@s***.jp`."""
    local, _, domain = address.partition("@")
    name, _, end = domain.rpartition(".")
    return f"{local[:1]}***@{name[:1]}***.{end}"


def masked_phone(number: str) -> str:
    """Return the beginning of a number in E.164 and its last two digits: `+81***78`."""
    return f"{number[:3]}***{number[-2:]}"
