"""Keys of persons in one form: e-mail addresses, phone numbers, names, postcodes.

One rule: two ways to write the same key become one, applying it twice changes nothing, and what
is no key becomes null.
"""

import re
from typing import Final

import polars as pl

from csk.intake.identity.keys import rules
from csk.intake.values.ids import nfkc, texts_of

_INVISIBLE: Final = r"[\s\x{200b}-\x{200f}\x{2060}\x{feff}]+"
_EMAIL: Final = r"^[^@<>(),;:\"]+@[^@<>(),;:\"_]*[^@<>(),;:\"_.]\.[^@<>(),;:\"_.0-9]{2,}$"
_TAG: Final = r"^([^+@]+)\+[^@]*@"
_EXTENSION: Final = r"(?i)\s*(内線|ext(ension)?\b|x\s*\d+$).*$"
_LAST_DIGITS: Final = 8
_ONE_DIGIT: Final = "|".join(f"{digit}{{{_LAST_DIGITS}}}" for digit in range(10))
_JP_MOBILE: Final = r"^0?([6-9]0[1-9]\d{7})$"
_JP_MOBILE_ABROAD: Final = r"^\+810?([6-9]0[1-9]\d{7})$"
"""As libphonenumber has it now (060 is new); such numbers need not go through it one by one. The
zero in front is often lost in a spreadsheet."""
_HONORIFIC: Final = r"(様|さま|殿|御中|先生)$"
_TITLE: Final = r"^(mr|mrs|ms|miss|dr|prof)(\.|\s)\s*"
_LATIN: Final = r"[a-zà-ɏ]"
_SHORTEST_POSTCODE: Final = 3
_JP_POSTCODE: Final = 7
_HIRAGANA: Final = [chr(letter) for letter in range(0x3041, 0x3097)]
_KATAKANA: Final = [chr(ord(letter) + 0x60) for letter in _HIRAGANA]


def emails(values: pl.Series) -> pl.Series:
    """Return addresses in lower case NFKC, without tag, Gmail's without dots; null for no address.

    Stricter than what mail servers take and laxer than RFC 5322, as Japanese phone addresses with
    dots in a row are in use.
    """
    text = nfkc(texts_of(values)).str.to_lowercase().str.replace_all(_INVISIBLE, "")
    text = text.str.replace(r"^mailto:", "").str.replace(r"^.*<([^<>]*)>$", "${1}")
    text = text.str.replace(r"^['\"]+", "").str.replace(r"['\".]+$", "")
    text = text.str.replace(_TAG, "${1}@")
    frame = text.to_frame("email")
    parts = pl.col("email").str.splitn("@", 2)
    local, domain = parts.struct.field("field_0"), parts.struct.field("field_1")
    dotless = rules()["values"]["dotless"]
    plain = local.str.replace_all(".", "", literal=True) + "@" + dotless[0]
    return frame.select(
        pl.when(domain.is_in(dotless))
        .then(plain)
        .when(pl.col("email").str.contains(_EMAIL))
        .then(pl.col("email"))
        .alias(values.name)
    ).to_series()


def is_nobody(addresses: pl.Series) -> pl.Series:
    """Tell which addresses, as `emails` gives them, are placeholders; null stays."""
    listed = rules()["values"]
    domain = addresses.str.replace(r"^.*@", "")
    nowhere = "|".join(re.escape(name) for name in listed["nowhere"])
    return addresses.str.replace(r"@.*$", "").is_in(listed["nobody"]) | domain.str.contains(
        rf"(^|\.)({nowhere})$"
    )


def is_alias(addresses: pl.Series) -> pl.Series:
    """Tell which addresses, as `emails` gives them, a marketplace made up; null stays."""
    domains = "|".join(re.escape(name) for name in rules()["values"]["aliases"])
    return addresses.str.contains(rf"[@.]({domains})$")


