"""Levers moved by hand, and repeat buying integrated anew."""

from dataclasses import replace
from datetime import date, timedelta
from functools import cache

import numpy as np
import pytest

from csk.analyses.segment import segmentation
from csk.engine.local import LocalEngine
from csk.models.levers import Moves, ahead, break_even, factor_sums, moved_survival, worths
from csk.models.value import factors
from csk.settings import Settings
from csk.stats.bgnbd import beta_nodes, p_alive

AS_OF = date(2024, 1, 1)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("grid", "churn", "expected"),
    [
        # A renewal that half of them leave.
        ([1, 1, 0.5, 0.5, 0.25], 0.9, [1, 1, 0.55, 0.55, 0.3025]),
        ([1, 0.9, 0.81], 2.0, [1, 0.8, 0.64]),
        ([1, 0.9, 0.81], 0.0, [1, 1, 1]),
        ([1, 0.4, 0.2], 2.0, [1, 0, 0]),
        ([1, 0.5, 0, 0], 1.0, [1, 0.5, 0, 0]),
    ],
)
def test_churn_is_moved_in_the_hazard(grid, churn, expected):
    assert moved_survival(np.array(grid, float), churn) == pytest.approx(expected)


def contracts(n=60):
    return [
        {
            "customer_id": f"c{i:02d}",
            "plan": "a",
            "started_on": date(2022, 1, 1) + 9 * i * DAY,
            "ended_on": date(2022, 1, 1) + (9 * i + 200) * DAY if i % 3 == 0 else None,
            "mrr_amount": 100_000 + i,
            "term_months": 12 if i % 4 == 0 else 1,
        }
        for i in range(n)
    ]


def purchases(n=60):
    days = (
        (i, date(2022, 1, 1) + (5 * i + gap) * DAY)
        for i in range(n)
        for gap in range(0, (i % 5) * 130 + 1, 9 + i % 7)
    )
    return [
        {"customer_id": f"c{i:02d}", "paid_on": day, "amount": 100_000 + i}
        for i, day in days
        if day < AS_OF
    ]


@pytest.fixture(scope="module")
def valued(book_of):
    """Give those alive of a company, its fit and horizons, by kind and settings."""

    def found(kind, **choice):
        table = {"contract": "subscriptions", "shop": "payments"}[kind]
        rows = {"contract": contracts, "shop": purchases}[kind]()
        chosen = Settings(as_of=AS_OF, **{"margin_share": 0.5, **choice})
        book = book_of({table: rows}, as_of=AS_OF)
        result = segmentation(book, LocalEngine(), chosen)
        return result.customers.filter("is_alive"), result.fit, result.horizons

    return cache(found)


both = pytest.mark.parametrize("kind", ["contract", "shop"])


@both
def test_nothing_moved_is_what_stands_there(kind, valued):
    alive, fit, horizons = valued(kind)
    future = ahead(alive, fit, horizons, 1.0)
    assert worths(alive, future, Moves()).tolist() == alive["ltv_amount"].to_list()
    whole = factors(alive)
    told = (whole.unit_price_amount, whole.margin_share, whole.frequency, whole.duration_months)
    assert factor_sums(alive, future, Moves()) == pytest.approx(told)


@both
@pytest.mark.parametrize("discount_rate", [0.0, 0.2])
def test_churn_moved_by_nearly_nothing_moves_nearly_nothing(kind, discount_rate, valued):
    alive, fit, horizons = valued(kind, discount_rate=discount_rate)
    before = ahead(alive, fit, horizons, 1.0)
    for churn in (1 - 1e-9, 1 + 1e-9):
        for one, other in zip(ahead(alive, fit, horizons, churn), before, strict=True):
            assert one == pytest.approx(other, rel=1e-6)


@both
@pytest.mark.parametrize(
    ("moves", "factor"),
    [
        (Moves(price=1.05), 1.05),
        (Moves(margin=1.1), 1.1),
        (Moves(margin_points=0.02), 1.04),
        # A margin ends at all of the revenue.
        (Moves(margin_points=0.9), 2.0),
        (Moves(frequency=0.5), 0.5),
        (Moves(price=2.0, margin=0.5), 1.0),
    ],
)
def test_levers_that_multiply_multiply(kind, moves, factor, valued):
    alive, fit, horizons = valued(kind, discount_rate=0.1)
    future = ahead(alive, fit, horizons, 1.0)
    expected = alive["ltv_amount"].to_numpy() * factor
    assert worths(alive, future, moves) == pytest.approx(expected, abs=0.6)


def test_a_further_purchase_a_year_is_worth_one_for_every_year_expected(valued):
    alive, fit, horizons = valued("shop")
    gain = worths(alive, ahead(alive, fit, horizons, 1.0), Moves(purchases=1.0))
    each = alive["duration_months"] / 12 * alive["unit_price_amount"] * 0.5 * 10_000
    assert gain - alive["ltv_amount"].to_numpy() == pytest.approx(each.to_numpy(), abs=0.6)


def test_under_contract_it_is_a_further_months_fee(valued):
    alive, fit, horizons = valued("contract")
    gain = worths(alive, ahead(alive, fit, horizons, 1.0), Moves(purchases=2.0))
    each = alive["duration_months"] / 6 * alive["mrr_amount"] * 0.5
    assert gain - alive["ltv_amount"].to_numpy() == pytest.approx(each.to_numpy(), abs=0.6)
    assert set(alive["term_months"]) == {1, 12}


@pytest.mark.parametrize("churn", [0.0, 0.5, 0.9, 1.5])
def test_purchases_are_those_of_a_chance_of_leaving_that_was_moved(churn, valued):
    alive, fit, horizons = valued("shop")
    of = fit.purchases
    found = ahead(alive, fit, horizons, churn).number
    days = (date(2027, 1, 1) - AS_OF).days
    for row, number in zip(alive.iter_rows(named=True), found, strict=True):
        x, t_x, T = row["n_purchases"] - 1, row["recency_days"], row["age_days"]
        p, share = beta_nodes(of.a, of.b + x)
        p = np.maximum(p * churn, 1e-9)
        stays = (1 - (1 + p * days / (of.alpha + T)) ** -(of.r + x)) / p
        expected = float(stays @ share) * float(p_alive(of, x, t_x, T))
        assert number == pytest.approx(expected, rel=1e-4)


def test_nobody_leaves_without_churn(valued):
    alive, fit, horizons = valued("contract")
    future = ahead(alive, fit, horizons, 0.0)
    assert future.months == pytest.approx(np.full(alive.height, 36.0))
    monthly = (alive["term_months"] == 1).to_numpy()
    assert future.number[monthly] == pytest.approx(36.0)
    assert future.number[~monthly] == pytest.approx(3.0)


def test_a_break_even_that_cannot_be_is_none(valued):
    alive, fit, horizons = valued("contract")
    assert break_even(alive, fit, horizons, 0.01) is None
    assert break_even(alive.clear(), fit, horizons, 1.05) is None
    # Where no age has a hazard there is none to multiply.
    nobody_leaves = [replace(curve, grid=np.ones_like(curve.grid)) for curve in fit.curves]
    sure = replace(fit, curves=tuple(nobody_leaves))
    assert break_even(alive, sure, horizons, 1.05) is None


def test_a_larger_price_can_bear_more_churn(valued):
    alive, fit, horizons = valued("contract")
    found = [break_even(alive, fit, horizons, price) for price in (0.9, 0.97, 1.03, 1.2)]
    assert found == sorted(found)
    assert found[1] < 1 < found[2]
