"""What the report says of how good chances are, and of how little it may know."""

from dataclasses import replace
from datetime import date
from types import SimpleNamespace

import pytest
from rich.cells import cell_len

from csk.models.risk.alerts import Night
from csk.models.risk.ledger import Live
from csk.models.risk.verdict import (
    CURVES,
    GLASS,
    AgeScore,
    Finding,
    OriginScore,
    ReliabilityBin,
    Validation,
)
from csk.render.drawing.grids import grid_lines
from csk.render.protocol import Page
from csk.reports.blocks import Grid, Note
from csk.reports.churn_risk_checks import figure, finding, live, reliability, validation
from csk.text import words

SAY, NAN = words(), float("nan")
DAYS = (date(2025, 1, 1), date(2025, 4, 1), date(2025, 7, 1))


def score(model=GLASS, day=DAYS[0], days=90, **changed):
    rest = ("average_precision", "brier", "brier_skill", "lift_1", "lift_5", "lift_10", "ece")
    rest += ("integrated_brier", "uno_c")
    told = {**dict.fromkeys((*rest, "intercept"), 0.25), "auc": 0.75, "auc_se": 0.05, "slope": 1.0}
    told["log_loss"] = 0.3 if model == GLASS else 0.4
    counts = {"n": 400, "n_events": 40, "base_rate": 0.1, "age_days": 84}
    return OriginScore(model=model, origin_on=day, days=days, **{**told, **counts, **changed})


BIN = ReliabilityBin(100, 10, 0.11, 0.1, 0.05, 0.17)


def shown(rows, is_whole=False, **changed):
    about = {
        "reliability": (BIN,),
        "ages": (),
        "findings": (),
        "n_origins_wanted": 3,
        "verdict": "sound",
    }
    found = Validation(
        main_days=90,
        chosen=GLASS,
        rows=tuple(rows),
        **{**about, "is_overlapping": False, "best_share": NAN, "profit": NAN, **changed},
    )
    return validation(SimpleNamespace(validation=found, model=None), SAY, is_whole=is_whole)


def notes(blocks):
    return [block for block in blocks if isinstance(block, Note)]


EVERY = [score(model, day) for day in DAYS for model in (GLASS, CURVES)]


def test_without_a_validation_nothing_is_said():
    assert validation(SimpleNamespace(validation=None, model=None), SAY, is_whole=True) == []


VERDICTS = [
    ("sound", "good", "0.750 of the time"),
    ("no_better_than_chance", "bad", "No better than chance"),
]


@pytest.mark.parametrize(("verdict", "tone", "said"), VERDICTS)
def test_a_verdict_is_one_sentence_with_its_figures(verdict, tone, said):
    (note,) = notes(shown(EVERY, verdict=verdict))
    assert (note.tone, said in note.text) == (tone, True)
    assert "120" in note.text  # of all three origins together
    assert "1,200" in note.text


@pytest.mark.parametrize("verdict", ["not_validated", "sound"])
def test_what_was_not_tried_is_not_validated(verdict):
    blocks = shown([], verdict=verdict, reliability=())
    (note,) = notes(blocks)
    assert (note.tone, note.text) == ("warn", SAY("risk.verdict_not_validated"))
    assert not [block for block in blocks if isinstance(block, Grid)]


@pytest.mark.parametrize(("n", "is_said"), [(1, True), (2, True), (3, False)])
def test_fewer_origins_than_wanted_are_said(n, is_said):
    said = [note.text for note in notes(shown([score(day=day) for day in DAYS[:n]]))]
    assert (SAY("risk.few_origins", n=str(n), wanted="3") in said) is is_said


@pytest.mark.parametrize("overlap", [True, False])
def test_outcomes_that_share_days_are_said(overlap):
    said = [note.text for note in notes(shown(EVERY, is_overlapping=overlap))]
    assert (SAY("risk.overlapping") in said) is overlap


def test_models_stand_beside_each_other_and_origins_on_request():
    short = [block for block in shown(EVERY) if isinstance(block, Grid)]
    assert [row[0] for row in short[0].rows] == ["glass box", "plan and age"]
    assert short[0].tones == ("good", "plain")
    whole = [block for block in shown(EVERY, is_whole=True) if isinstance(block, Grid)]
    assert len(whole) == len(short) + 1
    assert len(whole[1].rows) == len(EVERY)
    assert [row[0] for row in whole[1].rows] == sorted(row[0] for row in whole[1].rows)


def test_what_nobody_can_tell_is_a_dash():
    names = ("auc", "auc_se", "average_precision", "brier_skill", "lift_1", "lift_10", "slope")
    blocks = shown(
        [score(**dict.fromkeys((*names, "ece", "integrated_brier", "uno_c"), NAN))],
        verdict="not_validated",
    )
    grid = next(block for block in blocks if isinstance(block, Grid))
    assert set(grid.rows[0][1:]) == {figure(NAN, 3)}


