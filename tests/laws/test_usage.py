"""Usage: shards do not matter, the future does not matter, and neither does the unit."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csk.analyses.usage import table, usage
from csk.engine.local import LocalEngine
from csk.settings import Milestone, Settings
from csk.stats.falls import dispersions, falls, p_values
from csk.stats.stratified import risk_ratio

AS_OF = date(2024, 7, 1)
CHOICES = Settings(milestones=(Milestone(name="m", feature="x", count=2, within_days=20),))


def days_ago(n):
    return AS_OF - timedelta(n)


def used(customer, ago, feature, quantity):
    day = days_ago(ago)
    at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    return {
        "customer_id": f"c{customer}",
        "used_at": at,
        "feature": feature,
        "quantity": quantity,
    }


QUANTITIES = st.sampled_from([None, 0.5, 1.0, 7.0])


def events(first, last, most):
    """Draw rows of a log of the days from so many before as_of to so many."""
    row = st.builds(used, st.integers(0, 5), st.integers(last, first), FEATURES, QUANTITIES)
    return st.lists(row, min_size=1, max_size=most)


FEATURES = st.sampled_from("xyz")
EVENTS, LATER = events(500, 1, 60), events(0, -5, 5)
CONTRACTS = st.lists(
    st.builds(
        lambda customer, start, length: {
            "customer_id": f"c{customer}",
            "started_on": days_ago(start),
            "ended_on": None if length is None else days_ago(start - length),
            "mrr_amount": 100 + customer,
            "plan": "ab"[customer % 2],
        },
        st.integers(0, 6),
        st.integers(1, 500),
        st.none() | st.integers(1, 400),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=4)  # each of them is three runs
@given(log=EVENTS, later=LATER, contracts=CONTRACTS)
def test_shards_and_the_future_change_nothing(book_of, log, later, contracts):
    rows = [*log, used(9, 500, "x", 1.0)]
    whole, *others = (
        usage(
            book_of({"usage": known, "subscriptions": contracts}, shards, AS_OF),
            LocalEngine(),
            CHOICES,
            "plan",
        )
        for known, shards in ((rows, 1), ([*rows, *later], 1), (rows, 3))
    )
    for other in others:
        assert table(whole)[0].equals(table(other)[0])
        assert repr(whole.onboarding) == repr(other.onboarding)
        assert repr(whole.hazards) == repr(other.hazards)
        assert (whole.groups, whole.edges) == (other.groups, other.edges)


@given(
    counts=st.lists(st.integers(0, 20), min_size=56, max_size=120),
    scale=st.integers(1, 50),
)
def test_a_larger_unit_makes_no_fall(counts, scale):
    # Counts in another unit spread as much wider, so that no fall becomes plainer than it was,
    # save that a spread of under 1 was not believed in the smaller unit.
    row = np.array([counts], float)
    flat = np.ones(row.shape[1])
    plain, large = (falls(of, flat, np.zeros(1)) for of in (row, row * scale))
    assert plain.day.tolist() == large.day.tolist()
    assert large.deviance[0] == pytest.approx(plain.deviance[0] * scale, abs=1e-6)
    phi = dispersions(plain), dispersions(large)
    assert phi[1][0] <= phi[0][0] * scale * (1 + 1e-9)
    if phi[0][0] > 1 and phi[1][0] > 1:
        assert p_values(large, phi[1])[0] == pytest.approx(p_values(plain, phi[0])[0], abs=1e-6)


COUNTS = st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30), st.integers(0, 30))


@given(strata=st.lists(COUNTS, min_size=1, max_size=6))
def test_a_ratio_turned_round_is_its_inverse(strata):
    a, left, b, other = (np.array(column) for column in zip(*strata, strict=True))
    n, m = a + left, b + other
    one, turned = risk_ratio(a, n, b, m), risk_ratio(b, m, a, n)
    if one.value > 0 and turned.value > 0:
        assert one.value * turned.value == pytest.approx(1.0)
        assert one.low * turned.high == pytest.approx(1.0)
        assert one.p_value == pytest.approx(turned.p_value)
        assert one.low <= one.value <= one.high
