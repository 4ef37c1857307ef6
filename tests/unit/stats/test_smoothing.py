import numpy as np
import pytest

from csk.errors import ModelError
from csk.stats.lifetable import LifeTable
from csk.stats.residual import survival_grid
from csk.stats.smoothing import HIGHEST_STRENGTH, draws, posterior
from csk.stats.tails import hazards

LINE = np.linspace(0.0, 1.0, 32)


def table(exposed, left):
    return LifeTable(np.asarray(exposed, float), np.asarray(left, np.int64)[:, None], LINE)


def sbg_table(customers=20_000, periods=24, seed=5):
    rng = np.random.default_rng(seed)
    n, exposed, left = customers, [], []
    for t in range(periods):
        d = rng.binomial(n, 0.8 / (0.8 + 12 + t))
        exposed.append(n)
        left.append(d)
        n -= d
    return table(exposed, left)


def test_one_family_that_fits_is_believed():
    flat = table([1000.0] * 20, [50] * 20)
    got = posterior(flat, 40)
    assert got.best.family == "geometric"
    assert got.strength == pytest.approx(HIGHEST_STRENGTH)
    assert got.mean == pytest.approx(np.full(40, 0.05), rel=0.02)


def test_what_no_family_fits_is_left_to_the_data():
    left = [10, 300, 10, 300, 10, 300, 10, 300, 10, 300, 10, 300]
    got = posterior(table([1000.0] * 12, left), 24)
    assert got.strength < 100
    assert got.mean[:12] == pytest.approx(np.array(left) / 1000, rel=0.6)
    assert abs(got.mean[1] - 0.3) < abs(hazards(got.best, 2)[1] - 0.3) / 4


def test_the_tail_is_the_families_by_weight():
    got = posterior(sbg_table(), 120)
    tail = sum(one.weight * hazards(one, 120)[24:] for one in got.candidates)
    assert got.mean[24:] == pytest.approx(tail)
    assert got.best is got.candidates[0]
    assert got.strength == got.strengths[0]


def test_hazards_cover_at_least_what_was_observed():
    assert len(posterior(sbg_table(), 3).mean) == 24


def test_the_curve_finds_the_truth_far_past_the_data():
    got = posterior(sbg_table(), 60)
    t = np.arange(60)
    truth = np.cumprod(1.0 - 0.8 / (0.8 + 12 + t))
    assert np.cumprod(1.0 - got.mean)[59] == pytest.approx(truth[59], rel=0.05)


def test_draws_cover_the_truth_and_widen_with_the_horizon():
    got = posterior(sbg_table(), 60)
    survival = np.cumprod(1.0 - draws(got, 400, seed=1), axis=1)
    truth = np.cumprod(1.0 - 0.8 / (0.8 + 12 + np.arange(60)))
    low, high = np.quantile(survival, [0.025, 0.975], axis=0)
    assert ((low <= truth) & (truth <= high)).mean() > 0.9
    assert (high / low)[59] > (high / low)[23] > (high / low)[5]
    assert survival.mean(axis=0)[11] == pytest.approx(np.cumprod(1.0 - got.mean)[11], rel=0.01)


def test_draws_depend_on_the_seed_alone():
    got = posterior(sbg_table(), 60)
    first, again, other = draws(got, 50, seed=1), draws(got, 50, seed=1), draws(got, 50, seed=2)
    assert first.tobytes() == again.tobytes()
    assert (first != other).any()


def test_draws_spread_as_the_binomial_does():
    # One period, 400 of 1000: whatever the family, the hazard's sd is that of a share of 1000.
    got = posterior(table([1000.0], [400]), 1)
    assert draws(got, 4000, seed=3).std() == pytest.approx((0.4 * 0.6 / 1000) ** 0.5, rel=0.1)


@pytest.mark.parametrize(
    ("exposed", "left"),
    [
        ([1.0], [1]),
        ([1.0], [0]),
        ([5.0, 5.0, 5.0], [0, 0, 0]),
        ([100.0, 0.0, 30.0], [70, 0, 0]),
        ([1e9] * 12, [10**7] * 12),
        ([9000.0] * 3 + [0.5] * 9, [10, 9000, 10] + [0] * 9),
    ],
)
def test_odd_tables_give_hazards_and_draws(exposed, left):
    got = posterior(table(exposed, left), 1200)
    sample = draws(got, 64, seed=0)
    for h in (got.mean, sample):
        assert np.isfinite(h).all()
        assert ((h >= 0.0) & (h <= 1.0)).all()
    assert sample.shape == (64, 1200)
    assert np.isfinite(survival_grid(got.mean, LINE)).all()


def test_nobody_at_risk_is_refused():
    with pytest.raises(ModelError, match="Nobody was at risk"):
        posterior(LifeTable(np.zeros(0), np.zeros((0, 2), np.int64), LINE), 12)
