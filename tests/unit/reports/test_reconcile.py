from datetime import date
from fractions import Fraction

import pytest

from csk.analyses.reconcile import Sides, against, between, choices, table
from csk.engine.local import LocalEngine
from csk.models.reconcile import Side, Told, metrics
from csk.render.markdown import RENDERER
from csk.render.protocol import Page
from csk.reports.reconcile import report
from csk.settings import Settings
from csk.tables.movements import Motion
from csk.tables.reconcile import Way
from csk.text import words

AS_OF = date(2024, 7, 1)
MONTHS = [date(2024, month, 1) for month in range(1, 7)]
OURS = Side(Way(Motion(AS_OF)))
LONG = Side(Way(Motion(AS_OF, grace_days=30)))


def contract(who, started_on, ended_on=None, mrr=100):
    return {
        "customer_id": who,
        "started_on": started_on,
        "ended_on": ended_on,
        "mrr_amount": mrr * 10_000,
        "plan": "a",
    }


@pytest.fixture
def book(book_of):
    rows = [contract(f"c{n}", date(2024, 1, 1), mrr=10 + 3 * n) for n in range(5)]
    for n, month in enumerate(MONTHS[1:5]):
        rows += [
            contract(f"g{n}", date(2024, 1, 2), month.replace(day=20), 101 + n),
            contract(f"g{n}", month.replace(month=month.month + 1, day=9), None, 101 + n),
        ]
    return book_of({"subscriptions": rows}, as_of=AS_OF)


def as_told(result):
    """Return what the other side says, as if only that were known."""
    return {
        (line.metric_id, line.period_on): Told(line.theirs.value, Fraction(100))
        for line in result.lines
    }


def said(result, **options):
    page = report(result, Settings(), words(), **options)
    return page, " ".join(str(block) for block in page.blocks)


def test_between_two_definitions_every_step_has_its_customers(book):
    result = between(book, LocalEngine(), Sides(OURS, LONG, ("short", "long")), ("mrr", "nrr"))
    page, text = said(result, focus=("mrr", 3))
    (line,) = [
        line for line in result.lines if (line.metric_id, line.period_on) == ("mrr", MONTHS[2])
    ]
    (step,) = line.steps
    assert (step.cause, step.n_customers, step.value) == ("gap", 1, 1_020_000)
    assert "Days of a gap: 1 → 30" in text
    assert page.data["order"] == ["gap"]
    assert "unexplained" not in text.lower()


def test_figures_told_are_explained_by_the_choice_that_was_made(book):
    mine = between(book, LocalEngine(), Sides(OURS, LONG, ("a", "b")), ("mrr",))
    told = as_told(mine)
    tried = choices(book, LocalEngine())
    result = against(book, LocalEngine(), OURS, ("csk", "theirs.csv"), told, tried)
    assert [one.detail for one in result.found.chosen] == ["1 > 30"]
    page, text = said(result)
    assert "They count otherwise: Days of a gap: 1 → 30." in text
    assert page.data["found"]["n_explained"] == page.data["found"]["n_differing"] == 4


def test_a_month_that_is_not_met_claims_no_cause(book):
    mine = between(book, LocalEngine(), Sides(OURS, LONG, ("a", "b")), ("mrr",))
    told = as_told(mine)
    odd = ("mrr", MONTHS[2])
    told[odd] = Told(told[odd].value + 70_000, Fraction(100))
    tried = choices(book, LocalEngine())
    result = against(book, LocalEngine(), OURS, ("csk", "theirs.csv"), told, tried)
    causes = {one.period_on: [step.cause for step in one.steps] for one in result.lines}
    assert causes[MONTHS[2]] == ["unexplained"]
    assert causes[MONTHS[3]] == ["gap"]
    for line in result.lines:
        assert sum(step.value for step in line.steps) == line.difference


def test_what_could_not_be_tried_is_named(book):
    told = {("mrr", MONTHS[0]): Told(Fraction(1), Fraction(1))}
    tried = choices(book, LocalEngine())
    assert set(tried.not_tried) >= {"time_zone", "pauses", "discounts", "past_due"}
    result = against(book, LocalEngine(), OURS, ("csk", "x.csv"), told, tried)
    _, text = said(result)
    assert "Not tried" in text
    assert "Discounts" in text


def test_months_we_do_not_have_are_named(book):
    told = {("mrr", day): Told(Fraction(1), Fraction(1)) for day in (MONTHS[0], date(2031, 1, 1))}
    result = against(
        book, LocalEngine(), OURS, ("csk", "x.csv"), told, choices(book, LocalEngine())
    )
    assert result.outside == (date(2031, 1, 1),)
    assert "2031-01" in said(result)[1]


def test_sides_alike_say_so(book):
    result = between(book, LocalEngine(), Sides(OURS, OURS, ("a", "b")), metrics())
    page, text = said(result)
    assert "Both count in the same way." in text
    assert all(not figure["causes"] for figure in page.data["figures"])


def test_the_table_reads_from_ours_to_theirs(book):
    result = between(book, LocalEngine(), Sides(OURS, LONG, ("a", "b")), ("mrr", "arpa"))
    for _, rows in table(result).sort("step").group_by("metric_id", "period_on"):
        assert rows["step"].to_list() == list(range(rows.height))
        assert rows["numerator"].head(-1).sum() == rows["numerator"].tail(1).item()
        assert rows["cause"].to_list()[0] == "ours"


def test_the_page_is_laid_out(book):
    result = between(book, LocalEngine(), Sides(OURS, LONG, ("a", "b")), ("mrr", "nrr"))
    assert "| MRR" in RENDERER.render(said(result)[0], Page())
