"""What the reports of `--why` and `--what-if` say, in both languages and for machines."""

import json
from datetime import date, timedelta
from decimal import Decimal

import pytest

from csk.analyses.levers import why
from csk.analyses.segment import segmentation
from csk.analyses.what_if import what_if
from csk.engine.local import LocalEngine
from csk.models.key_figures import Standing
from csk.models.lever_asking import asked_of
from csk.render.protocol import Page
from csk.render.text import Terminal
from csk.reports import levers
from csk.reports import what_if as what_if_report
from csk.reports.blocks import Grid, Note
from csk.reports.levers import factor, signed
from csk.settings import Settings
from csk.text import words

BEGIN, AS_OF = date(2022, 1, 1), date(2024, 1, 1)
DAY = timedelta(days=1)
ALL = "churn=-10%,price=+5%,frequency=+1,margin=+2pt"


def company(n=120):
    return [
        {
            "customer_id": f"c{i:03d}",
            "plan": "ab"[i % 2],
            "started_on": BEGIN + 4 * i * DAY,
            "ended_on": BEGIN + (4 * i + 150) * DAY if i % 3 == 1 else None,
            "mrr_amount": 10_000_000 * (1 + i % 2),
            "term_months": 1,
        }
        for i in range(n)
    ]


@pytest.fixture(scope="module")
def stood(book_of):
    chosen = Settings(as_of=AS_OF, margin_share=0.5, discount_rate=0.1)
    book = book_of({"subscriptions": company()}, as_of=AS_OF)
    one = segmentation(book, LocalEngine(), chosen)
    now = Standing(AS_OF, one.customers, one.figures, one.fit, one.horizons, one.ltv_basis)
    return book, chosen, now


@pytest.fixture(scope="module")
def reports(stood):
    book, chosen, now = stood
    compared = why(book, LocalEngine(), asked_of("plan=a:b"), {AS_OF: now})
    moved = what_if(book, LocalEngine(), ALL, now)

    def found(language):
        say = words(language)
        return levers.report(compared, chosen, say), what_if_report.report(moved, chosen, say)

    return found


def grids(report):
    return [block for block in report.blocks if isinstance(block, Grid)]


def texts(report):
    return [block.text for block in report.blocks if isinstance(block, Note)]


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("width", [40, 80, 120])
def test_reports_are_drawn_at_every_width_in_every_language(language, width, reports):
    for report in reports(language):
        page = Terminal().render(report, Page(width=width, color=False, unicode=True))
        assert "{" not in page


def test_the_sentence_names_the_lever_that_moved_most(reports):
    compared, _ = reports("en")
    few, told, *_ = texts(compared)
    assert few.startswith("Only 40 customers are known to have left")
    assert told.startswith("The largest part: Unit price, from 1,000")
    (grid,) = grids(compared)
    assert grid.rows[0][0] == "Unit price"
    assert grid.rows[-2][0] == "Customers"
    assert grid.rows[-1][0] == "LTV each"


def test_levers_stand_in_the_order_of_their_money(reports):
    _, moved = reports("en")
    grid = grids(moved)[0]
    told = [row[0] for row in grid.rows]
    assert told[-2:] == ["interaction", "all together"]
    amounts = [float(row[4].replace(",", "").replace("+", "")) for row in grid.rows[:4]]
    assert amounts == sorted(amounts, reverse=True)
    assert {row[1] for row in grid.rows[:4]} == {"-10%", "+5%", "+1", "+2pt"}
    by_plan = grids(moved)[1]
    assert [row[0] for row in by_plan.rows] == ["b", "a", "all"]
    assert any("as long as churn rises by less than" in text for text in texts(moved))


def test_one_change_needs_no_sum(stood):
    book, chosen, now = stood
    found = what_if(book, LocalEngine(), "price=-5%", now)
    report = what_if_report.report(found, chosen, words("en"))
    grid = grids(report)[0]
    assert len(grid.rows) == 1
    assert grid.tones == ("bad",)
    assert all(len(row) == len(one.columns) for one in grids(report) for row in one.rows)
    assert any("pays only if churn falls by more than" in text for text in texts(report))


def test_many_groups_are_added_up(stood, monkeypatch):
    book, chosen, now = stood
    monkeypatch.setattr(what_if_report, "MOST_GROUPS", 1)
    report = what_if_report.report(what_if(book, LocalEngine(), ALL, now), chosen, words("en"))
    assert [row[0] for row in grids(report)[1].rows] == ["b", "1 others", "all"]


def test_machines_read_exact_money_that_adds_up(reports):
    compared, moved = (json.loads(json.dumps(report.data)) for report in reports("en"))
    parts = [Decimal(part["amount"]) for part in compared["levers"]]
    assert sum(parts) == Decimal(compared["difference"]["amount"])
    totals = [Decimal(part["total_amount"]) for part in compared["levers"]]
    assert sum(totals) == Decimal(compared["difference"]["total_amount"])
    assert compared["most"] == "price"
    assert compared["interval"]["n_draws"] == 200
    alone = [Decimal(amount) for amount in moved["alone"].values()]
    assert sum(alone) + Decimal(moved["interaction_amount"]) == Decimal(moved["together_amount"])
    assert [one["change"] for one in moved["changes"]] == ["-10%", "+5%", "+1", "+2pt"]
    assert set(moved["groups"]) == {"plan", "tier"}


@pytest.mark.parametrize(
    ("counts", "expected"),
    [(None, "–"), (0, "¥0"), (0.2, "¥0"), (12_345_600, "+¥1,235"), (-12_345_600, "-¥1,235")],
)
def test_changes_of_money_have_their_sign(counts, expected):
    assert signed(counts, "JPY") == expected


@pytest.mark.parametrize(
    ("lever", "value", "expected"),
    [
        ("price", 1234.5, "$1,234.50"),
        ("margin", 0.781, "78.1%"),
        ("frequency", 0.791, "0.79"),
        ("duration", 24.26, "24.3"),
        ("discount", 0.8857, "0.886"),
        ("customers", 1234.0, "1,234"),
        ("price", None, "–"),
    ],
)
def test_factors_are_told_in_their_unit(lever, value, expected):
    assert factor(lever, value, "USD") == expected
