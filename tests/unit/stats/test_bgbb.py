from dataclasses import replace

import numpy as np
import pytest
from scipy.special import betaln

from csk.errors import ModelError, UsageError
from csk.stats import bgbb
from csk.stats.bgbb import (
    BgBbFit,
    discounted_purchases,
    expected_purchases,
    expected_purchases_new,
    p_alive,
)
from csk.stats.bgnbd import cells

FIT = BgBbFit(1.204, 0.75, 0.657, 2.783, np.eye(4), -33225.6, 1.0, 0.0, True, False)


def buyers(n, seed=0):
    """Simulate BG/BB (alpha 1.5, beta 2, gamma .8, delta 4) on 5 to 12 occasions."""
    rng = np.random.default_rng(seed)
    buys, leaves, occasions = rng.beta(1.5, 2.0, n), rng.beta(0.8, 4.0, n), rng.integers(5, 13, n)
    x, t_x, is_there = np.zeros(n), np.zeros(n), np.ones(n, bool)
    for k in range(1, 13):
        is_there &= (rng.random(n) > leaves) & (k <= occasions)
        bought = is_there & (rng.random(n) < buys)
        x[bought] += 1
        t_x[bought] = k
    return x, t_x, occasions.astype(float)


@pytest.mark.parametrize("theta", [(1.2, 0.7, 0.6, 2.8), (0.3, 4.0, 1.5, 0.9)])
def test_derivatives_agree_with_differences(theta):
    objective = bgbb._Objective(cells(*buyers(300)))
    theta, h = np.log(theta), 1e-5
    _, gradient, hessian = objective(theta)
    steps = h * np.eye(4)
    slopes = [(objective(theta + e)[0] - objective(theta - e)[0]) / (2 * h) for e in steps]
    curves = [(objective(theta + e)[1] - objective(theta - e)[1]) / (2 * h) for e in steps]
    assert gradient == pytest.approx(slopes, rel=1e-6, abs=1e-5)
    assert hessian == pytest.approx(np.array(curves), rel=1e-6, abs=1e-4)


@pytest.mark.parametrize(("x", "t_x", "n"), [(0, 0, 6), (2, 4, 6), (3, 6, 6), (1, 1, 1)])
def test_log_likelihood_is_the_sum_over_the_ways_of_leaving(x, t_x, n):
    a, b, c, d = theta = (1.204, 0.75, 0.657, 2.783)
    ways = [(n, d + n, c), *((k, d + k, c + 1) for k in range(t_x, n))]
    total = sum(np.exp(betaln(a + x, b + k - x) + betaln(left, stays)) for k, stays, left in ways)
    value = bgbb._Objective(cells([x], [t_x], [n]))(np.log(theta))[0]
    assert value == pytest.approx(np.log(total) - betaln(a, b) - betaln(c, d), abs=1e-12)


def test_a_fit_recovers_what_was_simulated():
    found = bgbb.fit(*buyers(30_000))
    away = np.log(found.theta) - np.log([1.5, 2.0, 0.8, 4.0])
    assert found.is_converged
    assert away @ np.linalg.solve(found.covariance, away) < 18.5  # chi-square, 4 df, 1 in 1000
    assert found.gradient_norm < 1e-9
    assert np.array_equal(found.covariance, found.covariance.T)


def test_weights_and_order_of_rows_do_not_matter():
    x, t_x, n = buyers(400, seed=1)
    weight = np.random.default_rng(2).integers(1, 4, 400)
    merged = bgbb.fit(x, t_x, n, weight)
    rows = np.random.default_rng(3).permutation(np.repeat(np.arange(400), weight))
    again = bgbb.fit(x[rows], t_x[rows], n[rows])
    assert again.theta.tolist() == merged.theta.tolist()
    assert (again.log_likelihood, again.n) == (merged.log_likelihood, merged.n)


def test_parameters_the_data_do_not_hold_are_flagged():
    """Nobody ever misses an occasion."""
    found = bgbb.fit([4, 4], [4, 4], [4, 4], [50, 50])
    assert found.is_at_bound
    assert not found.is_converged
    assert expected_purchases(found, 4, 4, 4, 3) == pytest.approx(3.0, abs=0.01)


def test_presence_is_the_share_of_the_ways_in_which_nobody_left():
    a, b, c, d = FIT.theta
    x, t_x, n = 2, 3, 6
    likelihood = np.exp(bgbb._Objective(cells([x], [t_x], [n]))(np.log(FIT.theta))[0])
    here = np.exp(betaln(a + x, b + n - x) - betaln(a, b) + betaln(c, d + n + 1) - betaln(c, d))
    assert p_alive(FIT, x, t_x, n) == pytest.approx(here / likelihood, rel=1e-12)


def test_leaving_may_fall_before_the_very_next_occasion():
    assert p_alive(FIT, 6, 6, 6) == pytest.approx((2.783 + 6) / (2.783 + 0.657 + 6))


