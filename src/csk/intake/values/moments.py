"""What a written moment says: its day, its time of day and its offset from UTC.

Rule: patterns are tried from the least to the most ambiguous; day and month in figures before
the year are read only in the order that the caller has decided for the whole column.
"""

from typing import Final

import polars as pl

from csk.intake.values.ids import nfkc

OPEN_END_YEAR: Final = 2900
"""From this year on a date means "no end" (9999-12-31, 9999-08-13, 2999-12-31); so does year 0."""

_REST: Final = r"(?P<rest>(?:\D.*|\d{1,2}時.*)?)$"
_MONTH_DAY: Final = r"(?P<m>\d{1,2})\s*[-/.月]\s*(?P<d>\d{1,2})\s*日?"
_ERA: Final = {
    "明治": 1867,
    "大正": 1911,
    "昭和": 1925,
    "平成": 1988,
    "令和": 2018,
    "M": 1867,
    "T": 1911,
    "S": 1925,
    "H": 1988,
    "R": 2018,
}
_MONTH_NAMES: Final = "jan feb mar apr may jun jul aug sep oct nov dec"
_MONTHS: Final = {name: number for number, name in enumerate(_MONTH_NAMES.split(), 1)}
_WEEKDAY: Final = (
    r"(?i)\((?:[月火水木金土日]|mon|tue|wed|thu|fri|sat|sun)\)"
    r"|^(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?,?\s+"
)
_FOURTEEN: Final = r"^(\d{4})(\d\d)(\d\d)T?(\d\d)(\d\d)(\d\d)(Z?)$"
_YEAR_FIRST: Final = rf"^(?P<y>\d{{4}})\s*[-/.年]\s*{_MONTH_DAY}{_REST}"
_COMPACT: Final = r"^(?P<y>\d{4})(?P<m>\d\d)(?P<d>\d\d)(?P<rest>(?:[T\s].*)?)$"
_IN_ERA: Final = (
    rf"^(?P<e>{'|'.join(_ERA)})\s*\.?\s*(?P<y>\d{{1,2}}|元)\s*[-/.年]\s*{_MONTH_DAY}{_REST}"
)
_DAY_NAMED: Final = (
    r"^(?P<d>\d{1,2})(?:st|nd|rd|th)?[-/., ]+(?P<n>[A-Za-z]{3,9})\.?[-/., ]*(?P<y>\d{4}|\d\d)"
    + _REST
)
_NAMED_DAY: Final = (
    r"^(?P<n>[A-Za-z]{3,9})\.?[-/ ]+(?P<d>\d{1,2})(?:st|nd|rd|th)?[-/, ]+(?P<y>\d{4})" + _REST
)
TRIPLE: Final = rf"^(?P<a>\d{{1,2}})[-/.](?P<b>\d{{1,2}})[-/.](?P<y>\d{{4}}|\d\d){_REST}"
_SHORT_YEAR_FIRST: Final = rf"^(?P<y>\d\d)[-/.](?P<m>\d{{1,2}})[-/.](?P<d>\d{{1,2}}){_REST}"
_TIME: Final = (
    r"^[T\s]*(?P<am>午前|午後)?\s*(?P<h>\d{1,2})(?::|時)(?P<mi>\d{1,2})分?"
    r"(?::?(?P<s>\d{1,2})秒?(?:[.,](?P<f>\d{1,9}))?)?\s*(?P<pm>[AaPp]\.?[Mm]\.?)?"
    r"\s*(?P<z>[Zz]|UTC|GMT|JST|[PMCE][SD]T|[+-]\d\d:?\d\d|[+-]\d\d)?$"
)
_PIVOT: Final = 70
_ZONE_MINUTES: Final = {
    **dict.fromkeys(("Z", "z", "UTC", "GMT"), 0),
    "JST": 540,
    # Of North America, as Recurly's exports write them.
    "PST": -480,
    "PDT": -420,
    "MST": -420,
    "MDT": -360,
    "CST": -360,
    "CDT": -300,
    "EST": -300,
    "EDT": -240,
}


def moments(text: pl.Series, order: str) -> pl.DataFrame:
    """Return `day` (Date), `time_us`, `offset_minutes` (null = none written) and `is_open_end`.

    `order` is `ymd` (figures before the year are refused), `dmy`, `mdy`, `yymd` (two-digit year
    in front) or `either` (only where day and month are the same figure). `day` is null where the
    text is not understood or the day does not exist.
    """
    cleaned = nfkc(text).str.replace_all(_WEEKDAY, "").str.strip_chars()
    cleaned = cleaned.str.replace(_FOURTEEN, "$1-$2-$3 $4:$5:$6$7").rename("text")
    written = cleaned.to_frame().select(_written(order)).unnest("moment")
    return written.select(_day(), *_time(), _open_end()).select(
        pl.when(pl.col("time_us").is_not_null()).then("day").alias("day"),
        "time_us",
        "offset_minutes",
        pl.col("is_open_end").fill_null(value=False),
    )


