import numpy as np
import pytest
from scipy.special import expit

from csk.errors import ModelError, UsageError
from csk.stats import recalibration as put_right
from csk.stats.calibration import calibration


def forecast(seed, n, slope=0.6, intercept=-0.4):
    rng = np.random.default_rng(seed)
    x = rng.normal(-1, 1, n)
    return expit(x), rng.random(n) < expit(intercept + slope * x)


def test_a_sigmoid_puts_intercept_and_slope_right():
    p, y = forecast(1, 5_000)
    found = put_right.sigmoid(p, y)
    after = calibration(put_right.recalibrated(found, p), y)
    assert (after.intercept, after.slope) == pytest.approx((0, 1), abs=1e-6)


def test_an_order_that_is_wrong_is_not_turned_around():
    with pytest.raises(ModelError, match="nothing to calibrate"):
        put_right.sigmoid(*forecast(2, 2_000, slope=-1))


def test_isotonic_pools_those_who_violate():
    found = put_right.isotonic([0.1, 0.2, 0.3, 0.4], [0, 1, 0, 1], [1, 1, 3, 1])
    assert found.p.tolist() == [0.1, 0.2, 0.3, 0.4]
    assert found.value == pytest.approx([0, 0.25, 0.25, 1])
    assert put_right.recalibrated(found, [0, 0.15, 1]) == pytest.approx([0, 0.125, 1])


@pytest.mark.parametrize(
    ("n_events", "kind"), [(1_000, put_right.Sigmoid), (1_001, put_right.Isotonic)]
)
def test_a_free_curve_needs_more_than_a_thousand_events(n_events, kind):
    p = np.repeat([0.2, 0.4, 0.7], 1_000)
    y = np.tile(np.arange(1_000), 3) < np.repeat([200, 300, n_events - 500], 1_000)
    assert isinstance(put_right.recalibration(p, y), kind)


@pytest.mark.parametrize("p", [[-0.1], [1.1], [np.nan]])
def test_what_is_no_chance_is_not_put_right(p):
    with pytest.raises(UsageError, match="between 0 and 1"):
        put_right.recalibrated(put_right.Sigmoid(0, 1), p)
