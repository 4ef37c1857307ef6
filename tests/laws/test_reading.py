import bz2
import csv
import gzip
import io
import lzma
import tempfile
import zipfile
from collections import Counter
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mutants import mutant, outcome

from csk.intake.formats.encoding import detected
from csk.intake.formats.reading import opened

JAPANESE = "山田花子東京都渋谷区様株式会社売上金額円あいうえおさしすせそアイウエオカキクケコー、。"
VALUES = st.one_of(
    st.text(alphabet=JAPANESE + 'abcXYZ 019,;|"\n.-', max_size=12).filter(
        lambda text: text == text.strip()
    ),
    st.from_regex(r"0{0,3}[0-9]{1,6}", fullmatch=True),
    st.from_regex(r"2024-0[1-9]-1[0-9]", fullmatch=True),
)
TABLES = st.integers(2, 5).flatmap(
    lambda width: st.lists(st.tuples(*[VALUES] * width), min_size=1, max_size=30)
)
ENCODINGS = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8 (BOM)",
    "utf-16-le": "UTF-16 LE",
    "utf-16-be": "UTF-16 BE",
    "cp932": "CP932",
    "euc_jp": "EUC-JP",
}
PACKERS = ("", "gzip", "zstd", "xz", "bz2", "zip")


def encoded(text, encoding):
    return ("\ufeff" * encoding.startswith("utf-16") + text).encode(encoding)


def packed(raw, packer):
    if packer == "zstd":
        sink = pa.BufferOutputStream()
        with pa.CompressedOutputStream(sink, "zstd") as stream:
            stream.write(raw)
        return sink.getvalue().to_pybytes()
    if packer == "zip":
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("exports/x.csv", raw)
        return file.getvalue()
    plain = {"": bytes, "gzip": gzip.compress, "xz": lzma.compress, "bz2": bz2.compress}
    return plain[packer](raw)


def written(rows, separator, line_end, quoting):
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator, lineterminator=line_end, quoting=quoting)
    writer.writerow([f"列 {position} 名" for position in range(len(rows[0]))])
    writer.writerows(rows)
    return text.getvalue()


def first_lines(rows):
    """Where each record begins, by counting the line ends that were written."""
    lines, line = [], 2
    for row in rows:
        lines.append(line)
        line += 1 + sum(value.count("\n") for value in row)
    return lines


@given(
    rows=TABLES,
    encoding=st.sampled_from(sorted(ENCODINGS)),
    separator=st.sampled_from([",", "\t", ";", "|"]),
    packer=st.sampled_from(PACKERS),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    block=st.sampled_from([512, 4_096, 16 << 20]),
)
@settings(max_examples=150)
def test_what_was_written_is_read(rows, encoding, separator, packer, line_end, quoting, block):
    if line_end == "\r":
        quoting = csv.QUOTE_ALL  # csv quotes a line feed only where line feeds end lines
    text = written(rows, separator, line_end, quoting)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x"
        path.write_bytes(packed(encoded(text, encoding), packer))
        with opened(path, temporary=Path(folder)) as source:
            assert (source.encoding, source.compression) == (ENCODINGS[encoding], packer)
            assert source.delimiter == separator
            source.block_bytes = block
            read = [row for batch in source.batches() for row in batch.frame.rows()]
            assert read == [tuple(value or None for value in row) for row in rows]
            assert source.malformed_count == 0
            assert source.sample().rows() == read
            places = source.located(range(len(rows)))
    assert places == list(enumerate(first_lines(rows), 1))


