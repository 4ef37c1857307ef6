from dataclasses import replace

import numpy as np
import pytest
from scipy.special import betainc, gammaln

from csk.errors import ModelError
from csk.stats import bgnbd, erlang, mbgnbd
from csk.stats.mbgnbd import MbgNbdFit, expected_purchases, expected_purchases_new, p_alive, p_none

FIT = MbgNbdFit(0.52, 6.18, 0.89, 1.61, 1, np.eye(4), 0.0, 4, 1.0, 0.0, True, False)
TRUTH = {"r": 0.8, "alpha": 15.0, "a": 0.9, "b": 2.5}


def buyers(n, k=2, seed=0, ahead=0.0):
    """Simulate MBG/CNBD-k in continuous time: x, t_x, T, purchases in T + ahead, log of gaps."""
    rng = np.random.default_rng(seed)
    rate, leaves = rng.gamma(TRUTH["r"], 1 / TRUTH["alpha"], n), rng.beta(0.9, 2.5, n)
    T = 50.0 * rng.integers(2, 10, n)
    x, t_x, now, later, log_gaps = *(np.zeros(n) for _ in range(4)), 0.0
    is_alive = rng.random(n) > leaves
    while is_alive.any():
        gap = rng.gamma(k, 1 / rate)
        now = now + gap
        is_alive &= now <= T + ahead
        is_seen = is_alive & (now <= T)
        x[is_seen] += 1
        t_x[is_seen] = now[is_seen]
        log_gaps += np.log(gap[is_seen]).sum()
        later[is_alive & ~is_seen] += 1
        is_alive &= rng.random(n) > leaves
    return x, t_x, T, later, log_gaps


def series(fitted, x, t_x, T, t, n=4_000):
    """Sum the expectation over the number of the purchase, term by term."""
    q, u, z = fitted.r + fitted.k * x, (T - t_x) / (fitted.alpha + T), t / (fitted.alpha + T + t)
    terms = [1.0]
    for j in range(1, fitted.k):
        terms.append(terms[-1] * (q + j - 1) / j * u)
    m, b = np.arange(1, n + 1), fitted.b + x
    stays = gammaln(b + m) - gammaln(fitted.a + b + m) - gammaln(b + 1) + gammaln(fitted.a + b + 1)
    ahead = [np.exp(stays) @ betainc(m * fitted.k - j, q + j, z) for j in range(fitted.k)]
    while_alive = np.dot(terms, ahead) / sum(terms)
    return while_alive * float(p_alive(fitted, x, t_x, T))


@pytest.mark.parametrize("k", [1, 2, 5])
def test_derivatives_agree_with_differences(k):
    x, t_x, T, _, _ = buyers(300)
    objective = mbgnbd._Objective(bgnbd.cells(x, t_x, T), k)
    theta, h = np.log([0.6, 12.0, 0.7, 2.0]), 1e-5
    _, gradient, hessian = objective(theta)
    steps = h * np.eye(4)
    slopes = [(objective(theta + e)[0] - objective(theta - e)[0]) / (2 * h) for e in steps]
    curves = [(objective(theta + e)[1] - objective(theta - e)[1]) / (2 * h) for e in steps]
    assert gradient == pytest.approx(slopes, rel=1e-6, abs=1e-5)
    assert hessian == pytest.approx(np.array(curves), rel=1e-6, abs=1e-4)


