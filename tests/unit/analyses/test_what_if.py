from datetime import date, timedelta
from functools import cache

import numpy as np
import pytest

from csk.analyses.segment import segmentation
from csk.analyses.what_if import what_if
from csk.engine.local import LocalEngine
from csk.errors import ModelError, UsageError
from csk.models.key_figures import Standing
from csk.reports import what_if as what_if_report
from csk.reports.blocks import Note
from csk.settings import Settings
from csk.text import words

BEGIN, AS_OF = date(2022, 1, 1), date(2024, 1, 1)
DAY = timedelta(days=1)


def company(n=90):
    return [
        {
            "customer_id": f"c{i:02d}",
            "plan": "ab"[i % 2],
            "started_on": BEGIN + 5 * i * DAY,
            "ended_on": BEGIN + (5 * i + 150) * DAY if i % 4 == 1 else None,
            "mrr_amount": 100_000 * (1 + i % 2),
            "term_months": 1,
        }
        for i in range(n)
    ]


@pytest.fixture(scope="module")
def asked(book_of):
    @cache
    def stood(margin):
        chosen = Settings(as_of=AS_OF, margin_share=margin)
        about = [{"customer_id": f"c{i:02d}", "region": ("n", None)[i % 2]} for i in range(90)]
        book = book_of({"subscriptions": company(), "customers": about}, as_of=AS_OF)
        one = segmentation(book, LocalEngine(), chosen)
        return book, Standing(
            AS_OF, one.customers, one.figures, one.fit, one.horizons, one.ltv_basis
        )

    def found(text, margin=0.5, by=""):
        book, now = stood(margin)
        return what_if(book, LocalEngine(), text, now, by)

    return found


def test_price_is_worth_its_share_of_ltv(asked):
    found = asked("price=+10%")
    assert found.whole.alone == (pytest.approx(found.whole.ltv_amount / 10, abs=50),)
    assert found.whole.together == found.whole.alone[0]
    assert found.whole.interaction == 0
    assert (found.moved[0].before, found.moved[0].after) == pytest.approx(
        (found.moved[0].before, found.moved[0].before * 1.1)
    )
    assert found.break_even > 1
    # A margin of a half: at the costs of today the whole rise is margin.
    assert found.price_at_cost == pytest.approx(found.whole.ltv_amount / 5, abs=50)


def test_levers_together_are_worth_their_product(asked):
    found = asked("price=+10%,margin=+5pt")
    ltv = found.whole.ltv_amount
    assert found.whole.together == pytest.approx(ltv * 0.21, abs=100)
    assert found.whole.interaction == pytest.approx(ltv * 0.01, abs=150)


def test_churn_shows_in_months_and_price_has_no_break_even_unless_moved(asked):
    found = asked("churn=-10%")
    (moved,) = found.moved
    assert moved.before < moved.after < 36
    assert (found.price, found.break_even, found.price_at_cost) == (None, None, None)


def test_a_price_that_does_not_move_has_no_break_even(asked):
    found = asked("price=0%")
    assert (found.price, found.break_even, found.price_at_cost) == (1.0, None, None)


def test_without_a_margin_nothing_is_said_of_costs(asked):
    assert asked("price=+5%", margin=None).price_at_cost is None


def test_groups_are_plans_and_tiers_most_money_first(asked):
    groups = dict(asked("churn=-50%").groups)
    assert list(groups) == ["plan", "tier"]
    assert [one.name for one in groups["plan"]] == ["a", "b"]
    assert groups["tier"][0].name == "high-touch"


def test_groups_may_be_asked_for(asked):
    groups = dict(asked("churn=-50%", by="region").groups)
    assert list(groups) == ["region", "tier"]
    assert {one.name for one in groups["region"]} == {"n", ""}
    assert [column for column, _ in asked("churn=-50%", by="tier").groups] == ["tier"]
    assert {one.name for one in dict(asked("churn=-5%", by="cohort").groups)["cohort"]} == {
        "2022",
        "2023",
    }


@pytest.mark.parametrize(
    ("text", "more", "told"),
    [
        ("margin=+2pt", {"margin": None}, "No margin is known"),
        ("margin=+60pt", {}, "would be 110.0% of revenue: today it is 50.0%"),
        ("margin=-60pt", {}, "would be -10.0% of revenue"),
        ("prize=+2%", {}, "cannot be understood"),
        ("price=+2%", {"by": "colour"}, "no groups by 'colour'"),
    ],
)
def test_what_cannot_be_moved_is_refused(text, more, told, asked):
    with pytest.raises(UsageError, match=told):
        asked(text, **more)


def test_nobody_to_move_is_refused(book_of):
    book = book_of({"subscriptions": company()}, as_of=AS_OF)
    one = segmentation(book, LocalEngine(), Settings(as_of=AS_OF))
    gone = one.customers.clear()
    now = Standing(AS_OF, gone, one.figures, one.fit, one.horizons, one.ltv_basis)
    with pytest.raises(ModelError, match="Nobody is a customer"):
        what_if(book, LocalEngine(), "price=+1%", now)


def test_no_fall_of_churn_is_worth_more_than_that_nobody_leaves(asked):
    found = asked("churn=-100%")
    assert found.all_stay == found.whole.together > asked("churn=-99%").whole.together
    assert not found.is_churn_untold


def test_a_shop_that_nobody_leaves_tells_nothing_of_churn(book_of):
    rng = np.random.default_rng(1)
    days = [(i, int(day)) for i in range(100) for day in np.cumsum(rng.exponential(50, 40)) + i]
    rows = [
        {"customer_id": f"c{i:02d}", "paid_on": BEGIN + day * DAY, "amount": 100_000}
        for i, day in days
        if BEGIN + day * DAY < AS_OF
    ]
    book = book_of({"payments": rows}, as_of=AS_OF)
    one = segmentation(book, LocalEngine(), Settings(as_of=AS_OF))
    now = Standing(AS_OF, one.customers, one.figures, one.fit, one.horizons, one.ltv_basis)
    found = what_if(book, LocalEngine(), "churn=-10%,price=+5%", now)
    assert found.is_churn_untold
    assert 0 <= found.whole.alone[0] < 0.01 * found.whole.ltv_amount
    report = what_if_report.report(found, Settings(as_of=AS_OF), words("en"))
    told = [block.text for block in report.blocks if isinstance(block, Note)]
    assert any("next to nothing of buyers leaving" in text for text in told)
    assert not any("as long as churn" in text for text in told)
