from dataclasses import replace

import numpy as np
import pytest
from scipy.special import gammaln, hyp2f1, hyperu

from csk.errors import ModelError, UsageError
from csk.stats import paretonbd
from csk.stats.bgnbd import cells
from csk.stats.paretonbd import (
    ParetoNbdFit,
    discounted_purchases,
    expected_purchases,
    expected_purchases_new,
    p_alive,
)
from csk.stats.paretonbd_integral import Histories, log_odds_gone

FIT = ParetoNbdFit(0.553, 10.578, 0.606, 11.669, np.eye(4), -9595.0, 1.0, 0.0, True, False)


def buyers(n, seed=0):
    """Simulate Pareto/NBD (r .8, alpha 30, s 1.2, beta 150) in continuous time."""
    rng = np.random.default_rng(seed)
    rate, T = rng.gamma(0.8, 1 / 30, n), rng.integers(100, 500, n).astype(float)
    leaves = rng.exponential(1 / rng.gamma(1.2, 1 / 150, n))
    x, t_x, now, is_alive = np.zeros(n), np.zeros(n), np.zeros(n), np.ones(n, bool)
    while is_alive.any():
        now = now + rng.exponential(1 / rate)
        is_alive &= now <= np.minimum(T, leaves)
        x[is_alive] += 1
        t_x[is_alive] = now[is_alive]
    return x, t_x, T


@pytest.mark.parametrize("theta", [(0.6, 25.0, 0.7, 20.0), (0.6, 25.0, 1.7, 90.0)])
def test_derivatives_agree_with_differences(theta):
    objective = paretonbd._Objective(cells(*buyers(300)))
    theta, h = np.log(theta), 1e-5
    _, gradient, hessian = objective(theta)
    steps = h * np.eye(4)
    slopes = [(objective(theta + e)[0] - objective(theta - e)[0]) / (2 * h) for e in steps]
    curves = [(objective(theta + e)[1] - objective(theta - e)[1]) / (2 * h) for e in steps]
    assert gradient == pytest.approx(slopes, rel=1e-6, abs=1e-5)
    assert hessian == pytest.approx(np.array(curves), rel=1e-6, abs=1e-4)


@pytest.mark.parametrize("theta", [(0.55, 10.6, 0.61, 11.7), (0.55, 11.7, 0.61, 10.6)])
@pytest.mark.parametrize(
    ("x", "t_x", "T"), [(0, 0.0, 38.9), (2, 30.43, 38.9), (9, 11.0, 30.0), (3, 9.0, 9.0)]
)
def test_log_likelihood_is_the_published_difference_of_2f1(theta, x, t_x, T):
    """The published form subtracts two Gaussian hypergeometric functions, larger first."""
    r, alpha, s, beta = theta
    q = r + x
    big, small, b = (alpha, beta, s + 1) if alpha >= beta else (beta, alpha, q)
    left, right = (
        hyp2f1(q + s, b, q + s + 1, (big - small) / (big + y)) / (big + y) ** (q + s)
        for y in (t_x, T)
    )
    total = 1 / ((alpha + T) ** q * (beta + T) ** s) + s / (q + s) * (left - right)
    expected = gammaln(q) - gammaln(r) + r * np.log(alpha) + s * np.log(beta) + np.log(total)
    value = paretonbd._Objective(cells([x], [t_x], [T]))(np.log(theta))[0]
    assert value == pytest.approx(expected, abs=1e-10)


# The integral by 60-digit arithmetic, cut at powers of two before the last purchase.
EXACT = [
    ((0.55328, 10.57768, 0.60624, 11.66873), (2, 30.43, 38.86), -1.89316172476235),
    ((0.55328, 4.0, 0.60624, 30.0), (0, 0.0, 38.86), 0.191710447804),
    ((2.5, 200.0, 0.05, 0.4), (0, 0.0, 300.0), 1.08826539563346),
    ((0.02, 0.001, 5.0, 90.0), (7, 12.0, 250.0), 24.8846159183844),
    ((1.0, 50.0, 1.0, 50.0), (2000, 5.0, 300.0), 3697.29923648059),
    ((8.0, 3000.0, 40.0, 2.0), (40, 100.0, 101.0), -0.731249495115989),
    ((0.3, 0.01, 0.0001, 10000.0), (1, 0.5, 400.0), -9.37388297867905),
    ((0.5, 1.0, 1.0, 4.0), (0, 0.0, 8.0), 1.28857092207529),  # begins neither to rise nor to fall
]


@pytest.mark.parametrize(("theta", "history", "expected"), EXACT)
def test_the_odds_of_having_left_are_exact(theta, history, expected):
    x, t_x, T = (np.array([float(value)]) for value in history)
    found = log_odds_gone(np.array(theta), Histories(x, t_x, T))[0]
    assert found == pytest.approx(expected, rel=1e-13, abs=1e-12)
    here = cells(x, t_x, T)
    value = paretonbd._Objective(here)(np.log(theta))[0]
    staying = paretonbd._Objective(here)._never_leaving(*theta)[0]
    assert value - staying == pytest.approx(np.logaddexp(0.0, expected), abs=1e-8)


