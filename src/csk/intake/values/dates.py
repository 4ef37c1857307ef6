"""Days and instants out of text, with the order of day and month decided once per column.

Rule: one explicit format reads the clean values; the rest is split by written patterns, each
distinct value once; a day that does not exist, or a text with two readings, is never guessed.
"""

from datetime import date
from typing import Final, NamedTuple

import polars as pl

from csk.errors import DataError
from csk.intake.values.ids import VALUE_NULL_MARKS, known_texts, nfkc, texts_of
from csk.intake.values.moments import OPEN_END_YEAR, TRIPLE, moments

FIRST_DAY: Final = date(1800, 1, 1)
LAST_DAY: Final = date(2299, 12, 31)
"""Days outside of these are typing errors, not history, unless they mean an open end."""

_TIMES: Final = (
    *("", " %H:%M:%S", " %H:%M", "T%H:%M:%S", " %H:%M:%S%.f", "T%H:%M:%S%.f"),
    *("T%H:%M:%SZ", "T%H:%M:%S%.fZ", " %H:%M:%S UTC", " %H:%M:%S%.f UTC"),
    *("T%H:%M:%S%z", " %H:%M:%S%z", "T%H:%M:%S%.f%z", " %H:%M:%S%.f%z"),
)
_DAYS: Final = {
    "ymd": ("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d"),
    "dmy": ("%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%d/%m/%y"),
    "mdy": ("%m/%d/%Y", "%m-%d-%Y", "%m/%d/%y"),
}
_SPOKEN: Final = {
    "ymd": "year first",
    "dmy": "day/month/year",
    "mdy": "month/day/year",
    "yymd": "two-digit year first",
    "either": "day and month the same figure",
}
_EPOCH_FROM: Final = 631_152_000  # 1990-01-01
_EPOCH_TO: Final = 4_102_444_800  # 2100-01-01
_EPOCH_PER_SECOND: Final = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_SERIALS: Final = (20_000, 60_000)
_EXCEL_ZERO_DAYS: Final = (date(1970, 1, 1) - date(1899, 12, 30)).days
_MONTHS: Final = 12
_LOOKED_AT: Final = 5_000
_TRIED: Final = 200
_MIXED_SHARE: Final = 0.05


class DateReading(NamedTuple):
    """How the dates of one column are read, decided once; `form` says it to people."""

    form: str
    order: str = "ymd"
    pattern: str = "%Y-%m-%d"
    epoch: str | None = None
    """`s`, `ms`, `us`, `ns` since 1970, or `excel` for its serial days; null for text."""

    tz: str = "UTC"
    """Zone of instants written without an offset, and of the days that instants fall on."""

    zone: str | None = None
    """Zone of times written without an offset, where it is known and may differ from `tz`."""


def date_reading(
    sample: pl.Series, *, tz: str = "UTC", order: str | None = None, zone: str | None = None
) -> DateReading:
    """Decide from a sample how a column of dates or instants is read.

    `order` (`dmy`, `mdy`) overrules the evidence. DataError names the column and both readings
    where day and month could be either, or where the column mixes both.
    """
    decided = _decided(sample, tz, order)
    return decided._replace(zone=zone) if zone else decided


def _decided(sample: pl.Series, tz: str, order: str | None) -> DateReading:
    if sample.dtype in (pl.Date, pl.Datetime):
        return DateReading("typed dates", tz=tz)
    known = known_texts(sample).rename(sample.name).head(_LOOKED_AT)
    if not known.len():
        return DateReading("no dates in the sample; read as 2024-01-31", tz=tz)
    epoch = _epoch(known)
    if epoch is not None:
        spoken = "serial days of a spreadsheet" if epoch == "excel" else f"{epoch} since 1970"
        return DateReading(f"{spoken}, like {known[0]}", epoch=epoch, tz=tz)
    decided = order if order in ("dmy", "mdy") and _triples(known).height else _order(known)
    pattern = _pattern(known, decided)
    return DateReading(f"{_SPOKEN[decided]}, like {known[0]!r}", decided, pattern, tz=tz)


def dates(values: pl.Series, reading: DateReading) -> tuple[pl.Series, pl.Series]:
    """Return days as Date and which values are no date; open ends and null marks are null.

    A value with an offset, or a time of a known zone, falls on its day in `reading.tz`; one
    without on the day as written.
    """
    return _in_calendar(*_read(values, reading, whole_days=True))


def instants(values: pl.Series, reading: DateReading) -> tuple[pl.Series, pl.Series]:
    """Return instants as Datetime(us, UTC) and which values are none.

    A value without an offset is local time in `reading.tz`: the earlier one where a clock runs
    twice through it, no instant where the clock jumps over it.
    """
    return _in_calendar(*_read(values, reading, whole_days=False))


