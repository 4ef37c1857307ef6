from datetime import date, timedelta

import polars as pl
import pytest

from csk.errors import ModelError
from csk.models import contract
from csk.models.contract import ENOUGH_ENDS, OTHERS, POOLED, Horizons

AS_OF = date(2024, 1, 1)
NAMES = ("n_entered", "n_voluntary", "n_involuntary", "n_unknown", "n_censored")


def counts(*rows):
    """Counts by (group, term, age, entered, ended, censored)."""
    return pl.DataFrame(
        [(group, term, age, n, left, 0, 0, kept) for group, term, age, n, left, kept in rows],
        schema={"group": pl.String, "term_months": pl.Int32, "age": pl.Int32}
        | dict.fromkeys(NAMES, pl.Int64),
        orient="row",
    )


def lasting(group="a", term=1, months=24):
    """Return the counts of a million customers, of whom nobody has ever left."""
    return counts((group, term, 0, 10**6, 0, 0), (group, term, 31 * months, 0, 0, 10**6))


def halving(group="a", term=1, n=2**10):
    """Return the counts of customers of whom half leave at every renewal."""
    rows, left = [(group, term, 0, n, 0, 0)], n
    for period in range(1, 9):
        rows.append((group, term, 31 * term * period, 0, left // 2, 0))
        left //= 2
    return counts(*rows, (group, term, 31 * term * 9, 0, 0, left))


def snapshot(*rows, group="a", term=1):
    """Customers whose spell and term began on a day, or (day, day); None has left."""
    pairs = [row if isinstance(row, tuple) else (row, row) for row in rows]
    return pl.DataFrame(
        [(group, term, a or AS_OF, b or AS_OF, a is not None) for a, b in pairs],
        schema={
            "group": pl.String,
            "term_months": pl.Int32,
            "spell_started_on": pl.Date,
            "term_started_on": pl.Date,
            "is_alive": pl.Boolean,
        },
        orient="row",
    )


def scored(fitted, people, months=36, days=(30, 365), rate=0.0):
    return contract.score(people, fitted, Horizons(AS_OF, days, months, rate))


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        # (name of the curve, whose ends it is fitted on, who reads it)
        ({"a": 40}, [("a", ["a"], ["a"])]),
        ({"a": 4}, [("a", ["a"], ["a"])]),
        ({"a": 40, "b": 40}, [("a", ["a"], ["a"]), ("b", ["b"], ["b"])]),
        ({"a": 4, "b": 4}, [(POOLED, ["a", "b"], ["a", "b"])]),
        ({"a": 40, "b": 4}, [("a", ["a"], ["a"]), (OTHERS, ["a", "b"], ["b"])]),
        (
            {"a": 40, "b": 20, "c": 20},
            [("a", ["a"], ["a"]), (OTHERS, ["b", "c"], ["b", "c"])],
        ),
        ({"": ENOUGH_ENDS}, [("", [""], [""])]),
        ({"": ENOUGH_ENDS - 1}, [("", [""], [""])]),
    ],
)
def test_small_groups_share_a_curve(ends, expected):
    assert contract._shared(ends) == expected


def test_groups_of_other_terms_have_curves_of_their_own():
    both = pl.concat([halving(term=1), halving(term=12), halving("b", 12), halving(None, 12)])
    fitted = contract.fit(both, 40)
    assert [(curve.group, curve.term_months) for curve in fitted.curves] == [
        ("a", 1),
        ("", 12),
        ("a", 12),
        ("b", 12),
    ]
    assert fitted.reading == {("a", 1): 0, ("", 12): 1, ("a", 12): 2, ("b", 12): 3}
    assert fitted.n_events == 4 * 1020
    assert [curve.n_events for curve in fitted.curves] == [1020] * 4


def test_nothing_observed_carries_no_model():
    with pytest.raises(ModelError, match="No contract was ever observed"):
        contract.fit(counts(), 36)


def test_nobody_alive_carries_no_forecast():
    with pytest.raises(ModelError, match="No customer is alive"):
        scored(contract.fit(halving(), 60), snapshot(None))


