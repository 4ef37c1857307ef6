"""A kept store gives what the files gave, is not written to again, and mends itself."""

import json
import subprocess
import sys
from pathlib import Path
from shutil import rmtree
from time import sleep

import pytest

from csk.errors import ExitCode
from csk.intake.places import in_use

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
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
    assert [len(list((tmp_path / "kept").glob(kind))) for kind in ("_book-*", "_piece-*")] == [2, 2]


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


@pytest.mark.parametrize("reached", [".building-*", ".building-*/pieces/*", "_piece-*", "_book-*"])
def test_a_store_whose_run_was_killed_is_used_or_made_anew(
    tmp_path, quick, export, payments, text, started, reached
):
    export.write_text(text([(f"{who}-{n}", *rest) for n in range(60) for who, *rest in payments]))
    (tmp_path / "kept").mkdir()
    with started("segment", export, "--store", "kept", "-q") as process:
        while process.poll() is None and not list((tmp_path / "kept").glob(reached)):
            sleep(0.002)
        process.kill()
    for path in (tmp_path / "temporary").iterdir():  # what a killed run left, the next removes
        rmtree(path)
    for store in (["--store", "kept"], []):
        assert quick("segment", export, "-o", f"{len(store)}.parquet", "-q", *store).code == 0
    assert (tmp_path / "2.parquet").read_bytes() == (tmp_path / "0.parquet").read_bytes()
    kept = sorted(path.name[:6] for path in (tmp_path / "kept").glob("_*"))
    assert kept == ["_book-", "_piece"]
    assert quick("store", "clear", "kept").code == 0
    assert not list((tmp_path / "kept").iterdir())


def test_a_file_more_every_day_gives_what_all_of_them_give(tmp_path, quick, payments, text):
    folder = tmp_path / "exports"
    folder.mkdir()
    header = ("payment_id", "customer_id", "date", "amount")
    numbered = sorted(((f"p{n}", *row) for n, row in enumerate(payments)), key=lambda row: row[2])
    for day in range(3):
        # Every export has the end of the one before again, with another amount.
        first, end = max(0, day * 100 - 20), day * 100 + 100
        rows = [(*row[:3], f"{day + 1}0.25") for row in numbered[first:end]]
        (folder / f"day_{day}.csv").write_text(text(rows, header))
        for store in (["--store", folder / "kept"], []):
            ran = quick("segment", folder, "-o", f"{len(store)}.parquet", *store)
            assert ran.code == 0, ran.err
        assert (tmp_path / "2.parquet").read_bytes() == (tmp_path / "0.parquet").read_bytes()
    assert b"40 rows of payments that stand in several files" in ran.out
    shown = json.loads(quick("store", "show", folder / "kept", "--report", "json").out)
    assert [part["rows"] for part in shown["parts"]] == [300, 200, 120, 120, 100]
    assert [part["current"] for part in shown["parts"]] == [True, False, True, True, True]


def test_a_store_says_what_it_holds_and_is_cleared(tmp_path, quick, export, segmented):
    first = segmented()
    (tmp_path / "kept" / "mine.txt").write_text("not of csk")
    held = sum(len(data) for _, data in contents(tmp_path / "kept").values()) - 10
    shown = json.loads(quick("store", "show", "kept", "--report", "json").out)
    assert shown["bytes"] == held == sum(part["bytes"] for part in shown["parts"])
    said = quick("store", "show", "kept").out.decode()
    assert "finished book   payments.csv   300" in said
    ran = quick("store", "clear", "kept")
    assert (ran.code, "Freed" in ran.out.decode()) == (0, True)
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["mine.txt"]
    assert segmented() == first
    for wrong in (tmp_path / "temporary", tmp_path / "nowhere", export.parent):
        ran = quick("store", "clear", wrong)
        assert ran.code == (0 if wrong.name == "temporary" else ExitCode.USAGE), ran.err
    assert export.exists()


@pytest.mark.parametrize("held", ["_book-*", "_piece-*", "."])
def test_a_store_in_use_is_not_cleared(tmp_path, quick, segmented, held):
    segmented()
    (place,) = (tmp_path / "kept").glob(held) if held != "." else [tmp_path / "kept"]
    before = contents(tmp_path / "kept")
    with in_use(place):
        ran = quick("store", "clear", "kept")
    assert (ran.code, "Another run is reading" in ran.err) == (ExitCode.TRY_AGAIN, True)
    assert contents(tmp_path / "kept") == before
    assert quick("store", "clear", "kept").code == 0