def test_a_fit_recovers_what_was_simulated():
    found = paretonbd.fit(*buyers(20_000))
    away = np.log(found.theta) - np.log([0.8, 30.0, 1.2, 150.0])
    assert found.is_converged
    assert away @ np.linalg.solve(found.covariance, away) < 18.5  # chi-square, 4 df, 1 in 1000
    assert found.gradient_norm < 1e-9
    assert np.array_equal(found.covariance, found.covariance.T)


def test_a_fit_from_a_near_one_ends_at_the_same_place():
    x, t_x, T = buyers(3_000, seed=2)
    found = paretonbd.fit(x, t_x, T)
    again = paretonbd.fit(x, t_x, T, start=replace(found, r=found.r * 1.3, beta=found.beta * 0.7))
    assert again.theta == pytest.approx(found.theta, rel=1e-5)
    assert again.log_likelihood == pytest.approx(found.log_likelihood, abs=1e-7)


def test_parameters_the_data_do_not_hold_are_flagged():
    rng = np.random.default_rng(5)
    T = np.full(400, 100.0)
    x = rng.poisson(4.0, 400).astype(float)  # one rate for all, nobody leaves
    t_x = np.where(x > 0, 99.0, 0.0)
    found = paretonbd.fit(x, t_x, T)
    assert found.is_at_bound
    assert not found.is_converged
    assert np.isfinite(expected_purchases(found, x, t_x, T, 50.0)).all()


@pytest.mark.parametrize("x", [1, 2, 30])
def test_a_single_repeat_buyer_gives_a_result(x):
    found = paretonbd.fit([0, x], [0, 3], [9, 9])
    assert np.isfinite([*found.theta, found.log_likelihood]).all()


IMPOSSIBLE = [(-1, 0.0, 9.0), (1, -1.0, 9.0), (1, 9.5, 9.0), (1, 2.0, np.inf), (1, np.nan, 9.0)]


@pytest.mark.parametrize("customer", IMPOSSIBLE)
def test_impossible_histories_are_refused(customer):
    columns = [[one, fine] for one, fine in zip(customer, (2, 3.0, 9.0), strict=True)]
    with pytest.raises(ModelError, match="Pareto/NBD needs 0 <= t_x <= T") as refused:
        paretonbd.fit(*columns)
    assert refused.value.hint == "Purchases after the end of the log must be left out."


THIN = [
    ([], "no customer"),
    ([(0, 0.0, 0.0)], "last day of the log"),
    ([(0, 0.0, 9.0), (0, 0.0, 8.0)], "None of 2 customers bought on a second day"),
]


@pytest.mark.parametrize(("customers", "says"), THIN)
def test_customers_that_carry_no_fit_are_refused(customers, says):
    with pytest.raises(ModelError, match=says):
        paretonbd.fit(*np.array(customers, float).reshape(-1, 3).T)


def test_customers_weighing_nothing_are_none():
    with pytest.raises(ModelError, match="no customer"):
        paretonbd.fit([1, 2], [1.0, 2.0], [9.0, 9.0], [0, 0])
    with pytest.raises(ModelError, match="None of 3"):
        paretonbd.fit([1, 0], [1.0, 0.0], [9.0, 9.0], [0, 3])


def test_a_purchase_on_the_last_day_is_a_sign_of_life():
    assert p_alive(FIT, [0, 5], [0.0, 30.0], [0.0, 30.0]).tolist() == [1.0, 1.0]


def test_nobody_is_sure_to_be_there_in_silence():
    """Without a repeat purchase too, where BG/NBD says 1."""
    assert 0.0 < p_alive(FIT, 0, 0.0, 500.0) < 0.2


CORNERS = [(0, 0.0, 0.0), (0, 0.0, 38.0), (1, 5.0, 5.0), (2000, 30.0, 31.0), (2000, 5.0, 300.0)]


@pytest.mark.parametrize(("x", "t_x", "T"), CORNERS)
@pytest.mark.parametrize("s", [1e-3, 0.606, 0.9999999, 1.0, 1.0004, 2.0, 40.0])
@pytest.mark.parametrize("alpha", [1e-3, 11.669, 1e4])
def test_expectations_are_finite_in_the_corners(x, t_x, T, s, alpha):
    fitted = replace(FIT, s=s, alpha=alpha)
    found = [expected_purchases(fitted, x, t_x, T, t) for t in (0.0, 1e-6, 1.0, 1e4)]
    assert np.isfinite([*found, discounted_purchases(fitted, x, t_x, T, 0.002)]).all()
    assert found[0] == 0.0
    assert np.all(np.diff(found) >= 0)


