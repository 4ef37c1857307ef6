"""Which encoding a text is in, and the way from there to UTF-8.

One rule: an encoding is believed only if every byte decodes strictly in it; where two do, the
more Japanese reading wins, and where none does, the user is asked.
"""

import codecs
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Final

from csk.errors import DataError, UsageError

_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    # Before those of UTF-16, one of which is its first half.
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_JAPANESE: Final = ("cp932", "euc_jp", "euc_jis_2004")
_ALIASES: Final = {
    # What exports and people call Shift_JIS is Microsoft's table of it.
    "shift_jis": "cp932",
    "sjis-win": "cp932",
    "windows-31j": "cp932",
    # JIS X 0213 holds the circled numbers and ㈱ of Microsoft's EUC-JP where that has them.
    "eucjp-win": "euc_jis_2004",
    "cp51932": "euc_jis_2004",
}
_TITLES: Final = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8 (BOM)",
    "utf-16-le": "UTF-16 LE",
    "utf-16-be": "UTF-16 BE",
    "utf-32-le": "UTF-32 LE",
    "utf-32-be": "UTF-32 BE",
    "cp932": "CP932",
    "euc_jp": "EUC-JP",
    "euc_jis_2004": "EUC-JP",
}

_KANA: Final = re.compile("[\u3041-\u3096\u30a1-\u30fa\u3000-\u3002\u300c\u300d\u30fb\u30fc]")
_KANJI: Final = re.compile("[\u4e00-\u9fff\u3005]")
_HALF_WIDTH: Final = re.compile("[\uff66-\uff9f]")
_HALF_WIDTH_MARK: Final = re.compile("[\uff61-\uff65]")
_OTHER: Final = re.compile(
    "[^\x00-\x7f\u3000-\u3002\u3005\u300c\u300d\u3041-\u3096\u30a1-\u30fc\u4e00-\u9fff"
    "\uff01-\uff9f\uffe5\u3012\u301c\u2460-\u2473\u3231]"
)
_SURELY_JAPANESE: Final = re.compile(
    "[\u3041-\u3096\u30a1-\u30f6\u3000-\u3002\u30fc\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]"
    "|[\uff66-\uff9f]{2}"
)
_GLUED: Final = re.compile(
    "[A-Za-z][\u4e00-\u9fff](?![\u4e00-\u9fff])|(?<![\u4e00-\u9fff])[\u4e00-\u9fff][a-z]"
)
_LAX_CP932: Final = "\x80\xa0\uf8f0\uf8f1\uf8f2\uf8f3"
"""What Python's codec makes of 0x80, 0xA0 and 0xFD to 0xFF, which CP932 does not have."""
_AT_A_TIME: Final = 256 << 10
"""Bytes turned into UTF-8 at a time: what lies in a processor's cache is done fastest."""
_LAST_OF_LEVEL_1: Final = 0xCF
_WEIGHED: Final = 20_000
_ONLY_HALF_WIDTH: Final = re.compile("[\x00-\x7f\uff61-\uff9f]*")
_RARE_SHARE: Final = 0.12


def named(encoding: str) -> str:
    """Return Python's name of the encoding a user asked for; UsageError for an unknown one."""
    word = encoding.strip().lower()
    try:
        # Decoding refuses codecs that turn bytes into bytes, which a look-up does not.
        with suppress(UnicodeDecodeError):
            b"text".decode(_ALIASES.get(word, word))
    except LookupError:
        raise UsageError(
            f"There is no encoding {encoding!r}.",
            hint="Known are utf-8, utf-16, cp932, euc-jp, cp1252 and those of Python's codecs.",
        ) from None
    found = codecs.lookup(_ALIASES.get(word, word)).name
    return _ALIASES.get(found, found)


def title(encoding: str) -> str:
    """Return the name of an encoding as people write it."""
    return _TITLES.get(encoding, encoding.upper())


def detected(sample: bytes, name: str, *, whole: bool) -> str:
    """Name the encoding of text that begins with `sample` (`whole`: that is all of it).

    Returns a name for `codecs`; DataError where the bytes are no text, or fit no encoding.
    """
    for bom, encoding in _BOMS:
        if sample.startswith(bom):
            return encoding
    if b"\0" in sample:
        return _without_bom(sample, name)
    if _decoded(sample, "utf-8", whole=whole) is not None:
        return "utf-8"
    readings = {
        encoding: text[:_WEIGHED]
        for encoding in _JAPANESE
        if (text := _decoded(sample, encoding, whole=whole)) is not None
    }
    if "euc_jp" in readings:
        readings.pop("euc_jis_2004", None)
    plausible = {encoding: text for encoding, text in readings.items() if _is_japanese(text)}
    if not plausible:
        raise DataError(
            f"The encoding of {name} cannot be told:"
            " it is neither UTF-8, UTF-16, CP932 nor EUC-JP.",
            details=_first_foreign(sample),
            hint="Name it with --input-encoding (cp1252 for Western European Windows exports).",
        )
    return _more_japanese(plausible)


