"""What `csk kpi` finds of a book, put together as the command does it."""

from datetime import date, timedelta

import pytest

from csk.analyses.kpi import Benchmark, Found, kpis
from csk.analyses.window import window
from csk.cli.run_kpi import _found
from csk.cli.run_mrr import Asked, motion_of
from csk.cli.session import Session
from csk.engine.local import LocalEngine
from csk.errors import CskError
from csk.models.measures import METRICS, answered, table
from csk.models.payback import cumulated, payback_months
from csk.reports import kpi as kpi_report
from csk.schema import KPI
from csk.settings import Settings
from csk.stats.scores import Figure
from csk.tables.movements import Motion
from csk.text import words

BEGIN, AS_OF = date(2022, 1, 1), date(2024, 1, 1)
DAY = timedelta(days=1)
UNIT = 10_000


def contract(name, started_on=BEGIN, ended_on=None, **more):
    return {
        "customer_id": name,
        "started_on": started_on,
        "ended_on": ended_on,
        "mrr_amount": 10 * UNIT,
        "plan": "a",
        **more,
    }


def customer(name, **more):
    return {"customer_id": name, "created_on": None, **more}


def paid(name, day=BEGIN, amount=10 * UNIT):
    return {"customer_id": name, "paid_on": day, "amount": amount}


def company(n=60):
    """Contracts that begin every twelve days, of which every third ends after seven months."""
    starts = [BEGIN + 12 * i * DAY for i in range(n)]
    contracts = [
        contract(
            f"c{i:02d}", day, day + 210 * DAY if i % 3 == 0 else None, mrr_amount=(i + 1) * UNIT
        )
        for i, day in enumerate(starts)
    ]
    customers = [
        customer(f"c{i:02d}", channel=("web", "fair")[i % 2], cac_amount=20 * UNIT)
        for i in range(n)
    ]
    said = [
        {"customer_id": f"c{i:02d}", "answered_on": day + 40 * DAY, "kind": "nps", "score": i % 11}
        for i, day in enumerate(starts)
    ]
    return {"subscriptions": contracts, "customers": customers, "surveys": said}


def shop(n=60):
    payments = [
        paid(f"c{i:02d}", BEGIN + (5 * i + gap) * DAY, (10 + i) * UNIT)
        for i in range(n)
        for gap in range(0, (i % 5) * 130 + 1, 9 + i % 7)
        if BEGIN + (5 * i + gap) * DAY < AS_OF
    ]
    return {"payments": payments}


@pytest.fixture(scope="module")
def told(book_of):
    def found(tables, asked=None, benchmark=(), **choice):
        asked = Asked(**{**BOARD, **(asked or {})})
        settings = Settings.model_validate({"as_of": AS_OF, **choice})
        engine = LocalEngine()
        book = book_of(tables, 2)
        book = book.dated(window(book, engine, settings, AS_OF))
        session = Session(settings, engine, book)
        motion = motion_of(session, asked)
        return kpis(
            book,
            engine,
            motion,
            _found(session, motion, asked),
            asked.by,
            (settings.targets, benchmark),
            asked.window,
        )

    return found


BOARD = {
    "by": "",
    "level": "customer",
    "period": "month",
    "year_starts": 1,
    "pause": None,
    "last": 13,
    "window": (None, None),
}


def line(result, name):
    return next(one for one in result.lines if one.now.metric_id == name)


PEERS = (Benchmark("nps", 41, 30, 50, "Peers", date(2023, 5, 1)),)


@pytest.fixture(scope="module")
def contractual(told):
    return told(company(), {"by": "channel"}, PEERS, margin_share=0.5)


@pytest.fixture(scope="module")
def shopping(told):
    customers = [customer(f"c{i:02d}", region="ns"[i % 2]) for i in range(60)]
    return told({**shop(), "customers": customers}, {"by": "region"})


@pytest.fixture(scope="module")
def of_stripe(told):
    return told(company(), {"preset": "stripe"})


def test_a_company_is_told_all_but_what_is_for_shops(contractual):
    names = {one.now.metric_id for one in contractual.lines}
    of_shops = {"revenue", "active_customers", "order_value", "repeat_rate"}
    assert names == set(METRICS) - of_shops - {"csat", "csat_mean"}
    assert contractual.lacking == ("shop", "csat")


