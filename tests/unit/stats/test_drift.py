import numpy as np
import pytest

from csk.errors import UsageError
from csk.stats import drift
from csk.stats.calibration import InTheLarge, in_the_large

SIZES = [100, 1_000, 10_000, 1_000_000]


def test_psi_is_the_sum_over_bins():
    e, a = np.array([500, 300, 200]), np.array([250, 150, 100])
    assert drift.psi(e, a) == pytest.approx(0, abs=1e-5)
    moved = np.array([400_000, 600_000])
    expected = (0.4 - 0.5) * np.log(0.4 / 0.5) + (0.6 - 0.5) * np.log(0.6 / 0.5)
    assert drift.psi([500_000, 500_000], moved) == pytest.approx(expected, rel=1e-5)


def test_an_empty_bin_is_not_infinitely_far():
    assert np.isfinite(drift.psi([50, 50, 0], [0, 50, 50]))
    assert drift.psi([50, 0, 50], [50, 0, 50]) == 0


@pytest.mark.parametrize(
    ("n", "bins", "expected"), [(100, 10, 0.338), (10**6, 10, 3.4e-5), (500, 1, 0)]
)
def test_the_critical_value_falls_with_customers(n, bins, expected):
    assert drift.psi_critical(n, n, bins) == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize("n", SIZES)
def test_the_bare_statistic_passes_its_critical_value_one_time_in_twenty(n):
    rng, runs = np.random.default_rng(n), 2_000
    even = np.full(10, 0.1)
    critical = drift.psi_critical(n, n, 10)
    drawn = zip(rng.multinomial(n, even, runs), rng.multinomial(n, even, runs), strict=True)
    rate = np.mean([drift.psi(e, a) > critical for e, a in drawn])
    assert rate == pytest.approx(0.05, abs=3 * np.sqrt(0.05 * 0.95 / runs))


@pytest.mark.parametrize(("n", "fewest"), [(100, 0.02), (1_000, 0.03)])
def test_bins_cut_at_deciles_of_the_reference_keep_the_rate(n, fewest):
    """Of few customers such bins are more even than by chance, so alarms are rarer."""
    rng, runs = np.random.default_rng(n), 1_000
    hits = 0
    for _ in range(runs):
        cuts = np.quantile(rng.random(n), np.arange(1, 10) / 10)
        now = np.bincount(np.searchsorted(cuts, rng.random(n)), minlength=10)
        hits += drift.psi(np.full(10, n / 10), now) > drift.psi_critical(n, n, 10)
    assert fewest <= hits / runs <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / runs)


@pytest.mark.parametrize(("n", "least"), [(100, 0.1), (400, 0.1), (2_000, 0.0)])
def test_a_night_without_change_is_seldom_alarmed(n, least):
    """Thirty features of every shape, a night after another, all within the level together."""
    rng, nights = np.random.default_rng(n), 300
    shapes = [rng.dirichlet(np.full(k, 0.7)) for k in rng.integers(2, 21, 30)]
    alarmed = 0
    for _ in range(nights):
        night = [
            drift.psi_drift(rng.multinomial(n, p), rng.multinomial(n, p), 30, least) for p in shapes
        ]
        alarmed += bool(drift.alerts(night))
    assert alarmed / nights <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / nights)


