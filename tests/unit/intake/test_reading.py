import gzip
import json
import os
import resource
import threading
import time

import polars as pl
import pytest

from csk.errors import DataError, StorageError, UsageError
from csk.intake.formats.reading import Malformed, opened
from csk.intake.formats.source import BLOCK_BYTES


@pytest.fixture
def spool(tmp_path):
    folder = tmp_path / "spool"
    folder.mkdir()
    return folder


@pytest.fixture
def source(tmp_path, spool):
    """Write bytes to a file, and open it."""
    still_open = []

    def written(raw, name="x.csv", **options):
        path = tmp_path / name
        path.write_bytes(raw if isinstance(raw, bytes) else raw.encode())
        found = opened(path, temporary=spool, **options)
        still_open.append(found)
        return found

    yield written
    for found in still_open:
        found.close()


def rows(source, *columns):
    return [row for batch in source.batches(columns) for row in batch.frame.rows()]


def test_every_column_is_text_and_empty_is_null(source):
    found = source('id,day,amount\n00123,2024-01-05,1.50\n"",,"1,200"\n')
    (batch,) = found.batches()
    assert batch.frame.schema == dict.fromkeys(("id", "day", "amount"), pl.String)
    assert batch.frame.rows() == [("00123", "2024-01-05", "1.50"), (None, None, "1,200")]
    assert batch.first_row == 0


def test_only_the_columns_asked_for_are_read_in_their_order(source):
    assert rows(source("a,b,c\n1,2,3\n"), "c", "a") == [("3", "1")]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_no_row_is_lost_wherever_blocks_are_cut(source, line_end):
    text = line_end.join(["a,b", '"1",2', '3,"x', 'y"', "5,6", ""])
    found = source(text.encode())
    for size in range(16, 40):
        found.block_bytes = size
        assert rows(found) == [("1", "2"), ("3", f"x{line_end}y"), ("5", "6")]
        assert found.malformed_count == 0


def test_a_source_tells_what_it_is(source):
    found = source(gzip.compress("送料;送料\r\n1;2\r\n".encode("cp932")), "受注.csv")
    assert found.name.endswith("受注.csv")
    assert (found.format, found.encoding, found.compression) == ("delimited", "CP932", "gzip")
    assert (found.delimiter, found.columns) == (";", ("送料", "送料 (2)"))
    assert (found.shape.header_line, len(found.shape.notes)) == (1, 1)


def test_rows_too_short_and_too_long_are_named_not_repaired(source):
    found = source("a,b,c\n1,2,3\n4,5\n\n  \n6,7,8,9\n7,8,9\n1,2")
    assert rows(found) == [("1", "2", "3"), ("7", "8", "9")]
    assert found.malformed_count == 3
    assert list(found.malformed()) == [
        Malformed(2, 3, "2 fields, header has 3", "4,5"),
        Malformed(4, 6, "4 fields, header has 3", "6,7,8,9"),
        Malformed(6, 8, "2 fields, header has 3", "1,2"),
    ]
    assert found.located([1, 0]) == [(5, 7), (1, 2)]


def test_places_are_found_without_naming_the_malformed_first(source):
    found = source("a,b\n1\n2,2\n")
    assert rows(found) == [("2", "2")]
    assert found.located([0]) == [(2, 3)]


def test_lines_differ_from_records_where_values_hold_line_ends(source):
    found = source('a,b\n"x\n\ny",1\n\n2,"p ""q""\nr"\n3\n4,4\n')
    assert rows(found) == [("x\n\ny", "1"), ("2", 'p "q"\nr'), ("4", "4")]
    assert found.located([0, 1, 2]) == [(1, 2), (2, 6), (4, 9)]
    assert [(row.record, row.line) for row in found.malformed()] == [(3, 8)]


def test_an_unclosed_quote_counts_every_line_that_it_swallows(source):
    found = source('a,b\n1,2\n"3,4\n5,6\n7,8\n')
    assert rows(found) == [("1", "2")]
    assert found.malformed_count == 3
    named = list(found.malformed())
    assert [(row.record, row.line, row.text) for row in named] == [
        (2, 3, '"3,4'),
        (2, 4, "5,6"),
        (2, 5, "7,8"),
    ]
    assert "never closed" in named[0].reason


