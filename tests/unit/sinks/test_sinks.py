"""Every sink that is found writes the same rows with the types of the contract."""

import datetime as dt
import io
import json
import os
import sys
import threading
from decimal import Decimal
from pathlib import Path
from zipfile import ZipFile

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest

from csk.errors import DataError, UsageError
from csk.registry import names
from csk.sinks._columns import ROW_GROUP
from csk.sinks.protocol import PACKAGE, SinkOptions, sink_for, sink_named

OPTIONS = SinkOptions(as_of=dt.date(2026, 11, 1))
FORMATS = names(PACKAGE)
STREAMS = [name for name in FORMATS if sink_named(name).is_streamable]
WHEN = dt.datetime(2024, 1, 1, 3, 4, 5, 6, tzinfo=dt.UTC)
TYPES = {
    "customer_id": pa.string(),
    "n_purchases": pa.int64(),
    "first_on": pa.date32(),
    "seen_at": pa.timestamp("us", tz="UTC"),
    "ltv_amount": pa.decimal128(18, 4),
    "p_churn_90d": pa.float64(),
    "is_alive": pa.bool_(),
    "plan": pa.string(),
    "region": pa.string(),
}
ROWS = [
    ("0001", 1, dt.date(2024, 1, 1), WHEN, Decimal("99999999999999.9999"), 0.1, True),
    ("=cmd()", 2, None, None, Decimal("-0.0001"), None, False),
    ("-3", None, dt.date(1999, 12, 31), None, None, 1e-9, None),
]


@pytest.mark.parametrize("name", FORMATS)
def test_every_sink_says_its_suffix_and_counts_its_rows(name, frame, table, tmp_path):
    sink = sink_named(name)
    assert sink.suffix == f".{name}"
    assert sink_for(tmp_path / f"x.{name.upper()}") is sink
    assert sink.write(frame, tmp_path / "x", table, OPTIONS) == 3
    assert sink.write(frame.clear(), tmp_path / "x", table, OPTIONS) == 0
    assert sink.write(iter(()), tmp_path / "x", table, OPTIONS) == 0


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "duckdb"])
def test_the_same_rows_give_the_same_bytes_however_they_come(name, frame, table, tmp_path):
    sink = sink_named(name)
    for number, frames in enumerate((frame, frame, iter([frame[:1], frame[1:1], frame[1:]]))):
        sink.write(frames, tmp_path / f"{number}", table, OPTIONS)
    first, *others = [(tmp_path / f"{number}").read_bytes() for number in range(3)]
    assert others == [first, first]


def test_parquet_has_the_types_of_the_contract_and_its_stamps(frame, table, tmp_path):
    target = tmp_path / "x.parquet"
    sink_for(target).write(frame, target, table, OPTIONS)
    schema = pq.read_schema(target)
    assert dict(zip(schema.names, schema.types, strict=True)) == TYPES
    assert list(schema.names) == list(TYPES)
    footer = pq.read_metadata(target)
    assert footer.row_group(0).column(0).compression == "ZSTD"
    assert {key: value for key, value in footer.metadata.items() if key.startswith(b"csk.")} == {
        b"csk.schema_version": b"1",
        b"csk.table": b"fct_made_up",
        b"csk.as_of": b"2026-11-01",
    }
    rows = [tuple(row.values())[:7] for row in pq.read_table(target).to_pylist()]
    assert rows == ROWS


def test_parquet_opens_in_pandas_polars_and_duckdb(frame, table, tmp_path):
    target = tmp_path / "x.parquet"
    sink_for(target).write(frame, target, table, OPTIONS)
    assert pd.read_parquet(target)["ltv_amount"][0] == Decimal("99999999999999.9999")
    assert str(pd.read_parquet(target)["seen_at"].dtype) == "datetime64[us, UTC]"
    assert pl.read_parquet(target).schema["ltv_amount"] == pl.Decimal(18, 4)
    described = duckdb.sql(f"SELECT column_type FROM (DESCRIBE FROM '{target}')").fetchall()  # noqa: S608 # our own path
    assert [kind for (kind,) in described] == DUCKDB_TYPES


DUCKDB_TYPES = [
    "VARCHAR",
    "BIGINT",
    "DATE",
    "TIMESTAMP WITH TIME ZONE",
    "DECIMAL(18,4)",
    "DOUBLE",
    "BOOLEAN",
    "VARCHAR",
    "VARCHAR",
]


