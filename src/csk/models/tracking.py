"""What was expected of each step of a hold-out beside what came, alone and added up.

One rule: steps follow each other without a gap, so the last sum is that of the whole hold-out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate
from typing import Final

from csk.calendar import plus_months

WEEKLY_MONTHS: Final = 6
"""Hold-outs up to this long are followed by the week, longer ones by the month."""
_WEEK: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Tracking:
    """One quantity, step by step; `ends` are exclusive."""

    ends: tuple[date, ...]
    expected: tuple[float, ...]
    """In each step."""
    actual: tuple[float, ...]

    @property
    def expected_sums(self) -> tuple[float, ...]:
        """Return what was expected up to each end."""
        return tuple(accumulate(self.expected))

    @property
    def actual_sums(self) -> tuple[float, ...]:
        """Return what came up to each end."""
        return tuple(accumulate(self.actual))

    @property
    def step_error(self) -> float | None:
        """Mean absolute error of a step over the mean step; null where nothing came."""
        whole = sum(self.actual)
        off = sum(abs(p - a) for p, a in zip(self.expected, self.actual, strict=True))
        return off / whole if whole > 0 else None

    @property
    def farthest(self) -> float | None:
        """Largest distance of the two sums over the whole that came; null where nothing came."""
        whole = sum(self.actual)
        sums = zip(self.expected_sums, self.actual_sums, strict=True)
        return max(abs(p - a) for p, a in sums) / whole if whole > 0 else None


def steps(on: date, months: int, *, by_week: bool) -> tuple[date, ...]:
    """Return the exclusive ends of the steps of a hold-out of whole months from `on`.

    By the week the last step is what remains, and takes in a rest of less than half a week.
    """
    end = plus_months(on, months)
    if not by_week:
        return tuple(plus_months(on, step) for step in range(1, months + 1))
    ends = []
    day = on + _WEEK
    while (end - day).days > _WEEK.days // 2:
        ends.append(day)
        day += _WEEK
    return (*ends, end)


def tracking(
    ends: Sequence[date], expected_sums: Sequence[float], actual: Sequence[float]
) -> Tracking:
    """Return the tracking of expectations up to each end against what came in each step."""
    before = (0.0, *expected_sums)
    increments = tuple(after - so_far for so_far, after in zip(before, expected_sums, strict=False))
    return Tracking(tuple(ends), increments, tuple(float(value) for value in actual))