@pytest.mark.parametrize(
    ("text", "read", "places"),
    [
        ('a,b\n1,2\n3,"4\n5,6\n', [("1", "2")], [(2, 3), (2, 4)]),
        ('a,b\n1,2\n3,"4', [("1", "2")], [(2, 3)]),
        ('a,b\n1\n3,"4\n\n5,6', [], [(1, 2), (2, 3), (2, 5)]),
        ('a\n1\n"4\n5\n', [("1",)], [(2, 3), (2, 4)]),
        ('a,b\n"1\n",2\n3,"4\n', [("1\n", "2")], [(2, 4)]),
        ('a,b\n3,"4\n5,6\n', [], [(1, 2), (1, 3)]),
    ],
)
def test_an_unclosed_quote_is_seen_where_the_fields_are_right_by_chance(source, text, read, places):
    found = source(text)
    assert rows(found) == read
    assert found.malformed_count == len(places)
    assert [(row.record, row.line) for row in found.malformed()] == places


def test_an_unclosed_quote_that_swallows_much_is_refused(source):
    found = source('a,b\n1,2\n3,"4\n' + "5,6\n" * 20_000)
    with pytest.raises(DataError, match=r"never closed, in the record on line 3"):
        list(found.batches())


@pytest.mark.parametrize(
    ("text", "read", "places", "named"),
    [
        (
            'a,b,c\n1,2,3\n"4,"x, y, z",6\n7,8,9\n1,2\n',
            [("1", "2", "3"), ("7", "8", "9"), ('"4', "x, y, z", "6")],
            [(1, 2), (3, 4), (2, 3)],
            [(4, 5)],
        ),
        (
            'a,b,c\n1,2,"\n4,"x, y",6\n\n7,8,9\n',
            [("7", "8", "9"), ("1", "2", '"'), ("4", "x, y", "6")],
            [(2, 5), (1, 2), (1, 3)],
            [],
        ),
    ],
)
def test_rows_with_a_stray_quote_come_last_with_their_places(source, text, read, places, named):
    found = source(text)
    assert rows(found) == read
    assert found.located(range(3)) == places
    assert [(row.record, row.line) for row in found.malformed()] == named
    assert found.malformed_count == len(named)
    assert rows(found, "c", "a") == [(row[2], row[0]) for row in read]


def test_many_rows_with_a_stray_quote_do_not_make_a_file_slow(source):
    line = '"1,2' + ',"x"' * 20 + "\n"
    found = source("a,b" + ",c" * 20 + "\n" + line * 40_000)
    began = time.process_time()
    n_rows = len(rows(found))
    assert time.process_time() - began < 10
    assert 0 < n_rows < 40_000
    assert n_rows + found.malformed_count == 40_000


def test_a_record_in_several_lines_hints_at_an_open_quote(source):
    found = source('a,b\n"1,2\n3,4\n5,6",7,8\n9,10\n')
    assert rows(found) == [("9", "10")]
    (row,) = found.malformed()
    assert row.reason == "3 fields, header has 2 (in 3 lines: a quote may be left open)"


def test_the_text_of_a_malformed_row_is_capped(source):
    found = source("a,b\n" + "x" * 2_000 + "\n")
    assert rows(found) == []
    assert [len(row.text) for row in found.malformed()] == [500]


def test_a_sample_has_all_columns_and_at_most_n_rows(source):
    found = source("a,b\n" + "1,2\n" * 50)
    assert found.sample(20).shape == (20, 2)
    assert found.sample().equals(pl.concat([batch.frame for batch in found.batches()]))


def test_a_sample_of_a_large_file_reads_whole_rows_only(source):
    found = source("a,b\n" + "12345678,あいう\n" * 80_000)
    assert found.sample(10**9)["b"].unique().to_list() == ["あいう"]


def test_a_header_alone_is_a_source_of_no_rows(source):
    found = source("a,b\n")
    assert list(found.batches()) == []
    assert found.sample().schema == {"a": pl.String, "b": pl.String}
    assert (found.malformed_count, list(found.malformed())) == (0, [])


def test_batches_of_a_long_file_follow_one_another(source):
    found = source("id,n\n" + "".join(f"{number},x\n" for number in range(5_000)))
    found.block_bytes = 4_096
    batches = list(found.batches(["id"]))
    assert len(batches) > 5
    for batch in batches:
        assert batch.frame["id"][0] == str(batch.first_row)
    assert sum(batch.frame.height for batch in batches) == 5_000


