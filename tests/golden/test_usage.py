"""`csk usage data/sample` as it is shown and written; `make golden` writes the goldens anew."""

import json
import math
from pathlib import Path

import pytest
from rich.cells import cell_len
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from csk.analyses.usage import table, usage
from csk.cli.session import opened_book
from csk.registry import loaded
from csk.render.protocol import Page
from csk.reports.usage import report
from csk.settings import Milestone, Settings
from csk.text import words

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
ROWS = 8
ASKED = Settings(
    keep=("owner",),
    usage={"entitled": {"Premium": ["login", "report", "export"]}},
    milestones=(
        Milestone(name="first report", feature="report", within_days=30),
        Milestone(name="ten uses", count=10, within_days=28),
    ),
)
PLAIN = Settings()


class PlainText(SingleFileSnapshotExtension):
    """Goldens that can be read with `cat`."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"


@pytest.fixture
def golden(snapshot):
    return snapshot.use_extension(PlainText)


@pytest.fixture(scope="module")
def found():
    with opened_book([str(SAMPLE)], ASKED, quiet=True) as session:
        return {
            "plain": usage(session.book, session.engine, PLAIN),
            "asked": usage(session.book, session.engine, ASKED, "plan"),
        }


def shown(result, form, settings, page=None, language="en"):
    said = report(result, settings, words(language))
    return loaded("csk.render", form, "RENDERER").render(said, page or Page())


def steady(value):
    """Round numbers to six digits, which every machine agrees on."""
    if isinstance(value, float) and value:
        return round(value, 5 - math.floor(math.log10(abs(value))))
    if isinstance(value, dict):
        return {key: steady(inner) for key, inner in value.items()}
    return [steady(inner) for inner in value] if isinstance(value, list) else value


def test_the_report_at_80_columns(found, golden):
    assert shown(found["plain"], "text", PLAIN, Page(80)) == golden


def test_the_report_of_what_was_asked_at_120_columns(found, golden):
    assert shown(found["asked"], "text", ASKED, Page(120)) == golden


def test_the_report_in_japanese(found, golden):
    assert shown(found["asked"], "text", ASKED, Page(100), "ja") == golden


def test_the_report_as_json(found, golden):
    plain = steady(json.loads(shown(found["asked"], "json", ASKED)))
    assert json.dumps(plain, ensure_ascii=False, indent=2) + "\n" == golden


def test_the_table_has_its_rows(found, golden):
    rows, described = table(found["asked"])
    assert rows.height == 423
    some = [
        json.dumps(steady(row), ensure_ascii=False, default=str)
        for row in rows.head(ROWS).to_dicts()
    ]
    assert "\n".join([*described.names, *some]) + "\n" == golden


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("width", [80, 100, 120])
@pytest.mark.parametrize(("name", "settings"), [("plain", PLAIN), ("asked", ASKED)])
def test_no_line_is_wider_than_the_page_and_no_number_is_cut(
    found, name, settings, width, language
):
    page = Page(width, unicode=language != "en")
    lines = shown(found[name], "text", settings, page, language).splitlines()
    assert max(map(cell_len, lines)) <= width
    assert not [
        line
        for line in lines
        if any(part[0].isdigit() and part.endswith(("..", "…")) for part in line.split())
    ]
