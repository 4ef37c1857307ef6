import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from csk.stats import mbgnbd
from csk.stats.mbgnbd import MAX_K, MbgNbdFit

positive = st.floats(0.02, 50.0)


@st.composite
def fits(draw):
    r, alpha, a, b = (draw(positive) for _ in range(4))
    k = draw(st.integers(1, MAX_K))
    return MbgNbdFit(r, alpha, a, b, k, np.eye(4), 0.0, 4, 1.0, 0.0, True, False)


@st.composite
def histories(draw):
    """Draw (x, t_x, T) of one customer."""
    T = draw(st.floats(0.0, 500.0))
    x = draw(st.integers(0, 2000)) if T > 0 else 0
    return x, draw(st.floats(0.0, 1.0)) * T if x else 0.0, T


@settings(deadline=None)
@given(fits(), histories(), st.floats(0.0, 300.0))
def test_presence_is_a_probability_and_falls_in_silence(fitted, history, longer):
    x, t_x, T = history
    now, later = mbgnbd.p_alive(fitted, x, t_x, [T, T + longer])
    assert 0.0 <= later <= now * (1 + 1e-12)
    assert now <= 1.0


@settings(deadline=None)
@given(fits(), histories(), st.floats(0.0, 1e4), st.floats(0.0, 1e4))
def test_expected_purchases_are_finite_and_rise_with_time(fitted, history, t, more):
    short, long = (float(mbgnbd.expected_purchases(fitted, *history, s)) for s in (t, t + more))
    assert np.isfinite(long)
    assert 0.0 <= short <= long * (1 + 1e-9) + 1e-9


@settings(deadline=None)
@given(fits(), histories(), st.floats(0.0, 1e4))
def test_who_is_expected_to_buy_may_buy_nothing(fitted, history, t):
    """P(at least one purchase) is at most the expected number, and at most P(alive)."""
    some = 1.0 - float(mbgnbd.p_none(fitted, *history, t))
    assert -1e-12 <= some <= float(mbgnbd.p_alive(fitted, *history)) + 1e-12
    assert some <= float(mbgnbd.expected_purchases(fitted, *history, t)) * (1 + 1e-7) + 1e-9


@settings(deadline=None)
@given(fits(), histories(), st.floats(0.01, 1e3), st.floats(0.01, 100.0))
def test_the_time_unit_changes_no_prediction(fitted, history, t, unit):
    x, t_x, T = history
    other = MbgNbdFit(**{**vars(fitted), "alpha": fitted.alpha * unit})
    here = float(mbgnbd.expected_purchases(fitted, x, t_x, T, t))
    there = float(mbgnbd.expected_purchases(other, x, t_x * unit, T * unit, t * unit))
    assert there == pytest.approx(here, rel=1e-6, abs=1e-9)


@st.composite
def customers(draw):
    """Draw (x, t_x, T, weight, log of gaps) of some dozens of customers with repeat buyers."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, k = draw(st.integers(150, 250)), draw(st.integers(1, 3))
    T = rng.integers(150, 400, n)
    gaps = np.ceil(rng.gamma(k, 1.0, (n, 60)) / rng.gamma(0.8, k / 20, (n, 1)))
    stays = np.cumprod(rng.random((n, 60)) > rng.beta(0.9, 2.0, (n, 1)), axis=1)
    bought = (np.cumsum(gaps, axis=1) <= T[:, None]) & (stays == 1)
    t_x = (np.cumsum(gaps, axis=1) * bought).max(axis=1)
    weight = rng.integers(1, 5, n)
    log_gaps = float(weight @ (np.log(gaps) * bought).sum(axis=1))
    return (bought.sum(axis=1), t_x.astype(int), T, weight), log_gaps


@settings(deadline=None, max_examples=8)
@given(customers(), st.integers(1, MAX_K), st.randoms(use_true_random=False))
def test_row_order_does_not_change_a_bit_of_the_fit(drawn, k, random):
    columns, log_gaps = drawn
    order = list(range(len(columns[0])))
    random.shuffle(order)
    one = mbgnbd.fit(*columns, k=k, log_gaps=log_gaps)
    other = mbgnbd.fit(*(column[order] for column in columns), k=k, log_gaps=log_gaps)
    assert (one.r, one.alpha, one.a, one.b) == (other.r, other.alpha, other.a, other.b)
    assert one.log_likelihood == other.log_likelihood


@settings(deadline=None, max_examples=8)
@given(customers())
def test_frequency_weights_equal_repeated_rows(drawn):
    (x, t_x, T, weight), log_gaps = drawn
    merged = mbgnbd.fit(x, t_x, T, weight, k=2, log_gaps=log_gaps)
    rows = (np.repeat(column, weight) for column in (x, t_x, T))
    expanded = mbgnbd.fit(*rows, k=2, log_gaps=log_gaps)
    assert merged.log_likelihood == expanded.log_likelihood
    assert merged.n == expanded.n


@settings(deadline=None, max_examples=8)
@given(customers(), st.sampled_from([1 / 7, 24.0]))
def test_the_time_unit_of_a_fit_scales_alpha_alone(drawn, unit):
    (x, t_x, T, weight), log_gaps = drawn
    shift = float(weight @ x) * np.log(unit)
    one = mbgnbd.fit_regular(x, t_x, T, weight, log_gaps=log_gaps)
    other = mbgnbd.fit_regular(x, t_x * unit, T * unit, weight, log_gaps=log_gaps + shift)
    assume(one.is_converged)
    assert other.k == one.k
    found = np.array([other.r, other.alpha / unit, other.a, other.b])
    assert found == pytest.approx(np.array([one.r, one.alpha, one.a, one.b]), rel=1e-3)
    assert other.log_likelihood == pytest.approx(one.log_likelihood - shift, abs=1e-6)