def test_row_groups_are_cut_by_count_alone(table, tmp_path):
    ids = pl.DataFrame({"customer_id": pl.int_range(ROW_GROUP * 2 + 5, eager=True).cast(str)})
    sink = sink_named("parquet")
    assert sink.write(ids, tmp_path / "whole", table, OPTIONS) == ids.height
    parts = (ids.slice(start, 100_000) for start in range(0, ids.height, 100_000))
    sink.write(parts, tmp_path / "parts", table, OPTIONS)
    footer = pq.read_metadata(tmp_path / "whole")
    groups = [footer.row_group(number).num_rows for number in range(footer.num_row_groups)]
    assert groups == [ROW_GROUP, ROW_GROUP, 5]
    assert (tmp_path / "whole").read_bytes() == (tmp_path / "parts").read_bytes()


def test_csv_keeps_zeros_decimals_and_dates_and_disarms_formulas(frame, table):
    stream = io.BytesIO()
    sink_named("csv").write_stream(frame, stream, table, OPTIONS)
    assert stream.getvalue().decode() == (
        "customer_id,n_purchases,first_on,seen_at,ltv_amount,p_churn_90d,is_alive,plan,region\n"
        "0001,1,2024-01-01,2024-01-01T03:04:05.000006Z,99999999999999.9999,0.1,true,"
        '"日本 ""x"", y",東\n'
        '\'=cmd(),2,,,-0.0001,,false,"a\nb",西\n'
        "-3,,1999-12-31,,,1e-9,,,\n"
    )


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+81 3", "'+81 3"),
        ("-x", "'-x"),
        ("@SUM", "'@SUM"),
        ("\tx", "'\tx"),
        ("\rx", '"\'\rx"'),
        ("＝1", "'＝1"),
        ("a=b", "a=b"),
        ("0012", "0012"),
        ("-3", "-3"),
        ("+81.5", "+81.5"),
        ("-1,200.50", '"-1,200.50"'),
        ("-.5", "-.5"),
        ("-", "'-"),
        ("-1+1", "'-1+1"),
        ("-2\n", '"\'-2\n"'),
        ("-1e5", "'-1e5"),
        ("", '""'),
    ],
)
def test_a_text_that_would_run_as_a_formula_gets_an_apostrophe(text, written, table):
    rows = pl.DataFrame({"customer_id": [text], "ltv_amount": [-50_000]})
    stream = io.BytesIO()
    sink_named("csv").write_stream(rows, stream, table, OPTIONS)
    assert stream.getvalue().decode().partition("\n")[2] == f"{written},-5.0000\n"


def test_a_column_name_that_would_run_as_a_formula_gets_an_apostrophe(table):
    rows = pl.DataFrame({"customer_id": ["1"], "=cmd()": ["2"], "-3": ["4"]})
    stream = io.BytesIO()
    sink_named("csv").write_stream(rows, stream, table, OPTIONS)
    assert stream.getvalue() == b"customer_id,'=cmd(),'-3\n1,2,4\n"


def test_the_guard_against_formulas_can_be_put_down(table):
    stream = io.BytesIO()
    options = SinkOptions(guards_formulas=False)
    rows = pl.DataFrame({"customer_id": ["=1"]})
    sink_named("csv").write_stream(rows, stream, table, options)
    assert stream.getvalue() == b"customer_id\n=1\n"


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("utf-8", b"customer_id\n\xe6\x97\xa5\n"),
        ("utf-8-sig", b"\xef\xbb\xbfcustomer_id\n\xe6\x97\xa5\n"),
        ("cp932", b"customer_id\n\x93\xfa\n"),
    ],
)
def test_csv_is_written_in_the_encoding_asked_for(encoding, expected, table):
    stream = io.BytesIO()
    rows = pl.DataFrame({"customer_id": ["日"]})
    sink_named("csv").write_stream(rows, stream, table, SinkOptions(encoding=encoding))
    assert stream.getvalue() == expected


def test_what_cp932_cannot_hold_is_refused_by_name(table):
    rows = pl.DataFrame({"customer_id": ["1", "2"], "plan": ["ok", "Café"]})
    with pytest.raises(DataError, match=r"'é' \(U\+00E9\): 'Café' in column 'plan', row 2") as told:
        sink_named("csv").write_stream(rows, io.BytesIO(), table, SinkOptions(encoding="cp932"))
    assert "utf-8-sig" in told.value.hint


