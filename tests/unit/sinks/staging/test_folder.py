"""Folders of tables: the manifest is what readers trust, and it comes last."""

import datetime as dt
import hashlib
import json
import shutil

import polars as pl
import pyarrow.parquet as pq
import pytest

from csk.errors import DataError, StorageError, TryAgainError, UsageError
from csk.schema import Column, Table
from csk.sinks.protocol import SinkOptions
from csk.sinks.staging.folder import Run, RunFolder
from csk.sinks.staging.outputs import Outputs

CUSTOMERS = Table("dim_customer", "x", (Column("customer_id", "id", "Who."),))
KPI = Table("fct_kpi", "x", (Column("customer_id", "id", "Who."),))
ROWS = pl.DataFrame({"customer_id": ["1", "2"]})
MORE = pl.DataFrame({"customer_id": ["1", "2", "3"]})
OPTIONS = SinkOptions()
NOVEMBER = Run(dt.date(2026, 11, 1), "aa")
DECEMBER = Run(dt.date(2026, 12, 1), "bb")
PART = "dim_customer/as_of=2026-11-01/part-00000.parquet"


def write(folder, run, rows, *tables, if_exists="replace"):
    with Outputs(if_exists) as outputs:
        opened = outputs.folder(folder, run)
        return [opened.add(rows, table, OPTIONS) for table in tables]


def files(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_tables_are_laid_out_by_day_under_a_manifest_that_is_true(tmp_path):
    assert write(tmp_path / "out", NOVEMBER, ROWS, CUSTOMERS, KPI) == [2, 2]
    written = files(tmp_path / "out")
    manifest = json.loads(written.pop("_manifest.json"))
    assert manifest["schema_version"] == 1
    assert [entry["path"] for entry in manifest["files"]] == sorted(written)
    assert manifest["files"][0] == {
        "path": PART,
        "table": "dim_customer",
        "as_of": "2026-11-01",
        "rows": 2,
        "bytes": len(written[PART]),
        "sha256": hashlib.sha256(written[PART]).hexdigest(),
        "inputs_sha256": "aa",
        "schema_version": 1,
    }
    assert pq.read_metadata(tmp_path / "out" / PART).metadata[b"csk.as_of"] == b"2026-11-01"


def test_the_same_run_twice_gives_the_same_bytes_of_every_file(tmp_path):
    write(tmp_path, NOVEMBER, ROWS, CUSTOMERS, KPI)
    before = files(tmp_path)
    write(tmp_path, NOVEMBER, ROWS, CUSTOMERS, KPI)
    assert files(tmp_path) == before


def test_days_gather_in_one_manifest_whatever_their_order(tmp_path):
    for folder, runs in (("a", (NOVEMBER, DECEMBER)), ("b", (DECEMBER, NOVEMBER))):
        for run in runs:
            write(tmp_path / folder, run, ROWS, CUSTOMERS)
    assert files(tmp_path / "a") == files(tmp_path / "b")
    assert len(files(tmp_path / "a")) == 3


@pytest.mark.parametrize(("if_exists", "rows"), [("replace", 3), ("skip", None)])
def test_a_day_that_is_there_is_replaced_or_skipped_as_asked(if_exists, rows, tmp_path):
    write(tmp_path, NOVEMBER, ROWS, CUSTOMERS)
    before = files(tmp_path)
    assert write(tmp_path, NOVEMBER, MORE, CUSTOMERS, if_exists=if_exists) == [rows]
    assert (files(tmp_path) == before) == (rows is None)
    assert write(tmp_path, DECEMBER, MORE, CUSTOMERS, if_exists=if_exists) == [3]


def test_a_day_that_is_there_fails_as_asked(tmp_path):
    write(tmp_path, NOVEMBER, ROWS, CUSTOMERS)
    before = files(tmp_path)
    with pytest.raises(UsageError, match="as of 2026-11-01 already"):
        write(tmp_path, NOVEMBER, MORE, CUSTOMERS, if_exists="fail")
    assert files(tmp_path) == before


def test_an_error_leaves_the_folder_as_it_was(tmp_path):
    write(tmp_path, NOVEMBER, ROWS, CUSTOMERS)
    before = files(tmp_path)

    def broken():
        yield MORE
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write(tmp_path, DECEMBER, broken(), CUSTOMERS)
    assert files(tmp_path) == before
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_file_that_fails_takes_the_folder_along(tmp_path):
    write(tmp_path / "out", NOVEMBER, ROWS, CUSTOMERS)
    before = files(tmp_path / "out")

    def write_both():
        with Outputs() as outputs:
            outputs.folder(tmp_path / "out", DECEMBER).add(MORE, CUSTOMERS, OPTIONS)
            outputs.add(tmp_path / "x.csv", ROWS, CUSTOMERS, OPTIONS)
            (tmp_path / "x.csv" / "in the way").mkdir(parents=True)

    with pytest.raises(StorageError, match=r"x\.csv"):
        write_both()
    assert files(tmp_path / "out") == before


def test_a_run_killed_before_its_manifest_is_swept_up(tmp_path):
    write(tmp_path, NOVEMBER, ROWS, CUSTOMERS)
    before = files(tmp_path)
    dead = tmp_path / ".run-0123456789ab" / PART
    dead.parent.mkdir(parents=True)
    dead.write_text("half")
    write(tmp_path, NOVEMBER, ROWS, CUSTOMERS)
    assert files(tmp_path) == before


def test_a_run_killed_after_its_manifest_is_finished_by_the_next(tmp_path):
    write(tmp_path / "straight", NOVEMBER, MORE, CUSTOMERS, KPI)
    killed = tmp_path / "killed"
    write(killed, NOVEMBER, ROWS, CUSTOMERS)
    folder = RunFolder(killed, NOVEMBER)
    for table in (CUSTOMERS, KPI):
        folder.add(MORE, table, OPTIONS)
    folder.prepare()
    (killed / folder._home / PART).replace(killed / PART)
    folder.release()
    write(killed, DECEMBER, ROWS, CUSTOMERS)
    shutil.rmtree(killed / "dim_customer" / "as_of=2026-12-01")
    written, expected = files(killed), files(tmp_path / "straight")
    manifest = json.loads(written.pop("_manifest.json"))
    assert {path: written[path] for path in written} == {
        path: content for path, content in expected.items() if path != "_manifest.json"
    }
    assert [entry["rows"] for entry in manifest["files"]] == [3, 2, 3]


def test_two_runs_into_one_folder_do_not_mix(tmp_path):
    with Outputs() as outputs:
        outputs.folder(tmp_path, NOVEMBER).add(ROWS, CUSTOMERS, OPTIONS)
        with pytest.raises(TryAgainError, match="Another run"):
            RunFolder(tmp_path, DECEMBER)
    assert write(tmp_path, DECEMBER, ROWS, CUSTOMERS) == [2]


def test_a_manifest_that_is_not_ours_is_refused(tmp_path):
    (tmp_path / "_manifest.json").write_text('{"files": [{"x": 1}]}')
    with pytest.raises(DataError, match="cannot be understood"):
        write(tmp_path, NOVEMBER, ROWS, CUSTOMERS)


def test_a_table_added_twice_is_a_bug(tmp_path):
    with pytest.raises(ValueError, match="twice"):
        write(tmp_path, NOVEMBER, ROWS, CUSTOMERS, CUSTOMERS)


def test_a_file_in_the_folder_s_place_is_refused(tmp_path):
    (tmp_path / "out").write_text("x")
    with pytest.raises(StorageError, match="out"):
        write(tmp_path / "out", NOVEMBER, ROWS, CUSTOMERS)
