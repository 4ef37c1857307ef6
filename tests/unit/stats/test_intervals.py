import numpy as np
import pytest

from csk.stats.intervals import wilson

CASES = [
    # successes, n, low, high: Newcombe (1998), Statistics in Medicine 17, table I, method 3
    (81, 263, 0.2553, 0.3662),
    (15, 148, 0.0624, 0.1605),
    (0, 20, 0.0000, 0.1611),
    (1, 29, 0.0061, 0.1718),
]


@pytest.mark.parametrize(("successes", "n", "low", "high"), CASES)
def test_wilson_equals_the_published_interval(successes, n, low, high):
    found = wilson(successes, n)
    assert (round(float(found.low), 4), round(float(found.high), 4)) == (low, high)


def test_nothing_observed_says_nothing():
    assert tuple(map(float, wilson(0, 0))) == (0.0, 1.0)


def test_all_or_none_touch_the_ends_exactly():
    found = wilson([0, 7], [7, 7])
    assert found.low[0] == 0.0
    assert found.high[1] == 1.0
    assert found.high[0] == pytest.approx(1 - found.low[1], abs=1e-15)


def test_wilson_works_on_arrays_and_broadcasts():
    assert wilson(np.array([[1], [2]]), np.array([4, 5, 6])).low.shape == (2, 3)


def test_a_higher_level_is_wider():
    narrow, wide = wilson(3, 10, level=0.8), wilson(3, 10, level=0.99)
    assert wide.low < narrow.low < 0.3 < narrow.high < wide.high


@pytest.mark.parametrize("successes", [-1, 11])
def test_more_successes_than_trials_is_a_bug_of_the_caller(successes):
    with pytest.raises(ValueError, match="between 0 and n"):
        wilson(successes, 10)
