from dataclasses import replace

import numpy as np
import pytest

from csk.errors import ModelError
from csk.stats import bgnbd
from csk.stats.bgnbd import BgNbdFit, cells, expected_purchases, expected_purchases_new, p_alive

FIT = BgNbdFit(0.243, 4.414, 0.793, 2.426, np.eye(4), 0.0, 1.0, 0.0, True, False)


def buyers(n, seed=0):
    """Simulate BG/NBD (r .8, alpha 30, a .9, b 2.5) day by day of continuous time."""
    rng = np.random.default_rng(seed)
    rate, leaves = rng.gamma(0.8, 1 / 30, n), rng.beta(0.9, 2.5, n)
    T = rng.integers(100, 500, n).astype(float)
    x, t_x, now, is_alive = np.zeros(n), np.zeros(n), np.zeros(n), np.ones(n, bool)
    while is_alive.any():
        now = now + rng.exponential(1 / rate)
        is_alive &= now <= T
        x[is_alive] += 1
        t_x[is_alive] = now[is_alive]
        is_alive &= rng.random(n) > leaves
    return x, t_x, T


def test_derivatives_agree_with_differences():
    x, t_x, T = buyers(300)
    objective = bgnbd._Objective(cells(x, t_x, T))
    theta, h = np.log([0.6, 25.0, 0.7, 2.0]), 1e-5
    _, gradient, hessian = objective(theta)
    steps = h * np.eye(4)
    slopes = [(objective(theta + e)[0] - objective(theta - e)[0]) / (2 * h) for e in steps]
    curves = [(objective(theta + e)[1] - objective(theta - e)[1]) / (2 * h) for e in steps]
    assert gradient == pytest.approx(slopes, rel=1e-6, abs=1e-5)
    assert hessian == pytest.approx(np.array(curves), rel=1e-6, abs=1e-4)


def test_log_likelihood_is_equation_6():
    x, t_x, T = np.array([0.0, 2.0]), np.array([0.0, 30.43]), np.array([20.0, 38.86])
    r, alpha, a, b = 0.243, 4.414, 0.793, 2.426
    zero = (alpha / (alpha + 20.0)) ** r
    rate = alpha**r * r * (r + 1)
    stays = b * (b + 1) / ((a + b) * (a + b + 1))
    leaves = a * b / ((a + b) * (a + b + 1))
    two = rate * (stays / (alpha + 38.86) ** (r + 2) + leaves / (alpha + 30.43) ** (r + 2))
    value = bgnbd._Objective(cells(x, t_x, T))(np.log([r, alpha, a, b]))[0]
    assert value == pytest.approx(np.log(zero) + np.log(two), abs=1e-12)


def test_a_fit_recovers_what_was_simulated():
    found = bgnbd.fit(*buyers(20_000))
    truth = np.log([0.8, 30.0, 0.9, 2.5])
    away = np.log([found.r, found.alpha, found.a, found.b]) - truth
    assert found.is_converged
    assert away @ np.linalg.solve(found.covariance, away) < 18.5  # chi-square, 4 df, 1 in 1000
    assert found.gradient_norm < 1e-6


def test_many_cells_are_fitted_as_well_as_few():
    x, t_x, T = buyers(120_000, seed=3)
    thick = bgnbd.fit(x, t_x, T)
    assert len(cells(x, t_x, T).x) > 2 * bgnbd.COARSE_CELLS
    assert thick.is_converged
    assert (thick.r, thick.alpha) == pytest.approx((0.8, 30.0), rel=0.05)


def test_parameters_the_data_do_not_hold_are_flagged():
    rng = np.random.default_rng(5)
    T = np.full(400, 100.0)
    x = rng.poisson(4.0, 400).astype(float)  # one rate for all, nobody leaves
    found = bgnbd.fit(x, np.where(x > 0, 99.0, 0.0), T)
    assert found.is_at_bound
    assert not found.is_converged
    assert np.isfinite(expected_purchases(found, x, np.where(x > 0, 99.0, 0.0), T, 50.0)).all()


THIN = [
    ([], [], [], "no customer"),
    ([0, 0], [0, 0], [10, 20], "second day"),
    ([0, 0], [0, 0], [0, 0], "last day"),
    ([1], [5], [4], "t_x <= T"),
]


@pytest.mark.parametrize(("x", "t_x", "T", "says"), THIN)
def test_data_that_cannot_carry_the_model_are_refused(x, t_x, T, says):
    with pytest.raises(ModelError, match=says):
        bgnbd.fit(x, t_x, T)


@pytest.mark.parametrize("x", [1, 2, 30])
def test_a_single_repeat_buyer_gives_a_result(x):
    found = bgnbd.fit([0, x], [0, 3], [9, 9])
    assert np.isfinite([found.r, found.alpha, found.a, found.b, found.log_likelihood]).all()


