import numpy as np
import pytest

from csk.stats.falls import Falls, dense, dispersions, falls, p_values, ratios

DAYS = 364
WEEK = np.array([1.3, 1.3, 1.3, 1.2, 1.1, 0.4, 0.4])
WORTH = np.resize(WEEK, DAYS)


def steady(kind, rng, n, mean, days=DAYS):
    worth = WORTH[-days:]
    if kind == "poisson":
        return rng.poisson(mean * worth, (n, days))
    if kind == "days of their own":
        return rng.poisson(mean * worth * rng.gamma(0.5, 2, (n, days)))
    if kind == "weeks of their own":
        weeks = np.repeat(rng.gamma(2, 0.5, (n, days // 7 + 2)), 7, axis=1)
        return rng.poisson(mean * worth * weeks[:, 3 : 3 + days])
    # Half a month's usage written on one of its days.
    counts = np.zeros((n, days))
    for begin in range(0, days, 15):
        length = min(15, days - begin)
        counts[np.arange(n), begin + rng.integers(0, length, n)] += rng.poisson(mean * length, n)
    return counts


def judged(counts, first=0, worth=None):
    worth = WORTH[-counts.shape[1] :] if worth is None else worth
    of = falls(counts.astype(float), worth, np.full(len(counts), first))
    phi = dispersions(of)
    return of, phi, p_values(of, phi)


@pytest.mark.parametrize("days", [364, 182, 84])
@pytest.mark.parametrize("mean", [0.3, 5.0])
@pytest.mark.parametrize(
    "kind", ["poisson", "days of their own", "weeks of their own", "half months"]
)
def test_steady_customers_are_seldom_called_falling(kind, mean, days):
    rng = np.random.default_rng(5)
    n = 800
    share = (judged(steady(kind, rng, n, mean, days))[2] < 0.05).mean()
    # 5 % and two standard errors; the shortest logs show too few weeks to tell weeks that hang
    # together, which the report says.
    least = 0.08 if days == 84 and kind == "weeks of their own" else 0.05
    assert share <= least + 2 * np.sqrt(0.05 * 0.95 / n)


@pytest.mark.parametrize(
    ("mean", "left", "since", "within", "found"),
    [
        (10.0, 0.5, 60, 4, 0.99),
        (2.0, 0.2, 21, 5, 0.98),
        (2.0, 0.5, 120, 14, 0.98),
        (0.5, 0.2, 60, 18, 0.95),
    ],
)
def test_a_fall_is_found_within_days(mean, left, since, within, found):
    rng = np.random.default_rng(7)
    day = DAYS - since
    level = np.where(np.arange(DAYS) >= day, mean * left, mean)
    of, phi, p = judged(rng.poisson(level * WORTH, (600, DAYS)))
    hit = p < 0.05
    assert hit.mean() >= found
    assert np.quantile(np.abs(of.day[hit] - day), 0.9) <= within
    low, high = ratios((of.after, of.after_days), (of.before, of.before_days), phi)
    assert ((low <= left) & (left <= high))[hit].mean() > 0.92


def test_a_rise_is_no_fall():
    rng = np.random.default_rng(3)
    level = np.where(np.arange(DAYS) >= 200, 6.0, 2.0)
    assert (judged(rng.poisson(level * WORTH, (300, DAYS)))[2] < 0.05).mean() < 0.02


def test_a_weekend_is_no_fall():
    # Nothing is done on weekends; with days alike, every weekend's eve would be a fall.
    worth = np.resize([1.4, 1.4, 1.4, 1.4, 1.4, 0.0, 0.0], 84)
    counts = np.where(worth > 0, 5.0, 0.0)[None, :]
    assert falls(counts, np.maximum(worth, 0.01), np.array([0])).deviance[0] < 0.5
    assert falls(counts, np.ones(84), np.array([0])).deviance[0] > 0.5


@pytest.mark.parametrize(
    ("first", "day"),
    [
        # 28 days before and 14 after are the least.
        (DAYS - 42, DAYS - 14),
        (DAYS - 41, -1),
        (DAYS, -1),
    ],
)
def test_levels_last_their_least(first, day):
    counts = np.zeros((1, DAYS))
    counts[0, : DAYS - 14] = 5
    assert falls(counts, np.ones(DAYS), np.array([first])).day.tolist() == [day]


def test_nothing_used_is_no_fall():
    of, phi, p = judged(np.zeros((2, DAYS)))
    assert of.day.tolist() == [-1, -1]
    assert p.tolist() == [1.0, 1.0]
    assert phi.tolist() == [1.0, 1.0]


def test_the_deviance_is_that_of_two_levels():
    # 56 days of 3, then 28 days of 1: log-likelihoods reckoned by hand.
    counts = np.r_[np.full(56, 3.0), np.full(28, 1.0)][None, :]
    of = falls(counts, np.ones(84), np.array([0]))
    mean = (168 + 28) / 84
    expected = 2 * (168 * np.log(3 / mean) + 28 * np.log(1 / mean))
    assert of.day[0] == 56
    assert of.deviance[0] == pytest.approx(expected)
    assert (of.before[0], of.after[0]) == (168, 28)
    assert (of.before_days[0], of.after_days[0]) == (56, 28)


def test_a_row_does_not_depend_on_the_others():
    rng = np.random.default_rng(1)
    counts = rng.poisson(2.0, (5000, 84)).astype(float)
    whole = falls(counts, WORTH[:84], np.zeros(5000))
    part = falls(counts[2040:2060], WORTH[:84], np.zeros(20))
    for name in Falls._fields:
        assert np.array_equal(getattr(whole, name)[2040:2060], getattr(part, name))


def test_no_rows_have_no_falls():
    assert all(len(values) == 0 for values in falls(np.zeros((0, 84)), np.ones(84), np.zeros(0)))


def test_days_of_one_place_are_added():
    found = dense([0, 1, 1], [2, 0, 0], [5, 1, 2], (2, 3))
    assert found.tolist() == [[0, 0, 5], [3, 0, 0]]


def test_a_ratio_has_two_ends_where_nothing_is_left():
    low, high = ratios(([0.0], [28.0]), ([280.0], [280.0]), [1.0])
    assert low[0] == 0
    # Of a Poisson level of 28, none: Wilson's upper end, as counts of the whole.
    share = 3.841459 / (280 + 3.841459)
    assert high[0] == pytest.approx(share / (1 - share) * 10, rel=1e-6)
    assert np.isnan(ratios(([1.0], [28.0]), ([0.0], [28.0]), [1.0]).low[0])
