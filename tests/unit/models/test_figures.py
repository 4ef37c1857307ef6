from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from csk.models import contract, figures
from csk.models.contract import Horizons
from csk.models.figures import book_figures, tier_rows
from csk.models.repeat import RepeatFit
from csk.models.tiers import TierPlan
from csk.models.value import UNIT
from csk.stats.bgnbd import BgNbdFit

AS_OF = date(2024, 1, 1)
LONG_AGO = date(2000, 1, 1)
HORIZONS = Horizons(AS_OF, (30, 90), 36)
PLAN = TierPlan("share", (0.7, 0.9))


def person(name, days=900, left=None, **more):
    """One who has been a customer for so many days, and who left so many days ago."""
    alive = left is None
    return {
        "customer_id": name,
        "is_alive": alive,
        "customer_since_on": AS_OF - timedelta(days=days),
        "churned_on": None if alive else AS_OF - timedelta(days=left),
        "mrr_amount": 10 * UNIT if alive else 0,
        "term_months": 1,
        "curve": None,
        "realised_amount": 7 * UNIT,
        "ltv_amount": 100 * UNIT if alive else 0,
        "ltv_low": 50 * UNIT,
        "ltv_high": 300 * UNIT,
        "total_ltv_amount": 107 * UNIT,
        "value_at_risk": 20 * UNIT if alive else 0,
        "p_churn_30d": 0.1 if alive else None,
        "p_churn_90d": 0.3 if alive else None,
        "n_expected": 10.0 if alive else 0.0,
        "n_present": 10.0 if alive else 0.0,
        "duration_months": 20.0 if alive else 0.0,
        "unit_price_amount": 10.0 if alive else None,
        "margin_share": 1.0 if alive else None,
        "frequency": 0.5 if alive else None,
        "discount_factor": 1.0 if alive else None,
        "n_purchases": 4,
        "recency_days": 300,
        "age_days": 330,
        "tier": "high-touch" if alive else None,
        **more,
    }


def people(*rows):
    return pl.DataFrame(rows, infer_schema_length=None, schema_overrides={"curve": pl.Int32})


def buying(covariance):
    """Return the fit of a shop, as far as its sums need it."""
    purchases = BgNbdFit(0.8, 240.0, 0.8, 2.5, covariance, -1.0, 2.0, 0.0, True, False)
    return RepeatFit(None, purchases, None, 9, 1)


def told(*rows, covariance=0.01):
    """Return the figures of a shop whose log-parameters have this variance."""
    shop = buying(covariance * np.eye(4))
    return book_figures(people(*rows).drop("mrr_amount"), shop, HORIZONS, LONG_AGO)


def test_a_book_is_added_up():
    found = told(person("a"), person("b"), person("c", left=10))
    assert (found.n_customers, found.n_alive, found.n_churned) == (3, 2, 1)
    assert found.realised_amount == 21 * UNIT
    assert found.ltv.ltv_amount == 200 * UNIT
    assert found.total_ltv_amount == 321 * UNIT
    assert found.value_at_risk == 40 * UNIT
    assert found.mrr_amount is None
    assert found.p_churn == ((30, pytest.approx(0.1)), (90, pytest.approx(0.3)))
    assert found.ltv_low < 200 * UNIT < found.ltv_high
    assert found.ltv_low * found.ltv_high == pytest.approx((200 * UNIT) ** 2)
    assert found.simple_ltv == 100 * UNIT
    assert found.new_customers == ()


@pytest.mark.parametrize(
    ("rows", "rate"),
    [
        # Of those who were there a year ago, the share that has left since.
        ([person("a"), person("b", left=10), person("c"), person("d")], 0.25),
        ([person("a"), person("b", left=364)], 0.5),
        ([person("a"), person("b", left=365)], 0.5),
        ([person("a"), person("b", left=366)], 0.0),
        ([person("a"), person("b", 365, left=10)], 0.0),
        ([person("a"), person("b", 366, left=10)], 0.5),
        ([person("a", 300), person("b", 200, left=10)], None),
        ([person("a", left=10)], 1.0),
    ],
)
def test_churn_is_of_those_who_were_there_a_year_ago(rows, rate):
    found = told(*rows)
    assert found.churn_rate == rate
    if rate is None:
        assert found.churn_low is found.churn_high is None
    else:
        assert found.churn_low <= rate <= found.churn_high


