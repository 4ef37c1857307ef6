"""Numbers and money out of text: `1,200`, `￥１，２００`, `△1,200`, `1.234,56`, `$ 12.50 USD`.

Rule: a clean column takes one cast; only the values that it could not read exactly are looked at
again, each distinct one once, and what is then not understood is null, never guessed.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Final, NamedTuple

import polars as pl

from csk.intake.values.ids import VALUE_NULL_MARKS, known_texts, nfkc, texts_of
from csk.money import CURRENCIES

EXACT_BELOW: Final = 1e9
"""A float holds every decimal with four places below this to a hundredth of a count."""

LARGEST_COUNT: Final = 9 * 10**18
_ROUNDING: Final = 0.01
"""Counts may differ from the text by this much (1e-6 of a major unit) before it is counted."""

_MINUS: Final = r"[△▲−‐‑–—\-]"
_CURRENCY: Final = r"([A-Za-z]{3}|[A-Z]{1,3}\$|[$€£¥₩₹₽₫฿₺₴₦₪₱\\円元원]|kr\.?|zł)"
_DRESS: Final = dict.fromkeys(("¥", "￥", "$", "€", "£", "\\", "円", ",", " "), "")
_DRESSED: Final = r"^ *-?[¥￥$€£\\]? ?-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)? ?円? *$"
"""What needs no captures to be read: the common way to write money, 20 times faster."""

_EXPONENT: Final = r"(?:[eE][+-]?\d{1,2})?"
_BODIES: Final = {
    ".": r"\d+\.?\d*|\.\d+|\d{1,3}(?:[, '’]\d{3})+(?:\.\d*)?|\d{1,2}(?:,\d{2})+,\d{3}(?:\.\d*)?",
    ",": r"\d+,?\d*|,\d+|\d{1,3}(?:[. '’]\d{3})+(?:,\d*)?",
}
_COMMA_DECIMAL: Final = r"\d,(?:\d{1,2}|\d{4,})(?:\D*$)|\d\.\d{3},\d"
_POINT_DECIMAL: Final = r"\d\.(?:\d{1,2}|\d{4,})(?:\D*$)|\d,\d{3}\.\d|,\d{3},\d{3}"


class Amounts(NamedTuple):
    """Whole counts, which values could not be understood, and how many had to be rounded."""

    values: pl.Series
    failed: pl.Series
    rounded: int


def decimal_mark(sample: pl.Series) -> str:
    """Return the decimal mark of a column, decided once over a sample.

    A comma only where values say so (`1.234,56`, `12,5`) and more of them than say the opposite;
    `1,200` and `1.200` alone say nothing and are read with a point.
    """
    if sample.dtype != pl.String:
        return "."
    known = known_texts(sample)
    commas = int(known.str.contains(_COMMA_DECIMAL).sum())
    points = int(known.str.contains(_POINT_DECIMAL).sum())
    return "," if commas > points else "."


def amounts(values: pl.Series, *, places: int = 4, mark: str = ".") -> Amounts:
    """Return `values` x 10**places as Int64, exact; ties beyond the last place go to even.

    Null marks become null. `failed` is true for what is no number or beyond 9e18 counts.
    `rounded` counts the values that had more decimals than a count can hold.
    """
    if values.dtype.is_decimal():
        return _amounts_of_decimals(values, places)
    if values.dtype.is_integer():
        values = values.cast(pl.Float64) if _fits(values) else values.cast(pl.String)
    if not (values.dtype.is_float() or values.dtype == pl.String):
        values = texts_of(values)
    floats = _floats(values, mark)
    scaled = floats * 10**places
    counts = scaled.round(0, mode="half_to_even")
    off = (scaled - counts).abs()
    safe = floats.abs() < EXACT_BELOW
    worst = off.max()
    if isinstance(worst, float) and worst > _ROUNDING:
        safe &= (off < 0.49) | (off > 0.51)  # noqa: PLR2004 - a near tie is settled on the digits
    doubtful = ~safe.fill_null(value=False) & values.is_not_null()
    whole = counts.cast(pl.Int64, strict=False).rename(values.name)
    rough = int((off > _ROUNDING).sum()) if isinstance(worst, float) and worst > _ROUNDING else 0
    if not doubtful.any():
        return Amounts(whole, doubtful, rough)
    rough -= int(((off > _ROUNDING) & doubtful).sum())
    places_in = doubtful.arg_true()
    exact = _by_digits(texts_of(values.gather(places_in)), places, mark)
    whole = whole.scatter(places_in, exact["counts"])
    failed = doubtful.scatter(places_in, exact["failed"])
    return Amounts(whole, failed, rough + int(exact["rounded"].sum()))


def numbers(values: pl.Series, *, mark: str = ".") -> tuple[pl.Series, pl.Series]:
    """Return Float64 and which values are no number; `30%` is 0.3, null marks are null."""
    if values.dtype.is_numeric():
        floats = values.cast(pl.Float64)
        return _finite(floats), floats.is_infinite().fill_null(value=False)
    text = texts_of(values)
    floats = text.cast(pl.Float64, strict=False)
    doubtful = ~floats.is_finite().fill_null(value=False) & text.is_not_null()
    if mark == ",":
        doubtful = text.is_not_null()
    if not doubtful.any():
        return floats, doubtful
    places_in = doubtful.arg_true()
    again = _once_each(text.gather(places_in), lambda distinct: _loose_numbers(distinct, mark))
    return (
        floats.scatter(places_in, again["number"]),
        doubtful.scatter(places_in, again["failed"]),
    )


def whole_numbers(values: pl.Series, *, mark: str = ".") -> tuple[pl.Series, pl.Series]:
    """Return Int64 and which values are no whole number (`12.0` is one, `12.5` is not)."""
    if values.dtype.is_integer():
        whole = values.cast(pl.Int64, strict=False)
        return whole, whole.is_null() & values.is_not_null()
    floats, failed = numbers(values, mark=mark)
    whole = floats.cast(pl.Int64, strict=False)
    broken = (floats != floats.round(0)) | (floats.abs() > 2**53)
    failed |= broken.fill_null(value=False) | (floats.is_not_null() & whole.is_null())
    return whole.set(failed, None), failed


def plain(text: pl.Series, mark: str = ".") -> pl.Series:
    """Return numbers written plainly, `-1234.56` or `1e3`; null where `text` is no number.

    Signs in front, behind, as triangles or as parentheses; a currency in front or behind.
    """
    pattern = (
        rf"^({_MINUS}|\+|\()?\s*{_CURRENCY}?\s*({_MINUS}|\+|\()?\s*"
        rf"((?:{_BODIES[mark]}){_EXPONENT})\s*(\))?\s*{_CURRENCY}?\s*({_MINUS}|\))?$"
    )
    fields = ["a", "before", "b", "n", "c", "after", "d"]
    trimmed = nfkc(text).str.strip_chars().rename("text").to_frame()
    parts = trimmed.select(
        pl.col("text").str.extract_groups(pattern).struct.rename_fields(fields)
    ).unnest("text")
    signs = pl.concat_str(pl.col("a", "b", "c", "d").fill_null(""))
    negative = signs.str.contains(rf"^(?:{_MINUS}|\(\))$")
    body = pl.col("n").str.replace_all(r"[ '’]", "")
    body = body.str.replace_all("," if mark == "." else ".", "", literal=True)
    body = body.str.replace(",", ".", literal=True)
    return parts.select(
        pl.when(_is_unknown("before") | _is_unknown("after"))
        .then(None)
        .when(negative)
        .then(pl.lit("-") + body)
        .when(signs.is_in(["", "+"]))
        .then(body)
        .alias("plain")
    )["plain"]


def _floats(values: pl.Series, mark: str) -> pl.Series:
    """Read what is plain, or plain but for a common currency sign and grouping commas."""
    if values.dtype != pl.String:
        return values.cast(pl.Float64)
    if mark == ",":
        return pl.Series(values.name, [None], dtype=pl.Float64).new_from_index(0, values.len())
    floats = values.cast(pl.Float64, strict=False)
    unread = floats.is_null() & values.is_not_null()
    if not unread.any():
        return floats
    places_in = unread.arg_true()
    dressed = values.gather(places_in)
    dressed = dressed.set(~dressed.str.contains(_DRESSED), None)
    undressed = dressed.str.replace_many(_DRESS).cast(pl.Float64, strict=False)
    return floats.scatter(places_in, undressed)


def _is_unknown(field: str) -> pl.Expr:
    """Tell whether three letters beside the figures are no code of a currency."""
    code = pl.col(field).str.to_uppercase()
    spelled = code.str.contains(r"^[A-Z]{3}$")
    return (spelled & ~code.is_in(sorted(CURRENCIES))).fill_null(value=False)


def _fits(values: pl.Series) -> bool:
    return bool((values.cast(pl.Int128).abs() < int(EXACT_BELOW)).all())


def _finite(floats: pl.Series) -> pl.Series:
    return floats if floats.is_finite().all() else floats.set(~floats.is_finite(), None)


def _amounts_of_decimals(values: pl.Series, places: int) -> Amounts:
    scale = getattr(values.dtype, "scale", 0)
    if scale > places:
        exact = _by_digits(values.cast(pl.String), places, ".")
        return Amounts(
            exact["counts"].rename(values.name), exact["failed"], int(exact["rounded"].sum())
        )
    shift = pl.lit(10 ** (places - scale), dtype=pl.Int128)
    physical = values.to_physical().cast(pl.Int128).rename("raw").to_frame()
    raw = physical.select(pl.col("raw") * shift)["raw"].rename(values.name)
    counts = raw.set(raw.abs() > LARGEST_COUNT, None).cast(pl.Int64)
    return Amounts(counts, counts.is_null() & values.is_not_null(), 0)


def _once_each(text: pl.Series, read: Callable[[pl.Series], pl.DataFrame]) -> pl.DataFrame:
    distinct = text.unique()
    marked = nfkc(distinct).str.strip_chars().is_in(list(VALUE_NULL_MARKS)).fill_null(value=True)
    spoken = distinct.filter(~marked)
    answers = read(spoken).with_columns(text=spoken)
    order = text.rename("text").to_frame()
    found = order.join(answers, on="text", how="left", maintain_order="left")
    return found.with_columns(pl.col(pl.Boolean).fill_null(value=False))


def _by_digits(text: pl.Series, places: int, mark: str) -> pl.DataFrame:
    return _once_each(text, lambda distinct: _exact(distinct, places, mark))


def _exact(text: pl.Series, places: int, mark: str) -> pl.DataFrame:
    """Read decimal digits as digits, so that neither size nor ties meet a float."""
    canonical = _without_exponents(plain(text, mark))
    digits = canonical.rename("digits").to_frame()
    whole = pl.col("digits").str.extract(r"^-?0*(\d*)", 1)
    fraction = pl.col("digits").str.extract(r"\.(\d*)$", 1).fill_null("")
    kept = fraction.str.slice(0, places).str.pad_end(places, "0")
    rest = fraction.str.slice(places).str.strip_chars_end("0")
    joined = (whole + kept).str.strip_chars_start("0").str.pad_start(1, "0")
    counts = pl.when(joined.str.len_bytes() <= 19).then(joined).cast(pl.Int128, strict=False)  # noqa: PLR2004 - digits of the largest count
    up = (rest > "5") | ((rest == "5") & (counts % 2 == 1))
    sign = pl.when(pl.col("digits").str.starts_with("-")).then(-1).otherwise(1).cast(pl.Int128)
    beyond = ("0." + rest + "0").cast(pl.Float64, strict=False)
    answers = digits.select(
        counts=(counts + up.cast(pl.Int128)) * sign,
        rounded=pl.min_horizontal(beyond, 1 - beyond) > _ROUNDING,
    )
    fits = answers["counts"].abs() <= LARGEST_COUNT
    answers = answers.with_columns(
        counts=answers["counts"].set(~fits.fill_null(value=False), None).cast(pl.Int64)
    )
    understood = answers["counts"].is_not_null()
    return answers.with_columns(
        failed=~understood,
        rounded=answers["rounded"].fill_null(value=False) & understood,
    )


def _without_exponents(canonical: pl.Series) -> pl.Series:
    exponents = canonical.str.contains("[eE]").fill_null(value=False)
    if not exponents.any():
        return canonical
    places_in = exponents.arg_true()
    written = [f"{Decimal(value):f}" for value in canonical.gather(places_in)]
    return canonical.clone().scatter(places_in, pl.Series(written, dtype=pl.String))


def _loose_numbers(text: pl.Series, mark: str) -> pl.DataFrame:
    percent = nfkc(text).str.contains(r"%\s*$").fill_null(value=False)
    number = plain(nfkc(text).str.replace(r"\s*%\s*$", ""), mark).cast(pl.Float64, strict=False)
    number = (number / 100).zip_with(percent, number)
    number = _finite(number)
    return pl.DataFrame({"number": number, "failed": number.is_null()})