def _read(
    values: pl.Series, reading: DateReading, *, whole_days: bool
) -> tuple[pl.Series, pl.Series]:
    if values.dtype == pl.Date:
        naive = values if whole_days else values.cast(pl.Datetime("us"))
        return _settled(naive, reading, whole_days=whole_days), values.is_null() & False
    if isinstance(values.dtype, pl.Datetime):
        found = _settled(
            values.cast(pl.Datetime("us", values.dtype.time_zone)),
            reading,
            whole_days=whole_days,
        )
        return found, found.is_null() & values.is_not_null()
    text = texts_of(values)
    found = _epoch_instants(text, reading) if reading.epoch else _fast(text, reading)
    found = _settled(found, reading, whole_days=whole_days)
    doubtful = (found.is_null() | ~_plausible(found)) & text.is_not_null()
    if not doubtful.any():
        return found, doubtful
    places = doubtful.arg_true()
    again = _once_each(text.gather(places), reading, whole_days=whole_days)
    return found.scatter(places, again["moment"]), doubtful.scatter(places, again["failed"])


def _fast(text: pl.Series, reading: DateReading) -> pl.Series:
    """Read with the column's one explicit format; null where it does not fit exactly."""
    if reading.pattern == "%Y%m%d":
        eight = text.str.len_bytes() == len("yyyymmdd")
        if not eight.all():
            text = text.set(~eight, None)
    if reading.order == "either":
        return pl.Series(text.name, [None], dtype=pl.Date).new_from_index(0, text.len())
    if "%H" not in reading.pattern:
        return text.str.to_date(reading.pattern, strict=False)
    found = text.str.to_datetime(reading.pattern, time_unit="us", strict=False)
    if reading.pattern.endswith(("Z", "UTC")):
        return found.dt.replace_time_zone("UTC")
    return found


def _settled(found: pl.Series, reading: DateReading, *, whole_days: bool) -> pl.Series:
    """Turn days, naive and zoned instants into what the column holds."""
    tz = reading.tz
    if found.dtype == pl.Date:
        if whole_days:
            return found
        found = found.cast(pl.Datetime("us"))
    zoned = getattr(found.dtype, "time_zone", None)
    if zoned is None and reading.zone and reading.zone != tz:
        zoned = reading.zone
        found = found.dt.replace_time_zone(zoned, ambiguous="earliest", non_existent="null")
    if whole_days:
        return (found.dt.convert_time_zone(tz) if zoned else found).dt.date()
    if zoned is None:
        found = found.dt.replace_time_zone(tz, ambiguous="earliest", non_existent="null")
    return found.dt.convert_time_zone("UTC")


def _plausible(found: pl.Series) -> pl.Series:
    days = found if found.dtype == pl.Date else found.dt.date()
    return days.is_between(FIRST_DAY, LAST_DAY).fill_null(value=False)


