"""Numbers of the sample company taken apart: the rows behind add up to the terms."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from csk.analyses.dictionary import dictionary
from csk.analyses.explain import RENEWAL, explained, table
from csk.cli.session import opened_book
from csk.definitions import definition, definitions, preset
from csk.errors import UsageError
from csk.models.periods import CAUSES, UPSELL
from csk.schema import DICTIONARY, EXPLAINED, OUTPUTS
from csk.settings import Settings
from csk.tables.movements import FALLS, KINDS, Motion
from csk.tables.presets import motion_under

SAMPLE = Path(__file__).parents[3] / "data" / "sample"
SPRING = date(2025, 4, 1)


@pytest.fixture(scope="module")
def session():
    with opened_book([str(SAMPLE)], Settings(), quiet=True) as opened:
        yield opened


@pytest.fixture(scope="module")
def apart(session):
    def take(metric_id, name="", starts_on=SPRING, **motion):
        book = session.book
        chosen = Motion(book.span.as_of, **motion)
        if name:
            chosen = motion_under(chosen, preset(name), book.currency)
        return explained(book, session.engine, chosen, definition(metric_id), name, starts_on)

    return take


def counted(rows, term):
    """Recount one term from the rows behind it."""
    subject, _, word = term.partition(".")
    churn = pl.col("kind") == "churn"
    chosen = {
        "upsell": (pl.col("kind") == "expansion") & pl.col("how").is_in(UPSELL),
        "cross_sell": (pl.col("kind") == "expansion") & (pl.col("how") == "add_on"),
        "flash": pl.col("kind") == "flash",
        **{cause: churn & (pl.col("cause") == cause) for cause in CAUSES.values()},
        **{kind: pl.col("kind") == kind for kind in KINDS},
    }[word]
    found = rows.filter(chosen)
    if subject == "customers":
        return found.height
    return found["change_amount"].sum() * (-1 if word in (*FALLS, *CAUSES.values()) else 1)


MOVED = [
    (metric.metric_id, name)
    for metric in definitions()
    for name in ("", "chartmogul", "stripe", "baremetrics")
    if any(term.partition(".")[2] in KINDS for term in metric.under(name).terms)
    and metric.metric_id != "cac"
]


@pytest.mark.parametrize(("metric_id", "name"), MOVED)
def test_rows_behind_a_number_add_up_to_its_terms(apart, metric_id, name):
    result = apart(metric_id, name, date(2025, 7, 1), period_months=3)
    rows = table(result)
    known = [term for term in result.terms if term.partition(".")[2] in (*KINDS, "flash")]
    assert known
    for term in known:
        assert counted(rows, term) == result.terms[term], term


@pytest.mark.parametrize(
    ("metric_id", "change"),
    [
        ("grr", ("money.kept", "money.start")),
        ("nrr", ("money.after", "money.start")),
    ],
)
def test_rows_behind_retention_are_what_is_lacking(apart, metric_id, change):
    result = apart(metric_id)
    rows = table(result)
    assert rows["change_amount"].sum() == result.terms[change[0]] - result.terms[change[1]]


def test_rows_behind_mrr_are_all_that_moved(apart):
    result = apart("mrr")
    one = result.period
    assert table(result)["change_amount"].sum() == one.end_amount - one.start_amount


def test_rows_behind_renewals_are_those_who_left(apart):
    result = apart(RENEWAL)
    assert result.terms["customers.due_churn"] <= result.rows.height
    assert result.rate.denominator == result.terms["customers.due"] > 0


def test_without_a_day_the_last_whole_period_is_taken(apart, session):
    result = apart("mrr", starts_on=None)
    assert result.period.is_complete
    assert result.period.ends_on == session.book.span.as_of


@pytest.mark.parametrize(
    ("metric_id", "name", "told"),
    [
        ("repeat_rate", "", "not made of movements"),
        ("nps", "", "not made of movements"),
        ("grr", "path", "not made of movements"),
    ],
)
def test_what_movements_do_not_tell_is_refused(session, metric_id, name, told):
    motion = Motion(session.book.span.as_of)
    with pytest.raises(UsageError, match=told):
        explained(session.book, session.engine, motion, definition(metric_id), name)


def test_a_day_of_no_period_is_refused_with_those_there_are(apart):
    with pytest.raises(UsageError) as refused:
        apart("mrr", starts_on=date(2031, 1, 1))
    assert "2025-12" in refused.value.hint


def test_the_table_is_that_of_the_schema(apart):
    rows = table(apart("quick_ratio"))
    assert tuple(rows.columns) == EXPLAINED.names
    came = pl.col("kind").is_in(["new", "expansion", "reactivation"])
    for part in (rows.filter(came), rows.filter(~came)):
        assert part["change_amount"].abs().is_sorted(descending=True)
    assert rows.select(came.alias("came"))["came"].is_sorted(descending=True)


def test_the_dictionary_has_every_table_column_metric_and_preset():
    rows = dictionary()
    assert tuple(rows.columns) == DICTIONARY.names
    columns = rows.filter(pl.col("entry") == "column").select("table_name", "name").rows()
    assert set(columns) == {(t.name, name) for t in OUTPUTS.values() for name in t.names}
    metrics = rows.filter(pl.col("entry") == "metric")["name"].to_list()
    wanted = {d.definition_id(name) for d in definitions() for name in ("", *d.presets)}
    assert sorted(metrics) == sorted(wanted)
    assert rows["definition"].null_count() == 0
    assert rows.select(DICTIONARY.key).is_unique().all()
