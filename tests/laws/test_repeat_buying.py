import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from csk.stats import bgnbd, rfm
from csk.stats.bgnbd import BgNbdFit
from csk.stats.inactivity import gap_counts, gap_curve, inactivity, leaving_table, merged

positive = st.floats(0.02, 50.0)


@st.composite
def fits(draw):
    r, alpha, a, b = (draw(positive) for _ in range(4))
    return BgNbdFit(r, alpha, a, b, np.eye(4), 0.0, 1.0, 0.0, True, False)


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
    now, later = bgnbd.p_alive(fitted, x, t_x, [T, T + longer])
    assert 0.0 <= later <= now <= 1.0


@settings(deadline=None)
@given(fits(), histories(), st.floats(0.0, 1e4), st.floats(0.0, 1e4))
def test_expected_purchases_are_finite_and_rise_with_time(fitted, history, t, more):
    short, long = (float(bgnbd.expected_purchases(fitted, *history, s)) for s in (t, t + more))
    assert np.isfinite(long)
    assert 0.0 <= short <= long * (1 + 1e-9) + 1e-9


@settings(deadline=None)
@given(fits(), histories(), st.floats(0.01, 1e3), st.floats(0.01, 100.0))
def test_the_time_unit_changes_no_prediction(fitted, history, t, unit):
    x, t_x, T = history
    other = BgNbdFit(**{**vars(fitted), "alpha": fitted.alpha * unit})
    here = float(bgnbd.expected_purchases(fitted, x, t_x, T, t))
    there = float(bgnbd.expected_purchases(other, x, t_x * unit, T * unit, t * unit))
    assert there == pytest.approx(here, rel=1e-6, abs=1e-9)


@st.composite
def customers(draw):
    """Draw (x, t_x, T, weight) of some dozens of customers, with a repeat buyer among them."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(150, 250))
    T = rng.integers(150, 400, n)
    gaps = np.ceil(rng.exponential(1.0, (n, 60)) / rng.gamma(0.8, 1 / 20, (n, 1)))
    stays = np.cumprod(rng.random((n, 60)) > rng.beta(0.9, 2.0, (n, 1)), axis=1)
    stays = np.concatenate([np.ones((n, 1)), stays[:, :-1]], axis=1)
    bought = (np.cumsum(gaps, axis=1) <= T[:, None]) & (stays == 1)
    t_x = (np.cumsum(gaps, axis=1) * bought).max(axis=1)
    return bought.sum(axis=1), t_x.astype(int), T, rng.integers(1, 5, n)


@settings(deadline=None, max_examples=10)
@given(customers(), st.randoms(use_true_random=False))
def test_row_order_does_not_change_a_bit_of_the_fit(drawn, random):
    order = list(range(len(drawn[0])))
    random.shuffle(order)
    one, other = bgnbd.fit(*drawn), bgnbd.fit(*(column[order] for column in drawn))
    assert (one.r, one.alpha, one.a, one.b) == (other.r, other.alpha, other.a, other.b)
    assert one.log_likelihood == other.log_likelihood


@settings(deadline=None, max_examples=10)
@given(customers())
def test_frequency_weights_equal_repeated_rows(drawn):
    x, t_x, T, weight = drawn
    merged_, expanded = (
        bgnbd.fit(x, t_x, T, weight),
        bgnbd.fit(*(np.repeat(column, weight) for column in (x, t_x, T))),
    )
    assert merged_.log_likelihood == expanded.log_likelihood
    assert merged_.n == expanded.n


@settings(deadline=None, max_examples=10)
@given(customers(), st.sampled_from([1 / 7, 24.0]))
def test_the_time_unit_of_a_fit_scales_alpha_alone(drawn, unit):
    x, t_x, T, weight = drawn
    one, other = bgnbd.fit(x, t_x, T, weight), bgnbd.fit(x, t_x * unit, T * unit, weight)
    assume(one.is_converged)
    found = np.array([other.r, other.alpha / unit, other.a, other.b])
    assert found == pytest.approx(np.array([one.r, one.alpha, one.a, one.b]), rel=1e-3)
    scaled = one.log_likelihood - float(weight @ x) * np.log(unit)
    assert other.log_likelihood == pytest.approx(scaled, abs=1e-6)


@given(st.lists(st.tuples(st.integers(1, 400), st.booleans()), max_size=60), st.integers(1, 5))
def test_gap_counts_of_shards_add_up(rows, n):
    whole = gap_counts([d for d, _ in rows], [b for _, b in rows])
    parts = [rows[k::n] for k in range(n)]
    added = merged([gap_counts([d for d, _ in p], [b for _, b in p]) for p in parts])
    for here, there in zip(whole, added, strict=True):
        assert here.tolist() == there.tolist()


@given(st.lists(st.tuples(st.integers(1, 400), st.booleans()), max_size=60))
def test_the_share_still_silent_falls_from_one(rows):
    silent = gap_curve(gap_counts([d for d, _ in rows], [b for _, b in rows])).silent
    assert silent[0] == silent[1] == 1.0
    assert np.all(np.diff(silent) <= 0)
    assert silent[-1] >= 0


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32 - 1), st.integers(20, 120))
def test_churn_grows_with_the_horizon_from_zero(seed, window):
    rng = np.random.default_rng(seed)
    groups = []
    for _ in range(4):
        days = rng.geometric(1 / rng.uniform(5, 60), 500) + (rng.random(500) < 0.5) * 10**4
        watched = rng.integers(1, 500, 500)
        groups.append(gap_counts(np.minimum(days, watched), days < watched))
    found = inactivity(groups, within_days=window)
    assume(found is not None)
    table = leaving_table(found, [0, 1, 7, 30, 90, 365])
    for state, w in enumerate(table.limit):
        p, expected = table.p_churn[state, :w], table.expected_days[state, :w]
        assert np.all(np.diff(p, axis=1) >= 0)
        assert np.all((p >= 0) & (p <= 1))
        assert np.all(p[:, 0] == 0)
        assert np.all(np.diff(expected, axis=1) >= 0)
        assert np.all(expected <= table.horizons)


values = st.lists(st.integers(-5, 30), min_size=1, max_size=60)


@given(values, st.integers(2, 10), st.integers(1, 5))
def test_scores_of_shards_equal_scores_of_the_whole(listed, bins, n):
    """Edges come from merged counts, so any cut into shards gives the same edges."""
    counted = [np.unique(listed[k::n], return_counts=True) for k in range(n) if listed[k::n]]
    edges = rfm.rank_edges(
        np.concatenate([v for v, _ in counted]), np.concatenate([c for _, c in counted]), bins
    )
    assert rfm.scores(listed, edges).tolist() == rfm.rank_scores(listed, bins).tolist()


@given(values, st.integers(2, 10))
def test_scores_by_rank_follow_the_definition(listed, bins):
    array = np.array(listed)
    below = (array[None, :] < array[:, None]).sum(axis=1)
    equal = (array[None, :] == array[:, None]).sum(axis=1)
    average_rank_twice = 2 * below + equal + 1
    expected = -(-bins * average_rank_twice // (2 * len(array)))
    assert rfm.rank_scores(listed, bins).tolist() == expected.tolist()


@given(values, st.integers(1, 1000))
def test_scores_do_not_depend_on_the_unit(listed, factor):
    scaled = [value * factor for value in listed]
    assert rfm.rank_scores(scaled).tolist() == rfm.rank_scores(listed).tolist()
