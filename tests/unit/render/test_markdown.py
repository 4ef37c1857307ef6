"""Markdown: tables that GitHub reads, and no markup out of other people's words."""

import pytest

from csk.render.markdown import RENDERER, escaped
from csk.render.protocol import Page
from csk.reports.blocks import Curve, Grid, GridColumn, HeatMap, Note, Report


def markdown(*blocks):
    return RENDERER.render(Report("t", "line", blocks), Page())


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("a|b", r"a\|b"),
        ("p_churn_90d", "p_churn_90d"),
        ("_x_", r"\_x\_"),
        ("<b>&", "&lt;b&gt;&amp;"),
        ("*bold* `code` [x]", r"\*bold\* \`code\` \[x\]"),
        ("# no heading", r"\# no heading"),
        ("- no list", r"\- no list"),
        ("1. no list", r"1\. no list"),
        ("-5", "-5"),
        ("two\nlines", "two lines"),
        ("¥ 1,000 日本", "¥ 1,000 日本"),
    ],
)
def test_words_are_taken_literally(word, expected):
    assert escaped(word) == expected


def test_a_grid_is_a_table_with_aligned_columns_and_a_bold_total():
    grid = Grid(
        "G", (GridColumn("a"), GridColumn("b", "right")), (("x", "1"), ("sum", "")), total=True
    )
    assert markdown(grid).splitlines()[4:] == [
        "**G**",
        "",
        "| a | b |",
        "| --- | ---: |",
        "| x | 1 |",
        "| **sum** |  |",
    ]


def test_bars_stand_only_where_a_cell_has_no_words():
    columns = (GridColumn("a", bar=True), GridColumn("b", bar=True))
    assert markdown(Grid("", columns, (("50 %", ""),), bars=(0.5,))).splitlines()[-1] == (
        "| 50 % | █████ |"
    )


def test_a_heat_map_is_a_table_of_its_cells():
    heat = HeatMap("", "r", "c", ("a",), ("1", "2"), (("5", ""),), ((5.0, None),))
    assert markdown(heat).splitlines()[-3:] == [
        "| r / c | 1 | 2 |",
        "| --- | ---: | ---: |",
        "| a | 5 |  |",
    ]


def test_a_long_curve_is_thinned_and_keeps_its_ends():
    x = tuple(float(month) for month in range(100))
    rows = markdown(Curve("c", "months", x, tuple(1 - t / 99 for t in x))).splitlines()[6:]
    assert len(rows) == 2 + 13
    assert rows[2] == "| 0 | 100.0% |"
    assert rows[-1] == "| 99 | 0.0% |"


def test_notes_are_alerts_by_tone():
    assert "> [!WARNING]\n> a" in markdown(Note("a", "warn"))
    assert "> [!NOTE]\n> a" in markdown(Note("a"))
