"""From which day on a log was kept."""

from datetime import date, timedelta

import pytest

from csk.tables.known import log_start

BEGIN = date(2024, 1, 1)
DAILY = [BEGIN + timedelta(days=n) for n in range(400)]
WEEKLY = DAILY[::7]
MONTHLY = DAILY[::30]
OLD = date(1970, 1, 1)
EARLY = (BEGIN - timedelta(days=35), BEGIN - timedelta(days=150))
CASES = {
    "nothing astray": (DAILY, BEGIN),
    "one day": ([BEGIN], BEGIN),
    "one row of years before": ([date(2019, 5, 1), *DAILY], BEGIN),
    "a default date and a trial": ([OLD, BEGIN - timedelta(days=90), *DAILY], BEGIN),
    "a row after the gap, and another gap": ([OLD, date(2001, 9, 9), *DAILY], BEGIN),
    "a holiday": ([BEGIN - timedelta(days=15), *DAILY], BEGIN - timedelta(days=15)),
    "a weekly log": ([OLD, *WEEKLY], BEGIN),
    "a weekly log and a month without": ([EARLY[0], *WEEKLY], EARLY[0]),
    "a rare log, whose gaps are long": ([EARLY[1], *MONTHLY], EARLY[1]),
    "a rare log and a row of years before": ([OLD, *MONTHLY], BEGIN),
    "an outage of a log that was kept": ([*DAILY[:20], *DAILY[200:]], BEGIN),
}  # fmt: skip


@pytest.mark.parametrize(("days", "expected"), CASES.values(), ids=CASES)
def test_a_log_begins_where_rows_are_kept(days, expected):
    assert log_start(days) == expected


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_more_than_a_hundredth_of_the_days_are_no_strays(n):
    few = [OLD + timedelta(days=at) for at in range(n)]
    assert log_start([*few, *DAILY]) == BEGIN
    assert log_start([*few, *DAILY[:150]]) == (BEGIN if n == 1 else OLD)
