import numpy as np
import pytest

from csk.errors import ModelError
from csk.stats.censored import censoring, watched_until
from csk.stats.concordance import harrell_c, uno_c


def by_pairs(score, time, event, horizon=np.inf, *, is_uno):
    """C by its definition, pair by pair."""
    curve, above, known = censoring(time, event), 0.0, 0.0
    for i in np.flatnonzero(event & (time <= horizon)):
        later = (time > time[i]) | ((time == time[i]) & ~event)
        factor = 1 / float(watched_until(curve, time[i])) ** 2 if is_uno else 1.0
        known += factor * later.sum()
        above += factor * ((score[i] > score) + 0.5 * (score[i] == score))[later].sum()
    return above / known


@pytest.mark.parametrize("seed", range(6))
def test_c_is_that_of_its_pairs(seed):
    rng = np.random.default_rng(seed)
    score, time = rng.integers(0, 12, 120), rng.integers(1, 15, 120)
    event = rng.random(120) < 0.5
    assert harrell_c(score, time, event) == pytest.approx(
        by_pairs(score, time, event, is_uno=False), abs=1e-12
    )
    for horizon in (5, 9, np.inf):
        assert uno_c(score, time, event, horizon) == pytest.approx(
            by_pairs(score, time, event, horizon, is_uno=True), abs=1e-12
        )


@pytest.mark.parametrize(
    ("score", "time", "event", "expected"),
    [
        ([3, 2, 1], [1, 2, 3], [1, 1, 1], 1),
        ([1, 2, 3], [1, 2, 3], [1, 1, 1], 0),
        ([5, 5, 5], [1, 2, 3], [1, 1, 0], 0.5),
        # Of one time: an end and an end of watching are a pair, two ends are none.
        ([2, 1], [4, 4], [1, 0], 1),
        ([2, 3, 1], [4, 4, 5], [1, 1, 0], 1),
        ([2, 1, 9], [1, 2, 1], [1, 0, 1], 0.5 + 0.5),
    ],
)
def test_c_of_few_customers(score, time, event, expected):
    assert harrell_c(score, time, event) == expected
    assert uno_c(score, time, event) == expected


def test_unos_c_does_not_depend_on_how_long_was_watched():
    rng, found = np.random.default_rng(8), []
    for most in (40, 400):
        score = rng.normal(size=60_000)
        gone, lost = rng.exponential(60 * np.exp(-score)), rng.uniform(0, most, 60_000)
        rows = (score, np.minimum(gone, lost), gone <= lost)
        found.append((uno_c(*rows, 30), harrell_c(*rows)))
    (short, short_harrell), (long, long_harrell) = found
    assert short == pytest.approx(long, abs=0.012)
    assert abs(short_harrell - long_harrell) > 0.012


@pytest.mark.parametrize(("time", "event"), [([1, 2], [0, 0]), ([2, 2], [1, 1]), ([3, 1], [1, 0])])
def test_without_a_pair_there_is_no_c(time, event):
    with pytest.raises(ModelError, match="no pair"):
        harrell_c([1, 2], time, event)


def test_late_entry_and_ends_that_nobody_could_see_are_refused():
    with pytest.raises(ModelError, match="late"):
        harrell_c([1, 2], [1, 2], [1, 1], entry=[0, 1])
    with pytest.raises(ModelError, match="late"):
        uno_c([1, 2], [1, 2], [1, 1], entry=[0, 1])
    with pytest.raises(ModelError, match="later than anybody was watched"):
        uno_c([1, 2], [5, 6], [1, 1], by=censoring([1, 2], [0, 0]))
