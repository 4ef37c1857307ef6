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
