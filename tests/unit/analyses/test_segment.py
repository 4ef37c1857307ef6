from datetime import date, timedelta

import polars as pl
import pytest

from csk.analyses.segment import Earlier, segmentation, snapshot
from csk.analyses.window import window
from csk.engine.local import LocalEngine
from csk.errors import CskError, ModelError
from csk.schema import CUSTOMER_SNAPSHOT
from csk.settings import Settings

BEGIN, AS_OF = date(2022, 1, 1), date(2024, 1, 1)
DAY = timedelta(days=1)


def contract(name, started_on=BEGIN, ended_on=None, **more):
    return {
        "customer_id": name,
        "started_on": started_on,
        "ended_on": ended_on,
        "mrr_amount": 100_000,
        "plan": "a",
        **more,
    }


def paid(name, day=BEGIN, amount=100_000):
    return {"customer_id": name, "paid_on": day, "amount": amount}


def company(n=60):
    """Contracts that begin every nine days, of which every third ends after seven months."""
    starts = [BEGIN + 9 * i * DAY for i in range(n)]
    return [
        contract(f"c{i:02d}", day, day + 210 * DAY if i % 3 == 0 else None, plan="ab"[i % 2])
        for i, day in enumerate(starts)
    ]


def shop(n=60):
    return [
        paid(f"c{i:02d}", BEGIN + (5 * i + gap) * DAY, 100_000 + i)
        for i in range(n)
        for gap in range(0, (i % 5) * 130 + 1, 9 + i % 7)
        if BEGIN + (5 * i + gap) * DAY < AS_OF
    ]


@pytest.fixture(scope="module")
def segments(book_of):
    def found(tables, earlier=None, facts=None, **choice):
        chosen, engine = Settings.model_validate({"as_of": AS_OF, **choice}), LocalEngine()
        book = book_of(tables, 2, **(facts or {}))
        dated = book.dated(window(book, engine, chosen, AS_OF))
        return segmentation(dated, engine, chosen, earlier)

    return found


EDGES = {
    "one running": {"subscriptions": [contract("a")]},
    "one ended": {"subscriptions": [contract("a", ended_on=date(2023, 1, 1))]},
    "one of each": {"subscriptions": [contract("a"), contract("b", ended_on=date(2023, 1, 1))]},
    "all end on one day": {
        "subscriptions": [contract(f"c{i}", ended_on=date(2023, 1, 1)) for i in range(40)]
    },
    "all but one end on one day": {
        "subscriptions": [contract("a")]
        + [contract(f"c{i}", ended_on=date(2023, 1, 1)) for i in range(40)]
    },
    "all begin on the eve": {
        "subscriptions": [contract("a", ended_on=date(2023, 1, 1))]
        + [contract(f"c{i}", AS_OF - DAY) for i in range(9)]
    },
    "all joined and left on a day": {
        "subscriptions": [contract(f"c{i}", BEGIN + i * DAY, BEGIN + i * DAY) for i in range(40)]
    },
    "begun before the usage ends only": {
        "subscriptions": [contract("a", AS_OF + DAY)],
        "usage": [{"customer_id": "a", "used_at": BEGIN, "feature": "x"}],
    },
    "usage only": {"usage": [{"customer_id": "a", "used_at": BEGIN, "feature": "x"}]},
    "one purchase": {"payments": [paid("a")]},
    "one buyer": {"payments": [paid("a", BEGIN + 7 * i * DAY) for i in range(90)]},
    "all on one day": {"payments": [paid(f"c{i}") for i in range(90)]},
    "all on the eve": {"payments": [paid(f"c{i}", AS_OF - DAY) for i in range(90)]},
    "all refunds": {"payments": [paid(f"c{i}", BEGIN + i * DAY, -5) for i in range(90)]},
    "all free": {"payments": [paid(f"c{i % 40}", BEGIN + i * DAY, 0) for i in range(300)]},
    "all once": {"payments": [paid(f"c{i}", BEGIN + i * DAY) for i in range(300)]},
    "all at one price, one day apart": {
        "payments": [paid(f"c{i}", BEGIN + j * DAY) for i in range(40) for j in range(i % 9)]
    },
}


@pytest.mark.parametrize("name", EDGES)
@pytest.mark.parametrize("choice", [{}, {"as_of": None}], ids=["asked", "found"])
def test_the_smallest_books_get_a_result_or_a_sentence(segments, name, choice):
    try:
        found = segments(EDGES[name], **choice)
    except CskError as refusal:
        assert refusal.sentence.endswith(".")  # noqa: PT017 - a result is as good
        return
    rows, table = snapshot(found)
    assert rows.columns == list(table.names)
    assert rows.height == found.figures.n_customers > 0
    assert found.figures.ltv.ltv_amount == rows["ltv_amount"].sum()


@pytest.mark.parametrize(
    ("tables", "sentence"),
    [
        ({"subscriptions": [contract(f"c{i}") for i in range(50)]}, "survivors only"),
        (EDGES["one ended"], "No customer is alive"),
        (EDGES["all end on one day"], "No customer is alive"),
        (EDGES["one purchase"], "too short"),
        (EDGES["all refunds"], "too short"),
        (EDGES["usage only"], "subscriptions or payments"),
    ],
)
def test_what_cannot_carry_a_model_says_so(segments, tables, sentence):
    with pytest.raises(ModelError, match=sentence):
        segments(tables)


