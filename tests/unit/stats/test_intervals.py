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


def test_no_failure_reaches_one_to_the_last_bit():
    n = np.arange(1, 3000)
    assert set(wilson(n, n).high.tolist()) == {1.0}
    assert set(wilson(0, n).low.tolist()) == {0.0}


def test_wilson_works_on_arrays_and_broadcasts():
    assert wilson(np.array([[1], [2]]), np.array([4, 5, 6])).low.shape == (2, 3)


def test_rows_with_and_without_trials_stand_side_by_side():
    found = wilson([0, 0, 1, 1], [0, 1, 1, 2])
    assert found.low[[0, 1]].tolist() == [0.0, 0.0]
    assert found.high[[0, 2]].tolist() == [1.0, 1.0]
    # One of one: z^2 / (1 + z^2) is what its mirror leaves.
    assert found.low[2] == pytest.approx(1 - 1.959964**2 / (1 + 1.959964**2), abs=1e-6)
    assert found.low[3] == pytest.approx(1 - found.high[3], abs=1e-15)


def test_an_interval_of_integers_is_of_doubles():
    low, high = wilson(np.array([1], np.int8), np.array([100], np.int8))
    assert low.dtype == high.dtype == np.float64
    assert (round(low[0], 4), round(high[0], 4)) == (0.0018, 0.0545)


def test_fewer_trials_than_one_are_a_weight():
    low, high = wilson(0.25, 0.5)
    assert (low + high) / 2 == pytest.approx(0.5)
    assert high - low == pytest.approx((1.959964**2 / (0.5 + 1.959964**2)) ** 0.5, abs=1e-6)


def test_a_higher_level_is_wider():
    narrow, wide = wilson(3, 10, level=0.8), wilson(3, 10, level=0.99)
    assert wide.low < narrow.low < 0.3 < narrow.high < wide.high


@pytest.mark.parametrize("successes", [-1, 11])
def test_more_successes_than_trials_is_a_bug_of_the_caller(successes):
    with pytest.raises(ValueError, match=r"^successes must lie between 0 and n$"):
        wilson([5, successes], 10)