def phones(values: pl.Series, countries: pl.Series) -> pl.Series:
    """Return numbers in E.164, null for what is none or one digit over and over.

    `countries` has ISO 3166 codes of two letters; null = only numbers with a country code count.
    """
    text = nfkc(texts_of(values)).str.replace(r"\.0$", "").str.replace(_EXTENSION, "")
    frame = pl.DataFrame({"text": text, "country": countries}).select(
        "country", dialled=_plus("text") + pl.col("text").str.replace_all(r"[^0-9]", "")
    )
    in_japan = pl.col("country") == "JP"
    own = pl.when(in_japan).then(pl.col("dialled").str.extract(_JP_MOBILE))
    number = "+81" + pl.coalesce(pl.col("dialled").str.extract(_JP_MOBILE_ABROAD), own)
    frame = frame.with_columns(number=number)
    hard = frame.filter(pl.col("number").is_null(), pl.col("dialled").str.contains(r"\d")).unique()
    solved = hard.with_columns(
        solved=pl.Series(
            [_e164(*row) for row in hard.select("dialled", "country").iter_rows()], dtype=pl.String
        )
    ).drop("number")
    joined = frame.join(
        solved, on=["dialled", "country"], how="left", nulls_equal=True, maintain_order="left"
    ).select(number=pl.coalesce("number", "solved"))
    is_number = ~pl.col("number").str.contains(f"({_ONE_DIGIT})$")
    return joined.select(pl.when(is_number).then("number").alias(values.name)).to_series()


def _plus(column: str) -> pl.Expr:
    """Return the plus sign in front of a number with a country code, however it was written."""
    return pl.when(pl.col(column).str.contains(r"^\D*\+")).then(pl.lit("+")).otherwise(pl.lit(""))


def _e164(dialled: str, country: str | None) -> str | None:
    import phonenumbers  # noqa: PLC0415 # paid only where numbers must be looked at one by one

    try:
        number = phonenumbers.parse(dialled, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def names(values: pl.Series) -> pl.Series:
    """Return names as they are compared: no blanks, no titles, one form of a letter.

    Latin names are in the order of the alphabet, as some files have the family name first.
    Kana stay kana, hiragana as katakana: what kanji they stand for is not guessed.
    """
    letters = rules()["same_letters"]
    text = nfkc(texts_of(values)).str.to_lowercase().str.replace_all(_INVISIBLE, " ")
    text = text.str.strip_chars(" '\"").str.replace(_HONORIFIC, "").str.replace(_TITLE, "")
    text = text.str.replace_many([*letters, *_HIRAGANA], [*letters.values(), *_KATAKANA])
    split = text.str.replace_all(r"[^\p{L}\p{M}\p{N}]+", " ").str.strip_chars()
    in_order = split.str.split(" ").list.sort().list.join(" ")
    closed = text.str.replace_all(r"[^\p{L}\p{M}\p{N}ー々]+", "")
    named = in_order.zip_with(text.str.contains(_LATIN), closed)
    return named.set(named.str.len_chars() < 2, None).alias(values.name)  # noqa: PLR2004 # an initial


def postcodes(values: pl.Series, country: str | None) -> pl.Series:
    """Return postcodes as digits, and letters where a country has them; null where too short.

    Those of Japan get back the zeros that a spreadsheet took away.
    """
    text = nfkc(texts_of(values)).str.replace(r"\.0$", "").str.to_uppercase()
    text = text.str.replace_all(r"[^0-9A-Z]", "")
    if country == "JP":
        digits = text.str.replace_all(r"[^0-9]", "")
        short = digits.str.len_chars().is_between(_JP_POSTCODE - 2, _JP_POSTCODE - 1)
        text = digits.str.zfill(_JP_POSTCODE).zip_with(short, digits)
    is_none = (text.str.len_chars() < _SHORTEST_POSTCODE) | text.str.contains(r"^0+$")
    return text.set(is_none.fill_null(value=True), None)
