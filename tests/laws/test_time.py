"""Age, and what a later or an earlier day may change."""

from datetime import date, timedelta

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from csk.calendar import month_days, plus_months, tick
from csk.tables.ages import age

DAY = timedelta(days=1)
days = st.dates(date(1990, 1, 1), date(2060, 12, 31))
month_ends = days.map(lambda day: day.replace(day=month_days(day)))
any_day = days | month_ends | month_ends.map(lambda day: day + DAY)


def counted(start, day):
    """Count 31 for every anniversary reached, one for every day since the last one."""
    months = 0
    while (start.year, start.month) != (day.year, day.month) and anniversary(start, months + 1) <= day:
        months += 1
    return 31 * months + (day - anniversary(start, months)).days


def anniversary(start, months):
    month = start.month - 1 + months
    year, month = start.year + month // 12, month % 12 + 1
    for number in range(start.day, 0, -1):
        try:
            return date(year, month, number)
        except ValueError:
            continue
    raise AssertionError(start)


@given(st.tuples(any_day, any_day).map(sorted))
def test_age_counts_anniversaries_and_the_days_since(pair):
    start, day = pair
    assert tick(start, day) == counted(start, day)


@given(any_day, st.integers(0, 5000))
def test_age_grows_with_every_day(start, n):
    day = start + n * DAY
    assert tick(start, day) < tick(start, day + DAY) <= tick(start, day) + 4


@given(any_day, st.integers(0, 800))
def test_anniversaries_are_multiples(start, months):
    assert tick(start, plus_months(start, months)) == 31 * months


@settings(max_examples=20)
@given(st.lists(st.tuples(any_day, any_day), min_size=1, max_size=200))
def test_frames_count_age_as_days_do(pairs):
    rows = pl.DataFrame(pairs, schema={"start": pl.Date, "day": pl.Date}, orient="row")
    found = rows.select(age(pl.col("start"), pl.col("day"))).to_series().to_list()
    assert found == [tick(start, day) for start, day in pairs]


def test_frames_count_age_as_days_do_on_every_day_of_eight_years():
    starts = [date(2023, 1, d) for d in (1, 28, 29, 30, 31)] + [date(2024, 2, 29), date(2023, 4, 30)]
    every = [date(2022, 12, 1) + n * DAY for n in range(2922)]
    rows = pl.DataFrame({"start": starts}).join(pl.DataFrame({"day": every}), how="cross")
    found = rows.select(age(pl.col("start"), pl.col("day"))).to_series().to_list()
    assert found == [tick(start, day) for start, day in rows.iter_rows()]
