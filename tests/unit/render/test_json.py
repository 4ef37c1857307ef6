"""JSON: the data of a report, as it is."""

import json

import pytest

from csk.render.json import RENDERER
from csk.render.protocol import Page
from csk.reports.blocks import Note, Report


def written(data):
    return RENDERER.render(Report("t", "line", (Note("not here"),), data), Page())


def test_data_stands_beside_title_and_first_line_in_its_order():
    text = written({"z": 1, "a": {"会社": ["日本", None, True, 0.5]}})
    assert json.loads(text) == {
        "title": "t",
        "first_line": "line",
        "z": 1,
        "a": {"会社": ["日本", None, True, 0.5]},
    }
    assert text.index('"z"') < text.index('"a"')
    assert "会社" in text
    assert "not here" not in text


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_is_null(number):
    assert json.loads(written({"x": [number], "y": {"z": (number,)}})) | {} == {
        "title": "t",
        "first_line": "line",
        "x": [None],
        "y": {"z": [None]},
    }


def test_data_may_not_hide_the_title():
    with pytest.raises(ValueError, match="title"):
        written({"title": "x"})