@pytest.mark.parametrize(
    ("began", "term", "months", "n"),
    [
        # Everybody stays: payments are counted off the calendar.
        (date(2023, 12, 1), 1, 36, 36),
        (date(2023, 12, 15), 1, 36, 36),
        (date(2023, 12, 15), 1, 1, 1),
        (date(2023, 1, 1), 12, 36, 3),
        (date(2023, 1, 1), 12, 1, 1),
        (date(2023, 1, 2), 12, 12, 1),
        (date(2023, 3, 15), 12, 2, 0),
        (date(2023, 3, 15), 12, 3, 1),
        (date(2022, 6, 1), 12, 36, 3),
        ((date(2020, 2, 1), date(2023, 6, 1)), 12, 5, 0),
        ((date(2020, 2, 1), date(2023, 6, 1)), 12, 6, 1),
        (date(2023, 12, 1), 0, 6, 6),
    ],
)
def test_payments_fall_due_on_the_anniversaries_of_the_term(began, term, months, n):
    fitted = contract.fit(lasting(term=term, months=60), 60)
    found = scored(fitted, snapshot(began, term=term), months).row(0, named=True)
    assert found["n_expected"] == pytest.approx(n, abs=1e-2)
    assert found["duration_months"] == pytest.approx(months, abs=3 / 31)
    assert found["p_churn_365d"] == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize(("months", "rate"), [(12, 0.0), (12, 0.21), (24, 0.1)])
def test_payments_are_discounted_from_the_first_one_on(months, rate):
    fitted = contract.fit(lasting(), 60)
    found = scored(fitted, snapshot(date(2023, 12, 1)), months, rate=rate).row(0, named=True)
    present = sum((1 + rate) ** (-month / 12) for month in range(months))
    assert found["n_present"] == pytest.approx(present, rel=1e-3)
    assert found["n_retained"] == pytest.approx(present, rel=1e-3)


def test_half_leaves_at_every_renewal():
    """Who stands on the eve of a renewal leaves with one half; 31 ticks later with 3 quarters."""
    fitted = contract.fit(halving(n=2**16), 60)
    eve, after = date(2023, 11, 1), date(2023, 10, 31)
    found = scored(fitted, snapshot(eve, after), days=(1, 32))
    assert found["p_churn_1d"].to_list() == pytest.approx([0.5, 0.0], abs=0.01)
    assert found["p_churn_32d"].to_list() == pytest.approx([0.75, 0.5], abs=0.01)


def test_a_horizon_of_nothing_is_worth_nothing():
    fitted = contract.fit(halving(), 60)
    found = scored(fitted, snapshot(date(2023, 11, 1)), months=0).row(0, named=True)
    assert (found["duration_months"], found["n_expected"], found["n_present"]) == (0, 0, 0)


def test_whoever_has_left_has_no_future():
    fitted = contract.fit(halving(), 60)
    found = scored(fitted, snapshot(date(2023, 11, 1), None))
    assert found["p_churn_30d"].is_null().to_list() == [False, True]
    assert found["duration_months"].is_null().to_list() == [False, True]


def test_rows_keep_their_order_and_a_null_group_its_curve():
    fitted = contract.fit(pl.concat([halving(None), lasting("b")]), 60)
    people = pl.concat([snapshot(AS_OF - timedelta(days=40), group=g) for g in ("b", None, "b")])
    found = scored(fitted, people)
    assert found["group"].to_list() == ["b", None, "b"]
    assert found["p_churn_365d"].to_list() == pytest.approx([0, 1, 0], abs=0.05)


def test_an_interval_lies_around_the_expectation():
    fitted = contract.fit(halving(n=64), 60)
    found = scored(fitted, snapshot(date(2023, 11, 1)))
    assert 0 < found["share_low"][0] <= 1 <= found["share_high"][0]
    worth = found.with_columns(ltv_amount=pl.lit(10**6))
    low, high = contract.total_interval(worth, fitted, Horizons(AS_OF, (30,), 36))
    assert 0 < low < 1 < high
    nothing = found.with_columns(ltv_amount=pl.lit(0))
    assert contract.total_interval(nothing, fitted, Horizons(AS_OF, (30,), 36)) == (1.0, 1.0)


@pytest.mark.parametrize(("term", "months", "n"), [(1, 12, 12), (12, 12, 1), (12, 36, 3)])
def test_a_new_customer_pays_on_the_first_day(term, months, n):
    fitted = contract.fit(lasting(term=term, months=60), 60)
    stays, payments = contract.new_customer(fitted.curves[0], Horizons(AS_OF, (30,), months))
    assert (stays, payments) == pytest.approx((months, n), rel=1e-2)
