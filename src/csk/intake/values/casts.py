"""Text into typed columns by the contract of the schema, the same for every batch of a file.

Rule: what must be one decision for a whole column (order of day and month, decimal mark, `.0` of
ids) is decided once from a sample, kept in a frozen reading, and shown; a later value that
contradicts it fails and is counted, it is never read another way.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

import polars as pl

from csk.errors import UsageError
from csk.intake.values import dates as days
from csk.intake.values import ids, numbers
from csk.money import minor_digits
from csk.schema import AMOUNT_SCALE, Column

_EXPECTED: Final = {
    "date": "a date",
    "instant": "a date with time",
    "amount": "an amount of money",
    "count": "a whole number",
    "number": "a number",
    "flag": "a yes or no",
    "id": "an id",
    "text": "text",
}

_USUAL_DIGITS: Final = 2

YES: Final = (
    *("true", "t", "yes", "y", "1", "1.0", "on", "はい", "有", "あり", "○", "〇", "有り"),
    *("churned", "left", "exited", "cancelled", "canceled", "退会", "退会済", "退会済み"),
    *("解約", "解約済", "解約済み"),
)
NO: Final = (
    *("false", "f", "no", "n", "0", "0.0", "off", "いいえ", "無", "なし", "×", "無し"),
    *("active", "stayed", "retained", "existing", "継続", "継続中", "契約中", "利用中", "在籍"),
)


@dataclass(frozen=True)
class CastOptions:
    """What the user or a profile knows of a file that its values cannot tell."""

    tz: str = "UTC"
    """Zone of instants without an offset, and of the days that instants fall on."""

    date_order: str | None = None
    """`dmy` or `mdy`, overruling the evidence of the column."""

    decimal_mark: str | None = None
    """`.` or `,`, overruling the evidence of the column."""

    amount_unit: str = "major"
    """`minor` where amounts are counts of cents; never guessed from values."""

    currency: str | None = None
    """Currency of minor units, for its number of digits; two digits where it is not known."""

    minor_digits: int | None = None
    """Digits of minor units, overruling those of the currency."""

    zone: str | None = None
    """Zone of times without an offset, where the export is known to write it; else `tz`."""


@dataclass(frozen=True)
class ColumnReading:
    """How one column of one file is read; the same for all of its batches."""

    name: str
    """The column as the file calls it."""

    column: Column
    """The canonical column it becomes."""

    form: str
    """What was decided, in words for `csk check`."""

    date: days.DateReading | None = None
    decimal_mark: str = "."
    point_zero: bool = False
    is_minor: bool = False
    """Whether amounts are counts of cents."""
    places: int = AMOUNT_SCALE
    """Decimals by which a written amount is shifted to become counts."""
    word: str = ""
    """What any value stands for, where it matters only that there is one."""

    @property
    def reason(self) -> str:
        """What a rejected value of this column is not, for the table of rejects."""
        expected = f"is not {_EXPECTED[self.column.kind]}"
        return f"{expected} ({self.form})" if self.form and self.date else expected


class Cast(NamedTuple):
    """One batch of one column: typed values, what was not understood, how much was rounded."""

    values: pl.Series
    failed: pl.Series
    rounded: int = 0


def reading(
    sample: pl.Series,
    column: Column,
    options: CastOptions = CastOptions(),
) -> ColumnReading:
    """Decide from a sample how `sample.name` is read as `column`.

    DataError where the dates of the sample have two readings. A longer sample decides better:
    give the first some ten thousand values, and the last where they are at hand.
    """
    if column.kind in ("date", "instant"):
        date = days.date_reading(sample, tz=options.tz, order=options.date_order, zone=options.zone)
        return ColumnReading(sample.name, column, date.form, date=date)
    if column.kind in ("amount", "number", "count"):
        mark = options.decimal_mark or numbers.decimal_mark(sample)
        places = _places(options) if column.kind == "amount" else 0
        form = "decimal comma" if mark == "," else ""
        is_minor = column.kind == "amount" and options.amount_unit == "minor"
        if is_minor:
            form = "; ".join(filter(None, (form, _minor_form(options, places))))
        return ColumnReading(
            *(sample.name, column, form), decimal_mark=mark, is_minor=is_minor, places=places
        )
    if column.kind == "id":
        drops = ids.drops_point_zero(sample)
        form = "whole numbers written with .0" if drops else ""
        return ColumnReading(sample.name, column, form, point_zero=drops)
    return ColumnReading(sample.name, column, "")


def cast(values: pl.Series, reading: ColumnReading) -> Cast:
    """Cast one batch as decided: text or a typed Parquet column, to the type of the kind.

    id, text: String; date: Date; instant: Datetime(us, UTC); amount: Int64 of 1/10,000; count:
    Int64; number: Float64; flag: Boolean. Null marks and open ends become null and do not fail.
    """
    if values.dtype == pl.Null:
        values = values.cast(pl.String)
    rounded = 0
    match reading.column.kind:
        case "id":
            typed = ids.ids(values, point_zero=reading.point_zero)
            failed = _none_failed(values)
        case "text":
            typed, failed = ids.texts(values), _none_failed(values)
            if reading.word:
                typed = typed.replace_strict({None: None}, default=reading.word)
        case "date":
            typed, failed = days.dates(values, _date(reading))
        case "instant":
            typed, failed = days.instants(values, _date(reading))
        case "amount":
            typed, failed, rounded = numbers.amounts(
                values, places=reading.places, mark=reading.decimal_mark
            )
        case "count":
            typed, failed = numbers.whole_numbers(values, mark=reading.decimal_mark)
        case "number":
            typed, failed = numbers.numbers(values, mark=reading.decimal_mark)
        case _:
            typed, failed = flags(values)
    return Cast(typed.rename(reading.column.name), failed.rename("failed"), rounded)


def flags(values: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Return Boolean and which values are neither a clear yes nor a clear no."""
    if values.dtype == pl.Boolean:
        return values, _none_failed(values)
    text = ids.texts(values)
    words = dict.fromkeys(YES, True) | dict.fromkeys(NO, False)
    typed = text.str.to_lowercase().replace_strict(words, default=None, return_dtype=pl.Boolean)
    marked = text.is_in(list(ids.NULL_MARKS)).fill_null(value=True)
    return typed, typed.is_null() & ~marked


def _minor_form(options: CastOptions, places: int) -> str:
    if options.minor_digits is not None:
        return "minor units, digits of each row's currency"
    return f"minor units, {AMOUNT_SCALE - places} digits"


def _places(options: CastOptions) -> int:
    if options.amount_unit == "major":
        return AMOUNT_SCALE
    if options.minor_digits is not None:
        return AMOUNT_SCALE - options.minor_digits
    if options.currency is None:
        return AMOUNT_SCALE - _USUAL_DIGITS
    try:
        return AMOUNT_SCALE - minor_digits(options.currency)
    except ValueError as error:
        raise UsageError(f"Amounts in minor units cannot be read: {error}.") from error


def _date(reading: ColumnReading) -> days.DateReading:
    return reading.date or days.DateReading("")


def _none_failed(values: pl.Series) -> pl.Series:
    return pl.repeat(False, values.len(), dtype=pl.Boolean, eager=True)  # noqa: FBT003 - a value
