"""Days, months and durations; every end is exclusive.

One rule: age is counted in *ticks*, 31 to a calendar month, so that every monthly anniversary
of a customer falls on a multiple of 31 whatever the length of the months in between.
"""

import re
from calendar import monthrange
from datetime import date
from typing import Final

from csk.errors import UsageError

TICKS_PER_MONTH: Final = 31
DAYS_PER_MONTH: Final = 365.25 / 12
"""Mean length of a month, for durations that have no calendar."""

_DURATION = re.compile(r"\s*(\d+)\s*(d|w|m|y)\s*")
_DAYS = {"d": 1, "w": 7, "m": 30, "y": 365}
_MONTHS = {"m": 1, "y": 12}


def month_days(day: date) -> int:
    """Return the number of days in the month of `day`."""
    return monthrange(day.year, day.month)[1]


def month_start(day: date) -> date:
    """Return the first day of the month of `day`."""
    return day.replace(day=1)


def plus_months(day: date, months: int) -> date:
    """Return `day` moved by whole months, clamped to the end of a shorter month."""
    index = day.year * 12 + day.month - 1 + months
    first = date(index // 12, index % 12 + 1, 1)
    return first.replace(day=min(day.day, month_days(first)))


def tick(start: date, day: date) -> int:
    """Return the age in ticks, at the start of `day`, of what started on `start`.

    Whole months count 31 each, then the days since the last anniversary (0 to 30). Where a
    month is too short for the anniversary, its last day is the anniversary.
    """
    months = (day.year - start.year) * 12 + day.month - start.month
    passed = day.day >= min(start.day, month_days(day))
    months -= 0 if passed else 1
    return months * TICKS_PER_MONTH + (day - plus_months(start, months)).days


def days_of(text: str) -> int:
    """Return the days of a duration such as `90d`, `4w`, `3m` (30 days each) or `1y` (365)."""
    number, unit = _parts(text, "90d, 12w, 3m or 1y")
    return number * _DAYS[unit]


def months_of(text: str) -> int:
    """Return the months of a duration such as `36m` or `3y`."""
    number, unit = _parts(text, "36m or 3y")
    if unit not in _MONTHS:
        raise UsageError(f"{text!r} is not a number of months.", hint="Write it like 36m or 3y.")
    return number * _MONTHS[unit]


def _parts(text: str, example: str) -> tuple[int, str]:
    found = _DURATION.fullmatch(text.lower())
    if found is None:
        raise UsageError(f"{text!r} is not a duration.", hint=f"Write it like {example}.")
    return int(found[1]), found[2]
