"""Cumulative incidence by cause."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from csk.stats.incidence import aalen_johansen
from csk.stats.survival import counts, kaplan_meier

spells = st.lists(
    st.tuples(st.integers(0, 5), st.integers(1, 15), st.integers(0, 3)), min_size=1, max_size=50
)


def counted(rows):
    entry = [start for start, _, _ in rows]
    exits = [start + length for start, length, _ in rows]
    return counts(entry, exits, [cause for _, _, cause in rows], n_causes=3)


@given(spells)
def test_causes_and_survival_add_up_to_one(rows):
    of = counted(rows)
    found = aalen_johansen(of)
    curve = kaplan_meier(of, from_age=-1)
    survival = dict(zip(curve.age.tolist(), curve.survival.tolist(), strict=True))
    total = found.share.sum(axis=1) + [survival[age] for age in found.age.tolist()]
    assert total == pytest.approx(1.0)


@given(spells)
def test_one_cause_alone_is_what_survival_lacks(rows):
    of = counted([(start, length, min(cause, 1)) for start, length, cause in rows])
    found = aalen_johansen(of)
    curve = kaplan_meier(of, from_age=-1)
    error = dict(zip(curve.age.tolist(), curve.std_error.tolist(), strict=True))
    assert found.share[:, 1:].sum() == 0.0
    own = [error[age] for age in found.age.tolist()]
    # Greenwood's form loses the last age where everybody leaves; until there both are the same.
    still = curve.survival[np.isin(curve.age, found.age)] > 0.0
    assert found.std_error[still, 0] == pytest.approx(np.array(own)[still], abs=1e-7)


def test_shares_are_those_counted_by_hand():
    # Ten spells: two leave by choice at 1, one fails to pay at 2, the rest are seen to 3.
    of = counts(np.zeros(10), [1, 1, 2] + [3] * 7, [1, 1, 2] + [0] * 7)
    found = aalen_johansen(of)
    at_two = found.share[found.age.tolist().index(2)]
    assert at_two == pytest.approx([0.2, 0.1])


@given(spells)
def test_an_error_is_a_number_at_every_age(rows):
    found = aalen_johansen(counted(rows))
    assert np.isfinite(found.std_error).all()