AGES = tuple(
    AgeScore(90, age, 2, 800, 60, 0.75, 0.03, 0.21, slope, 0.071, 0.742)
    for age, slope in ((0, 1.0), (84, NAN))
)


@pytest.mark.parametrize(
    ("is_whole", "n", "is_shown"), [(True, 2, 1), (False, 2, 1), (True, 1, 1), (False, 1, 0)]
)
def test_ages_are_told_where_there_are_several_or_on_request(is_whole, n, is_shown):
    blocks = shown(EVERY, is_whole=is_whole, ages=AGES[:n])
    grids = [one for one in blocks if isinstance(one, Grid) and one.title == SAY("risk.ages")]
    assert len(grids) == is_shown
    for grid in grids:
        assert grid.rows[0][:2] == ("90", "0")
        assert {"0.742", "0.071", "0.210"} <= set(grid.rows[0])
        assert (SAY("risk.ages_one") in grid.caption) is (n == 1)
        assert [row[-1] for row in grid.rows] == ["1.00", figure(NAN, 3)][:n]


def test_ages_at_other_horizons_are_told_on_request():
    ages = tuple(replace(one, days=days) for days in (30, 90) for one in AGES)
    n_rows = [
        len(grid.rows)
        for is_whole in (False, True)
        for grid in shown(EVERY, is_whole=is_whole, ages=ages)
        if isinstance(grid, Grid) and grid.title == SAY("risk.ages")
    ]
    assert n_rows == [2, 4]


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("width", [80, 100, 120])
def test_names_of_models_and_the_figures_asked_for_are_whole(language, width):
    say = words(language)
    found = Validation(
        main_days=90,
        chosen=GLASS,
        rows=tuple(EVERY),
        reliability=(),
        ages=AGES,
        findings=(),
        n_origins_wanted=3,
        is_overlapping=False,
        verdict="sound",
        best_share=NAN,
        profit=NAN,
    )
    result = SimpleNamespace(validation=found, model=None)
    for grid in validation(result, say, is_whole=True):
        if not isinstance(grid, Grid):
            continue
        lines = [line.plain for line in grid_lines(grid, Page(width=width))]
        assert max(map(cell_len, lines)) <= width
        assert any(say("risk.uno_c") in line.split() for line in lines)
        if grid.title != say("risk.ages"):
            told = "\n".join(lines[: len(grid.rows) + 3])
            assert told.count(say(f"risk.model_{CURVES}")) == len(grid.rows) // 2


def test_reliability_counts_the_groups_that_hold_what_was_foretold():
    outside = ReliabilityBin(100, 30, 0.11, 0.3, 0.22, 0.4)
    (grid,) = reliability([BIN, outside], "{n} in {of}", SAY)
    assert grid.caption == "1 in 2"
    assert [row[4] for row in grid.rows] == [SAY("risk.inside"), SAY("risk.outside")]
    assert all(0.0 <= bar <= 1.0 for bar in grid.bars)
    assert reliability([], "", SAY) == []


def test_reliability_of_nobody_who_left_has_no_bars():
    (grid,) = reliability([ReliabilityBin(9, 0, 0.0, 0.0, 0.0, 0.0)], "", SAY)
    assert grid.bars == (0.0,)


FINDINGS = [
    (Finding("too_good", "usage_28d", 0.97, is_fatal=True), "bad", "0.970"),
    (Finding("is_tenure", "refunds_90d", 0.995, is_fatal=False), "warn", "0.995"),
    (Finding("of_late", "mood", 1.0, is_fatal=False), "warn", "of_late: mood"),
]


@pytest.mark.parametrize(("one", "tone", "said"), FINDINGS)
def test_a_finding_is_said_by_its_column(one, tone, said):
    note = finding(one, SAY)
    assert (note.tone, said in note.text) == (tone, True)


def night(*lived):
    return Night((), lived, None, DAYS[0], False, 1)


def lived(of_control):
    return Live(30, DAYS[0], "m", of_control, 100, 0, 9.5, 8, 0.1, 0.2, NAN, NAN, NAN, NAN, -0.5)


def test_earlier_runs_are_told_where_one_has_matured():
    assert live(None, SAY) == []
    assert live(night(), SAY)[-1].text == SAY("risk.live_none")


@pytest.mark.parametrize(("of_control", "key"), [(True, "live_control"), (False, "live_all")])
def test_a_matured_run_says_on_whom_it_was_judged(of_control, key):
    grid = live(night(lived(of_control)), SAY)[-1]
    assert grid.caption == SAY(f"risk.{key}")
    assert grid.rows[0][:5] == ("30", "2025-01-01", "100", "9.5", "8")
    assert set(grid.rows[0][6:]) == {figure(NAN, 3)}
