from datetime import date, timedelta
from functools import cache

import pytest

from csk.analyses.levers import needed_days, why
from csk.analyses.segment import segmentation
from csk.analyses.window import window
from csk.engine.local import LocalEngine
from csk.errors import ModelError, UsageError
from csk.models.key_figures import Standing
from csk.models.lever_asking import asked_of
from csk.settings import Settings

BEGIN, THEN, AS_OF = date(2022, 1, 1), date(2023, 7, 1), date(2024, 1, 1)
DAY = timedelta(days=1)


def company(n=200):
    """Two plans of one price and term, of which b leaves and a does not; and a plan of all gone."""
    rows = [
        {
            "customer_id": f"c{i:03d}",
            "plan": "ab"[i % 2],
            "started_on": BEGIN + 3 * i * DAY,
            "ended_on": BEGIN + (3 * i + 100) * DAY if i % 4 == 1 else None,
            "mrr_amount": 100_000,
            "term_months": 1,
        }
        for i in range(n)
    ]
    gone = {"plan": "old", "started_on": BEGIN, "ended_on": BEGIN + 90 * DAY}
    rows.append({**rows[0], "customer_id": "gone", **gone})
    return rows


@pytest.fixture(scope="module")
def standing(book_of):
    about = [{"customer_id": f"c{i:03d}", "region": "ns"[i % 2]} for i in range(200)]
    whole = book_of({"subscriptions": company(), "customers": about})

    @cache
    def found(day=AS_OF):
        chosen, engine = Settings(as_of=day), LocalEngine()
        book = whole.dated(window(whole, engine, chosen, day))
        one = segmentation(book, engine, chosen)
        return book, Standing(day, one.customers, one.figures, one.fit, one.horizons, one.ltv_basis)

    return found


@pytest.fixture(scope="module")
def explained(standing):
    def found(text):
        asked = asked_of(text)
        book, _ = standing()
        standings = {day: standing(day)[1] for day in needed_days(asked, book)}
        return why(book, LocalEngine(), asked, standings)

    return found


def test_what_differs_in_nothing_but_who_stays_differs_by_months(explained):
    found = explained("plan=a:b")
    amounts = {part.lever: part.amount for part in found.parts}
    assert found.difference < 0
    assert amounts["price"] == amounts["margin"] == amounts["discount"] == 0
    assert amounts["duration"] + amounts["frequency"] == found.difference
    assert abs(amounts["frequency"]) < 0.05 * abs(amounts["duration"])
    assert found.largest.lever == "duration"
    assert found.low <= found.difference <= found.high < 0
    assert found.paired is None
    assert found.n_events > 0


def test_a_group_may_be_of_the_customers_table(explained):
    of_plan, of_region = explained("plan=a:b"), explained("region=n:s")
    assert [part.amount for part in of_plan.parts] == [part.amount for part in of_region.parts]


def test_two_days_are_told_as_they_were_known_then(explained, standing):
    found = explained(f"{THEN}:{AS_OF}")
    assert found.first.as_of == THEN
    assert found.second.as_of == AS_OF
    for side, (_, one) in zip(
        (found.first, found.second), (standing(THEN), standing(AS_OF)), strict=True
    ):
        assert side.factors.ltv_amount == one.figures.ltv.ltv_amount
        assert side.factors.n == one.figures.n_alive
    assert found.low is not None


def test_cohorts_are_of_the_day_on_which_customers_came(explained):
    found = explained("2022-01:2023-01")
    assert (found.first.n_members, found.second.n_members) == (12, 10)
    # Few, so there is no interval.
    assert (found.low, found.high) == (None, None)
    assert {part.low for part in found.parts} == {None}


def test_all_who_came_are_told_beside_those_who_stayed(explained):
    found = explained("2022:2023")
    assert found.first.n_members == 123
    assert found.first.factors.n < found.first.n_members


@pytest.mark.parametrize(
    ("text", "error", "told"),
    [
        ("plan=a:c", UsageError, "No customer has plan 'c'"),
        ("plan=a:oldd", UsageError, "is it old?"),
        ("plan=a:old", ModelError, "Nobody of old is a customer on 2024-01-01.*All 1 have left"),
        ("2019-01:2023-01", ModelError, "Nobody of 2019-01 is a customer"),
        ("colour=red:blue", UsageError, "no groups by 'colour'"),
        ("2021-01-01:2024-01-01", UsageError, "cannot be told as of 2021-01-01"),
        ("2023-01-01:2024-01-02", UsageError, "cannot be told as of 2024-01-02"),
    ],
)
def test_what_cannot_be_compared_is_refused(text, error, told, explained):
    with pytest.raises(error, match=told):
        explained(text)


def test_a_day_needs_no_standing_but_its_own(standing):
    book, _ = standing()
    assert needed_days(asked_of("plan=a:b"), book) == (AS_OF,)
    assert needed_days(asked_of(f"{THEN}:{AS_OF}"), book) == (THEN, AS_OF)


def test_longer_terms_are_told_as_one_with_their_larger_payments(book_of):
    rows = [
        {**row, "plan": "ab"[i % 2], "term_months": (1, 12)[i % 2], "ended_on": row["ended_on"]}
        for i, row in enumerate(company())
    ]
    book = book_of({"subscriptions": rows}, as_of=AS_OF)
    one = segmentation(book, LocalEngine(), Settings(as_of=AS_OF))
    now = Standing(AS_OF, one.customers, one.figures, one.fit, one.horizons, one.ltv_basis)
    found = why(book, LocalEngine(), asked_of("plan=a:b"), {AS_OF: now})
    amounts = {part.lever: part.amount for part in found.parts}
    assert amounts["price"] > 0 > amounts["frequency"]
    assert found.paired == amounts["price"] + amounts["frequency"]
    assert found.largest is None or found.largest.lever not in ("price", "frequency")
