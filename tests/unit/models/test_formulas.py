from dataclasses import replace
from datetime import date, timedelta

import polars as pl
import pytest

from csk.models.contract import Horizons
from csk.models.figures import BookFigures
from csk.models.formulas import formulas
from csk.models.value import Factors

AS_OF = date(2024, 1, 1)
UNIT = 10_000
FACTORS = Factors(80, 100.0, 0.5, 1.0, 20.0, 0.9, 80 * 900 * UNIT)
FIGURES = BookFigures(
    n_customers=100,
    n_alive=80,
    n_churned=20,
    mrr_amount=80 * 100 * UNIT,
    realised_amount=0,
    ltv=FACTORS,
    ltv_low=None,
    ltv_high=None,
    total_ltv_amount=0,
    value_at_risk=0,
    p_churn=(),
    churn_rate=0.2,
    churn_low=None,
    churn_high=None,
    simple_ltv=1_100.0 * UNIT,
    arpa_churn_ltv=None,
    new_customers=(),
)
HORIZONS = Horizons(AS_OF, (365,), 36, 0.1)


def customers(since=(900,) * 100, left=(30,) * 20):
    """100 customers who came so many days ago, the first of whom left so many days ago."""
    gone = len(left)
    return pl.DataFrame(
        {
            "customer_id": [f"c{i:03d}" for i in range(len(since))],
            "is_alive": [i >= gone for i in range(len(since))],
            "customer_since_on": [AS_OF - timedelta(days) for days in since],
            "churned_on": [
                AS_OF - timedelta(left[i]) if i < gone else None for i in range(len(since))
            ],
            "ltv_amount": [0 if i < gone else 900 * UNIT for i in range(len(since))],
            "total_ltv_amount": [
                200 * UNIT if i < gone else 1_400 * UNIT for i in range(len(since))
            ],
        },
        schema_overrides={"churned_on": pl.Date},
    )


def test_steps_add_up_to_the_difference():
    found = formulas(customers(), FIGURES, HORIZONS, date(2020, 1, 1))
    assert [name for name, _ in found.steps] == ["discount", "together", "constant", "endless"]
    assert found.expected + sum(change for _, change in found.steps) == pytest.approx(
        found.arpa_churn
    )
    assert dict(found.steps)["discount"] == pytest.approx(100 * UNIT)
    assert dict(found.steps)["together"] == pytest.approx(100 * UNIT)


def test_the_formulas_of_others_are_theirs():
    found = formulas(customers(), FIGURES, HORIZONS, date(2020, 1, 1))
    monthly = 1 - 0.8 ** (1 / 12)
    assert found.monthly_margin == 50 * UNIT
    assert found.arpa_churn == pytest.approx(50 * UNIT / monthly)
    assert found.recurly == pytest.approx(100 * UNIT * 1.1 / (0.1 + monthly))
    assert found.realised == pytest.approx((20 * 200 + 80 * 500) / 100 * UNIT)
    assert found.realised_gone == pytest.approx(200 * UNIT)


def test_what_recurly_says_never_passes_eleven_months_of_revenue():
    few = customers(left=(30,))
    found = formulas(few, FIGURES, HORIZONS, date(2020, 1, 1))
    assert 10 * 100 * UNIT < found.recurly < 11 * 100 * UNIT


def test_churn_is_counted_in_three_ways():
    # 50 were there a year ago and 10 of them left; 50 came since and 10 of them left too.
    since = (100,) * 10 + (900,) * 10 + (900,) * 40 + (100,) * 40
    found = formulas(customers(since), FIGURES, HORIZONS, date(2020, 1, 1))
    rates = {one.name: one.yearly for one in found.counted}
    assert rates == {"start": 0.2, "with_new": 0.2, "all_left": 0.4}
    assert found.new_share == 0.5
    amounts = {one.name: one.amount for one in found.counted}
    assert amounts["start"] == amounts["with_new"] == pytest.approx(found.arpa_churn)
    assert amounts["all_left"] < amounts["start"]


@pytest.mark.parametrize(
    ("rows", "data_from"),
    [
        (customers(), date(2023, 6, 1)),
        (customers(left=()), date(2020, 1, 1)),
        (customers(left=(30,) * 100), date(2020, 1, 1)),
        (customers(since=(100,) * 100), date(2020, 1, 1)),
    ],
    ids=["a year not seen", "nobody left", "everybody left", "nobody there a year ago"],
)
def test_without_a_churn_rate_nothing_is_divided_by_it(rows, data_from):
    found = formulas(rows, FIGURES, HORIZONS, data_from)
    assert (found.arpa_churn, found.recurly, found.steps) == (None, None, ())


def test_a_book_of_nobody_has_no_formulas():
    empty = replace(FIGURES, n_alive=0, ltv=Factors(0, None, None, None, None, None, 0))
    gone = formulas(customers(left=(30,) * 100), empty, HORIZONS, date(2020, 1, 1))
    assert gone.monthly_margin is None
    assert gone.expected == 0