@pytest.mark.parametrize("k", [1, 2, 4])
def test_log_likelihood_is_that_integrated_over_rates_and_leaving(k):
    """One customer with gaps 4 and 6, then 9 of silence; rate and p on a fine grid."""
    r, alpha, a, b = 2.0, 12.0, 2.0, 3.0
    rate, p = np.linspace(1e-6, 4.0, 4001)[:, None], np.linspace(0.0005, 0.9995, 1000)
    prior = rate ** (r - 1) * np.exp(-alpha * rate) * alpha**r / np.exp(gammaln(r))
    prior = (
        prior * p ** (a - 1) * (1 - p) ** (b - 1) / np.exp(gammaln(a) + gammaln(b) - gammaln(a + b))
    )
    bought = (rate**k / np.exp(gammaln(k))) ** 2 * (4.0 * 6.0) ** (k - 1) * np.exp(-rate * 10.0)
    silent = sum((rate * 9.0) ** j / np.exp(gammaln(j + 1)) for j in range(k)) * np.exp(-9 * rate)
    inside = prior * bought * (1 - p) ** 2 * (p + (1 - p) * silent)
    expected = np.log(inside.sum() * 1e-3 * (4.0 - 1e-6) / 4000)
    found = mbgnbd._Objective(bgnbd.cells([2.0], [10.0], [19.0]), k)(np.log([r, alpha, a, b]))[0]
    found += mbgnbd._constant(k, float(np.log(24.0)), 2.0, 1.0)
    assert found == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("k", [1, 3])
def test_a_fit_recovers_what_was_simulated_and_how_regular(k):
    x, t_x, T, _, log_gaps = buyers(10_000, k=k)
    found = mbgnbd.fit_regular(x, t_x, T, log_gaps=log_gaps)
    away = np.log([found.r, found.alpha, found.a, found.b]) - np.log(list(TRUTH.values()))
    assert found.k == k
    assert found.is_converged
    assert away @ np.linalg.solve(found.covariance, away) < 18.5  # chi-square, 4 df, 1 in 1000
    assert found.gradient_norm < 1e-6
    assert found.aic == 10 - 2 * found.log_likelihood


def test_many_cells_are_fitted_as_well_as_few():
    x, t_x, T, _, _ = buyers(80_000, k=1, seed=3)
    thick = mbgnbd.fit(x, t_x, T)
    assert len(bgnbd.cells(x, t_x, T).x) > 2 * bgnbd.COARSE_CELLS
    assert thick.is_converged
    assert (thick.r, thick.alpha) == pytest.approx((0.8, 15.0), rel=0.05)
    assert thick.gradient_norm < 1e-6


def test_what_a_fit_reports_is_that_of_the_times_it_was_given():
    x, t_x, T, _, log_gaps = buyers(2_000, seed=4)
    found = mbgnbd.fit(x, t_x, T, k=2, log_gaps=log_gaps)
    theta = np.log([found.r, found.alpha, found.a, found.b])
    value, gradient, hessian = mbgnbd._Objective(bgnbd.cells(x, t_x, T), 2)(theta)
    assert found.n == 2_000
    assert (found.n_parameters, found.k) == (4, 2)
    assert found.log_likelihood == pytest.approx(value + log_gaps, abs=1e-6)
    assert found.gradient_norm == pytest.approx(np.abs(gradient).max() / 2_000, abs=1e-8)
    assert found.covariance == pytest.approx(np.linalg.inv(-hessian), rel=1e-3)
    assert (found.is_converged, found.is_at_bound) == (True, False)


def test_the_unit_of_time_moves_the_likelihood_of_regular_gaps_by_purchases_alone():
    x, t_x, T, _, log_gaps = buyers(1_000, k=3, seed=5)
    days = mbgnbd.fit_regular(x, t_x, T, log_gaps=log_gaps)
    weeks = mbgnbd.fit_regular(x, t_x / 7, T / 7, log_gaps=log_gaps - x.sum() * np.log(7))
    assert weeks.k == days.k
    assert weeks.alpha == pytest.approx(days.alpha / 7)
    shift = x.sum() * np.log(7)
    assert weeks.log_likelihood == pytest.approx(days.log_likelihood + shift, abs=1e-5)


def test_without_the_gaps_a_regular_likelihood_is_unknown():
    x, t_x, T, _, _ = buyers(500)
    assert np.isfinite(mbgnbd.fit(x, t_x, T).aic)
    assert np.isnan(mbgnbd.fit(x, t_x, T, k=2).aic)


