"""Laws of the repeat-buying models with an exit on any day (Pareto/NBD), on none, on occasions."""

from itertools import product

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from csk.stats import bgbb, nbd, paretonbd, paretonbd_integral
from csk.stats.bgbb import BgBbFit
from csk.stats.bgnbd import Cells
from csk.stats.paretonbd import ParetoNbdFit
from csk.stats.paretonbd_integral import FITTING, PREDICTING, Histories

positive = st.floats(0.02, 50.0)


@st.composite
def fits(draw):
    theta = (draw(positive) for _ in range(4))
    return ParetoNbdFit(*theta, np.eye(4), 0.0, 1.0, 0.0, True, False)


@st.composite
def histories(draw):
    """Draw (x, t_x, T) of one customer."""
    T = draw(st.floats(0.0, 500.0))
    x = draw(st.integers(0, 2000)) if T > 0 else 0
    return x, draw(st.floats(0.0, 1.0)) * T if x else 0.0, T


def points(n):
    """Draw log-parameters anywhere in the box of the fit, some on the edges between formulas."""
    drawn = np.random.default_rng(7).uniform(-10.0, 10.0, (n, 4))
    drawn[: n // 40, 1] = drawn[: n // 40, 3]  # alpha = beta
    drawn[n // 40 : n // 20, 2] = 0.0  # s = 1
    return drawn


def test_20_000_random_parameter_points_have_finite_odds():
    theta = np.exp(np.repeat(points(20_000), 4, axis=0)).T
    rng = np.random.default_rng(8)
    x = np.tile([0.0, 1.0, 30.0, 2000.0], 20_000)
    T = rng.uniform(0.01, 3.0, 80_000)
    t_x = np.where(x > 0, rng.beta(0.5, 0.5, 80_000), 0.0) * T
    part = Histories(x, t_x, T)
    for n in (FITTING, PREDICTING):
        odds = paretonbd_integral._log_odds(theta, part, paretonbd_integral.nodes(theta, part, n))
        assert np.isfinite(odds[t_x < T]).all()


def test_derivatives_are_finite_at_random_parameter_points():
    x = np.array([0, 0, 1, 3, 40, 2000], float)
    T = np.array([0.01, 1.7, 1.0, 0.4, 1.3, 2.0])
    t_x = np.array([0, 0, 1, 0.1, 1e-3, 0.9]) * T
    objective = paretonbd._Objective(Cells(x, t_x, T, np.ones(6), 1))
    for point in points(1_000):
        value, gradient, hessian = objective(point)
        assert np.isfinite(value + gradient.sum() + hessian.sum()), point


@settings(deadline=None)
@given(fits(), histories(), st.floats(0.0, 300.0))
def test_presence_is_a_probability_and_falls_in_silence(fitted, history, longer):
    x, t_x, T = history
    now, later = paretonbd.p_alive(fitted, x, t_x, [T, T + longer])
    assert 0.0 <= later <= now * (1 + 1e-12) <= 1.0 + 1e-12


@settings(deadline=None)
@given(fits(), histories(), st.floats(0.0, 1e4), st.floats(0.0, 1e4))
def test_expected_purchases_are_finite_and_rise_with_time(fitted, history, t, more):
    short, long = (float(paretonbd.expected_purchases(fitted, *history, s)) for s in (t, t + more))
    assert np.isfinite(long)
    assert 0.0 <= short <= long * (1 + 1e-9) + 1e-9


@settings(deadline=None)
@given(fits(), histories(), st.floats(1e-4, 1.0), st.floats(1e-3, 1.0))
def test_discounted_purchases_fall_with_the_rate(fitted, history, rate, more):
    low, high = (
        float(paretonbd.discounted_purchases(fitted, *history, d)) for d in (rate, rate + more)
    )
    assert np.isfinite(low)
    assert 0.0 <= high <= low


@example(ParetoNbdFit(1, 1, 1, 1, np.eye(4), 0, 1, 0, True, False), (0, 0.0, 5e-324), 1.0, 1.0)
@settings(deadline=None)
@given(fits(), histories(), st.floats(0.01, 1e3), st.floats(0.01, 100.0))
def test_the_time_unit_changes_no_prediction(fitted, history, t, unit):
    x, t_x, T = history
    scaled = {"alpha": fitted.alpha * unit, "beta": fitted.beta * unit}
    other = ParetoNbdFit(**{**vars(fitted), **scaled})
    here = float(paretonbd.expected_purchases(fitted, x, t_x, T, t))
    there = float(paretonbd.expected_purchases(other, x, t_x * unit, T * unit, t * unit))
    assert there == pytest.approx(here, rel=1e-6, abs=1e-9)


@st.composite
def customers(draw):
    """Draw (x, t_x, T, weight) of some dozens of customers, who buy at random and may leave."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(150, 250))
    T = rng.integers(150, 400, n)
    leaves = rng.exponential(1.0, n) / rng.gamma(0.9, 1 / 80, n)
    days = np.cumsum(np.ceil(rng.exponential(1.0, (n, 60)) / rng.gamma(0.8, 1 / 20, (n, 1))), 1)
    bought = days <= np.minimum(T, leaves)[:, None]
    assume(bought.any())
    return bought.sum(axis=1), (days * bought).max(axis=1).astype(int), T, rng.integers(1, 5, n)


@settings(deadline=None, max_examples=10)
@given(customers(), st.randoms(use_true_random=False))
def test_row_order_does_not_change_a_bit_of_a_fit(drawn, random):
    order = list(range(len(drawn[0])))
    random.shuffle(order)
    shuffled = [column[order] for column in drawn]
    one, other = paretonbd.fit(*drawn), paretonbd.fit(*shuffled)
    assert one.theta.tolist() == other.theta.tolist()
    assert one.log_likelihood == other.log_likelihood
    one, other = (nbd.fit(x, T, weight) for x, _, T, weight in (drawn, shuffled))
    assert (one.r, one.alpha, one.log_likelihood) == (other.r, other.alpha, other.log_likelihood)


@settings(deadline=None, max_examples=10)
@given(customers())
def test_frequency_weights_equal_repeated_rows(drawn):
    x, t_x, T, weight = drawn
    expanded = [np.repeat(column, weight) for column in (x, t_x, T)]
    merged, repeated = paretonbd.fit(x, t_x, T, weight), paretonbd.fit(*expanded)
    assert merged.log_likelihood == repeated.log_likelihood
    assert merged.n == repeated.n
    whole = nbd.fit(x, T, weight)
    assert whole.log_likelihood == nbd.fit(expanded[0], expanded[2]).log_likelihood


@settings(deadline=None, max_examples=10)
@given(customers(), st.sampled_from([1 / 7, 24.0]))
def test_the_time_unit_of_a_fit_scales_alpha_and_beta_alone(drawn, unit):
    x, t_x, T, weight = drawn
    one, other = paretonbd.fit(x, t_x, T, weight), paretonbd.fit(x, t_x * unit, T * unit, weight)
    assume(one.is_converged)
    scales = np.array([1.0, unit, 1.0, unit])
    assert other.theta / scales == pytest.approx(one.theta, rel=1e-3)
    scaled = one.log_likelihood - float(weight @ x) * np.log(unit)
    assert other.log_likelihood == pytest.approx(scaled, abs=1e-6)


@settings(deadline=None, max_examples=10)
@given(customers())
def test_an_exit_explains_no_less_than_none(drawn):
    """NBD is Pareto/NBD with s = 0, on one scale of likelihood."""
    x, t_x, T, weight = drawn
    with_exit, without = paretonbd.fit(x, t_x, T, weight), nbd.fit(x, T, weight)
    assert with_exit.log_likelihood >= without.log_likelihood - 0.05


def occasions(n):
    """List every history of n occasions as (x, t_x)."""
    for bought in product((0, 1), repeat=n):
        yield sum(bought), max((k + 1 for k in range(n) if bought[k]), default=0)


log_parameters = st.lists(st.floats(-6.0, 6.0), min_size=4, max_size=4)


@settings(deadline=None)
@given(log_parameters, st.integers(1, 8))
def test_probabilities_of_all_histories_of_occasions_add_up_to_one(theta, n):
    rows = np.array([(*row, n) for row in occasions(n)], float)
    unique, weight = np.unique(rows, axis=0, return_counts=True)
    terms = bgbb._Terms(Cells(*unique.T, weight.astype(float), 1))
    logs, share = terms.posterior(terms.logs(bgbb._Rising(np.exp(theta), terms.farthest)))
    assert float(weight @ np.exp(logs)) == pytest.approx(1.0, abs=1e-9)
    assert terms.sums(share) == pytest.approx(np.ones(len(unique)))


@settings(deadline=None)
@given(log_parameters, st.integers(1, 60), st.data())
def test_occasions_to_come_are_bounded_and_rise(theta, n, draws):
    fitted = BgBbFit(*np.exp(theta), np.eye(4), 0.0, 1.0, 0.0, True, False)
    t_x = draws.draw(st.integers(0, n))
    x = draws.draw(st.integers(min(t_x, 1), t_x))
    alive = float(bgbb.p_alive(fitted, x, t_x, n))
    near, far = (float(bgbb.expected_purchases(fitted, x, t_x, n, m)) for m in (1, 12))
    worth = float(bgbb.discounted_purchases(fitted, x, t_x, n, 0.1))
    assert 0.0 <= near <= alive * (1 + 1e-12) <= 1.0 + 1e-12
    assert near <= far <= 12 * alive * (1 + 1e-12)
    assert far / 1.1**12 <= worth * (1 + 1e-9)
    assert worth <= 10.0 * alive * (1 + 1e-9)
