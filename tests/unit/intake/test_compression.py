import bz2
import gzip
import lzma
import time
import zipfile

import pyarrow as pa
import pytest

from csk.errors import DataError
from csk.intake.formats.compression import compression, unpacked
from csk.intake.formats.reading import opened

ROWS = "".join(f"C{number:06},{number * number}\n" for number in range(20_000)).encode()


def zstd(raw):
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(raw)
    return sink.getvalue().to_pybytes()


PACKERS = {"gzip": gzip.compress, "zstd": zstd, "xz": lzma.compress, "bz2": bz2.compress}


def zipped(path, **members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, raw in members.items():
            archive.writestr(name, raw)
    return path


@pytest.mark.parametrize("kind", PACKERS)
def test_a_packed_file_comes_out_whole(tmp_path, kind):
    path = tmp_path / "x"
    path.write_bytes(PACKERS[kind](ROWS))
    assert compression(path.read_bytes()[:16]) == kind
    assert b"".join(unpacked(path, kind, "x")) == ROWS


@pytest.mark.parametrize("kind", ["gzip", "zstd", "xz"])
def test_members_one_after_the_other_are_one_file(tmp_path, kind):
    path = tmp_path / "x"
    path.write_bytes(PACKERS[kind](ROWS) + PACKERS[kind](b"more\n"))
    assert b"".join(unpacked(path, kind, "x")) == ROWS + b"more\n"


@pytest.mark.parametrize("kind", PACKERS)
@pytest.mark.parametrize("kept", [0.3, 0.9, -3])
def test_a_stream_that_ends_early_is_refused(tmp_path, kind, kept):
    packed = PACKERS[kind](ROWS)
    path = tmp_path / "x"
    path.write_bytes(packed[: int(len(packed) * kept) if kept > 0 else kept])
    with pytest.raises(DataError, match=r"x\.gz is cut off"):
        list(unpacked(path, kind, "x.gz"))


# Arrow's zstd has no checksum to hold the bytes against, so it is not in this list.
@pytest.mark.parametrize("kind", ["gzip", "xz", "bz2"])
def test_a_damaged_stream_is_refused(tmp_path, kind):
    packed = bytearray(PACKERS[kind](ROWS))
    middle = len(packed) // 2
    packed[middle : middle + 64] = bytes(range(64))
    path = tmp_path / "x"
    path.write_bytes(packed)
    with pytest.raises(DataError, match=r"damaged|cut off"):
        list(unpacked(path, kind, "x"))


def test_a_stream_that_grows_beyond_reason_is_refused(tmp_path):
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(bytes(20 << 20)))
    with pytest.raises(DataError, match="200 times"):
        list(unpacked(path, "gzip", "x.gz", size_limit=1 << 20))


@pytest.mark.parametrize("kind", ["gzip", "zstd", "xz"])
def test_a_bomb_is_refused_quickly_and_leaves_nothing_behind(tmp_path, kind):
    n_mb, block = 300, b"C1,5\n" * 209_715
    path, spool = tmp_path / "x.csv", tmp_path / "spool"
    spool.mkdir()
    path.write_bytes(PACKERS[kind](block) * n_mb)
    assert path.stat().st_size < 3 << 20
    began = time.process_time()
    with pytest.raises(DataError, match="200 times") as refusal:
        opened(path, temporary=spool)
    assert time.process_time() - began < 5
    assert "unpack it" in refusal.value.hint
    assert list(spool.iterdir()) == []


def test_a_zip_that_says_that_it_is_a_bomb_is_not_begun(tmp_path):
    path = zipped(tmp_path / "x.zip", **{"x.csv": b"C1,5\n" * (4 << 20)})
    pieces = unpacked(path, "zip", "x.zip", size_limit=19 << 20)
    with pytest.raises(DataError, match=r"200 times its size \(20 MB or more\)"):
        next(pieces)


@pytest.mark.parametrize("name", ["../x.csv", "/etc/x.csv", "a/../../x.csv", "C:\\x.csv"])
def test_a_name_inside_an_archive_leads_nowhere(tmp_path, name):
    inner, spool = tmp_path / "inner", tmp_path / "inner" / "spool"
    spool.mkdir(parents=True)
    path = zipped(inner / "x.zip", **{name: b"id,amount\nC1,5\n"})
    with opened(path, temporary=spool) as source:
        assert source.columns == ("id", "amount")
        assert len(list(spool.iterdir())) == 1
    assert sorted(tmp_path.rglob("*")) == [inner, spool, path]


def test_a_zip_that_cannot_be_read_is_refused(tmp_path):
    path = zipped(tmp_path / "x.zip", **{"x.csv": ROWS})
    raw = bytearray(path.read_bytes())
    for mark in (b"PK\x03\x04", b"PK\x01\x02"):
        at = raw.index(mark) + (8 if mark[2] == 3 else 10)
        raw[at : at + 2] = (97).to_bytes(2, "little")  # a method that nobody has
    path.write_bytes(raw)
    with pytest.raises(DataError, match=r"x\.zip is damaged|cannot be unpacked"):
        list(unpacked(path, "zip", "x.zip"))


def test_a_small_stream_may_grow_as_it_likes(tmp_path):
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(bytes(1 << 20)))
    assert sum(map(len, unpacked(path, "gzip", "x.gz"))) == 1 << 20


def test_a_zip_of_one_file_is_that_file(tmp_path):
    path = zipped(tmp_path / "x.zip", **{"export.csv": ROWS, "__MACOSX/._export.csv": b"?"})
    assert compression(path.read_bytes()[:16]) == "zip"
    assert b"".join(unpacked(path, "zip", "x.zip")) == ROWS


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        ({"a.csv": b"1", "b.csv": b"2"}, "zip of 2 files"),
        ({"[Content_Types].xml": b"<x/>", "xl/workbook.xml": b"<x/>"}, "Excel workbook"),
    ],
)
def test_other_zips_are_refused_with_advice(tmp_path, members, sentence):
    path = zipped(tmp_path / "x.zip", **members)
    with pytest.raises(DataError, match=sentence) as refusal:
        list(unpacked(path, "zip", "x.zip"))
    assert refusal.value.hint


@pytest.mark.parametrize("head", [b"", b"a,b\n1,2\n", b"\xef\xbb\xbfa,b", b"PAR1"])
def test_plain_files_are_not_packed(head):
    assert compression(head) == ""