def _written(order: str) -> pl.Expr:
    """Split by the first pattern that fits: era, year, month (name or number), day, rest."""
    fitting = [_fitting(pattern) for pattern in (_YEAR_FIRST, _COMPACT, _IN_ERA)]
    fitting += [_fitting(pattern) for pattern in (_DAY_NAMED, _NAMED_DAY)]
    if order == "yymd":
        fitting.append(_fitting(_SHORT_YEAR_FIRST))
    elif order != "ymd":
        day, month = ("b", "a") if order == "mdy" else ("a", "b")
        fitting.append(_fitting(TRIPLE, day=day, month=month, same=order == "either"))
    return pl.coalesce(fitting).alias("moment")


def _fitting(pattern: str, *, day: str = "d", month: str = "m", same: bool = False) -> pl.Expr:
    groups = pl.col("text").str.extract_groups(pattern)
    absent = pl.lit(None, dtype=pl.String)
    fields = {"e": "e", "y": "y", "m": month, "n": "n", "d": day, "rest": "rest"}
    present = {
        name: groups.struct.field(group) if f"(?P<{group}>" in pattern else absent
        for name, group in fields.items()
    }
    fits = groups.struct.field("y").is_not_null()
    if same:
        fits &= groups.struct.field("a").cast(pl.Int32) == groups.struct.field("b").cast(pl.Int32)
    return pl.when(fits).then(pl.struct([field.alias(name) for name, field in present.items()]))


def _year() -> pl.Expr:
    figures = pl.col("y").replace("元", "1").cast(pl.Int32, strict=False)
    era = pl.col("e").replace_strict(_ERA, default=None, return_dtype=pl.Int32)
    short = pl.col("y").str.len_chars() <= 2  # noqa: PLR2004 - two figures are a year of a century
    century = pl.when(figures < _PIVOT).then(2000).otherwise(1900)
    return (
        pl.when(era.is_not_null())
        .then(figures + era)
        .when(short)
        .then(figures + century)
        .otherwise(figures)
    )


def _day() -> pl.Expr:
    named = pl.col("n").str.to_lowercase().str.slice(0, 3)
    month = pl.coalesce(
        pl.col("m").cast(pl.Int32, strict=False),
        named.replace_strict(_MONTHS, default=None, return_dtype=pl.Int32),
    )
    iso = pl.concat_str(
        _year().cast(pl.String).str.zfill(4),
        month.cast(pl.String).str.zfill(2),
        pl.col("d").str.zfill(2),
        separator="-",
    )
    return iso.str.to_date("%Y-%m-%d", strict=False).alias("day")


def _open_end() -> pl.Expr:
    year = _year()
    return ((year >= OPEN_END_YEAR) | (year == 0)).alias("is_open_end")


def _time() -> tuple[pl.Expr, pl.Expr]:
    groups = pl.col("rest").str.extract_groups(_TIME).struct
    figure = {name: groups.field(name).cast(pl.Int64, strict=False) for name in ("h", "mi", "s")}
    half = pl.coalesce(groups.field("pm").str.to_lowercase().str.slice(0, 1), groups.field("am"))
    hour = (
        pl.when(half.is_in(["p", "午後"]))
        .then(figure["h"] % 12 + 12)
        .when(half.is_in(["a", "午前"]))
        .then(figure["h"] % 12)
        .otherwise(figure["h"])
    )
    second = figure["s"].fill_null(0)
    micros = groups.field("f").fill_null("0").str.pad_end(6, "0").str.slice(0, 6).cast(pl.Int64)
    possible = (hour < 24) & (figure["mi"] < 60) & (second < 60)  # noqa: PLR2004 - a clock's figures
    time_us = ((hour * 60 + figure["mi"]) * 60 + second) * 1_000_000 + micros
    zone = groups.field("z")
    hours = zone.str.extract(r"^[+-](\d\d)", 1).cast(pl.Int64)
    minutes = zone.str.extract(r"^[+-]\d\d:?(\d\d)$", 1).cast(pl.Int64).fill_null(0)
    signed = (hours * 60 + minutes) * pl.when(zone.str.starts_with("-")).then(-1).otherwise(1)
    named = zone.replace_strict(_ZONE_MINUTES, default=None, return_dtype=pl.Int64)
    offset = pl.coalesce(named, signed)
    bare = pl.col("rest").fill_null("").str.strip_chars() == ""
    return (
        pl.when(bare).then(0).when(possible).then(time_us).cast(pl.Int64).alias("time_us"),
        offset.cast(pl.Int64).alias("offset_minutes"),
    )
