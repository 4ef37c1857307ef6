from datetime import date, timedelta

import pytest

from csk.models.tracking import steps, tracking

ON = date(2024, 1, 31)


def test_months_end_on_the_anniversary():
    assert steps(ON, 3, by_week=False) == (date(2024, 2, 29), date(2024, 3, 31), date(2024, 4, 30))


@pytest.mark.parametrize("months", [1, 3, 6])
@pytest.mark.parametrize("day", [date(2023, 1, 1), date(2024, 2, 29), date(2023, 8, 31)])
def test_weeks_follow_each_other_to_the_end_of_the_hold_out(day, months):
    ends = steps(day, months, by_week=True)
    lengths = [(b - a).days for a, b in zip((day, *ends), ends, strict=False)]
    assert ends[-1] == steps(day, months, by_week=False)[-1]
    assert set(lengths[:-1]) <= {7}
    assert 4 <= lengths[-1] <= 10


def test_sums_and_steps_tell_the_same():
    ends = [ON + timedelta(days=7 * step) for step in (1, 2, 3)]
    found = tracking(ends, [2.0, 5.0, 6.0], [1, 1, 6])
    assert found.expected == (2, 3, 1)
    assert found.expected_sums == (2, 5, 6)
    assert found.actual_sums == (1, 2, 8)
    assert found.step_error == pytest.approx((1 + 2 + 5) / 8)
    assert found.farthest == pytest.approx(3 / 8)


def test_where_nothing_came_no_share_of_it_is_told():
    found = tracking([ON], [2.0], [0])
    assert found.step_error is None
    assert found.farthest is None