def test_cells_are_sorted_distinct_and_add_up():
    found = cells([1, 0, 1, 1], [3, 0, 3, 2], [9, 5, 9, 9], [1, 2, 3, 4])
    assert found.x.tolist() == [0, 1, 1]
    assert found.t_x.tolist() == [0, 2, 3]
    assert found.weight.tolist() == [2, 4, 4]
    assert found.unit == 1


def test_cells_take_times_that_are_not_whole():
    found = cells([1, 1, 0], [2.5, 2.5, 0], [9.5, 9.5, 1.25])
    assert found.T.tolist() == [1.25, 9.5]
    assert found.weight.tolist() == [1, 2]


def test_too_many_cells_are_pooled_to_weeks_and_say_so():
    x, t_x, T = buyers(5_000)
    t_x, T = np.ceil(t_x), np.ceil(T)
    exact, pooled = cells(x, t_x, T), cells(x, t_x, T, max_cells=1_000)
    assert pooled.unit > 1
    assert len(pooled.x) <= 1_000
    assert pooled.weight.sum() == 5_000
    assert pooled.weight @ pooled.T == pytest.approx(exact.weight @ exact.T)
    assert np.all(pooled.t_x <= pooled.T)
    near, best = bgnbd.fit(*pooled[:4]), bgnbd.fit(*exact[:4])
    assert (near.r, near.a) == pytest.approx((best.r, best.a), rel=0.1)


def test_nobody_without_a_repeat_purchase_has_left():
    assert p_alive(FIT, 0, 0.0, 500.0) == 1.0


CORNERS = [(0, 0.0, 0.0), (0, 0.0, 38.0), (1, 5.0, 5.0), (2000, 30.0, 31.0), (2000, 5.0, 300.0)]


@pytest.mark.parametrize(("x", "t_x", "T"), CORNERS)
@pytest.mark.parametrize("a", [1e-3, 0.793, 0.9999999, 1.0, 1.0004, 2.0, 40.0])
def test_expectations_are_finite_in_the_corners(x, t_x, T, a):
    found = [expected_purchases(replace(FIT, a=a), x, t_x, T, t) for t in (0.0, 1e-6, 1.0, 1e4)]
    assert np.isfinite(found).all()
    assert found[0] == 0.0
    assert np.all(np.diff(found) >= 0)


@pytest.mark.parametrize("x", [0.0, 3.0, 200.0])
def test_expectation_crosses_a_of_one_smoothly(x):
    near = [1 - 2e-3, 1 - 1e-3, 1 - 1e-8, 1.0, 1 + 1e-8, 1 + 1e-3, 1 + 2e-3]
    found = [float(expected_purchases(replace(FIT, a=a), x, 30.0, 38.0, 52.0)) for a in near]
    assert found[3] == pytest.approx((found[1] + found[5]) / 2, rel=1e-5)
    assert found[2] == pytest.approx(found[4], rel=1e-7)
    assert np.ptp(np.diff(found[::2])) < np.ptp(found)


QUADRATURE = [(0.243, 0.793, 2.4, 3.0), (5.0, 1.0001, 0.4, 0.0), (0.8, 30.0, 50.0, 40.0)]


@pytest.mark.parametrize(("r", "a", "b", "x"), QUADRATURE)
def test_expectation_equals_the_integral_over_dropout(r, a, b, x):
    fitted = replace(FIT, r=r, a=a, b=b)
    x, T = np.array([x]), np.array([38.0])
    closed = bgnbd._expected_while_alive(fitted, x, T, 52.0)
    integral = bgnbd._quadrature(fitted, x, T, 52.0)
    assert closed == pytest.approx(integral, rel=1e-7)


@pytest.mark.parametrize("a", [0.4, 0.793, 2.0, 6.0])
def test_the_closed_form_needs_no_integral_where_customers_are_ordinary(a):
    fitted = replace(FIT, a=a)
    x, T = np.repeat([0.0, 1.0, 7.0, 40.0], 3), np.tile([0.5, 38.0, 300.0], 4)
    closed = bgnbd._euler(fitted, x, T, 52.0, a - 1)
    assert closed == pytest.approx(bgnbd._quadrature(fitted, x, T, 52.0), rel=1e-7)


def test_predictions_take_tables_of_customers():
    x, t_x, T = np.array([[0, 1], [2, 9]]), np.array([[0.0, 3.0], [8.0, 30.0]]), 38.0
    found = expected_purchases(FIT, x, t_x, T, 10.0)
    assert found.shape == p_alive(FIT, x, t_x, T).shape == (2, 2)
    alone = [expected_purchases(FIT, *one, T, 10.0) for one in zip(x.flat, t_x.flat, strict=True)]
    assert found.ravel() == pytest.approx(np.array(alone).ravel(), rel=1e-12)
    assert expected_purchases_new(FIT, [[1.0, 2.0]]).shape == (1, 2)
    assert expected_purchases_new(FIT, [0.0, -1.0]).tolist() == [0.0, 0.0]