def test_parameters_the_data_do_not_hold_are_flagged():
    rng = np.random.default_rng(5)
    T = np.full(400, 100.0)
    x = rng.poisson(4.0, 400).astype(float) + 1  # one rate for all, nobody leaves
    found = mbgnbd.fit(x, np.full(400, 99.0), T)
    assert found.is_at_bound
    assert not found.is_converged
    assert np.isfinite(expected_purchases(found, x, np.full(400, 99.0), T, 50.0)).all()


IMPOSSIBLE = [
    ({"k": 0}, "k from 1 to 6"),
    ({"k": 7}, "k from 1 to 6"),
    ({"k": 2, "log_gaps": float("-inf")}, "do not belong"),
    ({"k": 2, "log_gaps": 1e6}, "do not belong"),
]


@pytest.mark.parametrize(("asked", "says"), IMPOSSIBLE)
def test_gaps_that_cannot_be_are_refused(asked, says):
    x, t_x, T, _, _ = buyers(200)
    with pytest.raises(ModelError, match=says):
        mbgnbd.fit(x, t_x, T, **asked)


def test_equal_gaps_are_the_longest_logarithms_there_can_be():
    x, t_x, T = [2, 3, 1], [10.0, 12.0, 3.0], [20.0, 20.0, 20.0]
    log_gaps = 2 * np.log(5) + 3 * np.log(4) + np.log(3)
    assert np.isfinite(mbgnbd.fit(x, t_x, T, k=2, log_gaps=log_gaps).log_likelihood)
    with pytest.raises(ModelError, match="do not belong"):
        mbgnbd.fit(x, t_x, T, k=2, log_gaps=log_gaps + 0.01)


def test_a_gap_of_nothing_has_no_logarithm():
    with pytest.raises(ModelError, match="do not belong"):
        mbgnbd.fit([1, 3], [0.0, 12.0], [20.0, 20.0], k=2, log_gaps=0.5)
    assert np.isfinite(mbgnbd.fit([1, 3], [0.0, 12.0], [20.0, 20.0], k=2).r)


def test_customers_without_a_repeat_are_refused():
    with pytest.raises(ModelError, match="second day"):
        mbgnbd.fit([0, 0], [0, 0], [9, 9])


CORNERS = [(0, 0.0, 0.0), (0, 0.0, 38.0), (1, 5.0, 5.0), (2000, 30.0, 31.0), (2000, 5.0, 300.0)]


@pytest.mark.parametrize(("x", "t_x", "T"), CORNERS)
@pytest.mark.parametrize("a", [1e-3, 0.793, 1.0, 1.0004, 40.0])
@pytest.mark.parametrize("k", [1, 2, 6])
def test_expectations_are_finite_in_the_corners(x, t_x, T, a, k):
    fitted = replace(FIT, a=a, k=k)
    found = [expected_purchases(fitted, x, t_x, T, t) for t in (-1.0, 0.0, 1e-6, 1.0, 1e4)]
    assert np.isfinite(found).all()
    assert found[:2] == [0.0, 0.0]
    assert np.all(np.diff(found) >= 0)


CUSTOMERS = [(0, 0.0, 38.0), (3, 20.0, 38.0), (7, 36.0, 38.0), (60, 350.0, 400.0)]


@pytest.mark.parametrize("customer", CUSTOMERS)
@pytest.mark.parametrize("k", [1, 2, 3, 6])
@pytest.mark.parametrize("a", [0.05, 0.89, 1.0, 8.0])
def test_the_closed_expectation_equals_the_series(customer, k, a):
    fitted = replace(FIT, a=a, k=k)
    found = [float(expected_purchases(fitted, *customer, t)) for t in (0.5, 52.0, 2000.0)]
    summed = [series(fitted, *customer, t) for t in (0.5, 52.0, 2000.0)]
    assert found == pytest.approx(summed, rel=1e-8)


