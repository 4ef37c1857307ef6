from pathlib import Path

import polars as pl
import pytest

from csk.errors import StorageError, UsageError
from csk.simulation.company import Company, write_company
from csk.simulation.writing import MARK, Folder

FULL = Path("/dev/full")


def write(folder, kind="shop", seed=1):
    return write_company(Company(kind, 5, 2, seed), folder)


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_an_earlier_sample_is_replaced(tmp_path):
    write(tmp_path, "subscription")
    assert (tmp_path / "subscriptions.csv").exists()
    write(tmp_path, "shop", seed=2)
    fresh = write(tmp_path / "fresh", "shop", seed=2)
    expected = content(fresh.folder)
    assert {name: (tmp_path / name).read_bytes() for name in expected} == expected
    assert not (tmp_path / "subscriptions.csv").exists()


@pytest.mark.parametrize("name", ["notes.txt", "customers.csv", "truth.parquet"])
def test_a_folder_with_other_files_is_refused_and_kept(name, tmp_path):
    (tmp_path / name).write_text("mine")
    with pytest.raises(UsageError, match="not an earlier sample") as refused:
        write(tmp_path)
    assert list(refused.value.details) == [name]
    assert content(tmp_path) == {name: b"mine"}


def test_a_sample_beside_other_files_is_refused(tmp_path):
    write(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    before = content(tmp_path)
    with pytest.raises(UsageError) as refused:
        write(tmp_path, seed=2)
    assert list(refused.value.details) == ["notes.txt"]
    assert content(tmp_path) == before


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "sample").write_text("mine")
    with pytest.raises(UsageError, match="is a file"):
        write(tmp_path / "sample")


def test_leftovers_of_a_killed_run_do_not_stand_in_the_way(tmp_path):
    (tmp_path / ".payments.csv.partial").write_text("half a li")
    sample = write(tmp_path)
    assert sample.folder == tmp_path
    assert not list(tmp_path.glob(".*"))


def test_a_failure_leaves_the_earlier_sample_as_it_was(tmp_path):
    write(tmp_path)
    before = content(tmp_path)

    def interrupted():
        with Folder(tmp_path, {MARK: b"1"}) as files:
            files.append("customers", pl.DataFrame({"customer_id": ["C1"]}))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert content(tmp_path) == before


@pytest.mark.skipif(not FULL.exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("name", ["payments.csv", "truth.parquet"])
def test_a_full_disk_is_a_sentence_and_leaves_nothing(name, tmp_path):
    (tmp_path / f".{name}.partial").symlink_to(FULL)
    with pytest.raises(StorageError, match="could not be written"):
        write(tmp_path)
    assert content(tmp_path) == {}
