"""Fader and Hardie (2007), How to project customer retention, and the papers that grew from it."""

import csv
from pathlib import Path

import numpy as np
import pytest

from csk.stats.tails import (
    discounted_lifetime,
    discounted_residual_lifetime,
    fit,
    hazards,
)

HERE = Path(__file__).parent


def rows(name):
    with (HERE / name).open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def surviving(case):
    """Give 1,000 customers by year."""
    (row,) = [row for row in rows("fader_hardie_2007_surviving.csv") if row["case"] == case]
    return np.round(10.0 * np.array([float(row[str(year)]) for year in range(13)]))


def fitted(case, periods, family):
    alive = surviving(case)[: periods + 1]
    return fit(family, alive[:-1], -np.diff(alive))


@pytest.mark.parametrize(
    "row",
    rows("fader_hardie_2007.csv"),
    ids=lambda row: f"{row['case']}-{row['periods']}-{row['quantity']}",
)
def test_published_figures_are_reproduced(row):
    family, quantity, *year = row["quantity"].split()
    got = fitted(row["case"], int(row["periods"]), family)
    if quantity == "survival":
        value = np.prod(1.0 - hazards(got, int(year[0])))
    elif quantity == "log_likelihood":
        value = got.log_likelihood
    else:
        value = got.params["abc".index(quantity)]
    assert value == pytest.approx(float(row["value"]), abs=float(row["tolerance"]))


def test_constant_churn_misses_year_twelve_by_three_quarters():
    got = np.prod(1.0 - hazards(fitted("Regular", 7, "geometric"), 12))
    assert got / 0.173 - 1.0 == pytest.approx(-0.73, abs=0.005)


@pytest.mark.parametrize(
    ("a", "b", "expected"), [(0.7041, 1.1820, 3.6949), (0.6681, 3.8061, 5.9223)]
)
def test_discounted_lifetime_at_ten_percent(a, b, expected):
    assert discounted_lifetime(a, b, 0.1) == pytest.approx(expected, abs=0.0005)


@pytest.mark.parametrize(("n_payments", "value"), [(1, 288), (2, 394), (5, 568)])
def test_residual_value_grows_with_payments_made(n_payments, value):
    got = 100 * discounted_residual_lifetime(0.764, 1.296, 0.1, n_payments)
    assert got == pytest.approx(value, abs=0.5)


def test_a_new_customer_is_worth_the_first_payment_and_the_rest_a_year_later():
    got = discounted_lifetime(0.764, 1.296, 0.1)
    assert got == pytest.approx(3.62, abs=0.005)
    rest = discounted_residual_lifetime(0.764, 1.296, 0.1, 1)
    assert got == pytest.approx(1.0 + rest / 1.1)


def test_cohorts_that_start_a_year_apart_are_fitted_together():
    # Fader and Hardie, fitting the sBG model to multi-cohort data: 3.80 and 15.19.
    alive = np.array([10000.0, 8000.0, 6480.0, 5307.0, 4391.0])
    exposed = np.array([alive[t] * (4 - t) for t in range(4)])
    left = np.array([(alive[t] - alive[t + 1]) * (4 - t) for t in range(4)])
    assert fit("sbg", exposed, left).params == pytest.approx((3.80, 15.19), abs=0.006)