@pytest.mark.parametrize("gamma", [0.3, 0.657, 1.0, 1.8])
def test_expected_purchases_are_the_published_closed_form(gamma):
    """Written with gamma functions it divides by gamma - 1; the sum does not."""
    fitted, n, ahead = replace(FIT, gamma=gamma), 6, 5
    terms = [
        np.exp(betaln(gamma, 2.783 + n + k) - betaln(gamma, 2.783 + n)) for k in range(1, ahead + 1)
    ]
    rate = (1.204 + 6) / (1.204 + 0.75 + 6)
    assert expected_purchases(fitted, 6, 6, n, ahead) == pytest.approx(rate * sum(terms), rel=1e-12)


def test_expected_purchases_of_a_new_customer_are_those_simulated():
    x, _, n = buyers(40_000, seed=5)
    fitted = replace(FIT, alpha=1.5, beta=2.0, gamma=0.8, delta=4.0)
    expected = expected_purchases_new(fitted, n)
    assert x.mean() == pytest.approx(expected.mean(), abs=4 * x.std() / 200)
    assert expected_purchases_new(fitted, [0, 3]) == pytest.approx(
        [0.0, float(expected_purchases(fitted, 0, 0, 0, 3))]
    )


DISCOUNTING = [
    (0.657, 2.783, 6, 0.1),
    (1.0, 1e-4, 0, 1e-4),
    (2.0, 1e-4, 0, 1e-3),
    (1.0, 1000.0, 0, 0.1),
]


@pytest.mark.parametrize(("gamma", "delta", "n", "rate"), DISCOUNTING)
def test_discounted_purchases_are_the_sum_over_the_occasions(gamma, delta, n, rate):
    """2F1 of SciPy is -23, inf and nan in place of 9.2, 2.0 and 10.9 in the last three."""
    fitted = replace(FIT, gamma=gamma, delta=delta)
    ahead = int(40 / np.log1p(rate))
    k = np.arange(ahead)
    worth = np.cumprod((delta + n + k) / (gamma + delta + n + k) / (1 + rate))
    rate_of_buying = (1.204 + n) / (1.204 + 0.75 + n)
    found = float(discounted_purchases(fitted, n, n, n, rate))
    assert found == pytest.approx(rate_of_buying * worth.sum(), rel=1e-10)


def test_undiscounted_purchases_are_the_limit_of_small_rates():
    fitted = replace(FIT, gamma=2.5)
    found = [float(discounted_purchases(fitted, 3, 5, 6, rate)) for rate in (0.0, 1e-8)]
    assert found[0] == pytest.approx(found[1], rel=1e-6)


@pytest.mark.parametrize(("gamma", "rate"), [(1.0, 0.0), (0.6, 0.0), (3.0, -0.1)])
def test_endless_undiscounted_purchases_are_refused(gamma, rate):
    with pytest.raises(UsageError, match="undiscounted") as refused:
        discounted_purchases(replace(FIT, gamma=gamma), 1, 2, 3, rate)
    assert refused.value.hint == "Give a discount rate above 0, or a horizon."


IMPOSSIBLE = [(-1, 0, 6), (2, 1, 6), (1, 7, 6), (0, 2, 6), (1.5, 2, 6), (1, np.nan, 6)]


@pytest.mark.parametrize("customer", IMPOSSIBLE)
def test_impossible_histories_are_refused(customer):
    columns = [[one, fine] for one, fine in zip(customer, (2, 3, 6), strict=True)]
    for call in (bgbb.fit, lambda *history: p_alive(FIT, *history)):
        with pytest.raises(ModelError, match="BG/BB needs whole numbers") as refused:
            call(*columns)
        assert refused.value.hint == "Count one purchase at most on each occasion."


THIN = [
    ([], "no customer"),
    ([(0, 0, 0)], "Nobody had an occasion"),
    ([(0, 0, 5), (0, 0, 4)], "None of 2 customers bought again"),
]


@pytest.mark.parametrize(("customers", "says"), THIN)
def test_customers_that_carry_no_fit_are_refused(customers, says):
    with pytest.raises(ModelError, match=says):
        bgbb.fit(*np.array(customers, float).reshape(-1, 3).T)


def test_predictions_take_tables_of_customers():
    x, t_x, n = np.array([[0, 1], [2, 5]]), np.array([[0, 3], [4, 5]]), np.array([[6, 6], [5, 9]])
    found = expected_purchases(FIT, x, t_x, n, 4)
    assert found.shape == p_alive(FIT, x, t_x, n).shape == (2, 2)
    assert discounted_purchases(FIT, x, t_x, n, 0.1).shape == (2, 2)
    rows = zip(x.flat, t_x.flat, n.flat, strict=True)
    alone = [float(expected_purchases(FIT, *one, 4)) for one in rows]
    assert found.ravel() == pytest.approx(alone, rel=1e-12)
    assert p_alive(FIT, [], [], []).shape == (0,)


def test_standard_errors_are_those_of_the_parameters_themselves():
    fitted = replace(FIT, covariance=np.diag([0.01, 0.04, 0.09, 0.16]))
    expected = [1.204 * 0.1, 0.75 * 0.2, 0.657 * 0.3, 2.783 * 0.4]
    assert fitted.standard_errors == pytest.approx(expected)
    assert fitted.aic == 8.0 + 2 * 33225.6
