"""Laws of a hold-out: what no order of rows, scale or tie may change."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from csk.stats import holdout

pairs = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9)), min_size=1, max_size=40)


def arrays(rows):
    return tuple(np.array(column, float) for column in zip(*rows, strict=True))


@given(pairs, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_no_bit(rows, random):
    shuffled = random.sample(rows, len(rows))
    for of in (holdout.errors, holdout.slices):
        assert repr(of(*arrays(rows))) == repr(of(*arrays(shuffled)))
    assert repr(holdout.gini(*arrays(rows))) == repr(holdout.gini(*arrays(shuffled)))


@given(pairs)
def test_gini_and_gains_know_only_the_order(rows):
    p, a = arrays(rows)
    for moved in (p * 7 + 3, np.exp(p)):
        assert holdout.gini(moved, a) == pytest.approx(holdout.gini(p, a), nan_ok=True)
        assert holdout.gains(moved, a) == pytest.approx(holdout.gains(p, a), nan_ok=True)


@given(pairs)
def test_reversing_an_order_reverses_its_gini(rows):
    p, a = arrays(rows)
    assert holdout.gini(-p, a) == pytest.approx(-holdout.gini(p, a), nan_ok=True, abs=1e-12)


@given(pairs)
def test_no_order_is_better_than_that_of_what_came(rows):
    p, a = arrays(rows)
    found = holdout.gini(p, a)
    assert np.isnan(found) or -1 - 1e-9 <= found <= 1 + 1e-9
    best = holdout.gains(a, a, np.linspace(0, 1, 11))
    assert np.isnan(best).all() or (holdout.gains(p, a, np.linspace(0, 1, 11)) <= best + 1e-9).all()


@given(pairs)
def test_a_tie_counts_as_the_mean_of_its_orders(rows):
    p, a = arrays(rows)
    if not a.sum():
        return
    ends = [holdout.gini(p + sign * np.argsort(np.argsort(a)) * 1e-6, a) for sign in (1, -1)]
    assert np.isnan(ends[0]) or min(ends) - 1e-9 <= holdout.gini(p, a) <= max(ends) + 1e-9


@given(pairs)
def test_slices_keep_both_sums(rows):
    p, a = arrays(rows)
    found = holdout.slices(p, a)
    size = len(p) / len(found)
    assert sum(one.predicted for one in found) * size == pytest.approx(p.sum())
    assert sum(one.actual for one in found) * size == pytest.approx(a.sum())


@given(pairs)
def test_absolute_errors_are_below_squared_ones_and_above_the_bias(rows):
    found = holdout.errors(*arrays(rows))
    assert found.mae <= found.rmse + 1e-12
    assert abs(found.predicted - found.actual) <= found.n * found.mae + 1e-9