@pytest.mark.parametrize("k", [1, 2, 4])
def test_expectations_are_those_of_customers_simulated_onward(k):
    x, t_x, T, later, _ = buyers(12_000, k=k, seed=8, ahead=100.0)
    fitted = replace(FIT, **TRUTH, k=k)
    expected = expected_purchases(fitted, x, t_x, T, 100.0)
    none = p_none(fitted, x, t_x, T, 100.0)
    for some in (x == 0, x == 2, x > 5, T - t_x > 60):
        for off in ((later - expected)[some], ((later == 0) - none)[some]):
            assert abs(off.mean()) < 4 * off.std() / len(off) ** 0.5


def test_presence_is_the_share_of_those_who_stayed():
    x, t_x, T, gone = 3, 20.0, 38.0, 0.89 / (1.61 + 3) * ((6.18 + 38) / (6.18 + 20)) ** (0.52 + 3)
    assert p_alive(FIT, x, t_x, T) == pytest.approx(1 / (1 + gone), rel=1e-12)
    q, u = 0.52 + 6, 18 / 44.18
    two = 0.89 / (1.61 + 3) * ((6.18 + 38) / (6.18 + 20)) ** q / (1 + q * u)
    assert p_alive(replace(FIT, k=2), x, t_x, T) == pytest.approx(1 / (1 + two), rel=1e-12)


def test_silence_says_more_of_regular_buyers():
    found = [float(p_alive(replace(FIT, k=k, alpha=6.18 / k), 9, 18.0, 30.0)) for k in (1, 2, 4, 6)]
    assert np.all(np.diff(found) < 0)


def test_who_has_left_or_waits_buys_nothing():
    assert p_none(FIT, 3, 20.0, 38.0, 0.0) == 1.0
    assert p_none(FIT, 3, 20.0, 38.0, -1.0) == 1.0
    waits = ((6.18 + 38.0) / (6.18 + 48.0)) ** 3.52
    alive = p_alive(FIT, 3, 20.0, 38.0)
    assert p_none(FIT, 3, 20.0, 38.0, 10.0) == pytest.approx(1 - alive * (1 - waits))


def test_predictions_take_tables_of_customers():
    x, t_x, T = np.array([[0, 1], [2, 9]]), np.array([[0.0, 3.0], [8.0, 30.0]]), 38.0
    fitted = replace(FIT, k=3)
    found = expected_purchases(fitted, x, t_x, T, 10.0)
    assert found.shape == p_alive(fitted, x, t_x, T).shape == (2, 2)
    alone = [
        expected_purchases(fitted, *one, T, 10.0) for one in zip(x.flat, t_x.flat, strict=True)
    ]
    assert found.ravel() == pytest.approx(np.array(alone).ravel(), rel=1e-12)
    assert expected_purchases_new(fitted, [[1.0, 2.0]]).shape == (1, 2)
    assert expected_purchases_new(fitted, [0.0, -1.0]).tolist() == [0.0, 0.0]


def test_standard_errors_are_those_of_the_parameters_themselves():
    fitted = replace(FIT, covariance=np.diag([0.01, 0.04, 0.09, 0.16]))
    assert fitted.standard_errors == pytest.approx([0.052, 6.18 * 0.2, 0.89 * 0.3, 1.61 * 0.4])


def test_regularity_adds_nothing_to_chance_itself():
    p, tau = np.array([0.001, 0.3, 0.999999]), np.array([0.01, 1.0, 100.0])
    assert erlang.beyond_chance(p, tau, 3.5, 1) == pytest.approx(np.zeros((1, 3, 3)), abs=1e-9)


def test_phases_share_out_one():
    shares = erlang.phase_shares(np.array([0.5, 40.0]), np.array([0.0, 0.9]), 4)
    assert shares.sum(axis=0) == pytest.approx([1.0, 1.0])
    assert shares[:, 0].tolist() == [1.0, 0.0, 0.0, 0.0]