def test_a_reader_may_stop_early(source):
    found = source("id,n\n" + "1,x\n" * 50_000)
    found.block_bytes = 4_096
    for _ in range(20):
        assert next(found.batches()).first_row == 0


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b"", "empty"),
        (b"\n\r\n  \n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (gzip.compress(b"", mtime=0), "empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "PNG"),
        (b"%PDF-1.7\n1 0 obj", "PDF"),
        (bytes(range(256)) * 4, "binary"),
        (gzip.compress(b"a,b\n" * 9_999, mtime=0)[:-9], "cut off"),
        (gzip.compress(gzip.compress(b"a,b\n1,2\n", mtime=0), mtime=0), "packed twice"),
        (b'[{"a": 1}]', "JSON document"),
        (b'{\n"a": 1\n}', "JSON lines"),
        (b"PAR1" + bytes(100), "Parquet"),
        (b"ARROW1\0\0" + bytes(100), "Arrow"),
        (b"1,2\n3,4\n", "no header"),
        (b'a,"b\n1,2\n', "never closed"),
        (b"a,b\n1,\xff\n", "encoding"),
    ],
)
def test_what_is_no_table_is_refused_with_its_name(source, spool, raw, sentence):
    with pytest.raises(DataError, match=rf"x\.csv.*{sentence}|{sentence}.*x\.csv"):
        source(raw)
    assert list(spool.iterdir()) == []


