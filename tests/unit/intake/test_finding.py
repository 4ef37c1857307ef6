from pathlib import PurePath

import pytest

from csk.errors import UsageError
from csk.intake.origins.finding import address_shown, found, is_elsewhere, may_be_table

SECRET = "hunter2"  # noqa: S105 # stands for a password, to be looked for in what is shown


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exports = tmp_path / "exports"
    (exports / "deep").mkdir(parents=True)
    (exports / "_old").mkdir()
    for name in ("a.csv", "b.xlsx", "deep/c.csv.gz", "_old/d.csv", ".e.csv", "f.png", "g.XLSM"):
        (exports / name).write_text("x")
    (tmp_path / "outside.csv").write_text("y")
    return exports


def test_a_folder_gives_what_can_be_a_table():
    assert [one.name for one in found(["exports"])] == [
        "a.csv",
        "b.xlsx",
        "deep/c.csv.gz",
        "g.XLSM",
    ]


def test_a_link_out_of_a_folder_is_told_and_not_followed(folder):
    (folder / "link.csv").symlink_to("../outside.csv")
    (folder / "away").symlink_to("/")
    (folder / "gone.csv").symlink_to("../nothing.csv")
    (folder / "round.csv").symlink_to("round.csv")
    (folder / "inner.csv").symlink_to("a.csv")
    left = {one.name: one.left_out for one in found(["exports"]) if one.left_out}
    assert set(left) == {"link.csv", "away", "gone.csv"}
    assert all("leads out of the folder" in why for why in left.values())
    assert [one.name for one in found(["exports"]) if not one.left_out][:2] == ["a.csv", "b.xlsx"]


def test_a_link_that_is_named_is_followed(folder):
    (folder / "link.csv").symlink_to("../outside.csv")
    both = found(["exports", "payments=exports/link.csv"])
    (named,) = [one for one in both if one.path.name == "link.csv" and not one.left_out]
    assert (named.role, named.was_named, named.left_out) == ("payments", True, "")


def test_a_folder_that_is_itself_a_link_is_read(folder):
    (folder.parent / "latest").symlink_to(folder)
    assert not any(one.left_out for one in found(["latest"]))
    assert len(found(["latest"])) == 4


def test_sheets_of_one_workbook_are_read_apart():
    one, other = found(["exports/b.xlsx#One", "payments=exports/b.xlsx#Other"])
    assert (one.sheet, other.sheet, other.role) == ("One", "Other", "payments")
    assert one.path == other.path


def test_a_file_with_the_mark_of_a_sheet_in_its_name_is_that_file(folder):
    (folder / "a#1.csv").write_text("x")
    (one,) = found(["exports/a#1.csv"])
    assert (one.path.name, one.sheet) == ("a#1.csv", "")


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        (f"https://a.example/x.csv?sig={SECRET}", "https://a.example/x.csv"),
        (f"https://me:{SECRET}@a.example/x.csv#f", "https://a.example/x.csv"),
        ("S3://bucket/x y.csv", "s3://bucket/x y.csv"),
        (f"s3://key:{SECRET}@bucket/?#.csv", "s3://bucket/?#.csv"),
    ],
)
def test_an_address_is_shown_without_its_secrets(address, shown):
    (one,) = found([f"payments={address}"])
    assert (one.name, one.place, one.role) == (shown, address, "payments")
    assert address_shown(address) == shown


def test_queries_are_shown_by_their_beginning_and_told_apart():
    query = "sql:SELECT customer_id,\n  paid_on, amount FROM payments WHERE id = "
    one, other = found([f"{query}1", f"payments={query}2"])
    assert one.name == "sql:SELECT customer_id, paid_on, amount FROM pa…"
    assert other.name == f"{one.name} (2)"
    assert (other.role, other.place) == ("payments", f"{query}2")


@pytest.mark.parametrize(
    ("argument", "elsewhere"),
    [
        ("sql:select 1", True),
        ("sql@warehouse:select 1", True),
        ("SQL:select 1", True),
        ("sqlite.csv", False),
        ("https://a/b", True),
        ("gs://a/b", True),
        ("ftp://a/b", False),
        ("C:/x.csv", False),
    ],
)
def test_what_lies_elsewhere_is_told_by_its_beginning(argument, elsewhere):
    assert is_elsewhere(argument) is elsewhere


def test_an_input_with_two_roles_is_refused():
    with pytest.raises(UsageError, match="as payments and as usage"):
        found(["payments=https://a.example/x", "usage=https://a.example/x"])


def test_a_very_long_argument_is_no_traceback():
    with pytest.raises(UsageError, match="is not a table that csk knows"):
        found(["payment=" + "x" * 5_000])


@pytest.mark.parametrize(
    ("name", "may_be"),
    [("a.xlsx", True), ("a.csv.zst", True), ("a.zip", False), ("b/_a.csv", False), ("csv", False)],
)
def test_what_can_be_a_table_is_told_by_its_suffix(name, may_be):
    assert may_be_table(PurePath(name)) is may_be


def test_a_folder_is_walked_without_the_hidden_ones(folder):
    (folder / ".git").mkdir()
    (folder / ".git" / "away").symlink_to("/")
    assert not any(one.left_out for one in found(["exports"]))
