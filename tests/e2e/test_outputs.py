"""Outputs come whole and together, and never in the place of an input."""

import csv
import hashlib
import json
import os
import resource

import polars as pl
import pytest

from csk.errors import ExitCode

FIRST_RUN = (".csv", ".parquet", ".jsonl", ".arrow")


def test_all_outputs_of_a_run_agree(csk, quick, tmp_path, export):
    names = [f"out{suffix}" for suffix in FIRST_RUN]
    before = export.read_bytes(), export.stat().st_mtime_ns
    ran = csk("segment", export, *(f"-o{name}" for name in names), "-o", "tables/", "-q")
    assert (ran.code, ran.out, ran.err) == (0, b"", "")
    assert (export.read_bytes(), export.stat().st_mtime_ns) == before
    part = next((tmp_path / "tables").glob("fct_customer_snapshot/as_of=*/part-00000.parquet"))
    whole = pl.read_parquet(part)
    assert pl.read_parquet(tmp_path / "out.parquet").equals(whole)
    assert pl.read_csv(tmp_path / "out.csv").height == whole.height
    assert pl.read_ndjson(tmp_path / "out.jsonl").height == whole.height
    assert pl.read_ipc(tmp_path / "out.arrow").height == whole.height
    listed = json.loads((tmp_path / "tables" / "_manifest.json").read_text())["files"]
    assert [entry["path"] for entry in listed] == [str(part.relative_to(tmp_path / "tables"))]
    assert listed[0]["sha256"] == hashlib.sha256(part.read_bytes()).hexdigest()
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".csk")]

    shards = quick("segment", export, "-o", "again.parquet", "-q", "--shards", "7")
    assert shards.code == 0
    assert (tmp_path / "again.parquet").read_bytes() == (tmp_path / "out.parquet").read_bytes()


WRONG = [
    (["-o", "x.foo"], "has a suffix of no format that csk writes"),
    (["-o", "nowhere/x.csv"], "mkdir -p 'nowhere'"),
    (["-o", "there.csv", "--if-exists", "fail"], "exists already"),
    (["-o", "/dev/full"], "has a suffix of no format"),
    (["-o", "payments.csv"], "payments.csv is the input payments.csv"),
    (["-o", "linked.csv"], "linked.csv is the input payments.csv"),
    (["-o", "hard.csv"], "hard.csv is the input payments.csv"),
    (["-o", "x.csv", "-o", "payments.csv"], "An output would overwrite an input."),
    (["--keep", "owner"], "No file was read as the customers table"),
    (["--previous", "none.parquet"], "no earlier snapshot none.parquet"),
    (["--previous", "payments.csv"], "holds no snapshot of a day before"),
]


@pytest.mark.parametrize(("options", "said"), WRONG, ids=[" ".join(case[0]) for case in WRONG])
def test_an_output_that_cannot_be_is_refused(tmp_path, quick, export, options, said):
    (tmp_path / "there.csv").write_text("mine")
    (tmp_path / "linked.csv").symlink_to(export)
    os.link(export, tmp_path / "hard.csv")
    before = export.read_bytes()
    ran = quick("segment", "payments.csv", *options)
    assert (ran.code, said in ran.err) == (ExitCode.USAGE, True), ran.err
    assert export.read_bytes() == before
    assert (tmp_path / "there.csv").read_text() == "mine"
    assert not (tmp_path / "x.csv").exists()


def test_a_folder_of_exports_may_hold_the_outputs(tmp_path, quick, text, payments):
    folder = tmp_path / "exports"
    folder.mkdir()
    (folder / "payments.csv").write_text(text(payments))
    options = ["-o", "exports/out.csv", "-o", "exports/tables/", "--store", "exports/kept", "-q"]
    for _ in range(2):
        ran = quick("segment", "exports", *options)
        assert ran.code == 0, ran.err
    for pattern in ("exports", "exports/*.csv"):
        ran = quick("segment", pattern, "-o", "exports/payments.csv", "-q")
        assert (ran.code, "overwrite an input" in ran.err) == (ExitCode.USAGE, True)
    told = [quick("check", place).out.decode() for place in ("exports", "exports/payments.csv")]
    money = [[line for line in page.splitlines() if "Money kept" in line] for page in told]
    assert money[0] == money[1] != []


def test_a_full_disk_leaves_the_old_file(csk, tmp_path, export):
    (tmp_path / "out.csv").write_text("old")

    def allow(size):
        # Python would cut off the bytecode of what it imports, and later runs would read that.
        return {
            "preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
            "variables": {"PYTHONDONTWRITEBYTECODE": "1"},
        }

    ran = csk("segment", export, "-o", "new.csv", "-o", "out.csv", "-q", **allow(12_000))
    assert ran.code == ExitCode.STORAGE, ran.err
    assert "new.csv': the file would grow beyond the size allowed. Nothing was left" in ran.err
    assert (tmp_path / "out.csv").read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("out.csv", "payments.csv", "temporary"),
    ]
    ran = csk("segment", export, "-q", **allow(1000))
    assert (ran.code, "TMPDIR" in ran.err) == (ExitCode.STORAGE, True), ran.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_is_not_ours_is_refused(tmp_path, quick, export):
    (tmp_path / "closed").mkdir(mode=0o500)
    ran = quick("segment", export, "-o", "closed/x.csv", "-q")
    assert (ran.code, "permission is denied" in ran.err) == (ExitCode.STORAGE, True)
    ran = quick("segment", export, "--store", "closed/kept", "-q")
    assert ran.code == ExitCode.STORAGE


def test_odd_ids_and_kept_columns_come_through_without_formulas(tmp_path, quick, text, payments):
    odd = ["00123", "17850.0", "=cmd()", '" a b "', '"x\ny"', "é", "-5", "@x", '"q""q"']
    lines = [(odd[i % 9] if i % 60 < 9 else c, d, a) for i, (c, d, a) in enumerate(payments)]
    (tmp_path / "payments.csv").write_text(text(lines))
    ids = sorted({line[0] for line in lines})
    people = [(one, "=1+1", "2021-01-01") for one in ids] + [(ids[-1], "last", "2021-01-01")]
    header = ("customer_id", "region", "signup_date")
    (tmp_path / "customers.csv").write_text(text(people, header))
    ran = quick("segment", ".", "--keep", "region", "-o", "out.csv", "-q")
    assert ran.code == 0, ran.err
    with (tmp_path / "out.csv").open(newline="") as file:
        found = {row["customer_id"]: row["region"] for row in csv.DictReader(file)}
    assert {"00123", "17850.0", "'=cmd()", "a b", "é", "-5", "'@x", 'q"q'} <= set(found)
    assert found["00123"] == "'=1+1"
    assert found[ids[-1]] == "last"