def test_a_change_is_an_alarm_only_if_it_matters():
    n = 10**6
    small = drift.psi_drift([n // 2, n // 2], [n // 2 + 5_000, n // 2 - 5_000])
    assert small.value > small.critical
    assert small.p_value < 1e-6
    assert not small.is_alert
    assert drift.psi_drift([n // 2, n // 2], [n // 4, 3 * n // 4]).is_alert


def test_few_customers_need_a_larger_change():
    shares = np.array([0.4, 0.3, 0.3])
    moved = np.array([0.2, 0.5, 0.3])
    assert not drift.psi_drift(20 * shares, 20 * moved).is_alert
    assert drift.psi_drift(2_000 * shares, 2_000 * moved).is_alert


def test_rare_bins_are_taken_together():
    # Nine bins of one customer each: one of nine, and the common one.
    reference = [1_000, *[1] * 9]
    together = drift.psi_drift(reference, reference)
    assert together.critical == pytest.approx(drift.psi_critical(1_009, 1_009, 2))
    assert drift.psi_drift([3, 2], [2, 2]) == (0, 0, 1, 0.1, False)


def test_a_constant_feature_does_not_drift():
    assert drift.psi_drift([70, 0], [90, 0]) == (0, 0, 1, 0.1, False)


@pytest.mark.parametrize(
    ("reference", "current", "says"),
    [
        ([1, 2], [1], "2 bins cannot be held against 1"),
        ([1, -1], [1, 1], "none may be negative"),
        ([1, np.nan], [1, 1], "must be known"),
        ([0, 0], [1, 1], "both samples"),
        ([1, 1], [0, 0], "both samples"),
    ],
)
def test_counts_that_are_none_are_refused(reference, current, says):
    with pytest.raises(UsageError, match=says):
        drift.psi(reference, current)


def test_fishers_tea_tasting_lady():
    found = drift.rate_drift((1, 4), (3, 4))
    assert found.value == 0.5
    # 17 of 70 tables are as far or further: twice that.
    assert found.p_value == pytest.approx(2 * 17 / 70)
    assert not found.is_alert


def test_a_share_that_moves_is_an_alarm():
    assert drift.rate_drift((100, 10_000), (1_500, 10_000)).is_alert
    assert drift.rate_drift((1_500, 10_000), (100, 10_000)).is_alert
    assert not drift.rate_drift((100_000, 10**6), (110_000, 10**6)).is_alert
    assert drift.rate_drift((0, 10**6), (10**6, 10**6)).p_value == 0
    assert drift.rate_drift((0, 50), (0, 50))[:3] == (0, 0, 1)


@pytest.mark.parametrize(("n", "m"), [(100, 100), (100_000, 60), (3_000, 3_000)])
@pytest.mark.parametrize("rate", [0.0005, 0.02, 0.5, 0.99])
def test_missing_values_seldom_alarm_by_chance(n, m, rate):
    rng, nights = np.random.default_rng(n + m), 150
    before, now = rng.binomial(n, rate, (nights, 12)), rng.binomial(m, rate, (nights, 12))
    alarmed = sum(
        any(
            drift.rate_drift((int(k), n), (int(j), m), 12, least=0).is_alert
            for k, j in zip(*pair, strict=True)
        )
        for pair in zip(before, now, strict=True)
    )
    assert alarmed / nights <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / nights)


def test_unseen_categories_come_by_chance_as_often_as_single_ones():
    rng, alarmed = np.random.default_rng(9), 0
    law = 1 / np.arange(1, 3_001) ** 1.1
    law /= law.sum()
    for _ in range(300):
        before, now = rng.choice(3_000, 1_000, p=law), rng.choice(3_000, 500, p=law)
        seen = np.bincount(before, minlength=3_000)
        unseen = int((seen[now] == 0).sum())
        assert unseen > 0
        alarmed += drift.unseen_drift(int((seen == 1).sum()), 1_000, unseen, 500, least=0).is_alert
    assert alarmed / 300 <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 300)


def test_only_more_unseen_categories_are_an_alarm():
    assert drift.unseen_drift(0, 1_000, 60, 1_000).is_alert
    assert not drift.unseen_drift(300, 1_000, 0, 1_000).is_alert


@pytest.mark.parametrize(
    ("before", "now"), [((1, 0), (0, 5)), ((0, 5), (6, 5)), ((-1, 5), (0, 5)), ((0, 5), (0, 0))]
)
def test_a_share_needs_somebody(before, now):
    with pytest.raises(UsageError, match="share needs somebody"):
        drift.rate_drift(before, now)


@pytest.mark.parametrize("n", [150, 1_000, 10_000])
def test_right_chances_seldom_alarm(n):
    rng, runs = np.random.default_rng(n), 400
    p = rng.beta(1, 9, n)
    drawn = (in_the_large(p, rng.random(n) < p) for _ in range(runs))
    rate = np.mean([drift.calibration_drift(of, least=0).is_alert for of in drawn])
    assert rate == pytest.approx(0.05, abs=3 * np.sqrt(0.05 * 0.95 / runs))


def test_chances_that_are_off_alarm():
    found = drift.calibration_drift(InTheLarge(130, 100, 9.5))
    assert found.value == pytest.approx(0.3)
    assert found.is_alert
    assert not drift.calibration_drift(InTheLarge(130, 100, 9.5), n_questions=100).is_alert
    assert not drift.calibration_drift(InTheLarge(10_900, 10_000, 95)).is_alert
    assert not drift.calibration_drift(InTheLarge(7, 2, 1.4)).is_alert
    assert drift.calibration_drift(InTheLarge(40, 2, 1.4)).is_alert


def test_nothing_expected_is_no_drift():
    assert not drift.calibration_drift(InTheLarge(0, 0, 0)).is_alert


def test_alerts_are_told_the_least_likely_first():
    of = [
        drift.Drift(0.3, 0.1, 0.01, 0.1, is_alert=True),
        drift.Drift(0.0, 0.1, 0.9, 0.1, is_alert=False),
        drift.Drift(0.9, 0.1, 1e-9, 0.1, is_alert=True),
    ]
    assert drift.alerts(of) == (2, 0)


def test_a_night_has_questions():
    with pytest.raises(UsageError, match="at least one question"):
        drift.level_of_each(0)
