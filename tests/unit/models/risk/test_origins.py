"""From which days is foretold what is known by now."""

from datetime import date, timedelta
from itertools import pairwise

import pytest

from csk.models.risk.fitting import SLICE_DAYS
from csk.models.risk.origins import LEAST_LANDMARKS, WANTED, origins
from csk.tables.landmarks import landmark_days

AS_OF = date(2026, 1, 1)
DAY = timedelta(days=1)


def landmarks(n):
    return landmark_days(AS_OF - 28 * n * DAY, AS_OF)


CASES = [
    # (landmarks, horizon, days from each origin to as_of, whether outcomes share days)
    (25, 90, (336, 224, 112), False),
    (25, 30, (168, 112, 56), False),
    (25, 28, (84, 56, 28), False),
    (25, 365, (504, 448, 392), True),
    (13, 90, (168, 140, 112), True),
    (12, 90, (140, 112), True),
    (11, 90, (112,), False),
    (10, 90, (), False),
    (2, 30, (), False),
    (0, 30, (), False),
]


@pytest.mark.parametrize(("n", "days", "before", "overlap"), CASES)
def test_origins_are_spread_as_far_as_the_log_allows(n, days, before, overlap):
    chosen, is_overlapping = origins(landmarks(n), AS_OF, days)
    assert tuple((AS_OF - one).days for one in chosen) == before
    assert is_overlapping is overlap


@pytest.mark.parametrize("days", [1, 27, 28, 29, 30, 60, 90, 91, 180, 365])
@pytest.mark.parametrize("n", range(26))
def test_an_origin_has_a_horizon_after_it_and_enough_to_fit_on_before(n, days):
    marks = landmarks(n)
    chosen, is_overlapping = origins(marks, AS_OF, days)
    assert len(chosen) <= WANTED
    assert list(chosen) == sorted(set(chosen))
    for one in chosen:
        assert one in marks
        assert one + days * DAY <= AS_OF
        before = [mark for mark in marks if mark < one - SLICE_DAYS * DAY]
        assert len(before) >= LEAST_LANDMARKS
    gaps = [(later - earlier).days for earlier, later in pairwise(chosen)]
    assert is_overlapping == any(gap < days for gap in gaps)
