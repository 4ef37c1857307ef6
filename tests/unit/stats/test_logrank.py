"""Log-rank tests on counts by age."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines.datasets import load_waltons
from lifelines.statistics import multivariate_logrank_test

from csk.errors import UsageError
from csk.stats.logrank import log_rank
from csk.stats.survival import counts, merged

times = st.lists(st.tuples(st.integers(1, 20), st.integers(0, 1)), min_size=1, max_size=40)


def group(rows, entry=0):
    exits = [exit_ for exit_, _ in rows]
    return counts(np.full(len(rows), entry), exits, [cause for _, cause in rows])


def test_the_flies_of_waltons_leave_at_another_pace():
    flies = load_waltons()
    groups = [
        counts(np.zeros(len(rows)), rows["T"], rows["E"]) for _, rows in flies.groupby("group")
    ]
    found = log_rank(groups)
    assert found.statistic == pytest.approx(122.2491, abs=5e-5)
    assert found.degrees == 1
    assert found.p_value < 1e-27


@settings(max_examples=20)
@given(st.lists(times, min_size=2, max_size=4))
def test_it_agrees_with_lifelines(groups):
    if not any(cause for rows in groups for _, cause in rows):
        return
    durations = [exit_ for rows in groups for exit_, _ in rows]
    events = [cause for rows in groups for _, cause in rows]
    names = [number for number, rows in enumerate(groups) for _ in rows]
    found = log_rank([group(rows) for rows in groups])
    if found.degrees < len(groups) - 1:
        return
    theirs = multivariate_logrank_test(durations, names, events)
    assert found.statistic == pytest.approx(theirs.test_statistic, rel=1e-6, abs=1e-9)
    assert found.p_value == pytest.approx(theirs.p_value, rel=1e-6, abs=1e-12)


@given(times, times)
def test_observed_and_expected_have_the_same_sum(one, other):
    found = log_rank([group(one), group(other)])
    assert found.observed.sum() == pytest.approx(found.expected.sum())


@given(times)
def test_a_group_against_itself_is_no_different(rows):
    found = log_rank([group(rows), group(rows)])
    assert found.statistic == pytest.approx(0.0, abs=1e-9)


@given(times, times)
def test_a_group_in_two_parts_counts_as_one(one, other):
    whole = log_rank([group(one), group(other)])
    parts = log_rank([merged(group(one[:1]), group(one[1:])), group(other)])
    assert parts.statistic == pytest.approx(whole.statistic, abs=1e-9)


def test_who_comes_late_is_not_at_risk_before():
    # At age 2 only the first group is there: its exit says nothing of the second.
    early = group([(2, 1), (10, 0)])
    late = group([(10, 1)], entry=5)
    assert log_rank([early, late]).expected.tolist() == [1.0 + 0.5, 0.5]


@pytest.mark.parametrize("groups", [[], [group([(1, 1)])]])
def test_one_group_cannot_be_compared(groups):
    with pytest.raises(UsageError):
        log_rank(groups)


def test_nobody_left_is_no_difference():
    found = log_rank([group([(3, 0)]), group([(4, 0)])])
    assert (found.statistic, found.degrees, found.p_value) == (0.0, 0, 1.0)


def test_early_differences_weigh_more_where_more_are_at_risk():
    early = group([(1, 1)] * 5 + [(20, 0)] * 5)
    late = group([(19, 1)] * 5 + [(20, 0)] * 5)
    plain = log_rank([early, late])
    weighted = log_rank([early, late], "at_risk")
    assert weighted.statistic > plain.statistic