@pytest.mark.parametrize("lead", [b"", b"a,b\n"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_line_of_many_megabytes_is_refused(source, lead, pack):
    with pytest.raises(DataError, match=r"line .* of more than 8 MB"):
        list(source(pack(lead + b"x," * (3 * BLOCK_BYTES // 2))).batches())


def test_a_quoted_value_of_many_megabytes_is_refused(source):
    found = source(b'a,b\n1,"' + b"xy\n" * (BLOCK_BYTES // 2))
    with pytest.raises(DataError, match=r"quoted value|never closed"):
        list(found.batches())


def test_a_bad_byte_far_into_the_file_is_named_with_its_line(source):
    good = "id,name\n" + "C1,山田\n" * 2_000_000
    found = source(good.encode() + b"C2,\x83\n" + b"C3,x\n" * 10)
    with pytest.raises(DataError, match=r"x\.csv is not UTF-8 .* 0x83 on line 2,000,002"):
        list(found.batches(["id"]))


def test_a_bad_byte_after_much_ascii_decides_the_encoding(source):
    found = source("id,name\n" + "C1,x\n" * 200_000 + "C2,㈱髙橋\n", "y.csv")
    assert found.encoding == "UTF-8"
    raw = ("id,name\n" + "C1,x\n" * 200_000 + "C2,㈱髙橋商店\n").encode("cp932")
    found = source(raw)
    assert found.encoding == "CP932"
    assert rows(found)[-1] == ("C2", "㈱髙橋商店")


def test_the_encoding_that_is_given_is_taken(source):
    assert rows(source("a,b\né,£\n".encode("cp1252"), encoding="cp1252")) == [("é", "£")]
    with pytest.raises(DataError, match="not CP932"):
        source("a,b\né,£\n".encode() + b"\xff\n", encoding="shift_jis")


def test_a_file_that_grows_while_it_is_read_is_refused(source, tmp_path):
    grown = source("a,b\n" + "1,2\n" * 2_000_000)
    grown.block_bytes = 65_536
    batches = grown.batches()
    next(batches)
    with (tmp_path / "x.csv").open("ab") as file:
        file.write(b"3,4\n")
    with pytest.raises(DataError, match="written to"):
        list(batches)


def test_what_is_not_there_is_a_wrong_question(tmp_path, spool):
    with pytest.raises(UsageError, match="no file"):
        opened(tmp_path / "none.csv", temporary=spool)
    with pytest.raises(UsageError, match="folder"):
        opened(tmp_path, temporary=spool)


def test_a_pipe_is_read_like_a_file(tmp_path, spool):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=("氏名,b\nあ,2\n".encode("euc_jp"),))
    writer.start()
    with opened(pipe, temporary=spool) as found:
        writer.join()
        assert (found.encoding, rows(found)) == ("EUC-JP", [("あ", "2")])
    assert list(spool.iterdir()) == []


def test_a_full_disk_is_a_sentence(tmp_path, spool):
    path = tmp_path / "x.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 500_000, mtime=0))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, limits[1]))
    try:
        with pytest.raises(StorageError, match="cannot be unpacked"):
            opened(path, temporary=spool)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(spool.iterdir()) == []


def test_blanks_after_separators_are_taken_away(source):
    found = source('id, name, n\nC1, "a, b", 1\nC2, "x\n, y", 2\n3\nC4,  z, 4\n')
    assert rows(found) == [("C1", "a, b", "1"), ("C2", "x\n, y", "2"), ("C4", "z", "4")]
    assert found.located([1, 2]) == [(2, 3), (4, 6)]
    assert [(row.record, row.line) for row in found.malformed()] == [(3, 5)]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("'id','note'\n'C1','it''s, b'\n'C2','x\ny'\n", [("C1", "it's, b"), ("C2", "x\ny")]),
        ('id,note\nC1,"say \\"a, b\\""\nC2,"x\n\\"y"\n', [("C1", 'say "a, b"'), ("C2", 'x\n"y')]),
    ],
)
def test_other_quotes_and_escapes_are_read_with_their_places(source, text, read):
    found = source(text + "C3\nC4,z\n")
    assert rows(found) == [*read, ("C4", "z")]
    assert found.located([0, 1, 2]) == [(1, 2), (2, 3), (4, 6)]
    assert [(row.record, row.line) for row in found.malformed()] == [(3, 5)]


def test_the_input_stays_as_it_was_and_temporary_files_go(source, tmp_path, spool):
    raw = gzip.compress(" 氏名  b \n あ  1\n".encode("cp932"))
    with source(raw) as found:
        assert rows(found) == [("あ", "1")]
        assert len(list(spool.iterdir())) == 1
    assert (tmp_path / "x.csv").read_bytes() == raw
    assert list(spool.iterdir()) == []


def test_json_lines_keep_the_text_of_numbers(source):
    lines = [
        '{"id": "007", "amount": 1.50, "n": 12345678901234567890, "ok": true}',
        "",
        "not json",
        '{"id": "", "amount": null, "more": {"a": [1.0, "é"]}}',
        "[1, 2]",
        '{"id": 8}',
    ]
    found = source("\n".join(lines))
    assert found.format == "jsonl"
    assert found.columns == ("id", "amount", "n", "ok", "more.a")
    assert rows(found) == [
        ("007", "1.50", "12345678901234567890", "true", None),
        (None, None, None, None, '[1.0, "é"]'),
        ("8", None, None, None, None),
    ]
    assert found.malformed_count == 2
    assert list(found.malformed()) == [
        Malformed(2, 3, "no valid JSON", "not json"),
        Malformed(4, 5, "a JSON list, not an object", "[1, 2]"),
    ]
    assert found.located([2, 0]) == [(5, 6), (1, 1)]
    assert found.sample(1).rows() == rows(found)[:1]


def test_json_lines_come_in_batches_that_follow_one_another(source):
    found = source("\n".join(json.dumps({"n": number}) for number in range(70_000)))
    batches = list(found.batches(["n"]))
    assert [batch.first_row for batch in batches] == [0, 65_536]
    assert batches[1].frame["n"][0] == "65536"


def test_parquet_keeps_its_types(source, tmp_path):
    pl.DataFrame(
        {"id": ["C1", "C2"], "n": [1, 2], " plan ": ["x", "y"]},
        schema_overrides={" plan ": pl.Categorical},
    ).write_parquet(tmp_path / "t")
    found = source((tmp_path / "t").read_bytes(), "export.csv")
    assert (found.format, found.columns) == ("parquet", ("id", "n", "plan"))
    (batch,) = found.batches(["plan", "n"])
    assert batch.frame.schema == {"plan": pl.String, "n": pl.Int64}
    assert batch.frame.rows() == [("x", 1), ("y", 2)]
    assert found.located([1]) == [(2, None)]
    assert found.sample(1).height == 1


def test_arrow_keeps_its_types(source, tmp_path):
    pl.DataFrame({"id": ["C1", "C2"], "n": [1.5, 2.5]}).write_ipc(tmp_path / "t")
    found = source((tmp_path / "t").read_bytes())
    assert found.format == "arrow"
    assert rows(found, "n", "id") == [(1.5, "C1"), (2.5, "C2")]


def test_a_parquet_file_cut_off_is_refused(source, tmp_path):
    pl.DataFrame({"n": range(1_000)}).write_parquet(tmp_path / "t")
    with pytest.raises(DataError, match="no whole Parquet file"):
        source((tmp_path / "t").read_bytes()[:-20])