def test_json_lines_hold_money_as_exact_numbers(frame, table):
    stream = io.BytesIO()
    sink_named("jsonl").write_stream(frame, stream, table, OPTIONS)
    lines = stream.getvalue().decode().splitlines()
    first, second, _ = [json.loads(line, parse_float=Decimal) for line in lines]
    assert list(first) == list(TYPES)
    assert first["ltv_amount"] == Decimal("99999999999999.9999")
    assert first["seen_at"] == "2024-01-01T03:04:05.000006Z"
    assert first["first_on"] == "2024-01-01"
    assert second["ltv_amount"] == Decimal("-0.0001")
    assert second["p_churn_90d"] is None


def test_a_text_that_looks_like_a_key_keeps_its_quotes(table):
    evil = '","ltv_amount":"1.0000'
    rows = pl.DataFrame({"customer_id": [evil, ',"ltv_amount":"2"'], "ltv_amount": [1, 2]})
    stream = io.BytesIO()
    sink_named("jsonl").write_stream(rows, stream, table, OPTIONS)
    read = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [row["customer_id"] for row in read] == rows["customer_id"].to_list()
    assert [row["ltv_amount"] for row in read] == [0.0001, 0.0002]


def test_arrow_is_a_file_on_disk_and_a_stream_in_a_pipe(frame, table, tmp_path):
    sink = sink_named("arrow")
    sink.write(frame, tmp_path / "x.arrow", table, OPTIONS)
    stream = io.BytesIO()
    sink.write_stream(frame, stream, table, OPTIONS)
    read = pa.ipc.open_file(tmp_path / "x.arrow").read_all()
    assert pa.ipc.open_stream(stream.getvalue()).read_all().equals(read)
    assert dict(zip(read.schema.names, read.schema.types, strict=True)) == TYPES


def test_duckdb_holds_the_table_and_no_log(frame, table, tmp_path):
    target = tmp_path / "x.duckdb"
    sink_for(target).write(frame, target, table, OPTIONS)
    assert [path.name for path in tmp_path.iterdir()] == ["x.duckdb"]
    with duckdb.connect(str(target), read_only=True) as connection:
        described = connection.execute("DESCRIBE fct_made_up").fetchall()
        stamps = dict(connection.execute("FROM csk_stamps").fetchall())
        total = connection.execute("SELECT sum(ltv_amount) FROM fct_made_up").fetchone()
    assert [row[1] for row in described] == DUCKDB_TYPES
    assert stamps["csk.schema_version"] == "1"
    assert total == (Decimal("99999999999999.9998"),)


def test_excel_holds_text_as_text_and_dates_as_dates(frame, table, tmp_path):
    target = tmp_path / "x.xlsx"
    sink_for(target).write(frame, target, table, OPTIONS)
    with ZipFile(target) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert "<t>0001</t>" in sheet
    assert "<t>=cmd()</t>" in sheet
    assert "<v>45292</v>" in sheet


@pytest.mark.parametrize(("name", "library"), [("xlsx", "xlsxwriter"), ("duckdb", "duckdb")])
def test_an_absent_extra_is_refused_with_how_to_install_it(
    name, library, frame, table, monkeypatch
):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(UsageError, match=library) as told:
        sink_named(name).write(frame, Path("never-written"), table, OPTIONS)
    assert f"customer-success-kit[{name}]" in told.value.hint


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_through_a_pipe_is_whole_and_left_open(name, frame, table, tmp_path):
    sink = sink_named(name)
    reading, writing = os.pipe()
    received = []
    with os.fdopen(reading, "rb") as source:
        listener = threading.Thread(target=lambda: received.append(source.read()))
        listener.start()
        with os.fdopen(writing, "wb") as stream:
            assert sink.write_stream(frame, stream, table, OPTIONS) == 3
            assert not stream.closed
        listener.join()
    if name != "arrow":
        sink.write(frame, tmp_path / "x", table, OPTIONS)
        assert received == [(tmp_path / "x").read_bytes()]
    assert received[0]


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in STREAMS])
def test_a_format_that_no_pipe_can_carry_says_so(name, frame, table):
    with pytest.raises(UsageError, match="cannot be written to a pipe"):
        sink_named(name).write_stream(frame, io.BytesIO(), table, OPTIONS)


@pytest.mark.parametrize(("name", "match"), [("x.parqet", "parquet"), ("x", "no suffix")])
def test_an_unknown_suffix_is_refused(name, match, tmp_path):
    with pytest.raises(UsageError, match=match):
        sink_for(tmp_path / name)
