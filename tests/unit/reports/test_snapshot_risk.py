"""The report on a cross-section calls nothing a forecast."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from csk.analyses.snapshot_risk import snapshot_risk
from csk.engine.local import LocalEngine
from csk.models.risk import snapshot_mode
from csk.reports.blocks import Grid, Note
from csk.reports.snapshot_risk import report
from csk.text import words

N = 500


def people():
    draw = np.random.default_rng(2)
    seats, plan = draw.normal(10.0, 3.0, N), draw.choice(["basic", "pro"], N)
    left = draw.random(N) < 1.0 / (1.0 + np.exp(0.8 * (seats - 8.0)))
    return [
        {
            "customer_id": f"c{i:04d}",
            "is_churned": bool(left[i]),
            "plan": plan[i] if i % 50 else None,
            "seats": f"{seats[i]:.3f}",
            "churn_reason": "price" if left[i] else "",
        }
        for i in range(N)
    ]


@pytest.fixture(scope="module")
def result(book_of):
    with pytest.MonkeyPatch.context() as changed:
        changed.setattr(snapshot_mode, "_REPEATED_UP_TO", 0)
        changed.setattr(snapshot_mode, "_TREES", 5)
        return snapshot_risk(book_of({"cross_section": people()}), LocalEngine())


@pytest.fixture(scope="module")
def page(result):
    return report(result, words(), top=4)


def grids(page):
    return [block for block in page.blocks if isinstance(block, Grid)]


def named(page):
    """Return the table of customers, where there is one."""
    say = words()
    titles = (say("risk.customer"), say("alike.chance"), say("alike.why"))
    return [grid for grid in grids(page) if tuple(c.title for c in grid.columns) == titles]


@pytest.mark.parametrize("language", ["en", "ja"])
def test_it_says_first_that_it_is_no_forecast(result, language):
    say = words(language)
    told = report(result, say)
    (note, *_) = [block for block in told.blocks if isinstance(block, Note)]
    assert (note.text, note.tone) == (say("risk.method_cross_section"), "warn")
    assert told.data["is_forecast"] is False


def test_who_is_named_is_still_there_and_most_like_those_that_left(result, page):
    found = [row[0] for row in named(page)[0].rows if row[0]]
    there = result.customers.filter(~result.customers["is_churned"])
    first = there.sort("p_churn", "row_no", descending=[True, False]).head(4)
    assert found == first["customer_id"].to_list()


def test_each_reason_has_a_line_with_what_is_usual(page):
    first = named(page)[0].rows[0][-1]
    assert first.startswith("+ seats ")
    assert first.endswith(")")


def test_nobody_is_named_where_nobody_is_asked_for(result, page):
    assert len(named(page)) == 1
    assert named(report(result, words(), top=0)) == []


def test_a_column_that_knows_the_outcome_is_named(page):
    notes = [block for block in page.blocks if isinstance(block, Note) and block.tone == "bad"]
    assert ["churn_reason" in note.text for note in notes] == [True]
    fatal = [one["column"] for one in page.data["findings"] if one["is_fatal"]]
    assert fatal == ["churn_reason"]


def test_models_are_told_with_the_chosen_one_marked(result, page):
    models = next(grid for grid in grids(page) if grid.keys[:1] == ("model",))
    assert [tone == "good" for tone in models.tones] == [
        one.model == result.risk.chosen for one in result.risk.scores
    ]


def test_figures_for_machines_are_plain(result, page):
    told = json.loads(json.dumps(page.data, allow_nan=False))
    assert (told["n"], told["n_churned"]) == (N, result.risk.n_events)
    assert told["columns"] == ["plan", "seats"]
    assert {one["model"] for one in told["models"]} == {"glass", "trees"}


def test_columns_that_tell_nothing_are_said_to(result):
    def told(risk):
        shown = report(replace(result, risk=risk), words())
        return [block.text for block in shown.blocks if isinstance(block, Note)]

    assert not [text for text in told(result.risk) if "No better than chance" in text]
    idle = replace(result.risk, verdict="no_better_than_chance")
    assert [text for text in told(idle) if text.startswith("No better than chance")]


def test_what_is_as_usual_is_not_set_beside_itself(page):
    reasons = [row[2] for row in named(page)[0].rows]
    told = [re.fullmatch(r"[+-] \S+ (\S+)(?: \((\S+)\))?", text) for text in reasons]
    assert all(told)
    assert all(one[1] != one[2] for one in told)
    assert {one[2] is None for one in told} == {True, False}
