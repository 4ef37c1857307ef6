"""`csk churn-risk` as it is shown and written; `make golden` writes the goldens anew.

Risks by plan and age are the sample's own. What trees say differs in its last digits between
machines, so the page of a model is shown with a model and figures put down by hand.
"""

import json
import math
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest
from rich.cells import cell_len
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from csk.analyses.churn_risk import churn_risk
from csk.cli.run_ltv import standing
from csk.cli.session import opened_book
from csk.models.risk.alerts import Alert, Night
from csk.models.risk.design import Dropped
from csk.models.risk.ledger import Live
from csk.models.risk.model import RiskFacts
from csk.models.risk.verdict import AgeScore, Finding, OriginScore, ReliabilityBin, Validation
from csk.registry import loaded
from csk.render.protocol import Page
from csk.reports.churn_risk import report, summary
from csk.settings import Settings
from csk.text import words

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
DAY = date(2024, 8, 1)
SETTINGS = Settings(keep=("owner",), as_of=DAY)
ROWS = 8
DAY_LATE = date(2024, 8, 9)
NAN = float("nan")


class PlainText(SingleFileSnapshotExtension):
    """Goldens that can be read with `cat`."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"


@pytest.fixture
def golden(snapshot):
    return snapshot.use_extension(PlainText)


def score(model, origin, **told):
    known = {
        "days": 90,
        "n": 400,
        "n_events": 40,
        "base_rate": 0.1,
        "auc": 0.75,
        "auc_se": 0.04,
        "average_precision": 0.25,
        "log_loss": 0.2,
        "brier": 0.08,
        "brier_skill": 0.05,
        "lift_1": 4.0,
        "lift_5": 3.0,
        "lift_10": 2.5,
        "intercept": 0.02,
        "slope": 1.04,
        "ece": 0.01,
        "integrated_brier": 0.05,
        "uno_c": 0.73,
        "age_days": 84,
    }
    return OriginScore(model=model, origin_on=origin, **{**known, **told})


ORIGINS = (date(2024, 4, 1), date(2024, 5, 1))
VALIDATION = Validation(
    main_days=90,
    chosen="glass",
    rows=(
        *(score("glass", day) for day in ORIGINS),
        *(score("glass", day, days=30, n_events=12, auc=0.7) for day in ORIGINS),
        *(score("curves", day, auc=0.66, log_loss=0.19, slope=NAN) for day in ORIGINS),
        *(score("trees", day, auc=0.74, auc_se=NAN, log_loss=0.21) for day in ORIGINS),
    ),
    reliability=(
        ReliabilityBin(400, 12, 0.031, 0.03, 0.017, 0.052),
        ReliabilityBin(400, 68, 0.25, 0.17, 0.136, 0.21),
    ),
    ages=(
        AgeScore(90, 0, 2, 800, 80, 0.75, 0.03, 0.2, 1.04, 0.08, 0.73),
        AgeScore(90, 84, 2, 790, 70, 0.71, 0.03, 0.22, NAN, 0.086, 0.69),
    ),
    findings=(Finding("unripe", "ended_on", 0.12, is_fatal=False),),
    n_origins_wanted=3,
    is_overlapping=True,
    verdict="sound",
    best_share=0.2,
    profit=12.5,
)
MODEL = SimpleNamespace(
    chosen="glass",
    facts=RiskFacts(DAY, date(2024, 1, 1), 5000, 592, 188, "JPY", "0" * 16, "1" * 8, "0"),
    box=SimpleNamespace(
        recipe=SimpleNamespace(
            measures=tuple(
                SimpleNamespace(name=name) for name in ("usage_to_baseline", "seats", "tenure_days")
            )
        ),
        dropped=(
            Dropped("returns", "constant"),
            Dropped("refunds_90d", "empty"),
            Dropped("tickets_90d", "same", "tickets_28d"),
        ),
    ),
)
NIGHT = Night(
    alerts=(
        Alert("drift", "seats", 0.412, 0.0, 0.1),
        Alert("drift", "last_nps", 0.61, 0.42, 0.05, aspect="missing"),
        Alert("drift", "plan", 0.12, 0.0, 0.05, aspect="unseen"),
        Alert("calibration", "30", 21, 9.4, 0, date(2024, 6, 30)),
        Alert("volume", "usage", 0, 412.0, 0, date(2024, 7, 31)),
        Alert("freshness", "usage", 4, 0, 1, date(2024, 7, 27)),
    ),
    live=(
        Live(30, date(2024, 6, 30), "m", True, 40, 3, 9.4, 3, 0.07, 0.02, NAN, 0.7, 2.5, NAN, 1),
    ),
    previous=date(2024, 7, 31),
    fitted_as_of=date(2024, 7, 1),
    is_refit=False,
    n_runs=31,
)


def reasoned(customers):
    """Put the same reasons down for everybody, as a model would tell them."""
    told = {
        "reason_1": "usage",
        "reason_1_feature": "usage_to_baseline",
        "reason_1_direction": "up",
        "reason_1_value": -0.75,
        "reason_1_median": -0.03,
        "reason_2": "seats",
        "reason_2_feature": "seats",
        "reason_2_direction": "up",
        "reason_2_value": 17.0,
        "reason_2_median": 3.0,
        "reason_3": "plan",
        "reason_3_direction": "up",
        "p_churn_change": 0.012,
    }
    return customers.with_columns(**{name: pl.lit(value) for name, value in told.items()})


@pytest.fixture(scope="module")
def found():
    with opened_book([str(SAMPLE)], SETTINGS, quiet=True) as session:
        told = churn_risk(session.book, session.engine, SETTINGS, standing(session))
    modelled = replace(
        told,
        customers=reasoned(told.customers),
        method="landmarks",
        model=MODEL,
        validation=VALIDATION,
        notes=(),
        early={"n_rows": 25_751, "n_before": 500, "n_stranger": 70},
    )
    return {"curves": told, "model": modelled}


def shown(result, form, page=None, language="en", night=None, *, is_whole=False, top=4):
    said = report(result, SETTINGS, words(language), top, night, is_whole=is_whole)
    return loaded("csk.render", form, "RENDERER").render(said, page or Page())


def steady(value):
    """Round numbers to six digits, which every machine agrees on."""
    if isinstance(value, float) and value:
        return round(value, 5 - math.floor(math.log10(abs(value))))
    if isinstance(value, dict):
        return {key: steady(inner) for key, inner in value.items()}
    return [steady(inner) for inner in value] if isinstance(value, list) else value


def test_risks_of_plan_and_age_at_80_columns(found, golden):
    assert shown(found["curves"], "text", Page(80)) == golden


def test_risks_of_plan_and_age_in_japanese(found, golden):
    assert shown(found["curves"], "text", Page(80), "ja") == golden


def test_risks_of_plan_and_age_as_json(found, golden):
    plain = steady(json.loads(shown(found["curves"], "json")))
    assert json.dumps(plain, ensure_ascii=False, indent=2) + "\n" == golden


def test_the_page_of_a_model_at_80_columns(found, golden):
    assert shown(found["model"], "text", Page(80)) == golden


def test_the_page_of_a_nightly_run_at_120_columns(found, golden):
    assert shown(found["model"], "text", Page(120), night=NIGHT, is_whole=True) == golden


def test_the_page_of_a_nightly_run_in_japanese(found, golden):
    assert shown(found["model"], "text", Page(100), "ja", NIGHT, is_whole=True) == golden


def test_the_page_of_a_nightly_run_as_markdown(found, golden):
    assert shown(found["model"], "markdown", night=NIGHT) == golden


def test_the_summary_of_a_run_is_one_line(found, golden):
    lines = [
        summary(found[name], words(language), night)
        for name, night in (("curves", None), ("model", NIGHT))
        for language in ("en", "ja")
    ]
    assert "\n".join(lines) + "\n" == golden


def test_the_table_has_its_rows(found, golden):
    rows, described = found["curves"].customers, found["curves"].table
    assert rows.columns == list(described.names)
    assert rows.height == 312
    some = [
        json.dumps(steady(row), ensure_ascii=False, default=str)
        for row in rows.head(ROWS).to_dicts()
    ]
    assert "\n".join([*described.names, *some]) + "\n" == golden


def test_a_caption_explains_only_what_is_shown(found):
    plain, whole = (shown(found[name], "text", Page(200)) for name in ("curves", "model"))
    assert "Why" not in plain
    assert "raises" not in plain
    assert "Change is in points" not in plain
    assert "+ raises the risk" in whole


def test_a_model_that_is_no_better_than_plan_and_age_is_said_to_be(found):
    assert "Plan and age alone foretold no worse" in shown(found["model"], "text", Page(200))
    better = replace(
        VALIDATION,
        rows=tuple(row for row in VALIDATION.rows if row.model != "curves"),
    )
    alone = replace(found["model"], validation=better)
    assert "foretold no worse" not in shown(alone, "text", Page(200))


def test_a_model_is_said_to_rest_on_what_it_knows(found):
    page = shown(found["model"], "text", Page(300))
    assert "on earlier days: plan, tenure, use, seats." in page
    assert "tickets in 90 d (repeats tickets in 28 d)" in page
    assert "500 of 25,751 rows of usage precede" in page


@pytest.mark.parametrize(
    ("day", "is_told"), [(date(2024, 8, 1), False), (date(2024, 8, 8), False), (DAY_LATE, True)]
)
def test_a_day_long_after_the_data_is_said_to_be(found, day, is_told):
    told = found["curves"]
    late = replace(told, book=told.book.dated(replace(told.book.span, as_of=day)))
    assert (
        "The data end on 2024-07-31, 8 days before" in shown(late, "text", Page(200))
    ) == is_told


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("width", [80, 100, 120])
@pytest.mark.parametrize("name", ["curves", "model"])
def test_no_line_is_wider_than_the_page_and_no_number_is_cut(found, name, width, language):
    page = Page(width, unicode=language != "en")
    lines = shown(found[name], "text", page, language, NIGHT, is_whole=True).splitlines()
    assert max(map(cell_len, lines)) <= width
    assert not [
        line
        for line in lines
        if any(part[0].isdigit() and part.endswith(("..", "…")) for part in line.split())
    ]
