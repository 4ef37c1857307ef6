from datetime import date, timedelta

import pytest

from csk.calendar import (
    DAYS_PER_MONTH,
    TICKS_PER_MONTH,
    days_of,
    month_days,
    month_start,
    months_of,
    plus_months,
    tick,
)
from csk.errors import UsageError

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("day", "days"),
    [
        (date(2023, 2, 1), 28),
        (date(2024, 2, 29), 29),
        (date(1900, 2, 1), 28),
        (date(2000, 2, 1), 29),
        (date(2024, 4, 30), 30),
        (date(2024, 12, 31), 31),
    ],
)
def test_a_month_has_its_days(day, days):
    assert month_days(day) == days
    assert month_start(day) + timedelta(days=days) == plus_months(month_start(day), 1)


@pytest.mark.parametrize(
    ("day", "months", "moved"),
    [
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2023, 1, 31), 1, date(2023, 2, 28)),
        (date(2024, 1, 31), 2, date(2024, 3, 31)),
        (date(2024, 12, 15), 1, date(2025, 1, 15)),
        (date(2024, 1, 15), -1, date(2023, 12, 15)),
        (date(2024, 3, 31), -1, date(2024, 2, 29)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2024, 2, 29), 48, date(2028, 2, 29)),
        (date(2024, 5, 5), 0, date(2024, 5, 5)),
    ],
)
def test_months_end_where_a_shorter_month_ends(day, months, moved):
    assert plus_months(day, months) == moved


@pytest.mark.parametrize(
    ("start", "day", "ticks"),
    [
        (date(2024, 1, 1), date(2024, 1, 1), 0),
        (date(2024, 1, 1), date(2024, 1, 31), 30),
        (date(2024, 1, 1), date(2024, 2, 1), 31),
        (date(2024, 1, 1), date(2024, 2, 29), 59),
        (date(2024, 1, 1), date(2024, 3, 1), 62),
        (date(2024, 1, 31), date(2024, 2, 28), 28),
        (date(2024, 1, 31), date(2024, 2, 29), 31),
        (date(2024, 1, 31), date(2024, 3, 1), 32),
        (date(2024, 1, 31), date(2024, 3, 30), 61),
        (date(2024, 1, 31), date(2024, 3, 31), 62),
        (date(2024, 2, 29), date(2025, 2, 28), 12 * 31),
        (date(2024, 2, 29), date(2025, 3, 1), 12 * 31 + 1),
        (date(2023, 12, 15), date(2024, 12, 15), 12 * 31),
    ],
)
def test_every_monthly_anniversary_is_a_multiple_of_31(start, day, ticks):
    assert tick(start, day) == ticks


def test_a_month_is_a_twelfth_of_a_year():
    assert pytest.approx(365.25) == 12 * DAYS_PER_MONTH
    assert TICKS_PER_MONTH == 31


@pytest.mark.parametrize(
    ("text", "days"),
    [("90d", 90), ("4w", 28), ("3m", 90), ("1y", 365), (" 10 D ", 10), ("0d", 0)],
)
def test_a_duration_is_read_in_days(text, days):
    assert days_of(text) == days


@pytest.mark.parametrize(("text", "months"), [("36m", 36), ("3y", 36), ("0M", 0)])
def test_a_duration_is_read_in_months(text, months):
    assert months_of(text) == months


@pytest.mark.parametrize("text", ["", "90", "d", "-3d", "1.5m", "3 months", "90dd"])
def test_what_is_no_duration_is_refused_with_an_example(text):
    with pytest.raises(UsageError, match="is not a duration") as refusal:
        days_of(text)
    assert "90d" in refusal.value.hint


@pytest.mark.parametrize("text", ["90d", "12w"])
def test_months_are_not_told_in_days(text):
    with pytest.raises(UsageError, match="is not a number of months") as refusal:
        months_of(text)
    assert "36m" in refusal.value.hint
