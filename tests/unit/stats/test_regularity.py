import numpy as np
import pytest

from csk.errors import ModelError
from csk.stats.regularity import regularity


def pairs(k, n, seed=0):
    """Simulate two gaps in a row of n customers who differ in pace."""
    rng = np.random.default_rng(seed)
    pace = rng.gamma(1.0, 20.0, n) / k + 1.0
    return rng.gamma(k, pace), rng.gamma(k, pace)


@pytest.mark.parametrize("k", [0.5, 1.0, 2.0, 3.0, 6.0])
def test_the_k_that_was_simulated_is_within_the_interval(k):
    found = regularity(*pairs(k, 5_000))
    assert found.low < k < found.high
    assert found.k == pytest.approx(k, rel=0.1)
    assert found.n == 5_000
    assert (found.is_regular, found.is_bursty) == (k > 1, k < 1)


def test_the_interval_covers_nineteen_times_in_twenty():
    inside = [f.low <= 2 <= f.high for f in (regularity(*pairs(2, 400, s)) for s in range(500))]
    assert 0.95 - 0.0252 < np.mean(inside) < 0.95 + 0.0252  # 99 % binomial band of 500


def test_random_purchases_are_called_so_nineteen_times_in_twenty():
    z = np.array([regularity(*pairs(1, 400, seed)).z for seed in range(500)])
    assert 0.95 - 0.0252 < np.mean(np.abs(z) < 1.96) < 0.95 + 0.0252


def rounded(k, n, mean, seed):
    """Simulate two gaps in whole days, purchases of one day being one."""
    rng = np.random.default_rng(seed)
    days = np.floor(np.cumsum(rng.gamma(k, mean / k, (n, 60)), axis=1) + rng.random((n, 1)))
    ends = np.zeros((n, 3))
    ends[:, 0] = days[:, 0]
    for at in (1, 2):
        later = np.where(days > ends[:, [at - 1]], days, np.inf)
        ends[:, at] = later.min(axis=1)
    gaps = np.diff(ends, axis=1)[np.isfinite(ends).all(axis=1)]
    return gaps.T


@pytest.mark.parametrize("mean", [4.0, 10.0, 40.0])
def test_whole_days_do_not_make_random_purchases_regular(mean):
    gaps = rounded(1, 20_000, mean, seed=1)
    found = regularity(*gaps, step=1.0)
    assert found.low < 1 < found.high
    assert found.n + found.n_excluded == gaps.shape[1]


@pytest.mark.parametrize("k", [2, 3, 6])
def test_whole_days_hide_no_habit(k):
    assert regularity(*rounded(k, 20_000, 10.0, seed=2), step=1.0).k == pytest.approx(k, rel=0.06)


def test_pairs_of_whole_days_vary_as_counted_by_hand():
    wide = regularity(np.tile([1.0, 3.0, 2.0], 20), np.tile([3.0, 1.0, 2.0], 20), step=1.0)
    # i^(k-1) (4-i)^(k-1): 2 * 3^(k-1) / 16 = (2 * 3^(k-1) + 4^(k-1)) * (2/3) / 16 only at k = 1.
    assert wide.k == pytest.approx(1.0, abs=1e-6)


def test_taken_as_they_stand_whole_days_would_mislead():
    assert regularity(*rounded(1, 20_000, 4.0, seed=1)).low > 1.05


def test_weights_equal_repeated_rows_and_order_does_not_matter():
    one, two = np.round(pairs(2, 300), 0) + 1
    weight = np.arange(300) % 4
    weighted = regularity(one, two, weight)
    rows = [np.repeat(gaps, weight)[::-1] for gaps in (one, two)]
    repeated = regularity(*rows)
    assert [*vars(weighted).values()] == pytest.approx([*vars(repeated).values()], rel=1e-12)
    assert vars(regularity(one[::-1], two[::-1], weight[::-1])) == vars(weighted)


def test_gaps_that_never_vary_but_by_place_are_bursts():
    found = regularity(np.tile([1.0, 99.0], 20), np.tile([99.0, 1.0], 20))
    assert (found.z, found.is_bursty) == (-np.inf, True)


def test_equal_gaps_are_as_regular_as_can_be():
    found = regularity(np.full(40, 30.0), np.full(40, 30.0))
    assert (found.k, found.low, found.high) == (np.inf, np.inf, np.inf)
    assert (found.is_regular, found.z) == (True, np.inf)


def test_pairs_too_short_for_their_rounding_are_counted():
    found = regularity(np.full(50, 1.0), np.tile([1.0, 30.0], 25), weight=np.full(50, 2), step=1.0)
    assert (found.n, found.n_excluded) == (50, 50)


REFUSED = [
    ([1.0] * 29, [2.0] * 29, "Of 29 customers with two gaps between purchases 29"),
    ([0.0] * 40, [0.0] * 40, "Of 40 customers with two gaps between purchases 0"),
    ([-1.0] * 40, [2.0] * 40, "negative or unknown"),
    ([np.nan] * 40, [2.0] * 40, "negative or unknown"),
]


@pytest.mark.parametrize(("first", "second", "says"), REFUSED)
def test_gaps_that_carry_nothing_are_refused(first, second, says):
    with pytest.raises(ModelError, match=says):
        regularity(first, second)