def test_expectation_crosses_s_of_one_smoothly():
    near = [1 - 1e-8, 1.0, 1 + 1e-8]
    found = [float(expected_purchases(replace(FIT, s=s), 3, 30.0, 38.0, 52.0)) for s in near]
    assert found[0] == pytest.approx(found[1], rel=1e-7)
    assert found[2] == pytest.approx(found[1], rel=1e-7)
    rate = (0.553 + 3) / (10.578 + 38.0) * (11.669 + 38.0) * np.log(1 + 52.0 / (11.669 + 38.0))
    alive = float(p_alive(replace(FIT, s=1.0), 3, 30.0, 38.0))
    assert found[1] == pytest.approx(rate * alive, rel=1e-12)


def test_undiscounted_purchases_are_those_of_an_endless_horizon():
    fitted = replace(FIT, s=2.5)
    forever = discounted_purchases(fitted, [0, 4], [0.0, 20.0], 38.0, 0.0)
    late = expected_purchases(fitted, [0, 4], [0.0, 20.0], 38.0, 1e9)
    assert forever == pytest.approx(late, rel=1e-9)


@pytest.mark.parametrize("s", [0.2, 0.606, 1.0, 3.0])
def test_discounted_purchases_are_the_discounted_expectations(s):
    fitted, rate = replace(FIT, s=s), 0.01
    times = np.linspace(0.0, 3000.0, 20_001)
    expected = expected_purchases(fitted, 2, 20.0, 38.0, times)
    middle = np.exp(-rate * (times[1:] + times[:-1]) / 2)
    found = float(discounted_purchases(fitted, 2, 20.0, 38.0, rate))
    assert found == pytest.approx(float(np.diff(expected) @ middle), rel=1e-6)


@pytest.mark.parametrize("s", [0.3, 0.7, 1.4, 8.3])
def test_discounting_is_tricomi_s_function(s):
    zeta = np.array([0.1, 1.0, 7.0, 40.0])
    assert paretonbd._discounted_decay(s, zeta) == pytest.approx(hyperu(1, 2 - s, zeta), rel=1e-8)


@pytest.mark.parametrize(("s", "rate"), [(1.0, 0.0), (0.6, 0.0), (3.0, -0.1)])
def test_endless_undiscounted_purchases_are_refused(s, rate):
    with pytest.raises(UsageError, match="undiscounted") as refused:
        discounted_purchases(replace(FIT, s=s), 1, 2.0, 3.0, rate)
    assert refused.value.hint == "Give a discount rate above 0, or a horizon."


def test_predictions_take_tables_of_customers():
    x, t_x, T = np.array([[0, 1], [2, 9]]), np.array([[0.0, 3.0], [8.0, 30.0]]), 38.0
    found = expected_purchases(FIT, x, t_x, T, 10.0)
    assert found.shape == p_alive(FIT, x, t_x, T).shape == (2, 2)
    assert discounted_purchases(FIT, x, t_x, T, 0.01).shape == (2, 2)
    alone = [expected_purchases(FIT, *one, T, 10.0) for one in zip(x.flat, t_x.flat, strict=True)]
    assert found.ravel() == pytest.approx(np.array(alone).ravel(), rel=1e-12)
    assert expected_purchases_new(FIT, [[1.0, 2.0]]).shape == (1, 2)
    assert expected_purchases_new(FIT, [0.0, -1.0]).tolist() == [0.0, 0.0]


def test_more_customers_than_fit_a_block_are_all_answered():
    T = np.linspace(1.0, 300.0, 9_001)
    found = p_alive(FIT, 1.0, 1.0, T)
    assert found[0] == 1.0
    assert np.all(np.diff(found) < 0)


def test_standard_errors_are_those_of_the_parameters_themselves():
    fitted = replace(FIT, covariance=np.diag([0.01, 0.04, 0.09, 0.16]))
    expected = [0.553 * 0.1, 10.578 * 0.2, 0.606 * 0.3, 11.669 * 0.4]
    assert fitted.standard_errors == pytest.approx(expected)
    assert fitted.aic == 8.0 + 2 * 9595.0


def test_what_a_fit_reports_is_that_of_the_times_it_was_given():
    """Neither likelihood nor gradient are those of a rescaled clock or of a mean customer."""
    x, t_x, T = buyers(2_000, seed=4)
    found = paretonbd.fit(x, t_x, T)
    value, gradient, hessian = paretonbd._Objective(cells(x, t_x, T))(np.log(found.theta))
    assert found.n == 2_000
    assert found.log_likelihood == pytest.approx(value, abs=1e-6)
    assert found.gradient_norm == pytest.approx(np.abs(gradient).max() / 2_000, abs=1e-8)
    assert found.covariance == pytest.approx(np.linalg.inv(-hessian), rel=1e-3)
    assert (found.is_converged, found.is_at_bound) == (True, False)


def test_a_new_customers_expectation_is_the_mean_of_what_was_simulated():
    x, _, T = buyers(20_000, seed=11)
    fitted = replace(FIT, r=0.8, alpha=30.0, s=1.2, beta=150.0)
    days, n = np.unique(T, return_counts=True)
    expected = expected_purchases_new(fitted, days) @ n / len(x)
    assert x.mean() == pytest.approx(expected, abs=4 * x.std() / len(x) ** 0.5)