def test_a_shop_is_told_what_shops_can_tell(shopping):
    names = {one.now.metric_id for one in shopping.lines}
    assert names >= {"revenue", "active_customers", "order_value", "repeat_rate", "new_inflow"}
    assert names >= {"ltv_residual", "ltv_new_customer", "concentration_top10", "gini"}
    assert not names & {"mrr", "grr", "nps", "cac", "ltv_cac"}
    assert shopping.lacking == ("contracts", "nps", "csat", "channel", "cost")


def test_every_figure_is_what_it_is_a_ratio_of(contractual, shopping):
    for result in (contractual, shopping):
        rows = table(result.measured, result.book)
        assert not rows.select(KPI.key).is_duplicated().any()
        divided = rows.drop_nulls(["value", "denominator"])
        assert divided.height > 30
        for row in divided.iter_rows(named=True):
            ratio = row["numerator"] / row["denominator"]
            assert row["value"] == pytest.approx(ratio, rel=1e-6, abs=1e-6), row["metric_id"]


def test_figures_stand_beside_those_of_a_month_and_a_year_before(contractual):
    found = line(contractual, "mrr")
    of_whole = [one for one in contractual.measured if not one.dimension]
    mrr = {one.period_on: one for one in of_whole if one.metric_id == "mrr"}
    assert contractual.latest_on == date(2023, 12, 1)
    assert found.now == mrr[date(2023, 12, 1)]
    assert found.before == mrr[date(2023, 11, 1)]
    assert found.year_ago == mrr[date(2022, 12, 1)]


def test_value_is_held_against_what_was_known_then(told, contractual):
    then = told(company(), margin_share=0.5, as_of=date(2023, 12, 1))
    for name in ("ltv_residual", "gini", "ltv_new_customer"):
        before = line(contractual, name).before
        assert before.value == pytest.approx(line(then, name).now.value)


def test_a_new_customers_ltv_is_that_of_csk_segment(contractual):
    new = contractual.standing.figures.new_customers
    mean = sum(one.ltv_amount * one.n for one in new) / sum(one.n for one in new)
    assert line(contractual, "ltv_new_customer").now.value == pytest.approx(mean)


def test_ltv_to_cac_divides_what_a_new_customer_brings_by_what_one_cost(contractual):
    # Everybody cost 20.
    new = line(contractual, "ltv_new_customer").now.value
    assert line(contractual, "ltv_cac").now.value == pytest.approx(new / (20 * UNIT))
    assert line(contractual, "cac").now.value == 20 * UNIT


def test_payback_counts_months_of_margin(told):
    # Nobody has left but one of sixty; all pay 10 a month, of which half is margin.
    contracts = [contract(f"c{i:02d}") for i in range(60)]
    contracts[0]["ended_on"] = BEGIN + 300 * DAY
    tables = {"subscriptions": contracts}
    now = told(tables, margin_share=0.5, data_from=BEGIN, as_of=date(2022, 12, 1)).standing
    sums = cumulated(now.customers, now.figures, now.fit, now.horizons)
    assert len(sums) == 36
    assert sums[:3] / UNIT == pytest.approx([5, 10, 15], rel=0.03)
    for cost, months in ((4, 1), (6, 2), (14, 3), (10_000, None)):
        assert payback_months(sums, cost * UNIT) == months, cost


def test_ltv_to_cac_is_never_of_revenue(of_stripe):
    assert "margin" in of_stripe.lacking
    assert not {one.now.metric_id for one in of_stripe.lines} & {"ltv_cac", "cac_payback"}


def test_a_benchmark_stands_beside_its_metric(contractual):
    assert line(contractual, "nps").benchmark == PEERS[0]
    page = kpi_report.report(contractual, Settings(), words())
    (nps,) = [one for one in page.data["metrics"] if one["metric_id"] == "nps"]
    assert nps["benchmark"] == {
        "value": 0.41,
        "low": 0.3,
        "high": 0.5,
        "source": "Peers",
        "as_of": "2023-05-01",
    }


def test_new_customers_are_told_by_channel(contractual):
    whole = {
        one.period_on: one.value
        for one in contractual.measured
        if one.metric_id == "new_inflow" and not one.dimension
    }
    parts = dict.fromkeys(whole, 0)
    for one in contractual.measured:
        if one.metric_id == "new_inflow" and one.dimension == "channel":
            parts[one.period_on] += one.value
    assert sum(whole.values()) > 50
    assert parts == whole


