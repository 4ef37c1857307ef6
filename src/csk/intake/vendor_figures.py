"""The monthly figures that a vendor shows, read from a file: one row a month, or one column.

One rule: a figure is kept with the last digit that is written of it, so that it is held against
ours no closer than it is told.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

import polars as pl

from csk.errors import DataError
from csk.intake.formats.reading import opened
from csk.intake.values import dates, numbers
from csk.intake.values.ids import VALUE_NULL_MARKS
from csk.models.causes import Cell
from csk.models.reconcile import Told, metric
from csk.money import COUNTS_PER_UNIT

MONTH: Final = ("month", "date", "period", "period start", "month start", "月", "年月", "対象月")
_FALLS: Final = frozenset({"churned_mrr", "contraction_mrr", "churned_customers"})
_AS_PER_CENT: Final = Fraction(3, 2)
"""A share above this is one of a column written in per cent."""
_MONTHS: Final = (
    *("jan", "feb", "mar", "apr", "may", "jun"),
    *("jul", "aug", "sep", "oct", "nov", "dec"),
)
_MARKS: Final = re.compile(r"[\s_\-/.:#]+|[(\[（【].*?[)\]）】]|[%％$€£¥￥]")
_NUMERIC: Final = re.compile(r"(\d{4})\s*[-/.年]?\s*(\d{1,2})\s*月?|(\d{1,2})\s*[-/.]\s*(\d{4})")
_NAMED: Final = re.compile(
    r"([a-z]{3})[a-z]*\.?[\s\-/,']*(\d{4}|\d{2})|(\d{4})[\s\-/]*([a-z]{3})[a-z]*"
)


@dataclass(frozen=True, slots=True)
class VendorFigures:
    """What a file tells of months."""

    name: str
    told: Mapping[Cell, Told]
    columns: Mapping[str, str]
    """Metric by column (or row) of the file."""
    untold: tuple[str, ...]
    """Columns that are no figure csk knows."""
    in_per_cent: tuple[str, ...]
    """Columns taken for per cent because of their size alone."""


def vendor_figures(path: Path, temporary: Path, encoding: str | None = None) -> VendorFigures:
    """Read the figures of a file; rows and columns may be turned round.

    DataError where it has no months or no figure that csk knows, or where one has two values.
    """
    with opened(path, temporary=temporary, encoding=encoding) as source:
        frames = [batch.frame for batch in source.batches()]
        if not frames:
            raise DataError(f"{source.name} has no rows.")
        return figures(source.name, pl.concat(frames))


def figures(name: str, rows: pl.DataFrame) -> VendorFigures:
    """Return the figures of a table of text; see `vendor_figures`."""
    months, columns = _by_month(rows) or _by_column(rows) or _refuse_no_months(name, rows)
    told: dict[Cell, Told] = {}
    known: dict[str, str] = {}
    guessed = []
    for title, values in columns.items():
        metric_id = _metric(title)
        if metric_id is None or metric_id in known.values():
            continue
        known[title] = metric_id
        found, is_guess = _column(name, title, metric_id, values)
        guessed += [title] if is_guess else []
        for day, one in zip(months, found, strict=True):
            if one is not None and (metric_id, day) in told:
                raise DataError(f"{name} tells {title!r} of {day:%Y-%m} twice.")
            if one is not None:
                told[metric_id, day] = one
    if not told:
        raise DataError(
            f"{name} has no figure that csk knows.",
            details=[f"it has: {', '.join(columns)}"],
            hint=f"Call its columns like {', '.join(names[0] for names in synonyms().values())}.",
        )
    return VendorFigures(
        name, told, known, tuple(t for t in columns if t not in known), (*guessed,)
    )


@cache
def synonyms() -> Mapping[str, tuple[str, ...]]:
    """Return what figures are called in headers, by metric."""
    text = files(__package__).joinpath("vendor_figures.toml").read_text(encoding="utf-8")
    return {metric_id: tuple(names) for metric_id, names in tomllib.loads(text).items()}


def month(text: str) -> date | None:
    """Return the first day of the month that a text names; null where it names none."""
    plain = unicodedata.normalize("NFKC", text).strip().lower()
    if found := _NUMERIC.fullmatch(plain):
        year, number = (found[1], found[2]) if found[1] else (found[4], found[3])
        return _first(int(year), int(number))
    if found := _NAMED.fullmatch(plain):
        word, year = (found[1], found[2]) if found[1] else (found[4], found[3])
        if word in _MONTHS:
            full = int(year) if len(year) > 2 else 2000 + int(year)  # noqa: PLR2004 - two figures
            return _first(full, _MONTHS.index(word) + 1)
    return None


def _first(year: int, number: int) -> date | None:
    return date(year, number, 1) if 1 <= number <= len(_MONTHS) else None


def _by_month(rows: pl.DataFrame) -> tuple[list[date], dict[str, list[str]]] | None:
    """Read a table with one row a month; null where no column names months."""
    texts = {name: _texts(rows[name]) for name in rows.columns}
    named = [name for name in texts if _plain(name) in MONTH]
    for name in dict.fromkeys((*named, rows.columns[0])):
        months = [month(text) for text in texts[name]]
        if None in months:
            months = _of_days(rows[name])
        kept = [place for place, day in enumerate(months) if day is not None]
        if kept and 2 * len(kept) > len(months):
            days = [day for day in months if day is not None]
            return days, {
                other: [values[place] for place in kept]
                for other, values in texts.items()
                if other != name
            }
    return None


def _of_days(values: pl.Series) -> list[date | None]:
    """Read whole days as months, where the column has no more than months."""
    try:
        reading = dates.date_reading(values)
    except DataError:
        return [None] * values.len()
    days, _ = dates.dates(values, reading)
    return [day.replace(day=1) if day else None for day in days.to_list()]


def _by_column(rows: pl.DataFrame) -> tuple[list[date], dict[str, list[str]]] | None:
    """Read a table with one column a month; null where headers name no months."""
    months = {name: day for name in rows.columns if (day := month(name)) is not None}
    titles = [name for name in rows.columns if name not in months]
    if not months or not titles:
        return None
    lines = zip(_texts(rows[titles[0]]), *(_texts(rows[name]) for name in months), strict=True)
    return list(months.values()), {line[0]: list(line[1:]) for line in lines if line[0]}


def _refuse_no_months(name: str, rows: pl.DataFrame) -> tuple[list[date], dict[str, list[str]]]:
    raise DataError(
        f"{name} names no months, neither in a column nor in its header.",
        details=[f"it has: {', '.join(rows.columns)}"],
        hint="Give it a column month with values like 2026-01.",
    )


def _texts(values: pl.Series) -> list[str]:
    return [value.strip() for value in values.cast(pl.String).fill_null("").to_list()]


def _plain(title: str) -> str:
    return _MARKS.sub(" ", unicodedata.normalize("NFKC", title).lower()).strip()


def _metric(title: str) -> str | None:
    """Return the figure that a header names, the longest name first."""
    plain = " ".join(_plain(title).split())
    return next((one for one, names in synonyms().items() if plain in (one, *names)), None)


def _column(
    name: str, title: str, metric_id: str, values: Sequence[str]
) -> tuple[list[Told | None], bool]:
    """Return the figures of a column, and whether it was taken for per cent by its size alone."""
    unit = metric(metric_id).unit
    found = list(_numbers(name, title, values))
    scale, is_guess = Fraction(1), False
    if unit == "money":
        scale = Fraction(COUNTS_PER_UNIT)
    elif unit == "share":
        says_so = any("%" in unicodedata.normalize("NFKC", text) for text in (title, *values))
        is_guess = not says_so and any(abs(n) > _AS_PER_CENT for n in found if n is not None)
        scale = Fraction(1, 100) if says_so or is_guess else scale
    is_negative = metric_id in _FALLS and all(number <= 0 for number in found if number is not None)
    sign = -1 if is_negative else 1
    places = max((-int(n.as_tuple().exponent) for n in found if n is not None), default=0)
    last = Fraction(1, 10 ** max(0, places)) * scale
    told = [None if n is None else Told(sign * Fraction(n) * scale, last) for n in found]
    return told, is_guess


def _numbers(name: str, title: str, values: Sequence[str]) -> Iterator[Decimal | None]:
    """Yield the numbers of a column as they are written; null where a cell is empty.

    DataError names a value that is no number.
    """
    text = pl.Series(title, values).str.normalize("NFKC").str.replace_all(r"%\s*$", "")
    text = text.str.strip_chars()
    plain = numbers.plain(text, numbers.decimal_mark(text)).to_list()
    for written, value in zip(text.to_list(), plain, strict=True):
        if value is None and written not in VALUE_NULL_MARKS and written != "–":
            raise DataError(f"{name}: {written!r} in {title!r} is not a number.")
        yield None if value is None else Decimal(value)
