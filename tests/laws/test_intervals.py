"""Laws of intervals: what must hold for any share of any number."""

from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csk.stats.intervals import wilson

LEVELS = st.floats(0.5, 0.999)


@st.composite
def shares(draw):
    """Draw successes and trials, whole or weighted."""
    n = draw(st.integers(1, 10**6) | st.floats(0.25, 1e6))
    return draw(st.floats(0.0, 1.0)) * n, n


@given(shares(), LEVELS)
def test_a_share_lies_in_its_interval_and_that_between_none_and_all(share, level):
    k, n = share
    low, high = map(float, wilson(k, n, level))
    assert 0.0 <= low <= k / n + 1e-12
    assert k / n - 1e-12 <= high <= 1.0


@given(shares(), LEVELS)
def test_an_end_is_where_the_share_is_just_as_far_as_chance_carries_it(share, level):
    """Wilson's definition: at both ends (k / n - p)^2 = z^2 p (1 - p) / n."""
    k, n = share
    z = NormalDist().inv_cdf(0.5 + level / 2)
    for end in map(float, wilson(k, n, level)):
        if 0.0 < end < 1.0:
            # In squares: the root of an end near 0 would magnify its rounding.
            chance = z**2 * end * (1 - end) / n
            assert (k / n - end) ** 2 == pytest.approx(chance, rel=1e-6, abs=1e-12)


@given(st.integers(1, 10**6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), LEVELS)
def test_successes_and_failures_mirror_each_other(share, level):
    k, n = share
    one, other = wilson(k, n, level), wilson(n - k, n, level)
    assert float(one.low) == pytest.approx(1.0 - float(other.high), abs=1e-12)
    assert float(one.high) == pytest.approx(1.0 - float(other.low), abs=1e-12)


@given(shares(), st.integers(2, 50))
def test_more_of_the_same_is_narrower(share, times):
    k, n = share
    few, many = wilson(k, n), wilson(k * times, n * times)
    assert float(many.high - many.low) < float(few.high - few.low)