def test_presence_is_the_equation_of_2008():
    x, t_x, T = 3, 20.0, 38.0
    gone = 0.793 / (2.426 + x - 1) * ((4.414 + T) / (4.414 + t_x)) ** (0.243 + x)
    assert p_alive(FIT, x, t_x, T) == pytest.approx(1 / (1 + gone), rel=1e-12)


def test_standard_errors_are_those_of_the_parameters_themselves():
    fitted = replace(FIT, covariance=np.diag([0.01, 0.04, 0.09, 0.16]))
    expected = [0.243 * 0.1, 4.414 * 0.2, 0.793 * 0.3, 2.426 * 0.4]
    assert fitted.standard_errors == pytest.approx(expected)


def test_what_a_fit_reports_is_that_of_the_times_it_was_given():
    x, t_x, T = buyers(2_000, seed=4)
    found = bgnbd.fit(x, t_x, T)
    theta = np.log([found.r, found.alpha, found.a, found.b])
    value, gradient, hessian = bgnbd._Objective(cells(x, t_x, T))(theta)
    assert found.n == 2_000
    assert found.log_likelihood == pytest.approx(value, abs=1e-6)
    assert found.gradient_norm == pytest.approx(np.abs(gradient).max() / 2_000, abs=1e-8)
    assert found.covariance == pytest.approx(np.linalg.inv(-hessian), rel=1e-3)
    assert (found.is_converged, found.is_at_bound) == (True, False)


IMPOSSIBLE = [(-1, 0.0, 9.0), (1, -1.0, 9.0), (1, 9.5, 9.0), (1, 2.0, np.inf), (1, 2.0, np.nan)]


@pytest.mark.parametrize("customer", IMPOSSIBLE)
def test_impossible_histories_are_refused(customer):
    columns = [[one, fine] for one, fine in zip(customer, (2, 3.0, 9.0), strict=True)]
    for call in (bgnbd.fit, cells):
        with pytest.raises(ModelError) as refused:
            call(*columns)
        assert str(refused.value) == "BG/NBD needs 0 <= t_x <= T and x >= 0 for every customer."
        assert refused.value.hint == "Purchases after the end of the log must be left out."


THIN = [
    ([], "There is no customer to fit a repeat-buying model on.", ""),
    (
        [(0, 0.0, 0.0)],
        (
            "Every customer's first purchase is on the last day of the log: nobody had time to "
            "come back."
        ),
        "Give a log that covers more than one day.",
    ),
    (
        [(0, 0.0, 9.0), (0, 0.0, 8.0)],
        "None of 2 customers bought on a second day: repeat buying cannot be fitted.",
        "Give a longer log, or check that customer ids repeat.",
    ),
]


@pytest.mark.parametrize(("customers", "says", "hint"), THIN)
def test_customers_that_carry_no_fit_are_refused_with_what_to_do(customers, says, hint):
    with pytest.raises(ModelError) as refused:
        bgnbd.fit(*np.array(customers, float).reshape(-1, 3).T)
    assert str(refused.value) == says
    assert refused.value.hint == hint


def test_customers_weighing_nothing_are_none():
    with pytest.raises(ModelError, match="no customer"):
        bgnbd.fit([1, 2], [1.0, 2.0], [9.0, 9.0], [0, 0])


def test_times_that_are_not_whole_are_sorted_too():
    found = cells([1, 1, 1], [2.9, 2.1, 2.5], [9.0, 9.0, 9.0])
    assert found.t_x.tolist() == [2.1, 2.5, 2.9]


def test_cells_are_few_for_times_pooled_no_more_than_needed():
    T = np.arange(1.0, 57.0)
    x, t_x = np.ones(56), np.zeros(56)
    assert [cells(x, t_x, T, max_cells=n).unit for n in (56, 55, 8, 7, 4, 3)] == [
        1,
        7,
        7,
        14,
        14,
        28,
    ]
    pooled = cells(x, t_x, T, weight=T, max_cells=8)
    assert pooled.weight.tolist() == [sum(range(7 * k + 1, 7 * k + 8)) for k in range(8)]
    assert pooled.T[0] == sum(n * n for n in range(1, 8)) / sum(range(1, 8))
    # Never beyond the length of the log, however few are asked for.
    assert cells(x, t_x, T, max_cells=0).unit == 28


def test_purchases_are_never_pooled():
    found = cells([0, 1, 2], [0.0, 3.0, 3.0], [9.0, 9.0, 8.0], max_cells=1)
    assert found.x.tolist() == [0, 1, 2]


def test_a_new_customers_expectation_is_the_mean_of_what_was_simulated():
    x, _, T = buyers(20_000, seed=11)
    fitted = replace(FIT, r=0.8, alpha=30.0, a=0.9, b=2.5)
    days, n = np.unique(T, return_counts=True)
    expected = expected_purchases_new(fitted, days) @ n / len(x)
    assert x.mean() == pytest.approx(expected, abs=4 * x.std() / len(x) ** 0.5)
