"""`csk ltv data/sample` as it is shown and written; `make golden` writes the goldens anew."""

import json
import math
from pathlib import Path

import pytest
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from csk.analyses.ltv import Choice, ltv, table
from csk.cli.run_ltv import standing
from csk.cli.session import opened_book
from csk.registry import loaded
from csk.render.protocol import Page
from csk.reports.ltv import report
from csk.settings import Settings
from csk.text import words

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
ROWS = 8


class PlainText(SingleFileSnapshotExtension):
    """Goldens that can be read with `cat`."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"


@pytest.fixture
def golden(snapshot):
    return snapshot.use_extension(PlainText)


@pytest.fixture(scope="module")
def found():
    settings = Settings()
    with opened_book([str(SAMPLE)], settings, quiet=True) as session:
        stood = standing(session)
        return {
            by: ltv(session.book, session.engine, settings, stood, Choice(by))
            for by in ("plan", "channel", "cohort")
        }


def shown(result, form, page=None, language="en"):
    said = report(result, Settings(), words(language))
    return loaded("csk.render", form, "RENDERER").render(said, page or Page())


def steady(value):
    """Round numbers to six digits, which every machine agrees on."""
    if isinstance(value, float) and value:
        return round(value, 5 - math.floor(math.log10(abs(value))))
    if isinstance(value, dict):
        return {key: steady(inner) for key, inner in value.items()}
    return [steady(inner) for inner in value] if isinstance(value, list) else value


def test_the_report_at_80_columns(found, golden):
    assert shown(found["plan"], "text", Page(80)) == golden


def test_the_report_by_channel_at_120_columns(found, golden):
    assert shown(found["channel"], "text", Page(120)) == golden


def test_the_report_by_cohort_in_japanese(found, golden):
    assert shown(found["cohort"], "text", Page(100), "ja") == golden


def test_the_report_as_json(found, golden):
    plain = steady(json.loads(shown(found["channel"], "json")))
    assert json.dumps(plain, ensure_ascii=False, indent=2) + "\n" == golden


def test_the_table_has_its_rows(found, golden):
    rows, described = table(found["channel"])
    lines = [json.dumps(steady(row), default=str) for row in rows.head(ROWS).to_dicts()]
    assert "\n".join([*described.names, *lines]) + "\n" == golden


@pytest.mark.parametrize("width", [80, 100, 120])
@pytest.mark.parametrize("by", ["plan", "channel", "cohort"])
def test_no_line_is_wider_than_the_page_and_no_number_is_cut(found, by, width):
    lines = shown(found[by], "text", Page(width, unicode=False)).splitlines()
    assert max(map(len, lines)) <= width
    assert not [
        line for line in lines if any(part[0].isdigit() and ".." in part for part in line.split())
    ]
