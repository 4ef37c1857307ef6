"""Files of one run: together or not at all, and the old ones whole until then."""

import errno
import os
import resource
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import polars as pl
import pytest

from csk.errors import StorageError, UsageError
from csk.schema import Column, Table
from csk.sinks.protocol import SinkOptions
from csk.sinks.staging.disk import refusal
from csk.sinks.staging.outputs import Outputs

TABLE = Table("t", "Made up.", (Column("customer_id", "id", "Who."),))
ROWS = pl.DataFrame({"customer_id": ["1", "2"]})
CSV = "customer_id\n1\n2\n"
OPTIONS = SinkOptions()


def write(*targets: Path, if_exists="replace", rows=ROWS, then=lambda: None):
    """Write rows to every target in one run, do `then` before it ends, and count rows."""
    with Outputs(if_exists) as outputs:
        counts = [outputs.add(target, rows, TABLE, OPTIONS) for target in targets]
        then()
    return counts


def write_two(*pairs):
    with Outputs() as outputs:
        for target, rows in pairs:
            outputs.add(target, rows, TABLE, OPTIONS)


def raising(failure):
    def fail():
        raise failure

    return fail


def hidden(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


def test_several_files_appear_together_at_the_end(tmp_path):
    targets = [tmp_path / "a.csv", tmp_path / "b.parquet", tmp_path / "c.jsonl"]
    with Outputs() as outputs:
        assert [outputs.add(target, ROWS, TABLE, OPTIONS) for target in targets] == [2, 2, 2]
        assert outputs.add_text(tmp_path / "report.md", "# x\n")
        assert not any(target.exists() for target in targets)
    assert all(target.exists() for target in targets)
    assert targets[0].read_text() == CSV
    assert (tmp_path / "report.md").read_text() == "# x\n"
    assert hidden(tmp_path) == []


def test_every_format_can_be_staged(tmp_path):
    write(*(tmp_path / f"x.{suffix}" for suffix in ("arrow", "duckdb", "xlsx")))
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("failure", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_an_error_before_the_end_leaves_the_old_file(failure, tmp_path):
    target = tmp_path / "a.csv"
    target.write_text("old")
    with pytest.raises(failure):
        write(target, then=raising(failure))
    assert target.read_text() == "old"
    assert hidden(tmp_path) == []


def test_a_failure_within_the_rows_leaves_the_old_file(tmp_path):
    def broken():
        yield ROWS
        raise RuntimeError

    target = tmp_path / "a.parquet"
    target.write_text("old")
    with pytest.raises(RuntimeError):
        write(target, rows=broken())
    assert target.read_text() == "old"
    assert hidden(tmp_path) == []


@pytest.mark.parametrize(
    ("if_exists", "rows", "left"), [("replace", 2, CSV), ("skip", None, "old")]
)
def test_an_existing_file_is_replaced_or_skipped_as_asked(if_exists, rows, left, tmp_path):
    target = tmp_path / "a.csv"
    target.write_text("old")
    assert write(target, if_exists=if_exists) == [rows]
    assert target.read_text() == left


def test_an_existing_file_fails_as_asked_and_takes_the_others_along(tmp_path):
    (tmp_path / "b.csv").write_text("old")
    with pytest.raises(UsageError, match="exists already"):
        write(tmp_path / "a.csv", tmp_path / "b.csv", if_exists="fail")
    assert [path.name for path in tmp_path.iterdir()] == ["b.csv"]


@pytest.mark.parametrize(
    ("name", "match"),
    [("no/such/x.csv", "There is no folder"), ("", "is a folder|no suffix"), ("x", "no suffix")],
)
def test_a_place_that_cannot_be_written_is_refused(name, match, tmp_path):
    with pytest.raises(UsageError, match=match):
        write(tmp_path / name)


def test_a_file_named_twice_is_refused(tmp_path):
    with pytest.raises(UsageError, match="twice"):
        write(tmp_path / "x.csv", tmp_path / "sub" / ".." / "x.csv")


def test_the_mode_of_the_old_file_is_kept_and_a_new_one_follows_the_umask(tmp_path):
    old, new = tmp_path / "old.csv", tmp_path / "new.csv"
    old.write_text("old")
    old.chmod(0o640)
    before = os.umask(0o027)
    try:
        write(old, new)
    finally:
        os.umask(before)
    assert stat.S_IMODE(old.stat().st_mode) == 0o640
    assert stat.S_IMODE(new.stat().st_mode) == 0o640


def test_a_link_is_written_through(tmp_path):
    (tmp_path / "there").mkdir()
    link = tmp_path / "x.csv"
    link.symlink_to(tmp_path / "there" / "real.csv")
    write(link)
    assert link.is_symlink()
    assert (tmp_path / "there" / "real.csv").read_text() == CSV


def test_a_disk_that_is_full_is_told_in_a_sentence(tmp_path):
    link = tmp_path / "x.csv"
    link.symlink_to("/dev/full")
    with pytest.raises(StorageError, match="the disk is full"):
        write(link)
    assert Path("/dev/full").is_char_device()


@pytest.mark.parametrize("suffix", ["parquet", "csv", "jsonl", "arrow", "xlsx"])
def test_a_file_that_may_not_grow_leaves_the_old_ones(suffix, tmp_path, monkeypatch):
    # Python would cut off the bytecode of what it imports, and later runs would read that.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    first, second = tmp_path / "first.csv", tmp_path / f"second.{suffix}"
    first.write_text("old")
    second.write_text("old")
    few = pl.DataFrame({"customer_id": ["1"] * 10})
    many = pl.DataFrame({"customer_id": pl.int_range(40_000, eager=True).hash().cast(str)})
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(StorageError, match=r"size allowed\. What was there") as told:
            write_two((first, few), (second, many))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert str(second) in told.value.sentence
    assert (first.read_text(), second.read_text()) == ("old", "old")
    assert hidden(tmp_path) == []


def test_a_rename_that_fails_undoes_those_before(tmp_path):
    first, fresh, second = (tmp_path / f"{name}.csv" for name in ("first", "fresh", "second"))
    first.write_text("old")
    with pytest.raises(StorageError, match="second"):
        write(first, fresh, second, then=lambda: (second / "in the way").mkdir(parents=True))
    assert first.read_text() == "old"
    assert not fresh.exists()
    assert hidden(tmp_path) == []


def test_a_named_pipe_is_written_to_and_stays_a_pipe(tmp_path):
    pipe = tmp_path / "x.csv"
    os.mkfifo(pipe)
    received = []
    listener = threading.Thread(target=lambda: received.append(pipe.read_text()))
    listener.start()
    write(pipe)
    listener.join()
    assert received == [CSV]
    assert pipe.is_fifo()


WRITER = """
import sys, time, polars as pl
from pathlib import Path
from csk.schema import Column, Table
from csk.sinks.protocol import SinkOptions
from csk.sinks.staging.outputs import Outputs
table = Table("t", "x", (Column("customer_id", "id", "x"),))
with Outputs() as outputs:
    outputs.add(Path(sys.argv[1]), pl.DataFrame({"customer_id": ["9"]}), table, SinkOptions())
    print("staged", flush=True)
    time.sleep(60)
"""


def test_a_killed_run_leaves_the_old_file_and_the_next_run_sweeps_up(tmp_path):
    target = tmp_path / "a.csv"
    target.write_text("old")
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(target)], stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout.readline() == b"staged\n"
        write(tmp_path / "b.csv")
        assert len(hidden(tmp_path)) == 1, "the staged file of a living run was taken away"
        writer.send_signal(signal.SIGKILL)
    assert target.read_text() == "old"
    assert len(hidden(tmp_path)) == 1
    write(tmp_path / "b.csv")
    assert hidden(tmp_path) == []


def test_other_hidden_files_are_left_alone(tmp_path):
    (tmp_path / ".csk-notes").write_text("mine")
    write(tmp_path / "b.csv")
    assert hidden(tmp_path) == [".csk-notes"]


@pytest.mark.parametrize(
    ("number", "cause"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EDQUOT, "the disk quota is used up"),
        (errno.EACCES, "permission is denied"),
        (errno.EROFS, "the file system is read-only"),
        (errno.EIO, "the disk reported a failure"),
        (errno.ESTALE, os.strerror(errno.ESTALE)),
    ],
)
def test_every_failure_of_the_disk_is_a_sentence_about_the_file(number, cause, tmp_path):
    told = refusal(OSError(number, os.strerror(number)), tmp_path / "x.csv")
    assert told.exit_code == 74
    assert told.sentence == f"Could not write '{tmp_path}/x.csv': {cause}. Nothing was left behind."


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_folder_that_may_not_be_written_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(StorageError, match="permission is denied"):
        write(tmp_path / "x.csv")
