from math import isnan

import numpy as np
import pytest

from csk.stats.stratified import UNKNOWN, holm, risk_ratio

# Deaths on tolbutamide and on placebo under and over 55 (University Group Diabetes Program 1970),
# with the ratio that Rothman (2002, Epidemiology: An Introduction, p. 151) makes of them.
TOLBUTAMIDE = ([8, 22], [106, 98])
PLACEBO = ([5, 16], [120, 85])


def test_the_published_ratio_is_met():
    found = risk_ratio(*TOLBUTAMIDE, *PLACEBO)
    assert round(found.value, 2) == 1.33
    # The same by hand: sums of events x others / all.
    up = 8 * 120 / 226 + 22 * 85 / 183
    down = 5 * 106 / 226 + 16 * 98 / 183
    assert found.value == pytest.approx(up / down)
    assert found.n_compared == 226 + 183


def test_one_stratum_is_the_plain_ratio_with_its_interval():
    found = risk_ratio([30], [100], [10], [100])
    error = np.sqrt(1 / 30 - 1 / 100 + 1 / 10 - 1 / 100)
    assert found.value == pytest.approx(3.0)
    assert found.low == pytest.approx(3 * np.exp(-1.959964 * error), rel=1e-5)
    assert found.high == pytest.approx(3 * np.exp(1.959964 * error), rel=1e-5)


def test_a_stratum_with_one_side_says_nothing():
    alone = risk_ratio([8, 22, 7], [106, 98, 50], [5, 16, 0], [120, 85, 0])
    assert alone == risk_ratio(*TOLBUTAMIDE, *PLACEBO)


@pytest.mark.parametrize(
    "counts",
    [([], [], [], []), ([3], [10], [0], [10]), ([0], [10], [3], [10]), ([3], [10], [0], [0])],
)
def test_nothing_to_compare_is_unknown(counts):
    assert risk_ratio(*counts) == UNKNOWN or all(isnan(v) for v in risk_ratio(*counts)[:4])


def test_what_strata_explain_is_no_ratio():
    # Who uses the feature is three times as often in the plan that leaves at a third of the rate.
    found = risk_ratio([30, 30], [300, 900], [90, 10], [900, 300])
    assert found.value == pytest.approx(1.0)
    crude = (60 / 1200) / (100 / 1200)
    assert crude == pytest.approx(0.6)


def test_intervals_hold_the_truth():
    rng = np.random.default_rng(11)
    n1, n0 = rng.integers(5, 60, 40), rng.integers(5, 60, 40)
    base = rng.uniform(0.02, 0.15, 40)
    held, low_p = 0, 0
    for _ in range(400):
        of = risk_ratio(rng.binomial(n1, 2 * base), n1, rng.binomial(n0, base), n0)
        held += of.low <= 2 <= of.high
        null = risk_ratio(rng.binomial(n1, base), n1, rng.binomial(n0, base), n0)
        low_p += null.p_value < 0.05
    assert 0.92 <= held / 400 <= 0.98
    assert low_p / 400 <= 0.08


@pytest.mark.parametrize(
    ("p", "expected"),
    [
        ([], []),
        ([0.01, 0.04, 0.03], [0.03, 0.06, 0.06]),
        ([0.5, 0.9], [1.0, 1.0]),
        ([0.02, float("nan")], [0.02, float("nan")]),
    ],
)
def test_what_is_looked_at_often_counts_less(p, expected):
    assert holm(p).tolist() == pytest.approx(expected, nan_ok=True)
