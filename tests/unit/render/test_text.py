"""The terminal's form: widths in cells, numbers whole, colour only on request."""

import re

import pytest
from rich.cells import cell_len

from csk.render.protocol import Page
from csk.render.text import RENDERER
from csk.reports.blocks import (
    Curve,
    Figure,
    Figures,
    Grid,
    GridColumn,
    Heading,
    HeatMap,
    Note,
    Report,
)

ANSI = re.compile(r"\x1b\[[0-9;]*m")
TABLE = Grid(
    "Customers",
    (
        GridColumn("id"),
        GridColumn("name"),
        GridColumn("value", "right"),
        GridColumn("cost", "right", 1),
        GridColumn("ratio", "right", 2),
    ),
    (
        ("0001", "株式会社ソフトウェアイノベーション東日本", "¥ 4,120,300", "¥ 12,000", "12.5"),
        ("0002", "Müller", "¥ 120,300", "¥ 2,000", "1.5"),
    ),
)
HEAT = HeatMap(
    "Map", "row", "column", ("a", "b"), ("1", "2"), (("10", "2"), ("3", "")), ((10, 2), (3, None))
)
CURVE = Curve(
    "Survival", "months", (0.0, 6.0, 12.0), (1.0, 0.5, 0.25), (1, 0.4, 0.2), (1, 0.6, 0.3)
)


def text(*blocks, width=80, color=False, unicode=True):
    return RENDERER.render(Report("title", "", blocks), Page(width, color, unicode))


@pytest.mark.parametrize("width", [44, 60, 80, 120])
@pytest.mark.parametrize("color", [False, True])
def test_no_line_is_wider_than_the_page(width, color):
    figures = Figures((Figure("customers", "4,372"), Figure("value", "¥ 1", "remark " * 20)))
    note = Note("警告 " * 60, "warn")
    written = text(TABLE, HEAT, CURVE, figures, note, width=width, color=color)
    assert max(cell_len(ANSI.sub("", line)) for line in written.splitlines()) <= width


def test_without_colour_there_is_no_escape_and_no_trailing_blank():
    written = text(Heading("x"), TABLE, HEAT, CURVE, Note("n", "bad"))
    assert "\x1b" not in written
    assert all(line == line.rstrip() for line in written.splitlines())


def test_colour_changes_no_word():
    blocks = (Heading("x"), TABLE, CURVE, Note("n", "bad"))
    assert ANSI.sub("", text(*blocks, color=True)) == text(*blocks)


def test_colour_does_not_ask_the_environment(monkeypatch):
    written = text(TABLE, color=True)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("COLUMNS", "20")
    assert text(TABLE, color=True) == written
    assert "\x1b[" in written


@pytest.mark.parametrize(
    ("width", "shown", "dropped"),
    [
        (80, ("value", "cost", "ratio"), ()),
        (50, ("value", "cost"), ("ratio",)),
        (44, ("value",), ("cost", "ratio")),
    ],
)
def test_columns_leave_by_priority_and_numbers_stay_whole(width, shown, dropped):
    header, _, first, *_ = text(TABLE, width=width).splitlines()[3:]
    assert all(title in header for title in shown)
    assert not any(title in header for title in dropped)
    assert "¥ 4,120,300" in first


def test_only_names_are_cut_at_cell_width():
    first = text(TABLE, width=52).splitlines()[5]
    assert "…" in first
    assert cell_len(first) <= 52
    assert ".." in text(TABLE, width=52, unicode=False).splitlines()[5]


def test_numbers_stay_whole_even_where_nothing_fits():
    assert "¥ 4,120,300" in text(TABLE, width=10)


def test_japanese_names_keep_columns_in_line():
    lines = text(TABLE, width=120).splitlines()[5:7]
    assert len({cell_len(line) for line in lines}) == 1


@pytest.mark.parametrize(
    ("share", "expected"),
    [(1.0, "█" * 24), (0.5, "█" * 12), (0.001, "▏"), (0.0, ""), (7.0, "█" * 24), (-1.0, "")],
)
def test_a_bar_is_as_long_as_its_share(share, expected):
    grid = Grid("", (GridColumn("a"), GridColumn("", bar=True)), (("x", ""),), bars=(share,))
    assert text(grid).splitlines()[-1].removeprefix("  x").strip() == expected


def test_a_total_stands_under_a_rule_and_a_sole_row_under_one():
    grid = Grid("", (GridColumn("a"),), (("x",), ("sum",)), total=True)
    assert [line.strip("─ ") for line in text(grid).splitlines()[2:]] == ["a", "", "x", "", "sum"]


@pytest.mark.parametrize("rows", [(), (("x", "1"),)])
def test_a_grid_of_few_rows_is_drawn(rows):
    written = text(Grid("t", (GridColumn("a"), GridColumn("b", "right")), rows))
    assert len(written.splitlines()) == 5 + len(rows)


def test_heat_keeps_every_number_without_colour():
    rows = text(HEAT).splitlines()[-2:]
    assert rows == ["  a     10 █ 2", "  b      3 ▒"]


def test_heat_of_more_columns_than_fit_says_what_is_left_out():
    labels = tuple(f"2024-{month:02}" for month in range(1, 13))
    wide = HeatMap("", "c", "", ("a",), labels, (("1,000",) * 12,), ((1.0,) * 12,))
    assert "3 more columns, from 2024-10 on, need a wider page." in text(wide, width=100)


def test_a_curve_is_stated_in_numbers_with_its_interval():
    written = text(CURVE)
    assert "6: 50.0% (40.0% to 60.0%)" in written
    assert "12: 25.0% (20.0% to 30.0%)" in written
    assert "100% ┤█" in written


def test_a_curve_of_one_and_of_no_point_is_drawn():
    assert "no points" in text(Curve("c", "months", (), ()))
    assert "100% ┤" in text(Curve("c", "months", (0.0,), (1.0,)))


def test_curves_of_one_title_stand_under_one_another():
    curves = [Curve("c", "m", (0.0, 1.0), (1.0, last), group=f"g{last}") for last in (0.5, 0.0)]
    lines = text(*curves).splitlines()
    assert lines[3].startswith("  g0.5  █")
    assert lines[3].endswith("50.0%")
    assert lines[4].endswith("0.0%")


def test_a_warning_is_marked_without_colour_too():
    assert text(Note("a", "warn"), Note("b")).splitlines()[2:] == ["! a", "· b"]
    assert text(Note("b"), unicode=False).splitlines()[-1] == "- b"


def test_words_from_files_cannot_steer_the_terminal():
    evil = "A\x1b[2J\x07\u202ecorp\nB\tC"
    written = text(Grid(evil, (GridColumn(evil),), ((evil,),)), Note(evil), Heading(evil))
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u202e]", written)
    assert "A[2Jcorp B C" in written


def test_figures_without_remarks_share_lines_on_a_wide_page():
    figures = Figures(tuple(Figure(f"label {n}", f"{n:,}") for n in range(6)))
    assert len(text(figures, width=80).splitlines()) == 2 + 2
    assert len(text(figures, width=20).splitlines()) == 2 + 6
