import numpy as np
import pytest

from csk.errors import ModelError
from csk.stats.families import FAMILIES
from csk.stats.lifetable import LifeTable, life_table
from csk.stats.residual import expected_months, survival_grid
from csk.stats.smoothing import HIGHEST_STRENGTH, draws, parameter_draws, posterior
from csk.stats.survival import counts
from csk.stats.tails import family_hazards, fit, hazards, log_likelihood

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


UNEVEN = table([1000.0] * 12 + [1.0], [10, 300, 10, 300, 10, 300, 10, 300, 10, 300, 10, 300, 1])


def test_draws_scatter_around_the_mean_as_the_beta_of_each_period():
    got = posterior(UNEVEN, 20)
    sample = draws(got, 20_000, seed=4)
    # The last, watched for one customer, moves by 1 / (k + 1) of the way to certainty.
    error = sample.std(axis=0) / len(sample) ** 0.5
    assert np.abs(sample.mean(axis=0) - got.mean)[:13] == pytest.approx(0.0, abs=5 * error.max())
    h = got.mean[:12]
    spread = np.sqrt(h * (1 - h) / (1000 + got.strength + 1))
    assert sample.std(axis=0)[:12] == pytest.approx(spread, rel=0.1)
    # What one period draws says next to nothing of another's.
    apart = np.corrcoef(sample[:, :12], rowvar=False) - np.eye(12)
    assert np.abs(apart).max() < 0.1


def test_no_draws_are_an_empty_sample():
    assert draws(posterior(UNEVEN, 20), 0, seed=0).shape == (0, 20)


@pytest.mark.parametrize("leaving", [30, 0])
def test_where_all_or_none_left_draws_are_those_of_jeffreys(leaving):
    got = posterior(table([20.0, 10.0], [leaving * 2 // 3, leaving // 3]), 40)
    sample = draws(got, 20_000, seed=6)[:, 39]
    # Half a customer more on both sides.
    mean = (leaving + 0.5) / 31
    sd = (mean * (1 - mean) / 32) ** 0.5
    assert sample.mean() == pytest.approx(mean, abs=5 * sd / 20_000**0.5)
    assert sample.std() == pytest.approx(sd, rel=0.1)


def exact_posterior(one, exposed, left):
    """Give a fine grid of log-parameters around a fit and the likelihood's share of each."""
    model, centre = FAMILIES[one.family], np.log(one.params)
    reach = 8 * np.sqrt(np.diag(one.covariance))
    ends = np.maximum(centre - reach, model.low), np.minimum(centre + reach, model.high)
    axes = np.meshgrid(*(np.linspace(*end, 600) for end in zip(*ends, strict=True)), indexing="ij")
    grid = np.stack(axes, axis=-1).reshape(-1, model.n_params)
    score = log_likelihood(family_hazards(one.family, grid, len(exposed)), exposed, left)
    share = np.exp(score - score.max())
    return grid, share / share.sum()


@pytest.mark.parametrize(("family", "customers"), [("discrete_weibull", 1), ("sbg", 4)])
def test_parameters_are_drawn_in_proportion_to_the_likelihood(family, customers):
    # Hundreds of customers: far from normal.
    exposed, left = customers * np.array([[100.0, 75.0, 62.0, 55.0], [25.0, 13.0, 7.0, 4.0]])
    one = fit(family, exposed, left)
    rng = np.random.Generator(np.random.PCG64(8))
    sample = parameter_draws(one, exposed, left, 5_000, rng)
    grid, share = exact_posterior(one, exposed, left)
    for i in range(2):
        order = np.argsort(grid[:, i])
        reached = np.cumsum(share[order])
        at = np.searchsorted(grid[order, i], np.sort(sample[:, i]), side="right")
        expected = reached[np.minimum(at, len(reached)) - 1]
        assert np.abs(expected - (np.arange(5_000) + 0.5) / 5_000).max() < 0.035


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


def unlike_customers(rng, n):
    """Give hazards (n, 200) of three books whose customers differ in ways no family is made for."""
    t = np.arange(1, 201)
    two_kinds = np.where(rng.random(n) < 0.3, 0.15, 0.01)[:, None] * np.ones(200)
    wears_off = rng.gamma(1.5, 1 / 1.5, n)[:, None] * (0.06 * np.exp(-t / 8) + 0.015)
    a_trial_then_frailty = rng.lognormal(-0.18, 0.6, n)[:, None] * (
        0.01 + 0.10 * (t / 4) ** 2 * np.exp(-t / 2.5) + 0.012 * (t > 3)
    )
    return two_kinds, -np.expm1(-wears_off), -np.expm1(-a_trial_then_frailty)


@pytest.mark.parametrize("book", range(3))
@pytest.mark.parametrize("late_months", [0, 36])
def test_months_to_come_of_a_whole_book_are_within_three_percent(book, late_months):
    # 20,000 starts over the months before a log of 24; exits on monthly renewals only.
    rng = np.random.default_rng(11)
    n = 20_000
    age = rng.integers(0, (late_months + 24) * 31, n)
    hazard = unlike_customers(rng, n)[book]
    coin = rng.random(hazard.shape) < hazard
    exit_ = 31 * np.where(coin.any(axis=1), coin.argmax(axis=1) + 1, 999)
    entry = np.maximum(0, age - 24 * 31)
    seen = exit_ > entry
    gone = exit_ <= age
    spells = counts(entry[seen], np.minimum(exit_, age)[seen], gone[seen], n_causes=1)
    lived = age[~gone]
    table = life_table(spells, 31)
    grid = survival_grid(posterior(table, 120).mean, table.profile)
    survival = np.cumprod(np.c_[np.ones(len(lived)), 1.0 - hazard[~gone]], axis=1)
    for horizon, tolerance in ((12, 0.015), (36, 0.03)):
        got = expected_months(grid, lived, lived + 31 * horizon).sum()
        months = (lived[:, None] + np.arange(1, 31 * horizon + 1)) // 31
        ahead = np.take_along_axis(survival, months, axis=1).sum(axis=1)
        truth = (ahead / survival[np.arange(len(lived)), lived // 31]).sum() / 31
        assert got == pytest.approx(truth, rel=tolerance)