def test_what_cannot_be_kept_is_refused(quick, export):
    ran = quick("segment", "-", "--store", "kept")
    assert (ran.code, "cannot be kept" in ran.err) == (ExitCode.USAGE, True)
    ran = quick("segment", export, "--store", export)
    assert (ran.code, "could not be made: File exists" in ran.err) == (ExitCode.STORAGE, True)


@pytest.fixture
def days(tmp_path) -> Path:
    """Give the sample with its usage cut into files: most of it, and two of few days."""
    folder = tmp_path / "exports"
    folder.mkdir()
    for path in SAMPLE.glob("*.csv"):
        (folder / path.name).write_bytes(path.read_bytes())
    header, *rows = (folder / "usage.csv").read_text().splitlines(keepends=True)
    (folder / "usage.csv").unlink()
    ordered = sorted(rows, key=lambda row: row.split(",")[1])
    for number, part in enumerate((ordered[:-400], ordered[-400:-200], ordered[-200:])):
        (folder / f"usage_{number}.csv").write_text(header + "".join(part))
    return folder


def further(store: Path) -> list[str]:
    """Return the parts of usage that were added to the latest book of a store."""
    latest = max(store.glob("_book-*"), key=lambda book: book.stat().st_mtime_ns)
    return sorted(part.name for part in latest.glob("usage/part-*-*.parquet"))


def test_days_that_come_late_give_the_bytes_of_all_at_once(tmp_path, quick, days):
    late = {name: (days / name).read_bytes() for name in ("usage_2.csv", "usage_1.csv")}
    for name in late:
        (days / name).unlink()
    for name in (None, *late):  # the later days come first
        if name is not None:
            (days / name).write_bytes(late[name])
        ran = quick("usage", days, "--store", "kept", "-q", "-o", "grown.parquet")
        assert ran.code == 0, ran.err
    assert further(tmp_path / "kept") == ["part-00000-0001.parquet", "part-00000-0002.parquet"]
    files = {path.stat().st_ino: path.stat().st_size for path in contents(tmp_path / "kept")}
    told = json.loads(quick("store", "show", "kept", "--report", "json").out)
    assert told["bytes"] == sum(files.values())  # what two books share is counted once
    kept = contents(tmp_path / "kept")
    shown = []
    for store in ("kept", "at-once"):
        asked = ("-o", f"{store}.parquet", "--report", "json", "--store", store)
        ran = quick("usage", days, *asked)
        assert ran.code == 0, ran.err
        shown.append((ran.out, (tmp_path / f"{store}.parquet").read_bytes()))
    assert shown[0] == shown[1]
    assert further(tmp_path / "at-once") == []
    assert shown[0][1] == (tmp_path / "grown.parquet").read_bytes()
    assert contents(tmp_path / "kept") == kept


@pytest.mark.parametrize("reached", ["book/usage/part-*-0001.parquet", "book/manifest.json"])
def test_a_book_whose_extension_was_killed_is_still_there(tmp_path, quick, days, started, reached):
    late = (days / "usage_2.csv").read_bytes()
    (days / "usage_2.csv").unlink()
    assert quick("usage", days, "--store", "kept", "-q", "-o", "before.parquet").code == 0
    (days / "usage_2.csv").write_bytes(late)
    books = list((tmp_path / "kept").glob("_book-*"))
    with started("usage", days, "--store", "kept", "-q") as process:
        while process.poll() is None and not list(tmp_path.glob(f"kept/.building-*/{reached}")):
            sleep(0.0005)
        process.kill()
    for path in (tmp_path / "temporary").iterdir():
        rmtree(path)
    (days / "usage_2.csv").unlink()
    untouched = contents(books[0])
    assert quick("usage", days, "--store", "kept", "-q", "-o", "again.parquet").code == 0
    assert (tmp_path / "again.parquet").read_bytes() == (tmp_path / "before.parquet").read_bytes()
    assert contents(books[0]) == untouched
    (days / "usage_2.csv").write_bytes(late)
    assert quick("usage", days, "--store", "kept", "-q", "-o", "after.parquet").code == 0
    assert further(tmp_path / "kept") == ["part-00000-0001.parquet"]
    assert not list(tmp_path.glob("kept/.building-*"))
    assert quick("usage", days, "-q", "-o", "plain.parquet").code == 0
    assert (tmp_path / "after.parquet").read_bytes() == (tmp_path / "plain.parquet").read_bytes()