def test_arpa_over_churn_is_a_month_of_margin_over_a_month_of_churn():
    found = told(person("a"), person("b", left=10))
    monthly = 1 - 0.5 ** (1 / 12)
    assert found.arpa_churn_ltv == pytest.approx(10 * UNIT * 0.5 / monthly)
    assert told(person("a")).arpa_churn_ltv is None


def test_nobody_alive_is_worth_nothing():
    found = told(person("a", left=10), person("b", left=500))
    assert (found.ltv.ltv_amount, found.value_at_risk, found.simple_ltv) == (0, 0, None)
    assert (found.ltv_low, found.ltv_high, found.arpa_churn_ltv) == (None, None, None)
    assert found.p_churn == ((30, 0.0), (90, 0.0))


def test_bounds_are_unknown_where_errors_are():
    found = told(person("a"), covariance=np.nan)
    assert (found.ltv_low, found.ltv_high) == (None, None)


def test_bounds_of_what_is_known_for_sure_are_the_sum():
    found = told(person("a"), person("b"), covariance=0.0)
    assert (found.ltv_low, found.ltv_high) == (200 * UNIT, 200 * UNIT)


def lasting(*groups):
    """Return the curves of groups of whom nobody has ever left."""
    names = ("n_entered", "n_voluntary", "n_involuntary", "n_unknown", "n_censored")
    rows = [
        (group, 1, age, n, 0, 0, 0, 50 - n) for group in groups for age, n in ((0, 50), (620, 0))
    ]
    schema = {"group": pl.String, "term_months": pl.Int32, "age": pl.Int32}
    counts = pl.DataFrame(rows, schema | dict.fromkeys(names, pl.Int64), orient="row")
    return contract.fit(counts, 60)


def test_a_new_customer_pays_the_mean_price_at_the_margin_of_what_is_paid():
    """Ten at a margin of 0.2 and thirty at 1.0 are forty at 0.8, not at the mean of the two."""
    rows = people(
        person("a", curve=0, margin_share=0.2, ltv_amount=0),
        person("b", curve=0, mrr_amount=30 * UNIT, ltv_amount=0),
        person("c", ltv_amount=0),
    )
    fit = lasting("a")
    (found,) = figures._new_customers(rows, fit, HORIZONS)
    months, payments = contract.new_customer(fit.curves[0], HORIZONS)
    assert (found.group, found.n, found.term_months) == ("a", 2, 1)
    assert (found.unit_price_amount, found.margin_share) == (20.0, pytest.approx(0.8))
    assert found.ltv_amount == pytest.approx(20 * UNIT * payments * 0.8)
    assert (found.frequency, found.duration_months) == (payments / months, months)
    assert 30 < months <= 36


def test_every_tier_has_a_row_and_so_have_those_without():
    rows = people(
        person("a"),
        person("b", tier="tech-touch", ltv_amount=300 * UNIT),
        person("c", left=3),
    )
    plan = replace(PLAN, costs=(("high-touch", 5), ("tech-touch", 1)))
    found = tier_rows(rows, plan, "p_churn_90d")
    assert [(row.tier, row.n, row.spend) for row in found] == [
        ("high-touch", 1, 5),
        ("low-touch", 0, None),
        ("tech-touch", 1, 1),
        ("none", 1, None),
    ]
    assert [row.ltv_share for row in found] == [0.25, 0.0, 0.75, 0.0]
    assert [row.p_churn for row in found] == [pytest.approx(0.3), None, pytest.approx(0.3), None]
    assert sum(row.value_at_risk for row in found) == 40 * UNIT


def test_without_anybody_left_out_there_is_no_such_row():
    assert [row.tier for row in tier_rows(people(person("a")), PLAN, "p_churn_90d")][
        -1
    ] == "tech-touch"


def test_a_year_whose_ends_were_not_all_seen_has_no_churn_rate():
    frame = people(person("a"), person("b", left=10)).drop("mrr_amount", strict=False)
    seen = book_figures(frame, buying(np.eye(4)), HORIZONS, HORIZONS.as_of - timedelta(days=300))
    assert seen.churn_rate is None
