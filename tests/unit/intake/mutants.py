"""Files that were damaged on purpose, and what must hold of whatever is read from them.

A mutant is known by its number: the same number is the same file in every run. What must hold:
it is read or refused with a sentence, and what is read and what is named as malformed hold every
letter of the file once.
"""

import bz2
import gzip
import io
import json
import lzma
import random
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pyarrow as pa

from csk.errors import CskError
from csk.intake.formats.delimited import Delimited
from csk.intake.formats.jsonlines import JsonLines
from csk.intake.formats.reading import opened
from csk.intake.formats.source import TEXT_CAP, Source

_ROWS = 40
_PLANS = ("松", "竹", "梅", "定期便コース", "お試し")
_NOTES = ("", "解約、理由は価格", 'said "no"', "two\nlines", "a,b;c", "髙橋㈱①", "ﾔﾏﾀﾞ")


def _table(separator: str = ",", line_end: str = "\n") -> str:
    rows = [["customer_id", "paid_on", "amount", "プラン", "備考"]]
    for n in range(_ROWS):
        day = f"2024-{n % 12 + 1:02}-{n % 28 + 1:02}"
        rows.append([f"C{n:04}", day, f"{n * 110}", _PLANS[n % 5], _NOTES[n % 7]])

    def field(value: str) -> str:
        plain = not any(letter in value for letter in f'{separator}"\n')
        return value if plain else '"' + value.replace('"', '""') + '"'

    return "".join(separator.join(map(field, row)) + line_end for row in rows)


def _json_lines() -> str:
    rows = [{"id": n, "on": f"2024-01-{n % 28 + 1:02}", "more": {"a": [n]}} for n in range(_ROWS)]
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _columnar(kind: str) -> bytes:
    frame = pl.DataFrame({"id": [f"C{n}" for n in range(_ROWS)], "amount": range(_ROWS)})
    sink = io.BytesIO()
    if kind == "parquet":
        frame.write_parquet(sink)
    else:
        frame.write_ipc(sink)
    return sink.getvalue()


def _zstd(raw: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(raw)
    return bytes(sink.getvalue())


def _zip(raw: bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("x.csv"), raw)
    return sink.getvalue()


TEXTS = {
    "utf-8": _table().encode(),
    "utf-8 with a mark": _table(line_end="\r\n").encode("utf-8-sig"),
    "cp932": _table(line_end="\r\n").encode("cp932"),
    "cp932 tabs": _table("\t", "\r\n").encode("cp932"),
    "euc-jp": _table(";").replace("髙橋㈱①", "高橋").encode("euc_jp"),
    "utf-16": _table("\t", "\r\n").encode("utf-16"),
    "carriage returns": _table("|", "\r").replace("two\nlines", "two lines").encode(),
    "escaped": _table().replace('""', '\\"').encode(),
    "blanks": _table(", ").encode(),
    "title": ("売上一覧,,,,\n\n" + _table()).encode("cp932"),
    "aligned": "".join(f"  {n:>9}  2024-01-{n + 1:02}  {n}\n" for n in range(_ROWS)).encode(),
    "json lines": _json_lines().encode(),
    "one column": ("id\n" + "".join(f"C{n}\n" for n in range(_ROWS))).encode(),
}
TEXTS["aligned"] = b"  customer_id  date  number\n" + TEXTS["aligned"]
BINARIES = {"parquet": _columnar("parquet"), "arrow": _columnar("arrow")}
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": lambda raw: gzip.compress(raw, mtime=0),
    "zstd": _zstd,
    "xz": lzma.compress,
    "bz2": bz2.compress,
    "zip": _zip,
}


def mutant(number: int) -> tuple[str, bytes]:
    """Make one damaged file; returns what it was, and its bytes."""
    chance = random.Random(number)
    if chance.random() < 0.1:
        name = chance.choice(sorted(BINARIES))
        return name, _damaged(BINARIES[name], chance)
    name = chance.choice(sorted(TEXTS))
    packer = chance.choice(sorted(PACKERS)) if chance.random() < 0.25 else "plain"
    raw = TEXTS[name]
    if packer == "plain" or chance.random() < 0.5:
        raw = PACKERS[packer](_damaged(raw, chance))
    else:
        raw = _damaged(PACKERS[packer](raw), chance)
    return f"{name}, {packer}", raw


