import numpy as np
import pytest

from csk.stats import survival
from csk.stats.clusters import widened


def curve(ages=(5, 9, 20, 20, 31, 40), left=(1, 0, 1, 1, 0, 1)):
    entry = np.zeros(len(ages), np.int64)
    return survival.kaplan_meier(survival.counts(entry, ages, left, n_causes=1))


def test_an_effect_of_one_changes_no_bound():
    before, after = curve(), widened(curve(), 1.0)
    inside = (before.survival > 0) & (before.survival < 1)
    assert inside.sum() >= 3
    for name in ("low", "high"):
        assert getattr(after, name)[inside] == pytest.approx(getattr(before, name)[inside])


def test_a_larger_effect_widens_and_moves_no_estimate():
    before, after = curve(), widened(curve(), 3.0)
    inside = (before.survival > 0) & (before.survival < 1)
    assert (after.low[inside] < before.low[inside]).all()
    assert (after.high[inside] > before.high[inside]).all()
    assert (after.survival == before.survival).all()


def test_bounds_hold_when_every_customer_is_counted_four_times():
    # 80 customers leave with 1 % a day; each has given four answers on day 0.
    rng = np.random.default_rng(1)
    truth, held, naive, runs = 0.99**60, 0, 0, 300
    for _ in range(runs):
        lasted = rng.geometric(0.01, 80)
        ages, left = np.minimum(lasted, 100), (lasted <= 100).astype(np.int64)
        often = survival.counts(
            np.zeros(320, np.int64), np.repeat(ages, 4), np.repeat(left, 4), n_causes=1
        )
        plain = survival.kaplan_meier(often)
        at = int(np.searchsorted(plain.age, 60, side="right")) - 1
        wide = widened(plain, 4.0)
        held += wide.low[at] <= truth <= wide.high[at]
        naive += plain.low[at] <= truth <= plain.high[at]
    assert 0.91 < held / runs < 0.99
    assert naive / runs < 0.8
