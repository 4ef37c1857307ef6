"""Age, and what a later or an earlier day may change."""

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from csk.analyses.window import window
from csk.calendar import month_days, plus_months, tick
from csk.engine.local import LocalEngine
from csk.settings import Settings
from csk.tables.ages import age

DAY = timedelta(days=1)
days = st.dates(date(1990, 1, 1), date(2060, 12, 31))
month_ends = days.map(lambda day: day.replace(day=month_days(day)))
any_day = days | month_ends | month_ends.map(lambda day: day + DAY)


def counted(start, day):
    """Count 31 for every anniversary reached, one for every day since the last one."""
    months = 0
    while (start.year, start.month) != (day.year, day.month) and anniversary(
        start, months + 1
    ) <= day:
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
    starts = [date(2023, 1, d) for d in (1, 28, 29, 30, 31)] + [
        date(2024, 2, 29),
        date(2023, 4, 30),
    ]
    every = [date(2022, 12, 1) + n * DAY for n in range(2922)]
    rows = pl.DataFrame({"start": starts}).join(pl.DataFrame({"day": every}), how="cross")
    found = rows.select(age(pl.col("start"), pl.col("day"))).to_series().to_list()
    assert found == [tick(start, day) for start, day in rows.iter_rows()]


def changed(tables, change):
    """Return tables with `change` made to every row; what becomes None is left out."""
    return {name: [new for row in rows if (new := change(row))] for name, rows in tables.items()}


def shifted(tables, by):
    return changed(
        tables, lambda row: {k: v + by if isinstance(v, date) else v for k, v in row.items()}
    )


@pytest.mark.parametrize(
    ("kind", "by"),
    [
        # A contract is aged in calendar months, which come again after four years; a shop in
        # days (and its horizon is four years, which are as long from whichever day).
        ("contract", 1461),
        ("contract", -3 * 1461),
        ("shop", 1),
        ("shop", -77),
    ],
)
def test_shifting_all_days_shifts_results_and_no_more(kind, by, book_of, company, value, as_of):
    tables, horizon = company(kind, 5), {"ltv_horizon": 48, "discount_rate": 0.05}
    here = value(book_of(tables), Settings(as_of=as_of, **horizon)).customers
    later = Settings(as_of=as_of + by * DAY, **horizon)
    there = value(book_of(shifted(tables, by * DAY)), later).customers
    back = there.with_columns(pl.col(pl.Date).dt.offset_by(f"{-by}d"))
    assert_frame_equal(here, back, check_exact=True)


@pytest.mark.parametrize("kind", ["contract", "shop"])
def test_nothing_at_or_after_as_of_is_read(kind, book_of, company, value, as_of):
    """As of a day in the middle of the log, what comes later may as well not be in it."""
    then = as_of - 200 * DAY
    tables = company(kind, 7)

    def known(row):
        row = {k: None if k == "ended_on" and v and v >= then else v for k, v in row.items()}
        begun = row.get("started_on") or row.get("paid_on")
        return row if begun is None or begun < then else None

    chosen = Settings(as_of=then, data_from=date(2021, 6, 1))
    here, there = (value(book_of(t), chosen) for t in (tables, changed(tables, known)))
    assert_frame_equal(here.customers, there.customers, check_exact=True)
    assert here.figures == there.figures


@pytest.mark.parametrize("kind", ["contract", "shop"])
def test_the_window_too_is_blind_to_what_comes_later(kind, book_of, company, as_of):
    then, tables = as_of - 200 * DAY, company(kind, 9)

    def known(row):
        return row if (row.get("started_on") or row.get("paid_on") or then) <= then else None

    chosen, engine = Settings(as_of=then), LocalEngine()
    here, there = (
        window(book_of(rows), engine, chosen, date.max) for rows in (tables, changed(tables, known))
    )
    assert (here.data_from, here.as_of, here.is_late_entry) == (
        there.data_from,
        then,
        there.is_late_entry,
    )
    assert here.notes == there.notes
