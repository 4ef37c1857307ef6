"""What a kept store knows its inputs by."""

from pathlib import Path

import pytest

from csk.intake.origins.finding import Found
from csk.intake.storage import digests
from csk.settings import Settings, settings

FOUND = Found(Path("a.csv"), "a.csv", None, was_named=True)
CHANGED = {
    "encoding": "cp932",
    "date_order": "dmy",
    "amount_unit": "minor",
    "tz": "Asia/Tokyo",
    "currency": "JPY",
    "columns": {"payments": {"amount": "betrag"}},
    "exclude": {"ours": {"column": "kind"}},
    "reject_limit": 0.5,
    "skip": ["x.csv"],
    "connections": {"shop": "postgres://host/shop"},
}


def test_settings_used_after_reading_are_named_and_exist():
    assert set(Settings.model_fields) >= digests.AFTER_READING
    assert set(CHANGED) == set(Settings.model_fields) - digests.AFTER_READING


@pytest.mark.parametrize("name", CHANGED)
def test_every_setting_of_reading_changes_the_hash(name):
    plain, changed = settings({}, None), settings({name: CHANGED[name]}, None)
    books = {digests.of_book([FOUND], [], {FOUND.path: "1"}, one) for one in (plain, changed)}
    pieces = {digests.of_piece(FOUND, "1", one) for one in (plain, changed)}
    assert len(books) == 2
    assert len(pieces) == (1 if name in {"reject_limit", "skip"} else 2)


def test_content_role_and_sheet_make_another_piece():
    chosen = settings({}, None)
    others = [
        Found(FOUND.path, "a.csv", "payments", was_named=True),
        Found(FOUND.path, "a.csv", None, was_named=True, sheet="2"),
    ]
    made = [digests.of_piece(found, "1", chosen) for found in (FOUND, *others)]
    assert len({*made, digests.of_piece(FOUND, "2", chosen)}) == 4
    moved = Found(Path("b/a.csv"), "b/a.csv", None, was_named=True)
    assert digests.of_piece(moved, "1", chosen) == made[0]


def files(tmp_path, contents):
    found = []
    for name, role, text in contents:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        found.append(Found(path, path.name, role, was_named=True))
    return found


@pytest.mark.parametrize(
    ("contents", "read"),
    [
        ([("b", None, "1"), ("a", None, "1"), ("c", None, "2")], ["a", "c"]),
        ([("a", None, "1"), ("b", "payments", "1")], ["b"]),
        ([("a", "usage", "1"), ("b", "payments", "1")], ["a", "b"]),
        ([("a", None, ""), ("b", None, "")], ["a", "b"]),
        ([("a", None, "1"), ("b", None, "3"), ("c", None, "3"), ("d", None, "3")], ["a", "b"]),
    ],
)
def test_what_is_the_same_is_read_once(tmp_path, contents, read):
    kept, repeats = digests.distinct(files(tmp_path, contents))
    assert [found.name for found in kept] == read
    assert len(kept) + len(repeats) == len(contents)
    assert all(one.note.startswith("it is the same as ") for one in repeats)


def test_files_of_one_name_are_called_by_their_paths(tmp_path):
    kept, _ = digests.distinct(files(tmp_path, [("x/a", None, "1"), ("y/a", None, "22")]))
    assert [found.name for found in kept] == [str(tmp_path / "x/a"), str(tmp_path / "y/a")]
