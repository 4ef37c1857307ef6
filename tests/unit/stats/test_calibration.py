import numpy as np
import pytest
from scipy.special import expit

from csk.errors import ModelError, UsageError
from csk.stats import calibration as cal


def forecast(seed, n, slope=1.0, intercept=0.0):
    """Chances, and events that come by another slope and intercept than they say."""
    rng = np.random.default_rng(seed)
    x = rng.normal(-1.5, 1, n)
    return expit(x), rng.random(n) < expit(intercept + slope * x)


@pytest.mark.parametrize(("slope", "intercept"), [(1, 0), (0.6, -0.5), (1.4, 0.3), (-0.5, 0)])
def test_calibration_finds_slope_and_intercept(slope, intercept):
    found = cal.calibration(*forecast(1, 40_000, slope, intercept))
    assert abs(found.slope - slope) < 3 * found.slope_error
    assert abs(found.intercept - intercept) < 3 * found.intercept_error
    assert found.slope_error < 0.03


def test_two_chances_have_a_slope_in_closed_form():
    # 2 of 10 at .3 and 6 of 10 at .5: the line goes through both logits.
    p = np.repeat([0.3, 0.5], 10)
    y = np.r_[np.ones(2), np.zeros(8), np.ones(6), np.zeros(4)]
    found = cal.calibration(p, y)
    rise = np.log(0.6 / 0.4) - np.log(0.2 / 0.8)
    assert found.slope == pytest.approx(rise / (0 - np.log(0.3 / 0.7)), rel=1e-9)
    assert found.intercept == pytest.approx(np.log(0.6 / 0.4), rel=1e-9)
    # Woolf's variance of a log odds ratio.
    variance = 1 / 2 + 1 / 8 + 1 / 6 + 1 / 4
    assert found.slope_error == pytest.approx(np.sqrt(variance) / np.log(0.7 / 0.3), rel=1e-6)
    assert found.intercept_error == pytest.approx(np.sqrt(1 / 6 + 1 / 4), rel=1e-6)


def test_the_shift_makes_chances_add_up():
    p, y = forecast(2, 3_000, 0.8, -0.4)
    found = cal.calibration(p, y)
    moved = expit(np.log(p / (1 - p)) + found.shift)
    assert moved.sum() == pytest.approx(y.sum(), rel=1e-9)


def test_rows_of_one_customer_widen_the_errors_of_calibration():
    p, y = forecast(3, 800)
    one = cal.calibration(p, y, None, np.arange(800))
    four = cal.calibration(np.repeat(p, 4), np.repeat(y, 4), None, np.repeat(np.arange(800), 4))
    assert four == pytest.approx(one, rel=1e-6)
    assert one.slope_error == pytest.approx(cal.calibration(p, y).slope_error, rel=0.15)


@pytest.mark.parametrize(
    ("p", "event", "says"),
    [
        ([0.1, 0.2], [0, 0], "nobody"),
        ([0.1, 0.2], [1, 1], "everybody"),
        ([0.2, 0.2, 0.2], [0, 1, 0], "alike"),
        ([0.1, 0.2, 0.3], [0, 0, 1], "without overlap"),
        ([0.1, 0.2, 0.2, 0.3], [1, 1, 0, 0], "without overlap"),
    ],
)
def test_a_slope_that_is_not_there_is_refused(p, event, says):
    with pytest.raises(ModelError, match=says):
        cal.calibration(p, event)


def test_chances_of_none_and_all_are_next_to_it():
    found = cal.calibration([0, 0, 1, 1, 0.5], [0, 1, 1, 0, 1])
    assert np.isfinite(found).all()


def test_in_the_large_counts_events_against_chances():
    found = cal.in_the_large([0.5, 0.5, 0.2, 0.2], [1, 1, 0, 1])
    assert (found.observed, found.expected) == (3, pytest.approx(1.4))
    assert found.std_error == pytest.approx(np.sqrt(0.82))
    assert found.z == pytest.approx(1.6 / np.sqrt(0.82))
    assert found.ratio == pytest.approx(3 / 1.4)
    assert found.p_value == pytest.approx(0.0772, abs=1e-4)


def test_in_the_large_of_certainties():
    assert cal.in_the_large([0.0, 1.0], [0, 1]).z == 0
    wrong = cal.in_the_large([0.0, 0.0], [0, 1])
    assert (wrong.z, wrong.p_value) == (np.inf, 0)
    assert np.isnan(wrong.ratio)


def test_events_of_one_customer_come_together():
    rng, z = np.random.default_rng(4), []
    for _ in range(300):
        y = np.repeat(rng.random(60) < 0.2, 6)
        who = np.repeat(np.arange(60), 6)
        z.append([cal.in_the_large(np.full(360, 0.2), y, None, c).z for c in (None, who)])
    alone, together = np.std(z, axis=0)
    assert alone == pytest.approx(np.sqrt(6), rel=0.15)
    assert together == pytest.approx(1, rel=0.2)


def test_bins_are_of_equal_mass_and_keep_ties_together():
    p = np.r_[np.full(50, 0.1), np.linspace(0.2, 0.9, 50)]
    found = cal.reliability(p, np.arange(100) % 2, n_bins=5)
    assert [one.n for one in found] == [50, 10, 20, 20]
    assert found[0].expected == pytest.approx(0.1)
    assert sum(one.n * one.observed for one in found) == pytest.approx(50)
    assert all(one.low < one.observed < one.high for one in found)


def test_a_constant_chance_is_one_bin():
    (only,) = cal.reliability(np.full(7, 0.3), [1, 0, 0, 0, 0, 0, 0])
    assert (only.n, only.expected, only.observed) == (7, pytest.approx(0.3), pytest.approx(1 / 7))


def test_a_design_effect_widens_the_bins():
    p, y = forecast(5, 500)
    for narrow, wide in zip(cal.reliability(p, y), cal.reliability(p, y, effect=4), strict=True):
        assert wide.low <= narrow.low < narrow.high <= wide.high
        assert wide.high - wide.low > 1.3 * (narrow.high - narrow.low)


def test_calibration_error_is_the_mean_distance_of_bins():
    p = np.repeat([0.1, 0.5], 10)
    y = np.r_[np.ones(2), np.zeros(8), np.ones(4), np.zeros(6)]
    assert cal.calibration_error(p, y, n_bins=2) == pytest.approx((0.1 + 0.1) / 2)


def test_the_noise_of_calibration_error_is_what_perfect_chances_have():
    rng = np.random.default_rng(6)
    p = rng.beta(1, 6, 4_000)
    found = np.mean([cal.calibration_error(p, rng.random(4_000) < p) for _ in range(100)])
    assert found == pytest.approx(cal.calibration_noise(p, p > 0.5), rel=0.06)


def test_no_bins_are_refused():
    with pytest.raises(UsageError, match="at least one bin"):
        cal.reliability([0.1, 0.2], [0, 1], n_bins=0)
