"""Plug-ins are found by listing a folder; only the one asked for is imported."""

import subprocess
import sys

import pytest

from csk.errors import UsageError
from csk.registry import loaded, names


@pytest.mark.parametrize(
    ("package", "expected"),
    [
        ("csk.render", {"json", "markdown", "text"}),
        ("csk.sinks", {"arrow", "csv", "duckdb", "jsonl", "parquet", "xlsx"}),
        ("csk.no_such_package", set()),
    ],
)
def test_a_folder_lists_its_plug_ins_and_nothing_else(package, expected):
    found = names(package)
    assert found == tuple(sorted(found))
    assert set(found) >= expected
    assert not {"protocol", "_columns", "drawing", "staging"} & set(found)


def test_looking_imports_no_plug_in_and_no_library():
    code = (
        "import sys; from csk.registry import names; names('csk.sinks'); names('csk.render');"
        "print([m for m in sys.modules if m.startswith(('csk.sinks', 'csk.render', 'polars'))])"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert printed.stdout.decode().strip() == "[]"


def test_only_the_plug_in_asked_for_is_loaded():
    assert loaded("csk.render", "json", "RENDERER").name == "json"


@pytest.mark.parametrize(
    ("asked", "hint"), [("markdwon", "Did you mean 'markdown'?"), ("zzz", ""), ("protocol", "")]
)
def test_an_unknown_name_is_refused_with_the_known_ones(asked, hint):
    with pytest.raises(UsageError, match="json, markdown, text") as refusal:
        loaded("csk.render", asked, "RENDERER")
    assert refusal.value.hint == hint