def _in_calendar(found: pl.Series, failed: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Null the open ends and fail what no calendar of a company holds."""
    outside = ~_plausible(found) & found.is_not_null()
    if not outside.any():
        return found, failed
    open_end = (found.dt.year() >= OPEN_END_YEAR) | (found.dt.year() <= 1)
    return found.set(outside, None), failed | (outside & ~open_end)


def _once_each(text: pl.Series, reading: DateReading, *, whole_days: bool) -> pl.DataFrame:
    distinct = text.unique()
    marked = nfkc(distinct).str.strip_chars().is_in(list(VALUE_NULL_MARKS)).fill_null(value=True)
    spoken = distinct.filter(~marked)
    written = moments(spoken, reading.order)
    naive = written["day"].cast(pl.Datetime("us")) + written["time_us"].cast(pl.Duration("us"))
    shift = (written["offset_minutes"] * 60_000_000).cast(pl.Duration("us"))
    aware = (naive - shift).dt.replace_time_zone("UTC")
    local = _settled(naive, reading, whole_days=whole_days)
    moment = _settled(aware, reading, whole_days=whole_days).zip_with(
        written["offset_minutes"].is_not_null(), local
    )
    moment = moment.set(written["is_open_end"], None)
    answers = pl.DataFrame(
        {
            "text": spoken,
            "moment": moment,
            "failed": moment.is_null() & ~written["is_open_end"],
        }
    )
    return (
        text.rename("text")
        .to_frame()
        .join(answers, on="text", how="left", maintain_order="left")
        .with_columns(pl.col("failed").fill_null(value=False))
    )


def _epoch_instants(text: pl.Series, reading: DateReading) -> pl.Series:
    floats = text.str.strip_chars().cast(pl.Float64, strict=False)
    if reading.epoch == "excel":
        fits = floats.is_between(*_SERIALS)
        micros = ((floats - _EXCEL_ZERO_DAYS) * 86_400).round(0) * 1_000_000
        return micros.set(~fits, None).cast(pl.Int64, strict=False).cast(pl.Datetime("us"))
    unit = _EPOCH_PER_SECOND[str(reading.epoch)]
    whole = text.str.strip_chars().str.strip_suffix(".0").cast(pl.Int64, strict=False)
    micros = whole * (10**6 // unit) if unit <= 10**6 else whole // (unit // 10**6)
    return micros.cast(pl.Datetime("us", "UTC"))


def _epoch(known: pl.Series) -> str | None:
    """Return the unit of counted time where the whole sample looks like it."""
    if not known.str.contains(r"^\d+(\.\d+)?$").all():
        return None
    whole = known.str.replace(r"\.\d+$", "")
    floats = known.cast(pl.Float64)
    if floats.is_between(*_SERIALS).all() and bool((whole.str.len_bytes() == 5).all()):  # noqa: PLR2004 - figures of a serial day
        return "excel"
    if not known.str.contains(r"^\d+(\.0)?$").all():
        return None
    for unit, per_second in _EPOCH_PER_SECOND.items():
        if floats.is_between(_EPOCH_FROM * per_second, _EPOCH_TO * per_second).all():
            return unit
    return None


def _triples(known: pl.Series) -> pl.DataFrame:
    """Return the sample's figures before a year: `a`, `b`, and the text they stand in."""
    parts = (
        known.rename("text")
        .to_frame()
        .with_columns(pl.col("text").str.extract_groups(TRIPLE).struct.field("a", "b", "y"))
    )
    return parts.drop_nulls("a").with_columns(pl.col("a", "b").cast(pl.Int32))


def _order(known: pl.Series) -> str:
    """Decide the order of day and month for a column; DataError where nothing decides it."""
    triples = _triples(known)
    if not triples.height:
        return "ymd"
    days_first = int((triples["a"] > _MONTHS).sum())
    months_first = int((triples["b"] > _MONTHS).sum())
    short = bool((triples["y"].str.len_bytes() == 2).all())  # noqa: PLR2004 - a year in two figures
    if short and bool((triples["a"] > 31).any()):  # noqa: PLR2004 - no month has more days
        return "yymd"
    minority = min(days_first, months_first)
    if minority > _MIXED_SHARE * (days_first + months_first):
        raise _mixed(known.name, triples)
    if days_first != months_first:
        return "dmy" if days_first > months_first else "mdy"
    if not short and bool(triples["text"].str.contains(r"^\d{1,2}\.\d{1,2}\.\d{4}").all()):
        return "dmy"
    differing = triples.filter(pl.col("a") != pl.col("b"))
    if differing.height:
        raise _ambiguous(known.name, differing)
    return "either"


def _ambiguous(name: str, triples: pl.DataFrame) -> DataError:
    example = triples["text"][0]
    readings = [
        f"{example!r} read as {order} is {moments(pl.Series([example]), order)['day'][0]}"
        for order in ("dmy", "mdy")
    ]
    return DataError(
        f"The dates of column {name!r} have two readings: day or month could come first, "
        "and no value decides it.",
        details=readings,
        hint="Say which with --date-order dmy or --date-order mdy (date_order in csk.toml).",
    )


def _mixed(name: str, triples: pl.DataFrame) -> DataError:
    day_first = triples.filter(pl.col("a") > _MONTHS)["text"][0]
    month_first = triples.filter(pl.col("b") > _MONTHS)["text"][0]
    return DataError(
        f"The dates of column {name!r} mix two readings: {day_first!r} can only be "
        f"day/month/year, {month_first!r} only month/day/year.",
        hint="Export the column in one format, best as 2024-01-31; or say which is right with "
        "--date-order, and the others are rejected.",
    )


def _pattern(known: pl.Series, order: str) -> str:
    """Return the explicit format that reads most of the sample."""
    best, most = "%Y-%m-%d", 0
    known = known.gather_every(max(1, known.len() // _TRIED))
    days = _DAYS["ymd"] + _DAYS.get(order, ())
    for pattern in (day + time for time in _TIMES for day in days):
        found = _fast(known, DateReading("", order, pattern))
        read = int(_plausible(found).sum())
        if read > most:
            best, most = pattern, read
        if most == known.len():
            break
    return best