@given(
    rows=st.lists(
        st.lists(st.text(alphabet="abc019山あ", min_size=1, max_size=8), min_size=1, max_size=5),
        max_size=40,
    ),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    separator=st.sampled_from([",", "\t"]),
    blank_lines=st.integers(0, 3),
    ends=st.booleans(),
)
@settings(max_examples=100)
def test_every_row_is_read_or_named_with_its_place(rows, line_end, separator, blank_lines, ends):
    gap = line_end * (1 + blank_lines)
    lines = [separator.join(["甲", "乙", "丙"]), *(separator.join(row) for row in rows)]
    text = gap.join(lines) + line_end * ends
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x"
        path.write_bytes(text.encode())
        with opened(path, temporary=Path(folder), separator=separator) as source:
            read = [row for batch in source.batches() for row in batch.frame.rows()]
            named = list(source.malformed())
            places = source.located(range(len(read)))
    step = 1 + blank_lines
    whole = [(at, row) for at, row in enumerate(rows, 1) if len(row) == 3]
    broken = [(at, row) for at, row in enumerate(rows, 1) if len(row) != 3]
    assert read == [tuple(row) for _, row in whole]
    assert places == [(at, 1 + at * step) for at, _ in whole]
    assert [(row.record, row.line, row.text) for row in named] == [
        (at, 1 + at * step, separator.join(row)) for at, row in broken
    ]
    assert source.malformed_count == len(broken)


WORDS = (
    *("東京都", "大阪府", "北海道", "神奈川県", "山田太郎", "鈴木花子", "株式会社", "定期購入"),
    *("解約済み", "プレミアム会員", "スタンダード", "りんご", "みかん", "コーヒー豆", "退会"),
    *("お試しセット", "定期便コース", "継続中", "クレジットカード", "銀行振込"),
)
SENTENCES = st.lists(st.sampled_from(WORDS), min_size=3, max_size=60)


@given(words=SENTENCES, encoding=st.sampled_from(["cp932", "euc_jp", "utf-8"]))
@settings(max_examples=200)
def test_japanese_words_tell_their_encoding(words, encoding):
    text = "id,名称\n" + "".join(f"{number},{word}\n" for number, word in enumerate(words))
    assert detected(text.encode(encoding), "x", whole=True) == encoding


HALF_WIDTH = st.lists(
    st.sampled_from(["ﾔﾏﾀﾞ", "ﾀﾛｳ", "ｽｽﾞｷ", "ﾊﾅｺ", "ｻﾄｳ", "ﾀﾅｶ", "ﾜﾀﾅﾍﾞ", "ｺﾊﾞﾔｼ", "ｶﾌﾞｼｷｶﾞｲｼｬ", "ﾆｯﾎﾟﾝ"]),
    min_size=3,
    max_size=60,
)


@given(words=HALF_WIDTH)
@settings(max_examples=100)
def test_half_width_katakana_is_cp932(words):
    text = "id,kana\n" + "".join(f"{number},{word}\n" for number, word in enumerate(words))
    assert detected(text.encode("cp932"), "x", whole=True) == "cp932"


@given(
    rows=st.lists(
        st.tuples(*[st.text(alphabet="abc019-/.山", min_size=1, max_size=9)] * 3),
        min_size=1,
        max_size=20,
    ),
    line_end=st.sampled_from(["\n", "\r\n"]),
)
@settings(max_examples=100)
def test_aligned_columns_are_read(rows, line_end):
    table = [("customer", "date", "amount"), *rows]
    text = "".join("".join(f"  {value:>12}" for value in row) + line_end for row in table)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x"
        path.write_bytes(text.encode())
        with opened(path, temporary=Path(folder)) as source:
            assert source.delimiter == " "
            frames = [batch.frame for batch in source.batches()]
            places = source.located(range(len(rows)))
    assert pl.concat(frames).rows() == rows
    assert places == [(at, at + 1) for at in range(1, len(rows) + 1)]


@pytest.mark.parametrize("begin", range(0, 400, 50))
def test_a_damaged_file_is_read_or_refused_and_no_letter_of_it_is_lost(tmp_path, begin):
    outcomes = Counter(outcome(mutant(n)[1], tmp_path) for n in range(begin, begin + 50))
    assert outcomes.total() == 50
    assert outcomes["read"] >= 10
