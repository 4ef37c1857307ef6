from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest

from csk.calendar import plus_months
from csk.models.reconcile import (
    Figure,
    Side,
    Told,
    figure,
    formula_customers,
    last_step,
    metrics,
    periods,
    step,
)
from csk.tables.movements import Motion
from csk.tables.reconcile import FLOWS, Way

JAN = date(2024, 1, 1)
SIDE = Side(Way(Motion(date(2024, 7, 1))))
FLOWN = {
    JAN: {"n.new": 10, "amount.new": 1_000},
    plus_months(JAN, 2): {
        "n.new": 3,
        "amount.new": 300,
        "n.churn": 2,
        "amount.churn": -150,
        "n.lost": 2,
        "amount.lost": 170,
        "n.contraction": 1,
        "amount.contraction": -20,
        "n.reactivation": 1,
        "amount.reactivation": 40,
        "n.flash": 4,
        "amount.flash": 400,
    },
}
MONTHS = periods(
    {day: {**dict.fromkeys(FLOWS, 0), **of} for day, of in FLOWN.items()}, JAN, date(2024, 5, 1), 1
)
MARCH = MONTHS[plus_months(JAN, 2)]


def test_levels_are_the_sums_of_what_moved():
    assert [of["money.start"] for of in MONTHS.values()] == [0, 1_000, 1_000, 1_170]
    assert [of["customers.end"] for of in MONTHS.values()] == [10, 10, 12, 12]
    assert (MARCH["money.churn"], MARCH["money.kept"], MARCH["money.after"]) == (150, 830, 830)


@pytest.mark.parametrize(
    ("name", "preset", "value"),
    [
        ("mrr", "", Fraction(1_170)),
        ("customer_churn_rate", "", Fraction(2, 10)),
        ("customer_churn_rate", "stripe", Fraction(2, 13)),
        ("customer_churn_rate", "revenuecat", Fraction(1, 10)),
        ("revenue_churn_rate", "chartmogul", Fraction(17, 100)),
        ("nrr", "chargebee", Fraction(1_170, 1_000)),
        ("arpa", "", Fraction(1_170, 12)),
        ("churned_mrr", "", Fraction(150)),
    ],
)
def test_a_figure_is_what_the_preset_makes_of_the_terms(name, preset, value):
    assert figure(name, replace(SIDE, preset=preset), MARCH).value == value


@pytest.mark.parametrize(
    ("choice", "new", "churned"),
    [
        ({}, 3, 2),
        ({"flash_counts": True}, 7, 6),
        ({"back_is_new": True}, 4, 2),
        ({"back_is_kept": True}, 3, 1),
    ],
)
def test_choices_of_sums_move_customers_between_terms(choice, new, churned):
    side = replace(SIDE, **choice)
    terms = side.terms(MONTHS, plus_months(JAN, 2))
    assert figure("new_inflow", side, terms).value == new
    assert figure("churned_customers", side, terms).value == churned


def test_months_called_later_are_ours_of_the_month_before():
    side = replace(SIDE, lag=1)
    assert side.terms(MONTHS, plus_months(JAN, 3)) == MARCH
    assert side.terms(MONTHS, JAN) is None


def test_a_factor_multiplies_money_and_no_rate():
    taxed = replace(SIDE, factor=Fraction(11, 10))
    assert figure("mrr", taxed, MARCH).value == 1_287
    assert figure("grr", taxed, MARCH).value == figure("grr", SIDE, MARCH).value
    assert figure("paying_customers", taxed, MARCH).value == 12


@pytest.mark.parametrize(
    ("name", "preset", "n"),
    [
        ("customer_churn_rate", "stripe", 3),
        ("revenue_churn_rate", "chartmogul", 1),
        ("nrr", "chargebee", None),
        ("mrr", "stripe", 0),
    ],
)
def test_customers_of_a_formula_are_those_it_takes_in(name, preset, n):
    assert formula_customers(name, SIDE, replace(SIDE, preset=preset), MARCH) == n


def test_numerator_and_denominator_of_a_rate_are_told_apart():
    before, after = Figure(Fraction(13), Fraction(415)), Figure(Fraction(14), Fraction(432))
    found = step("formula", "", before, after, None)
    assert (found.numerator, found.denominator) == (1, 17)
    assert found.value == Fraction(14, 432) - Fraction(13, 415)


def test_a_rate_of_nothing_has_no_step():
    found = step("gap", "", Figure(Fraction(0), Fraction(0)), Figure(Fraction(1), Fraction(2)), 1)
    assert found.value is None
    assert found.denominator == 2


@pytest.mark.parametrize(
    ("told", "cause"),
    [(Fraction(100), None), (Fraction(101), "rounding"), (Fraction(106), "unexplained")],
)
def test_what_is_left_is_rounding_within_the_last_digit_told(told, cause):
    found = last_step(Told(told, Fraction(10)), Figure(Fraction(100)))
    assert [one.cause for one in found] == ([cause] if cause else [])
    assert sum(one.value for one in found) == told - 100


def test_figures_that_need_more_than_movements_are_not_reconciled():
    names = metrics(("stripe", "chartmogul"))
    assert names[0] == "mrr"
    assert not {"nps", "ltv_residual", "repeat_rate"} & set(names)
