"""What goes with leaving, of few contracts: who is in, who is compared, what is refused."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from csk.analyses.drivers import available, drivers
from csk.book import Window
from csk.engine.local import LocalEngine
from csk.errors import ModelError, UsageError
from csk.reports.drivers import report
from csk.settings import Settings
from csk.tables.drivers import Watch, watched
from csk.text import words

AS_OF = date(2024, 1, 1)


def tables(seed=1, n=300):
    """Draw contracts of two plans and channels; plan a leaves three times as often as b."""
    rng = np.random.default_rng(seed)
    customers, subscriptions, usage = [], [], []
    for number in range(n):
        name, plan = f"c{number:04}", "ab"[number % 2]
        began = date(2021, 1, 1) + timedelta(days=int(rng.integers(0, 1000)))
        over = began + timedelta(days=35 + int(rng.exponential({"a": 250, "b": 750}[plan])))
        customers.append({"customer_id": name, "channel": "xyz"[number % 3], "note": name})
        subscriptions.append(
            {
                "customer_id": name,
                "plan": plan,
                "started_on": began,
                "ended_on": over if over < AS_OF else None,
                "mrr_amount": 1,
                "term_months": 1,
            }
        )
        usage += [
            {"customer_id": name, "used_at": at(began, int(day)), "feature": "f", "quantity": 1.0}
            for day in rng.integers(0, 28, number % 5)
        ]
    return {"customers": customers, "subscriptions": subscriptions, "usage": usage}


def at(day, after):
    return datetime(day.year, day.month, day.day, 3, tzinfo=UTC) + timedelta(days=after)


def book(book_of, parts, **facts):
    return book_of(parts, as_of=AS_OF, **facts)


def told(book_of, parts, kind="cox", covariates=()):
    return drivers(book(book_of, parts), LocalEngine(), Settings(), kind, covariates)


@pytest.mark.parametrize(("kind", "low", "high"), [("cox", 0.22, 0.5), ("aft", 2.0, 4.5)])
def test_plan_is_found_to_matter_and_channel_is_not(book_of, kind, low, high):
    found = told(book_of, tables(), kind, ["plan", "channel"]).fitted
    plan = next(one for one in found.effects if one.term.covariate == "plan")
    assert (plan.term.level, plan.term.against) == ("b", "a")
    assert low < plan.ratio < high
    assert plan.p_value < 1e-6
    assert all(one.p_value > 0.01 for one in found.effects if one.term.covariate == "channel")


def test_default_covariates_are_those_the_book_has(book_of):
    parts = tables()
    found = told(book_of, parts).fitted
    assert {one.term.covariate for one in found.effects} == {"plan", "channel", "usage"}
    del parts["usage"], parts["customers"]
    assert {one.term.covariate for one in told(book_of, parts).fitted.effects} == {"plan"}


def test_a_book_tells_what_it_can_explain_by(book_of):
    assert available(book(book_of, tables())) == ("plan", "channel", "note", "usage")


def test_what_the_book_does_not_have_is_refused_with_what_it_has(book_of):
    with pytest.raises(UsageError, match="has no colour") as refused:
        told(book_of, tables(), "cox", ["colour"])
    assert refused.value.hint == "It has plan, channel, note, usage."


def test_a_column_of_names_is_refused(book_of):
    with pytest.raises(ModelError, match="cannot be in the model") as refused:
        told(book_of, tables(), "cox", ["plan", "note"])
    assert refused.value.details == ("note has 300 values, which is too many to compare",)


def test_of_survivors_only_nothing_is_said(book_of):
    parts = tables()
    parts["subscriptions"] = [{**row, "ended_on": None} for row in parts["subscriptions"]]
    with pytest.raises(ModelError, match="No contract has ended before 2024-01-01"):
        told(book_of, parts)


def contract(customer, began, over=None):
    return {
        "customer_id": customer,
        "plan": "a",
        "started_on": date.fromisoformat(began),
        "ended_on": date.fromisoformat(over) if over else None,
        "mrr_amount": 1,
        "term_months": 1,
    }


def used(customer, *days):
    return [
        {"customer_id": customer, "used_at": at(date.fromisoformat(day), 0), "feature": "f"}
        for day in days
    ]


def test_usage_is_of_the_first_days_only_and_its_contracts_outlived_them(tables_of):
    subscriptions = [
        contract("short", "2023-01-01", "2023-01-29"),
        contract("long", "2023-01-01", "2023-01-30"),
        contract("still", "2023-03-10"),
        contract("early", "2022-01-01"),
    ]
    usage = [
        *used("short", "2023-01-01"),
        *used("long", "2022-12-31", "2023-01-01", "2023-01-28", "2023-01-29"),
        *used("early", "2022-01-05"),
    ]
    opened = tables_of(subscriptions=subscriptions, usage=usage)
    watch = Watch(date(2021, 1, 1), AS_OF, 1, (), date(2022, 6, 1))
    rows = watched(opened, watch).collect().sort("customer_id")
    assert rows["customer_id"].to_list() == ["early", "long", "still"]
    assert rows["n"].to_list() == [None, 2.0, 0.0]
    assert rows["entry_age"].to_list() == [28, 28, 28]
    assert rows["exit_age"].to_list()[1] == 29


def test_one_in_some_customers_is_whole_customers(tables_of):
    parts = tables()
    opened = tables_of(subscriptions=parts["subscriptions"])
    every = watched(opened, Watch(date(2021, 1, 1), AS_OF, 1)).collect()
    some = watched(opened, Watch(date(2021, 1, 1), AS_OF, 1, one_in=4)).collect()
    assert 0 < some.height < every.height / 2
    assert set(some["customer_id"]) <= set(every["customer_id"])


def test_late_entry_does_not_move_the_ratio(book_of):
    parts = tables(2, n=900)
    del parts["usage"]
    opened = book(book_of, parts)
    seen = opened.dated(
        Window(date(2022, 7, 1), AS_OF - timedelta(days=1), AS_OF, is_late_entry=True)
    )
    for one in (opened, seen):
        found = drivers(one, LocalEngine(), Settings(), "cox", ["plan"]).fitted
        assert found.effects[0].low < 1 / 3 < found.effects[0].high


@pytest.mark.parametrize(("kind", "language"), [("cox", "en"), ("cox", "ja"), ("aft", "en")])
def test_the_report_says_what_is_in_and_what_is_not(book_of, kind, language):
    result = told(book_of, tables(), kind)
    page = report(result, Settings(), words(language))
    assert page.data["model"] == kind
    assert len(page.data["effects"]) == len(result.fitted.effects)
    grids = [block for block in page.blocks if type(block).__name__ == "Grid" and block.keys]
    assert any("p_value" in grid.keys for grid in grids)
