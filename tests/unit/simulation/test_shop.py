from datetime import date

import numpy as np
import polars as pl
import pytest

from csk.simulation.company import Company, source
from csk.simulation.log import log
from csk.simulation.shop import Buyers, ShopLaw, expected_purchases, purchase_within

TRUE = np.array([True])


def buyer(rate, dropout):
    zero = np.zeros(1, np.int64)
    return Buyers(np.array([rate]), np.array([dropout]), np.ones(1), zero, zero, zero)


def by_day(rate, dropout, days):
    daily, alive, total = 1 - np.exp(-rate), 1.0, 0.0
    for _ in range(days):
        total += alive * daily
        alive *= 1 - daily * dropout
    return total


@pytest.mark.parametrize(
    ("rate", "dropout", "days"), [(0.01, 0.2, 365), (0.3, 0.01, 30), (2.0, 0.9, 90), (0.05, 1, 9)]
)
def test_expected_purchases_agree_with_a_sum_over_days(rate, dropout, days):
    found = expected_purchases(buyer(rate, dropout), TRUE, days)[0]
    assert found == pytest.approx(by_day(rate, dropout, days), rel=1e-12)


def test_without_dropout_purchases_are_days_times_chance():
    found = expected_purchases(buyer(0.02, 0.0), TRUE, 100)[0]
    assert found == pytest.approx(100 * (1 - np.exp(-0.02)), rel=1e-8)


def test_a_purchase_comes_as_from_an_exponential_gap():
    assert purchase_within(buyer(0.02, 0.5), TRUE, 90)[0] == pytest.approx(1 - np.exp(-1.8))
    assert purchase_within(buyer(0.02, 0.5), ~TRUE, 90)[0] == 0


@pytest.fixture(scope="module")
def tables():
    return source(Company("shop", 6_000, 24, 5)).block(0, 0, 6_000)


def test_guests_are_a_hundredth_and_have_no_id(tables):
    rows = tables["payments"]
    share = rows["customer_id"].null_count() / rows.height
    assert share == pytest.approx(ShopLaw().guest_share, abs=0.003)
    assert rows["payment_id"].is_unique().all()


def test_some_days_have_two_payments_and_some_are_given_back(tables):
    paid = tables["payments"].filter(
        pl.col("status") == "paid", pl.col("customer_id").is_not_null()
    )
    sizes = paid.group_by("customer_id", "paid_on").len()["len"]
    assert sizes.max() == 2
    assert (sizes == 2).mean() == pytest.approx(ShopLaw().split_chance, abs=0.01)
    assert paid["amount"].min() > 0
    assert (tables["payments"].filter(pl.col("status") == "refunded")["amount"] < 0).all()


def test_customers_buy_about_five_times(tables):
    paid = tables["payments"].filter(pl.col("customer_id").is_not_null())
    n_days = paid.select("customer_id", "paid_on").unique().height
    assert 3 < n_days / 6_000 < 7


def test_nobody_lost_before_the_log_is_in_it(tables):
    first = tables["customers"]["created_on"]
    assert 0.1 < (first < date(2024, 1, 1)).mean() < 0.6
    silent = 1 - tables["payments"]["customer_id"].n_unique() / 6_000
    assert silent < 0.15


@pytest.mark.parametrize("late_entry", [True, False])
def test_what_happens_is_what_is_expected(late_entry):
    truth = source(Company("shop", 6_000, 24, 11, late_entry)).block(0, 0, 6_000)["truth"]
    truth = truth.with_columns(pl.col("^.*_amount$").cast(float))
    for realised, expected in (
        ("n_purchases_realised_12m", "n_purchases_12m"),
        ("revenue_realised_12m_amount", "ltv_residual_12m_amount"),
    ):
        gap = (truth[realised] - truth[expected]).to_numpy()
        assert abs(gap.mean()) < 4 * gap.std() / np.sqrt(gap.size)
    alive = truth.filter("is_alive")
    assert 0.3 < alive.height / truth.height < 0.95
    assert truth.filter(~pl.col("is_alive"))["n_purchases_realised_12m"].sum() == 0


def test_the_shape_of_buying_is_that_of_the_law():
    law, time = ShopLaw(), log(date(2024, 1, 1), 24)
    truth = source(Company("shop", 10_000, 24, 2, late_entry=False)).block(0, 0, 10_000)["truth"]
    assert time.months == 24
    assert truth["purchase_rate_day"].mean() == pytest.approx(law.r / law.alpha, rel=0.05)
    assert truth["dropout_chance"].mean() == pytest.approx(law.a / (law.a + law.b), rel=0.05)
    spend = truth["mean_spend_amount"].cast(float).mean()
    assert spend == pytest.approx(law.p * law.gamma / (law.q - 1), rel=0.05)
