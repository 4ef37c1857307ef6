"""A kept store gives what the files gave, is not written to again, and mends itself."""

import subprocess
import sys
from pathlib import Path

import pytest

from csk.errors import ExitCode

# Holds the store as a run does that is reading into it.
BUILDER = """
import sys
from pathlib import Path
from csk.intake.places import building
with building(Path(sys.argv[1])):
    print("building", flush=True)
    sys.stdin.read()
"""


def contents(folder: Path) -> dict[Path, tuple[int, bytes]]:
    """Return every file under a folder with its time and bytes."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


@pytest.fixture
def segmented(quick, tmp_path, export):
    """Run `csk segment` on a kept store and return the bytes of the table."""

    def run(*options):
        ran = quick("segment", export, "--store", "kept", "-o", "out.parquet", "-q", *options)
        assert ran.code == 0, ran.err
        return (tmp_path / "out.parquet").read_bytes()

    return run


def test_a_second_run_reads_the_store_and_changes_nothing(tmp_path, quick, export, segmented):
    first = segmented()
    kept = contents(tmp_path / "kept")
    assert kept
    assert segmented() == first
    assert contents(tmp_path / "kept") == kept
    assert quick("segment", export, "-o", "plain.parquet", "-q").code == 0
    assert (tmp_path / "plain.parquet").read_bytes() == first
    assert (tmp_path / "kept").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("damage", ["garbage", "another make", "a part gone", "a part cut"])
def test_a_damaged_store_is_made_anew(tmp_path, segmented, damage):
    first = segmented()
    (manifest,) = (tmp_path / "kept").glob("*/manifest.json")
    part = next(manifest.parent.glob("payments/part-*"))
    match damage:
        case "garbage":
            manifest.write_bytes(b"\xff\0{")
        case "another make":
            manifest.write_text('{"schema_version": 1, "sizes": [], "book": []}')
        case "a part gone":
            part.unlink()
        case _:
            part.write_bytes(part.read_bytes()[:-8])
    assert segmented() == first
    assert part.exists()


def test_a_changed_export_is_read_again_and_few_stores_are_kept(tmp_path, export, segmented):
    tables = [segmented()]
    for amount in (1, 2, 3):
        export.write_text(export.read_text() + f"C0000,2023-06-0{amount},9999\n")
        tables.append(segmented())
    assert len(set(tables)) == len(tables)
    assert len(list((tmp_path / "kept").iterdir())) == 2


def test_one_run_at_a_time_reads_into_a_store(tmp_path, quick, export, segmented, started_as):
    first = segmented()
    command = [sys.executable, "-c", BUILDER, str(tmp_path / "kept")]
    piped = dict.fromkeys(("stdin", "stdout"), subprocess.PIPE)
    with subprocess.Popen(command, env=started_as, **piped) as builder:
        assert builder.stdout.readline() == b"building\n"
        assert segmented() == first  # what is there can be used
        export.write_text(export.read_text() + "C0000,2023-06-01,9999\n")
        ran = quick("segment", export, "--store", "kept", "-q")
        assert (ran.code, "Another run is reading" in ran.err) == (ExitCode.TRY_AGAIN, True)
        builder.kill()
    assert segmented() != first
    assert not list((tmp_path / "kept").glob(".building-*"))


def test_what_cannot_be_kept_is_refused(quick, export):
    ran = quick("segment", "-", "--store", "kept")
    assert (ran.code, "cannot be kept" in ran.err) == (ExitCode.USAGE, True)
    ran = quick("segment", export, "--store", export)
    assert (ran.code, "could not be made: File exists" in ran.err) == (ExitCode.STORAGE, True)