def test_a_book_of_contracts_is_in_the_table_with_what_it_has(segments):
    rows, table = snapshot(segments({"subscriptions": company()}))
    assert table.names == CUSTOMER_SNAPSHOT.names
    assert rows.columns == list(table.names)
    assert rows["customer_id"].is_sorted()
    for name in ("rfm_segment", "rfm_recency", "last_purchase_on", "p_alive"):
        assert rows[name].null_count() == rows.height
    for name in ("as_of", "plan", "mrr_amount", "realised_amount", "ltv_basis", "lifecycle_stage"):
        assert rows[name].null_count() == 0
    assert rows["realised_amount"].sum() > 0
    assert (rows["ltv_basis"] == "revenue").all()


def test_a_book_of_purchases_is_in_the_table_with_what_it_has(segments):
    rows, _ = snapshot(segments({"payments": shop()}))
    for name in ("plan", "mrr_amount"):
        assert rows[name].null_count() == rows.height
    for name in ("rfm_segment", "rfm_recency", "last_purchase_on", "p_alive"):
        assert rows[name].null_count() == 0
    assert rows["is_alive"].any()


@pytest.mark.parametrize("tables", [{"subscriptions": company()}, {"payments": shop()}])
def test_horizons_asked_for_are_columns(segments, tables):
    rows, table = snapshot(segments(tables, risk_horizon=(365, 7)))
    risks = [name for name in table.names if name.startswith("p_churn")]
    assert risks == ["p_churn_7d", "p_churn_365d"]
    assert rows.columns == list(table.names)


ABOUT = [
    {"customer_id": f"c{i:02d}", "region": "東" if i % 2 else None, "curve": f"{i}", "plan": "x"}
    for i in range(60)
]


@pytest.mark.parametrize(
    ("keep", "extra"),
    [
        (("region",), ["region"]),
        (("region", "region"), ["region"]),
        (("customer_id", "region"), ["region"]),
        # A column of theirs that is called like one of ours.
        (("curve", "region"), ["curve", "region"]),
    ],
)
def test_columns_of_the_customers_are_kept_to_the_end(segments, keep, extra):
    tables = {"subscriptions": company(), "customers": ABOUT}
    found = segments(tables, keep=keep)
    rows, table = snapshot(found, keep)
    assert list(table.names[len(CUSTOMER_SNAPSHOT.names) :]) == extra
    told = pl.DataFrame(ABOUT).select("customer_id", *extra)
    assert rows.select("customer_id", *extra).rows() == told.rows()
    assert found.figures == segments(tables).figures


def test_columns_of_buyers_are_kept_too(segments):
    found = segments({"payments": shop(), "customers": ABOUT}, keep=("region",))
    rows, _ = snapshot(found, ("region",))
    assert rows["region"].to_list() == [one["region"] for one in ABOUT]


def test_groups_are_what_was_asked_for(segments):
    tables = {"subscriptions": company(), "customers": ABOUT}
    names = {
        by: {group for group, _ in segments(tables, by=by).fit.reading}
        for by in ("plan", "region", "none")
    }
    assert names == {"plan": {"a", "b"}, "region": {"", "東"}, "none": {""}}


@pytest.mark.parametrize(
    ("choice", "facts", "basis", "shares"),
    [
        ({}, {}, "revenue", {1.0}),
        ({"margin_share": 0.4}, {}, "margin", {0.4}),
        ({}, {"margin_by_plan": {"a": 0.5}}, "margin", {0.5, 1.0}),
        ({"margin_share": 0.4}, {"margin_by_plan": {"a": 0.5}}, "margin", {0.5, 0.4}),
    ],
)
def test_a_margin_makes_revenue_margin(segments, choice, facts, basis, shares):
    found = segments({"subscriptions": company()}, facts=facts, **choice)
    assert found.ltv_basis == basis
    assert set(found.customers["margin_share"].drop_nulls()) == shares


def test_margins_of_products_are_those_of_what_was_bought(segments):
    rows = [{**row, "margin_amount": row["amount"] // 4} for row in shop()]
    found = segments({"payments": rows}, facts={"has_product_margin": True})
    alive = found.customers.filter("is_alive")
    assert found.ltv_basis == "margin"
    assert alive["margin_share"].to_list() == pytest.approx([0.25] * alive.height, abs=1e-4)


def test_what_changed_since_an_earlier_day_is_told(segments):
    before = pl.DataFrame(
        {"customer_id": ["c01", "gone"], "tier": ["low-touch", None], "ltv_amount": [5, 7]}
    )
    found = segments({"subscriptions": company(3)}, Earlier(AS_OF - 30 * DAY, before))
    change = found.change
    assert (change.as_of, change.ltv_before) == (AS_OF - 30 * DAY, 12)
    assert (change.n_new, change.n_missing) == (2, 1)
    assert sum(n for *_, n in change.moves) == 3
    assert change.ltv_now == found.customers["ltv_amount"].sum()
    assert {then for then, *_ in change.moves} == {"new", "low-touch"}
