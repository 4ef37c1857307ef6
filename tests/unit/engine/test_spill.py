import pytest

from csk.engine import spill
from csk.errors import UsageError


@pytest.mark.parametrize(
    ("text", "n"),
    [
        ("1073741824", 2**30),
        ("2GB", 2**31),
        ("2gib", 2**31),
        ("512M", 2**29),
        ("1.5 k", 1536),
        ("1T", 2**40),
        ("100 b", 100),
    ],
)
def test_a_size_is_read_in_bytes(text, n):
    assert spill.byte_count(text) == n


@pytest.mark.parametrize("text", ["", "GB", "-1G", "2 GBs", "a lot"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(UsageError, match="is not a size of memory"):
        spill.byte_count(text)


@pytest.mark.parametrize(
    ("asked", "there", "budget"),
    [("2GB", None, "2048"), ("2GB", "100", "2048"), (None, "100", "100"), ("1k", None, "1")],
)
def test_the_budget_asked_for_wins_over_the_environment(monkeypatch, asked, there, budget):
    monkeypatch.delenv(spill.VARIABLE, raising=False)
    if there:
        monkeypatch.setenv(spill.VARIABLE, there)
    else:
        monkeypatch.setenv(spill.VARIABLE, "")
        monkeypatch.delenv(spill.VARIABLE)
    spill.allow_spill(asked)
    assert spill.os.environ[spill.VARIABLE] == budget


def test_without_wishes_most_of_the_memory_may_be_used(monkeypatch):
    monkeypatch.setenv(spill.VARIABLE, "")
    monkeypatch.delenv(spill.VARIABLE)
    spill.allow_spill()
    budget = int(spill.os.environ[spill.VARIABLE])
    assert 1 <= budget <= spill.SHARE * spill.memory_bytes() / 2**20


def test_spill_goes_where_temporary_files_go_and_no_further_than_there_is_room(
    monkeypatch, tmp_path
):
    for name in (spill.VARIABLE, spill.FOLDER, spill.DISK):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    spill.allow_spill()
    assert spill.spill_folder().parent == tmp_path
    free = spill.shutil.disk_usage(tmp_path).free / 2**20
    assert int(spill.os.environ[spill.DISK]) == pytest.approx(free, rel=0.1)


def test_where_and_how_much_is_spilled_can_be_said(monkeypatch, tmp_path):
    monkeypatch.setenv(spill.VARIABLE, "100")
    monkeypatch.setenv(spill.FOLDER, str(tmp_path))
    monkeypatch.setenv(spill.DISK, "7")
    spill.allow_spill()
    assert spill.spill_folder() == tmp_path
    assert spill.os.environ[spill.DISK] == "7"