def utf8(pieces: Iterable[bytes], encoding: str, name: str) -> Iterator[bytes]:
    """Turn pieces of text into UTF-8, without a BOM; DataError with the line of a bad byte."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    line, first = 1, True
    for piece, final in _marked_last(pieces):
        try:
            text = decoder.decode(piece, final)
        except UnicodeDecodeError as error:
            line += error.object[: error.start].decode(encoding, "replace").count("\n")
            raise _foreign(name, encoding, error.object[error.start], line) from None
        except UnicodeError as error:  # UTF-16 and UTF-32 that do not begin as they must
            raise DataError(
                f"{name} is not {title(encoding)}: {error}.",
                hint="Leave --input-encoding away, or name another one.",
            ) from None
        if encoding == "cp932" and (lax := _lax(text)):
            line += text.count("\n", 0, text.index(lax))
            raise _foreign(name, encoding, lax.encode("cp932")[0], line)
        if first and text:
            text, first = text.removeprefix("\ufeff"), False
        line += text.count("\n")
        yield text.encode("utf-8")


def _foreign(name: str, encoding: str, byte: int, line: int) -> DataError:
    return DataError(
        f"{name} is not {title(encoding)} throughout: byte 0x{byte:02X} on line {line:,}.",
        hint="Name its encoding with --input-encoding, or export it again.",
    )


def _marked_last(pieces: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    for piece in pieces:
        for start in range(0, len(piece), _AT_A_TIME):
            yield piece[start : start + _AT_A_TIME], False
    yield b"", True


def _lax(text: str) -> str:
    """Return the first letter that CP932 does not have, "" for none; faster than a pattern."""
    return min((letter for letter in _LAX_CP932 if letter in text), key=text.index, default="")


def _decoded(sample: bytes, encoding: str, *, whole: bool) -> str | None:
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    try:
        text = decoder.decode(sample, whole)
    except UnicodeDecodeError:
        return None
    return None if encoding == "cp932" and _lax(text) else text


def _without_bom(sample: bytes, name: str) -> str:
    """Tell UTF-16 by its NULs, most of which stand in high bytes; anything else is binary."""
    line = sample.count(b"\n", 0, sample.index(0)) + 1
    sample = sample[: len(sample) // 2 * 2]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    for encoding, high, low in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        text = _decoded(sample, encoding, whole=False) if high > 2 * low else None
        if text and ("\n" in text or "\r" in text):
            controls = sum(letter < " " and letter not in "\t\r\n" for letter in text[:_WEIGHED])
            if not controls:
                return encoding
    raise binary(name, line)


def binary(name: str, line: int) -> DataError:
    """Build the refusal of text with a NUL in it."""
    return DataError(
        f"{name} is not a table of text: it holds binary bytes.",
        details=[f"line {line:,}: a byte 0x00"],
        hint="Name CSV, TSV, JSON lines, Parquet or Arrow files.",
    )


def _is_japanese(text: str) -> bool:
    """Tell Japanese from a Western text that happens to decode.

    The latter has no kana but for single marks, and single kanji glued to Latin letters.
    """
    if _SURELY_JAPANESE.search(text):
        return True
    kanji, glued = len(_KANJI.findall(text)), len(_GLUED.findall(text))
    return kanji > 0 and glued * 4 <= kanji


def _more_japanese(readings: dict[str, str]) -> str:
    """Choose between readings that are all possible."""
    cp932, euc = readings.get("cp932", ""), readings.get("euc_jp", "")
    if cp932 and euc and _ONLY_HALF_WIDTH.fullmatch(cp932):
        # Half-width katakana read as EUC-JP is kanji without kana, a third of them rare.
        kanji = _KANJI.findall(euc)
        rare = sum(1 for letter in kanji if not _is_common(letter))
        return "cp932" if rare > _RARE_SHARE * len(kanji) else "euc_jp"
    return min(readings, key=lambda encoding: _oddness(readings[encoding]))


def _oddness(text: str) -> float:
    """Weigh what ordinary Japanese text has little of, per character outside ASCII."""
    kana = len(_KANA.findall(text))
    half_width = len(_HALF_WIDTH.findall(text)) + len(_HALF_WIDTH_MARK.findall(text))
    other = len(_OTHER.findall(text))
    kanji = _KANJI.findall(text)
    rare = sum(1 for letter in kanji if not _is_common(letter))
    return (half_width + 3 * rare + 6 * other) / max(1, kana + len(kanji) + half_width + other)


def _is_common(kanji: str) -> bool:
    """Tell whether a kanji is of JIS level 1."""
    try:
        return kanji.encode("euc_jp")[0] <= _LAST_OF_LEVEL_1
    except UnicodeEncodeError:
        return False


def _first_foreign(sample: bytes) -> tuple[str, ...]:
    for number, line in enumerate(sample.splitlines(), 1):
        if not line.isascii():
            return (f"line {number}: {line[:80]!r}",)
    return ()
