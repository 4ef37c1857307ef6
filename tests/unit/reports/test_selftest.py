"""The self-test in words."""

from dataclasses import replace

import pytest

from csk.analyses.selftest import Check, selftest
from csk.published import Figure, tables
from csk.reports.blocks import Grid, Heading, Note
from csk.reports.selftest import report
from csk.text import words

SAY = words("en")
WILSON = next(one for one in tables() if one.name == "wilson")
HELD = Figure("high(0/20)", 0.1611, 4, 0.00005)
MISSED = Figure("high(0/20)", 0.1700, 4, 0.00005)


def told(*figures, computed=None):
    result = selftest([replace(WILSON, figures=figures)])
    if computed is not None:
        checks = [Check(one.table, one.figure, computed) for one in result.checks]
        result = replace(result, checks=tuple(checks))
    return report(result, SAY)


def test_the_verdict_opens_and_ends_the_report():
    found = told(HELD, MISSED)
    assert found.first_line == "1 of 2 published figures reproduced"
    assert found.blocks[-1] == Note(found.first_line, "bad")
    assert told(HELD).blocks[-1].tone == "good"


def test_a_source_has_a_table_of_its_figures_and_a_line_among_all():
    found = told(HELD, MISSED)
    heading, figures, _, sources = found.blocks[:4]
    assert heading == Heading(f"{WILSON.source}: {WILSON.title}")
    assert figures.rows == (
        ("Wilson's interval", "high(0/20)", "0.1611", "0.161125", "5e-5", "ok"),
        ("", "high(0/20)", "0.1700", "0.161125", "5e-5", "OFF"),
    )
    assert figures.tones == ("plain", "bad")
    assert sources.rows == ((WILSON.source, "2", "17750%", "1 OFF"),)


def test_a_farthest_figure_within_the_tolerance_is_told_too():
    (sources,) = [b for b in told(HELD).blocks if isinstance(b, Grid) and len(b.columns) == 4]
    assert sources.rows == ((WILSON.source, "1", "50%", "ok"),)


@pytest.mark.parametrize(
    ("figure", "computed", "row"),
    [
        (Figure("customers", 2357.0, 0, 0.5), 2357.0, ("2,357", "2,357", "0.5")),
        (Figure("customers", 2357.0, 0, 0.5), 2357.25, ("2,357", "2,357.25", "0.5")),
        (Figure("r", -9582.4292, 4, 0.001), -9582.42921, ("-9582.4292", "-9582.429210", "0.001")),
        (Figure("gradient", 0.0, 0, 1e-6), 1.5e-15, ("0", "1.5e-15", "1e-6")),
        (Figure("low(0/20)", 0.0, 4, 0.00005), 0.0, ("0.0000", "0.000000", "5e-5")),
        (Figure("r", 1.0, 1, 0.05), float("nan"), ("1.0", "–", "0.05")),
    ],
)
def test_figures_have_the_digits_that_are_printed_and_two_more(figure, computed, row):
    (grid, *_) = [b for b in told(figure, computed=computed).blocks if isinstance(b, Grid)]
    assert grid.rows[0][2:5] == row


def test_a_table_that_could_not_be_reckoned_says_why_once():
    lost = replace(WILSON, name="rates", figures=(HELD, MISSED))
    result = selftest([lost])
    failed = [replace(one, why_not="ValueError: broken") for one in result.checks]
    notes = [
        b.text
        for b in report(replace(result, checks=tuple(failed)), SAY).blocks
        if isinstance(b, Note)
    ]
    assert notes[0] == "months, per cent could not be reckoned: ValueError: broken"
    assert len(notes) == 3


def test_the_same_stands_there_for_machines():
    found = told(HELD, HELD._replace(name="nothing")).data
    assert (found["n"], found["n_held"]) == (2, 1)
    first, second = found["figures"]
    assert first["table"] == "shares.wilson"
    assert first["computed"] == pytest.approx(0.161125, abs=1e-6)
    assert (second["computed"], second["is_held"]) == (None, False)
