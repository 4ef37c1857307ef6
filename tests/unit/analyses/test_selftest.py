"""The self-test: what holds, what is missed, and what cannot be reckoned."""

import math
from dataclasses import replace

import polars as pl
import pytest

from csk.analyses.selftest import selftest, table
from csk.published import Figure, PublishedTable, tables
from csk.schema import SELFTEST


def wilson():
    return next(one for one in tables() if one.name == "wilson")


def with_figures(*figures):
    return replace(wilson(), figures=figures)


HIGH = Figure("high(0/20)", 0.1611, 4, 0.00005)  # 0.161125


@pytest.mark.parametrize(
    ("published", "tolerance", "is_held"),
    [
        (0.1611, 0.00005, True),
        (0.1612, 0.00005, False),
        (0.1612, 0.0001, True),
        (0.1610, 0.00005, False),
    ],
)
def test_a_figure_holds_within_its_tolerance(published, tolerance, is_held):
    found = selftest([with_figures(Figure("high(0/20)", published, 4, tolerance))])
    assert (found.checks[0].is_held, found.n_held) == (is_held, int(is_held))
    assert len(found.missed) == int(not is_held)


def test_what_lies_on_the_edge_holds():
    zero = selftest([with_figures(Figure("low(0/20)", 0.00005, 4, 0.00005))])
    assert zero.checks[0].deviation == 1.0
    assert zero.checks[0].is_held


def test_a_deviation_is_a_share_of_the_tolerance():
    (check,) = selftest([with_figures(HIGH)]).checks
    assert check.deviation == pytest.approx((check.computed - 0.1611) / 0.00005)


def test_a_figure_that_nobody_reckons_is_missed():
    (check,) = selftest([with_figures(HIGH._replace(name="nothing"))]).checks
    assert math.isnan(check.computed)
    assert (check.deviation, check.is_held) == (math.inf, False)


def test_a_table_that_cannot_be_reckoned_says_why_and_the_others_go_on():
    lost = PublishedTable("shares", "nowhere", "Nobody", "Nothing", (HIGH,))
    found = selftest([lost, with_figures(HIGH)])
    assert [check.is_held for check in found.checks] == [False, True]
    assert found.checks[0].why_not == "KeyError: 'nowhere'"
    assert found.checks[1].why_not == ""


def test_checks_are_grouped_by_source_in_order():
    first, last = with_figures(HIGH), with_figures(HIGH._replace(name="low(0/20)"))
    other = replace(first, source="Somebody else")
    found = selftest([first, other, last])
    assert list(found.by_source) == [wilson().source, "Somebody else"]
    assert [len(checks) for checks in found.by_source.values()] == [2, 1]


def test_the_table_for_machines_has_the_columns_of_the_glossary():
    found = table(selftest([with_figures(HIGH, HIGH._replace(name="nothing"))]))
    assert tuple(found.columns) == SELFTEST.names
    assert found["table_name"].to_list() == ["shares.wilson"] * 2
    assert found["computed"].is_null().to_list() == [False, True]
    assert found["is_held"].to_list() == [True, False]
    assert found.schema["computed"] == pl.Float64
