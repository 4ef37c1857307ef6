"""The time of a simulated log: calendar months, and the anniversaries of a day of the month.

One rule: a day is an int64 count of days since 1970-01-01, a month an index with 0 = first month.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

PAST_MONTHS = 36
"""How long before the log customers have been arriving."""

AHEAD_MONTHS = 36
"""How far after the log truth is told."""


@dataclass(frozen=True)
class Log:
    """The months of a log with `PAST_MONTHS` before it and `AHEAD_MONTHS` after it."""

    months: int
    edges: Ints
    """First days of the months -PAST_MONTHS .. months + AHEAD_MONTHS + 1."""

    @property
    def data_from(self) -> int:
        """First day of the log."""
        return int(self.edges[PAST_MONTHS])

    @property
    def as_of(self) -> int:
        """First day after the log."""
        return int(self.edges[PAST_MONTHS + self.months])

    def first_day(self, month: Ints) -> Ints:
        """Return the first day of each month index."""
        return np.asarray(self.edges[month + PAST_MONTHS])

    def length(self, month: Ints) -> Ints:
        """Return the number of days of each month index."""
        return np.asarray(self.edges[month + PAST_MONTHS + 1] - self.edges[month + PAST_MONTHS])

    def anniversary(self, month: Ints, anchor: Ints) -> Ints:
        """Return the day of `month` that carries the day-of-month `anchor` (1..31), clamped."""
        return self.first_day(month) + np.minimum(anchor, self.length(month)) - 1


def log(start_on: date, months: int) -> Log:
    """Return the log of `months` calendar months from `start_on`, the first day of a month."""
    first = np.datetime64(start_on, "M") - PAST_MONTHS
    n_edges = PAST_MONTHS + months + AHEAD_MONTHS + 2
    edges = (first + np.arange(n_edges)).astype("datetime64[D]").astype(np.int64)
    return Log(months, edges)


def as_date(day: int) -> date:
    """Return the date of a day count."""
    return date.fromordinal(day + date(1970, 1, 1).toordinal())
