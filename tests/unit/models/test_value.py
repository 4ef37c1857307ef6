import polars as pl
import pytest

from csk.models.value import UNIT, factors, valued

LEFT = {
    "customer_id": "gone",
    "is_alive": False,
    "n_expected": None,
    "n_present": None,
    "n_retained": None,
    "duration_months": None,
    "share_low": None,
    "share_high": None,
    "realised_amount": 70_000,
    "p_churn_90d": None,
}
STAYS = {
    "customer_id": "here",
    "is_alive": True,
    "n_expected": 12.0,
    "n_present": 11.0,
    "n_retained": 15.0,
    "duration_months": 24.0,
    "share_low": 0.5,
    "share_high": 1.5,
    "realised_amount": 30_000,
    "p_churn_90d": 0.2,
}
SCHEMA = dict.fromkeys(STAYS, pl.Float64) | {
    "customer_id": pl.String,
    "is_alive": pl.Boolean,
    "realised_amount": pl.Int64,
}


def value(*rows, price=100_000.0, margin=0.8):
    scored = pl.DataFrame(rows, schema=SCHEMA)
    return valued(scored, pl.lit(price), pl.lit(margin), "p_churn_90d")


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, {"ltv_amount": 880_000, "ltv_if_retained": 1_200_000, "value_at_risk": 240_000}),
        ({}, {"ltv_low": 440_000, "ltv_high": 1_320_000, "total_ltv_amount": 904_000}),
        (
            {},
            {"unit_price_amount": 10.0, "margin_share": 0.8, "frequency": 0.5,
             "duration_months": 24.0, "discount_factor": 11 / 12},
        ),
        ({"share_low": None, "share_high": float("nan")}, {"ltv_low": None, "ltv_high": None}),
        # A payer by the year of whom no payment falls into the horizon.
        (
            {"n_expected": 0.0, "n_present": 0.0},
            {"ltv_amount": 0, "frequency": 0.0, "discount_factor": 1.0},
        ),
        # Nobody stays: nothing to come, and nothing to divide by.
        (
            {"duration_months": 0.0},
            {"ltv_amount": 0, "unit_price_amount": None, "margin_share": None, "frequency": None,
             "discount_factor": None, "value_at_risk": 0},
        ),
    ],
)  # fmt: skip
def test_whoever_stays_is_worth_what_is_expected(more, expected):
    found = value({**STAYS, **more}).row(0, named=True)
    assert {name: found[name] for name in expected} == pytest.approx(expected)


def test_whoever_has_left_is_worth_what_was_paid():
    found = value(LEFT).row(0, named=True)
    assert (found["ltv_amount"], found["ltv_if_retained"], found["value_at_risk"]) == (0, 0, 0)
    assert found["total_ltv_amount"] == 56_000
    assert found["unit_price_amount"] is None


@pytest.mark.parametrize(("n_present", "ltv"), [(0.5, 0), (1.5, 2), (2.5, 2), (2.6, 3)])
def test_money_is_rounded_half_even(n_present, ltv):
    found = value({**STAYS, "n_present": n_present}, price=1.0, margin=1.0)
    assert found["ltv_amount"].to_list() == [ltv]


def test_factors_of_a_group_are_ratios_of_its_sums():
    rows = value(
        {**STAYS, "customer_id": "a"},
        {**STAYS, "customer_id": "b", "n_expected": 4.0, "n_present": 4.0, "duration_months": 8.0},
        LEFT,
    )
    found = factors(rows)
    assert found.n == 2
    assert found.ltv_amount == 1_200_000
    assert found.mean_ltv == 600_000
    assert found.duration_months == 16.0
    assert found.frequency == 0.5
    assert found.discount_factor == pytest.approx(15 / 16)
    assert (found.unit_price_amount, found.margin_share) == pytest.approx((10.0, 0.8))


@pytest.mark.parametrize("rows", [(), (LEFT,), ({**STAYS, "duration_months": 0.0},)])
def test_nobody_has_no_factors(rows):
    found = factors(value(*rows))
    assert found.n == found.ltv_amount == found.mean_ltv == 0
    names = ("unit_price_amount", "margin_share", "frequency", "duration_months", "discount_factor")
    assert [getattr(found, name) for name in names] == [None] * 5


def test_a_group_that_pays_nothing_has_no_price():
    found = factors(value({**STAYS, "n_expected": 0.0, "n_present": 0.0}))
    assert (found.n, found.ltv_amount, found.frequency) == (1, 0, 0.0)
    assert found.unit_price_amount is found.discount_factor is None
    assert UNIT == 10_000
