"""The 95 % intervals of the estimators hold the truth about as often as they say.

As tests/bench/coverage.py simulates it, with fewer companies, always the same; its kept results
are in docs/accuracy.md. What is left out here takes too long to fit.
"""

import importlib.util
import sys
from math import comb
from pathlib import Path

import numpy as np
import pytest

PATH = Path(__file__).parents[1] / "bench" / "coverage.py"


@pytest.fixture(scope="module")
def coverage():
    spec = importlib.util.spec_from_file_location("interval_coverage", PATH)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def is_sound(coverage, row):
    """Tell whether as many hold the truth as of 999 in 1,000 sound 95 % intervals."""
    low, high = coverage.band(row.n, 0.999)
    return low <= row.n_covered <= high


@pytest.mark.parametrize(
    ("subject", "companies"),
    [
        ("NBD", 120),
        ("BG/NBD", 25),
        ("Gamma-Gamma", 40),
        ("geometric", 100),
        ("sBG", 50),
        ("survival", 200),
        ("Cox", 100),
        ("Wilson", 500),
    ],
)
def test_intervals_hold_the_truth_as_often_as_they_say(coverage, subject, companies):
    rows = coverage.rows(subject, companies, seed=2)
    assert rows
    for row in rows:
        assert row.n_untold <= companies // 50, row
        assert is_sound(coverage, row), row


# Three quarters as wide, an interval of 95 % holds 86 %: what a forgotten factor would do.
def test_narrower_intervals_would_be_noticed(coverage):
    rng = np.random.default_rng(1)
    errors = rng.standard_normal(1000)
    sound, narrow = (np.abs(errors) < coverage.Z * width for width in (1.0, 0.75))
    low, high = coverage.band(1000, 0.999)
    assert low <= sound.sum() <= high
    assert narrow.sum() < low


def test_the_band_is_that_of_the_binomial_law(coverage):
    # Of 1,000 at 95 %, sums of the exact law: P(below 931) and P(above 967) are under 1/200 each.
    low, high = coverage.band(1000)
    law = [comb(1000, k) * 19**k / 20**1000 for k in range(1001)]
    assert sum(law[:low]) <= 0.005 < sum(law[: low + 1])
    assert sum(law[high + 1 :]) <= 0.005 < sum(law[high:])
