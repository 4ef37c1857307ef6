import numpy as np
import pytest

from csk.stats.likelihood import covariance, maximum

LOW, HIGH = np.full(2, -5.0), np.full(2, 5.0)


def bowl(theta, peak=(1.0, -2.0)):
    away = theta - np.array(peak)
    curve = np.array([[-2.0, 0.5], [0.5, -1.0]])
    return 3.0 + away @ curve @ away / 2, curve @ away, curve


def saddle_first(theta):
    """Curve the wrong way near 0, with maxima at +-1: -(t^2 - 1)^2."""
    t, u = theta
    gradient = np.array([-4 * t * (t**2 - 1), -2 * u])
    return -((t**2 - 1) ** 2) - u**2, gradient, np.diag([4 - 12 * t**2, -2.0])


def test_a_bowl_is_climbed_to_its_peak():
    found = maximum(bowl, np.zeros(2), LOW, HIGH)
    assert found.is_converged
    assert not found.is_at_bound
    assert found.theta == pytest.approx([1.0, -2.0], abs=1e-4)
    assert found.value == pytest.approx(3.0, abs=1e-8)


def test_a_peak_outside_the_box_is_met_at_its_wall_and_said_so():
    found = maximum(lambda theta: bowl(theta, (9.0, 0.0)), np.zeros(2), LOW, HIGH)
    assert found.theta[0] == 5.0
    assert found.is_at_bound


def test_a_start_outside_the_box_begins_at_its_wall():
    asked = []

    def watched(theta):
        asked.append(theta)
        return bowl(theta)

    found = maximum(watched, np.array([-40.0, 40.0]), LOW, HIGH)
    assert asked[0].tolist() == [-5.0, 5.0]
    assert np.abs(asked).max() <= 5.0
    assert found.theta == pytest.approx([1.0, -2.0], abs=1e-4)


@pytest.mark.parametrize(("peak", "corner"), [((40.0, 40.0), 5.0), ((-40.0, -40.0), -5.0)])
def test_a_corner_that_holds_every_parameter_ends_the_walk(peak, corner):
    found = maximum(lambda theta: bowl(theta, peak), np.zeros(2), LOW, HIGH)
    assert found.theta.tolist() == [corner, corner]
    assert found.is_at_bound
    assert not found.is_converged
    assert (found.gradient * corner > 0).all()


@pytest.mark.parametrize(("peak", "wall"), [(-8.0, -5.0), (8.0, 5.0)])
def test_along_a_wall_the_other_parameter_still_finds_its_best(peak, wall):
    # The slope in u is (t - peak) / 2 - (u - 1): 0 at 1 + (wall - peak) / 2.
    found = maximum(lambda theta: bowl(theta, (peak, 1.0)), np.zeros(2), LOW, HIGH)
    assert found.theta == pytest.approx([wall, 1 + (wall - peak) / 2], abs=1e-4)
    assert found.is_at_bound
    assert found.is_converged


@pytest.mark.parametrize("corner", [5.0, -5.0])
def test_a_start_on_a_wall_may_leave_it(corner):
    found = maximum(bowl, np.array([corner, corner]), LOW, HIGH)
    assert found.is_converged
    assert not found.is_at_bound
    assert found.theta == pytest.approx([1.0, -2.0], abs=1e-4)


def test_what_is_reported_belongs_to_the_place_reported():
    found = maximum(saddle_first, np.array([0.1, 1.0]), LOW, HIGH)
    value, gradient, hessian = saddle_first(found.theta)
    assert found.value == value
    assert found.gradient.tolist() == gradient.tolist()
    assert found.hessian.tolist() == hessian.tolist()
    assert abs(found.value) < 1e-8


def cliff(theta):
    """Peak at 0.9 so bluntly that Newton oversteps it, and be no number beyond 1.2."""
    away = float(theta[0]) - 0.9
    if away > 0.3:
        return float("nan"), np.array([np.nan]), np.array([[np.nan]])
    root = (1 + away**2) ** 0.5
    return -root, np.array([-away / root]), np.array([[-(root**-3)]])


def test_steps_over_a_cliff_are_taken_back():
    found = maximum(cliff, np.array([-4.0]), LOW[:1], HIGH[:1])
    assert found.is_converged
    assert found.theta[0] == pytest.approx(0.9, abs=1e-3)
    assert found.value == pytest.approx(-1.0, abs=1e-6)


def test_a_slope_that_leads_nowhere_is_not_called_converged():
    # It promises a rise to the right, where the surface falls.
    found = maximum(
        lambda theta: (-float(theta[0]), np.ones(1), -np.eye(1)), np.zeros(1), LOW[:1], HIGH[:1]
    )
    assert not found.is_converged
    assert not found.is_at_bound
    assert found.theta[0] == pytest.approx(0.0, abs=1e-9)


def far_away(asked, peak=900.0):
    """Return a bowl whose peak is far off, and which notes where it was asked."""

    def objective(theta):
        asked.append(float(theta[0]))
        return -float((theta[0] - peak) ** 2), 2 * (peak - theta), np.array([[-2.0]])

    return objective


def test_steps_are_two_long_at_most_and_no_shorter_than_they_need_be():
    asked = []
    box = np.full(1, -1e3), np.full(1, 1e3)
    found = maximum(far_away(asked), np.zeros(1), *box, steps=1_000)
    assert found.is_converged
    assert found.theta[0] == pytest.approx(900.0)
    assert np.abs(np.diff(asked)).max() <= 2.0 + 1e-9
    assert 450 <= len(asked) <= 460


@pytest.mark.parametrize("steps", [0, 3])
def test_a_walk_takes_no_more_steps_than_it_may(steps):
    asked = []
    box = np.full(1, -1e3), np.full(1, 1e3)
    found = maximum(far_away(asked), np.zeros(1), *box, steps=steps)
    assert len(asked) == steps + 1
    assert found.is_converged is False


def test_a_start_at_the_peak_stays_there():
    found = maximum(bowl, np.array([1.0, -2.0]), LOW, HIGH)
    assert found.is_converged
    assert found.theta.tolist() == [1.0, -2.0]


def test_parameters_of_very_different_curvature_are_found_alike():
    scale = np.array([1e6, 1e-3])

    def bowls(theta):
        away = theta - np.array([0.3, -0.4])
        return -float(scale @ away**2), -2 * scale * away, np.diag(-2 * scale)

    found = maximum(bowls, np.array([3.0, 3.0]), LOW, HIGH)
    assert found.is_converged
    # Within 1e-9 of the top: each as near as its curvature asks.
    assert scale @ (found.theta - np.array([0.3, -0.4])) ** 2 < 1e-8


def test_a_start_where_the_surface_curves_upwards_still_climbs():
    found = maximum(saddle_first, np.array([0.1, 1.0]), LOW, HIGH)
    assert found.is_converged
    assert found.theta == pytest.approx([1.0, 0.0], abs=1e-4)


def test_too_few_steps_are_not_called_converged():
    assert not maximum(bowl, np.array([-4.0, 4.0]), LOW, HIGH, steps=1).is_converged


def test_covariance_is_the_inverse_of_the_information():
    hessian = np.array([[-2.0, 0.5], [0.5, -1.0]])
    found = covariance(hessian)
    assert found @ -hessian == pytest.approx(np.eye(2), abs=1e-12)
    assert found[0, 1] == found[1, 0]


@pytest.mark.parametrize("hessian", [np.diag([-1.0, 0.0]), np.diag([-1.0, np.nan]), np.eye(2)])
def test_information_without_inverse_gives_no_covariance(hessian):
    assert np.isnan(covariance(hessian)).all()