def _damaged(raw: bytes, chance: random.Random) -> bytes:
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        raw = chance.choice(_DAMAGES)(raw, chance)
    return raw


def _flipped(raw: bytes, chance: random.Random) -> bytes:
    found = bytearray(raw)
    for _ in range(chance.choice((1, 1, 2, 20))):
        if found:
            found[chance.randrange(len(found))] ^= 1 << chance.randrange(8)
    return bytes(found)


def _slice(raw: bytes, chance: random.Random) -> tuple[int, int]:
    begin = chance.randrange(len(raw) + 1)
    return begin, min(len(raw), begin + chance.choice((1, 2, 7, 60, 1_000)))


def _cut(raw: bytes, chance: random.Random) -> bytes:
    begin, end = _slice(raw, chance)
    return chance.choice((raw[:begin], raw[begin:], raw[:begin] + raw[end:]))


def _repeated(raw: bytes, chance: random.Random) -> bytes:
    begin, end = _slice(raw, chance)
    return raw[:end] + raw[begin:end] * chance.choice((1, 1, 3, 200)) + raw[end:]


def _moved(raw: bytes, chance: random.Random) -> bytes:
    begin, end = _slice(raw, chance)
    rest = raw[:begin] + raw[end:]
    place = chance.randrange(len(rest) + 1)
    return rest[:place] + raw[begin:end] + rest[place:]


def _put(raw: bytes, chance: random.Random) -> bytes:
    marks = (b'"', b"'", b",", b"\n", b"\r", b"\0", b"\t", b"\\", b'""', b"\xff", b"\x81", b"\n\n")
    place = chance.randrange(len(raw) + 1)
    return raw[:place] + chance.choice(marks) * chance.choice((1, 1, 1, 50)) + raw[place:]


def _without_a_column(raw: bytes, chance: random.Random) -> bytes:
    mark = chance.choice((b",", b"\t", b";", b"|"))
    column, share = chance.randrange(5), chance.choice((0.05, 0.5, 1.0))
    lines = raw.split(b"\n")
    for at, line in enumerate(lines):
        fields = line.split(mark)
        if len(fields) > column and chance.random() < share:
            lines[at] = mark.join(fields[:column] + fields[column + 1 :])
    return b"\n".join(lines)


_DAMAGES = (_flipped, _flipped, _cut, _repeated, _moved, _put, _put, _without_a_column)


def outcome(raw: bytes, folder: Path) -> str:
    """Read a file in every way a source is read; "read" or "refused", AssertionError for a loss."""
    path = folder / "mutant.csv"
    path.write_bytes(raw)
    spool = folder / "spool"
    spool.mkdir(exist_ok=True)
    try:
        with opened(path, temporary=spool) as source:
            _read(source)
        result = "read"
    except CskError:
        result = "refused"
    assert list(spool.iterdir()) == []
    return result


def _read(source: Source) -> None:
    source.sample(20)
    batches = list(source.batches())
    rows = [row for batch in batches for row in batch.frame.rows()]
    malformed = list(source.malformed())
    assert len(malformed) == source.malformed_count
    assert [batch.first_row for batch in batches] == _begins(batches)
    places = source.located(range(len(rows)))
    assert len(set(places)) == len(rows)
    if isinstance(source, JsonLines):
        text = source.path.read_bytes()[source.offset :]
        assert len(rows) + len(malformed) == sum(bool(line.strip()) for line in text.splitlines())
    if isinstance(source, Delimited) and all(len(row.text) < TEXT_CAP for row in malformed):
        text = source.path.read_bytes()[source.offset :].decode()
        left_out = {*source.marks, "\\", "\r", "\n", " ", "\t", "\u3000", "\x0b", "\x0c"}
        kept = Counter(letter for row in rows for value in row for letter in value or "")
        kept += Counter(letter for row in malformed for letter in row.text)
        meant = Counter(text)
        for letter in left_out:
            kept.pop(letter, None)
            meant.pop(letter, None)
        assert kept == meant


def _begins(batches: list) -> list[int]:
    begins, row = [], 0
    for batch in batches:
        begins.append(row)
        row += batch.frame.height
    return begins
