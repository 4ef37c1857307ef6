"""Leaks that single columns of a cross-section have, each named."""

import numpy as np
import polars as pl
import pytest

from csk.models.risk.snapshot_checks import findings, is_other_words, single_auc
from csk.models.risk.traits import traits

N = 600
RNG = np.random.default_rng(5)
LEFT = np.arange(N) % 4 == 0
NOISE, OTHER = RNG.normal(size=(2, N))
TENURE = RNG.integers(1, 60, N).astype(float)
MONTHLY = RNG.integers(20, 90, N).astype(float)


def found(**given):
    return findings(traits(pl.DataFrame(given))[0], LEFT)


def checks(**given):
    return {(one.check, one.column, one.is_fatal) for one in found(**given)}


@pytest.mark.parametrize(
    ("values", "check", "is_fatal"),
    [
        (LEFT + 0.1 * NOISE, "single_column", True),
        (-(LEFT + 0.1 * NOISE), "single_column", True),
        (np.where(LEFT, "moved", "none"), "single_column", True),
        (np.where(LEFT, NOISE, np.nan), "missing_tells", True),
        (np.where(LEFT | (NOISE > 0.3), NOISE, np.nan), "missing_tells", True),
        (np.where(LEFT | (NOISE > -0.3), NOISE, np.nan), "missing_tells", False),
    ],
    ids=["number", "number down", "text", "only who left", "mostly who left", "a hint"],
)
def test_a_leak_is_found_with_the_name_of_its_column(values, check, is_fatal):
    assert (check, "leak", is_fatal) in checks(leak=values, other=OTHER)
    assert not [one for one in found(leak=values, other=OTHER) if one.column == "other"]


@pytest.mark.parametrize(
    "values",
    [
        NOISE,
        np.where(LEFT, "a", "a"),
        np.where(RNG.random(N) < 0.9, "often", "seldom"),
        np.array([f"t{i % 40}" for i in RNG.permutation(N)]),
        np.where(RNG.random(N) < 0.5, NOISE, np.nan),
    ],
    ids=["noise", "constant", "one text", "many texts", "gaps"],
)
def test_noise_is_no_leak(values):
    assert not found(x=values, y=OTHER)


@pytest.mark.parametrize(
    ("name", "is_so"),
    [
        ("Churn Reason", True),
        ("ChurnScore", True),
        ("churn_value", True),
        ("CLTV", True),
        ("Customer Status", True),
        ("cancellation_date_text", True),
        ("left", True),
        ("HasLeft", True),
        ("解約理由", True),
        ("tenure_months", False),
        ("leftover_credit", False),
        ("TechSupport", False),
        ("existing_contract", False),
        ("exit_survey", True),
    ],
)
def test_a_name_tells_whether_a_column_is_the_outcome_in_other_words(name, is_so):
    assert is_other_words(name) == is_so


def test_a_total_that_is_tenure_times_price_is_named_and_kept():
    total = TENURE * MONTHLY * (1 + 0.01 * NOISE)
    said = checks(tenure_months=TENURE, monthly_amount=MONTHLY * 10_000, spend=total)
    assert said == {("encodes_tenure", "spend", False)}


def test_a_column_in_another_unit_is_named():
    assert checks(minutes=NOISE, charge=0.17 * NOISE + 2) == {("collinear", "charge", False)}


def test_a_constant_tells_nothing():
    assert single_auc(np.ones(N), LEFT) == 0.5
    assert single_auc(NOISE, np.zeros(N, bool)) == 0.5
