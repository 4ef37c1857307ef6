from dataclasses import replace

import numpy as np
import pytest
from scipy.special import gammaln

from csk.errors import ModelError
from csk.stats import nbd
from csk.stats.bgnbd import cells
from csk.stats.nbd import NbdFit, expected_purchases, expected_purchases_new

FIT = NbdFit(0.385, 12.072, np.eye(2), -9763.7, 1.0, 0.0, True, False)


def buyers(n, seed=0):
    """Simulate NBD (r .8, alpha 30)."""
    rng = np.random.default_rng(seed)
    T = rng.integers(100, 500, n).astype(float)
    return rng.poisson(rng.gamma(0.8, 1 / 30, n) * T).astype(float), T


def test_derivatives_agree_with_differences():
    x, T = buyers(300)
    objective = nbd._Objective(cells(x, 0.0 * x, T))
    theta, h = np.log([0.6, 25.0]), 1e-5
    _, gradient, hessian = objective(theta)
    steps = h * np.eye(2)
    slopes = [(objective(theta + e)[0] - objective(theta - e)[0]) / (2 * h) for e in steps]
    curves = [(objective(theta + e)[1] - objective(theta - e)[1]) / (2 * h) for e in steps]
    assert gradient == pytest.approx(slopes, rel=1e-6, abs=1e-5)
    assert hessian == pytest.approx(np.array(curves), rel=1e-6, abs=1e-4)


@pytest.mark.parametrize(("x", "T"), [(0, 20.0), (3, 38.9), (2000, 5.0)])
def test_log_likelihood_is_that_of_the_purchase_times(x, T):
    """The negative binomial without what it shares with every model: T^x / x!."""
    r, alpha = 0.385, 12.072
    expected = gammaln(r + x) - gammaln(r) + r * np.log(alpha) - (r + x) * np.log(alpha + T)
    value = nbd._Objective(cells([x], [0.0], [T]))(np.log([r, alpha]))[0]
    assert value == pytest.approx(expected, rel=1e-13)


def test_a_fit_recovers_what_was_simulated():
    found = nbd.fit(*buyers(20_000))
    away = np.log([found.r, found.alpha]) - np.log([0.8, 30.0])
    assert found.is_converged
    assert away @ np.linalg.solve(found.covariance, away) < 13.9  # chi-square, 2 df, 1 in 1000
    assert found.gradient_norm < 1e-9


def test_what_a_fit_reports_is_that_of_the_times_it_was_given():
    x, T = buyers(2_000, seed=4)
    found = nbd.fit(x, T)
    theta = np.log([found.r, found.alpha])
    value, gradient, hessian = nbd._Objective(cells(x, 0.0 * x, T))(theta)
    assert found.n == 2_000
    assert found.log_likelihood == pytest.approx(value, abs=1e-6)
    assert found.gradient_norm == pytest.approx(np.abs(gradient).max() / 2_000, abs=1e-8)
    assert found.covariance == pytest.approx(np.linalg.inv(-hessian), rel=1e-4)
    assert (found.is_converged, found.is_at_bound) == (True, False)


def test_customers_who_do_not_differ_are_flagged():
    found = nbd.fit([3, 3, 3, 2], [10.0, 10.0, 10.0, 10.0])
    assert found.is_at_bound
    assert not found.is_converged
    assert expected_purchases(found, 3, 10.0, 10.0) == pytest.approx(2.75, abs=0.01)


def test_expectation_is_the_credible_rate_times_the_horizon():
    found = expected_purchases(FIT, [0, 4], [10.0, 20.0], 5.0)
    assert found == pytest.approx([0.385 / 22.072 * 5, 4.385 / 32.072 * 5], rel=1e-12)
    assert expected_purchases_new(FIT, [0.0, -1.0, 12.072]) == pytest.approx([0.0, 0.0, 0.385])


REFUSED = [
    ([], [], "no customer"),
    ([0], [0.0], "last day of the log"),
    ([0, 0], [9.0, 8.0], "second day"),
    ([-1], [9.0], "NBD needs"),
    ([1], [np.nan], "NBD needs"),
]


@pytest.mark.parametrize(("x", "T", "says"), REFUSED)
def test_data_that_cannot_carry_the_model_are_refused(x, T, says):
    with pytest.raises(ModelError, match=says):
        nbd.fit(x, T)


def test_standard_errors_and_criterion_are_those_of_two_parameters():
    fitted = replace(FIT, covariance=np.diag([0.01, 0.04]))
    assert fitted.standard_errors == pytest.approx([0.385 * 0.1, 12.072 * 0.2])
    assert fitted.aic == 4.0 + 2 * 9763.7
