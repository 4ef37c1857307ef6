"""Ids and plain text as they are compared: one rule, with a version.

Rule: two files of one company must call the same customer the same, so the rule is one, it is
versioned, and applying it twice changes nothing.
"""

from typing import Final

import polars as pl
import pyarrow as pa

ID_RULE: Final = 1
"""Version of the id rule, written into every store.

1. NFKC where a character outside ASCII occurs (full-width digits become digits).
2. White space is trimmed at both ends; apostrophes in front go (`'7210` of Shopify and Excel).
3. Where every value of the column's sample is a number and some end in `.0`, that `.0` goes from
   every number (`17850.0` is 17850, as a spreadsheet exports it). Leading zeros stay.
4. What then is one of `NULL_MARKS` is null. Letters keep their case.
"""

NULL_MARKS: Final = (
    *("", "nan", "NaN", "NAN", "null", "NULL", "Null", "None", "none", "NONE"),
    *("N/A", "n/a", "#N/A", "NaT", "\\N"),
)
TEXT_NULL_MARKS: Final = ("", "nan", "NaN", "null", "NULL", "\\N", "#N/A")
VALUE_NULL_MARKS: Final = (*NULL_MARKS, "NA", "-", "--", "—", "―", "ー")
_LONGEST_MARK: Final = max(len(mark) for mark in NULL_MARKS)
_EDGES: Final = r"^[\s\x{feff}\x{200b}']+|[\s\x{feff}\x{200b}]+$"
_BLANK_EDGES: Final = r"^[\s\x{feff}\x{200b}]+|[\s\x{feff}\x{200b}]+$"
_POINT_ZERO: Final = r"^(-?\d+)\.0+$"
_NUMBER: Final = r"^-?\d+(\.0+)?$"


def byte_range(text: pl.Series) -> tuple[int, int]:
    """Return the smallest and the largest byte that occur in `text`; (127, 0) where there is none.

    Two passes over the raw buffer: far cheaper than a pattern tried on every value.
    """
    buffers = text.to_arrow(compat_level=pl.CompatLevel.oldest()).buffers()
    if buffers[2] is None or buffers[2].size == 0:
        return 127, 0
    octets = pa.Array.from_buffers(pa.uint8(), buffers[2].size, [None, buffers[2]])
    seen = pl.Series(octets)
    return int(str(seen.min())), int(str(seen.max()))


def nfkc(text: pl.Series) -> pl.Series:
    """Return `text` with NFKC applied to the values that are not ASCII."""
    foreign = text.str.len_bytes() != text.str.len_chars()
    if not foreign.any():
        return text
    return text.zip_with(~foreign.fill_null(value=False), text.str.normalize("NFKC"))


def texts_of(values: pl.Series) -> pl.Series:
    """Return any column as String: whole floats without `.0`, everything else as Polars has it."""
    if values.dtype == pl.String:
        return values
    if values.dtype.is_float():
        whole = (values == values.round(0)) & (values.abs() < 2**53)
        integral = values.cast(pl.Int64, strict=False).cast(pl.String)
        return integral.zip_with(whole.fill_null(value=False), values.cast(pl.String))
    if values.dtype.is_decimal():
        return values.cast(pl.String).str.replace(r"\.0+$", "")
    return values.cast(pl.String)


def drops_point_zero(sample: pl.Series) -> bool:
    """Tell whether the sample is numbers throughout, some of them ending in `.0`."""
    if sample.dtype != pl.String:
        return False
    known = _without_marks(sample.str.replace_all(_EDGES, ""), NULL_MARKS).drop_nulls()
    return bool(
        known.len() and known.str.ends_with(".0").any() and known.str.contains(_NUMBER).all()
    )


def ids(values: pl.Series, *, point_zero: bool = False) -> pl.Series:
    """Return ids by `ID_RULE`, String with nulls; `point_zero` as decided for the whole column."""
    text = texts_of(values)
    lowest, highest = byte_range(text)
    if highest > ord("~"):
        text = nfkc(text)
    if highest > ord("~") or lowest <= ord("'"):
        text = text.str.replace_all(_EDGES, "")
    if point_zero:
        text = _whole_numbers(text)
    return _without_marks(text, NULL_MARKS)


def texts(values: pl.Series) -> pl.Series:
    """Return plain text: NFKC, trimmed, null where nothing or a null mark is left."""
    text = texts_of(values)
    lowest, highest = byte_range(text)
    if highest > ord("~"):
        text = nfkc(text)
    if highest > ord("~") or lowest <= ord(" "):
        text = text.str.replace_all(_BLANK_EDGES, "")
    return _without_marks(text, TEXT_NULL_MARKS)


def known_texts(values: pl.Series) -> pl.Series:
    """Return the distinct values of a column of numbers or dates, trimmed, NFKC, no null marks."""
    text = nfkc(texts_of(values).drop_nulls().unique(maintain_order=True))
    text = text.str.replace_all(_BLANK_EDGES, "")
    return _without_marks(text, VALUE_NULL_MARKS).drop_nulls().unique(maintain_order=True)


def _whole_numbers(text: pl.Series) -> pl.Series:
    stripped = text.str.strip_suffix(".0")
    lowest, highest = byte_range(stripped)
    if lowest >= ord("0") and highest <= ord("9"):
        return stripped
    return text.str.replace(_POINT_ZERO, "${1}")


def _without_marks(text: pl.Series, marks: tuple[str, ...]) -> pl.Series:
    shortest = text.str.len_bytes().min()
    if shortest is None or int(str(shortest)) > _LONGEST_MARK:
        return text
    marked = text.is_in(list(marks)).fill_null(value=False)
    if not marked.any():
        return text
    return text.zip_with(~marked, pl.Series(text.name, [None], dtype=pl.String))