def test_groups_add_up_to_the_whole(contractual):
    for name in ("mrr", "paying_customers", "ltv_residual"):
        day = line(contractual, name).now.period_on
        parts = [
            one
            for one in contractual.measured
            if (one.metric_id, one.dimension, one.period_on) == (name, "channel", day)
        ]
        assert {one.group for one in parts} == {"web", "fair"}
        assert sum(one.numerator for one in parts) == line(contractual, name).now.numerator


def test_a_shop_by_group_adds_up_too(shopping):
    revenue = line(shopping, "revenue").now
    parts = [
        one.value
        for one in shopping.measured
        if (one.metric_id, one.dimension, one.period_on) == ("revenue", "region", revenue.period_on)
    ]
    assert len(parts) == 2
    assert sum(parts) == revenue.value


def test_a_month_without_a_sale_is_nothing_and_not_missing(book_of):
    payments = [one for one in shop()["payments"] if one["paid_on"].month != 11]
    payments.append(paid("c00", date(2023, 12, 31)))
    book = book_of({"payments": payments}, 2, AS_OF)
    found = kpis(book, LocalEngine(), Motion(as_of=AS_OF), Found())
    revenue = {one.period_on: one for one in found.measured if one.metric_id == "revenue"}
    assert revenue[date(2023, 11, 1)].value == 0
    assert line(found, "revenue").before.value == 0
    assert line(found, "order_value").before is None


def test_a_window_moves_the_board(told):
    found = told(company(), {"window": (None, date(2023, 7, 1))}, margin_share=0.5)
    assert found.latest_on == date(2023, 6, 1)
    assert found.stands_on == date(2023, 7, 1)
    assert max(one.period_on for one in found.measured) == date(2023, 6, 1)


def test_a_preset_is_followed_and_named(of_stripe):
    churn, new = (line(of_stripe, name).now for name in ("customer_churn_rate", "new_inflow"))
    assert churn.preset == "stripe"
    assert new.value > 0
    assert churn.denominator == churn.n + new.value


def test_answers_of_an_earlier_month_stand_with_that_month(book_of):
    rows = [answered("nps", date(2023, 6, 1), Figure(0.5, 0.1, 0.8, 9))]
    book = book_of(shop(), 1, AS_OF)
    found = kpis(book, LocalEngine(), Motion(as_of=AS_OF), Found(answers=rows))
    assert line(found, "nps").now == rows[0]
    text = str(kpi_report.report(found, Settings(), words()).blocks)
    assert "NPS 2023-06, n 9" in text


EDGES = {
    "one running": {"subscriptions": [contract("a")]},
    "one ended": {"subscriptions": [contract("a", ended_on=date(2023, 1, 1))]},
    "all gone": {"subscriptions": [contract(f"c{i}", ended_on=BEGIN + 99 * DAY) for i in range(9)]},
    "free": {"subscriptions": [contract(f"c{i}", mrr_amount=0) for i in range(9)]},
    "all begin on the eve": {"subscriptions": [contract(f"c{i}", AS_OF - DAY) for i in range(9)]},
    "usage only": {"usage": [{"customer_id": "a", "used_at": BEGIN, "feature": "x"}]},
    "one purchase": {"payments": [paid("a")]},
    "all refunds": {"payments": [paid(f"c{i}", BEGIN + i * DAY, -5) for i in range(90)]},
    "all free purchases": {
        "payments": [paid(f"c{i % 40}", BEGIN + i * DAY, 0) for i in range(300)]
    },
    "all once": {"payments": [paid(f"c{i}", BEGIN + i * DAY) for i in range(300)]},
    "silent answers": {
        "payments": [paid("a")],
        "surveys": [{"customer_id": "a", "answered_on": BEGIN, "kind": "ces", "score": 1}],
    },
}


@pytest.mark.parametrize("name", EDGES)
def test_the_smallest_books_get_a_page_or_a_sentence(told, name):
    try:
        found = told(EDGES[name], {"period": "year"}, targets={"nps": 10})
    except CskError as refusal:
        assert refusal.sentence.endswith(".")  # noqa: PT017 - a result is as good
        return
    rows = table(found.measured, found.book)
    assert rows.columns == list(KPI.names)
    page = kpi_report.report(found, Settings(), words())
    assert "nan" not in str(page.blocks).lower()
