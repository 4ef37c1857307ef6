from datetime import UTC, date, datetime

import polars as pl
import pytest

from csk.errors import DataError
from csk.intake.values.dates import DateReading, date_reading, dates, instants

FIFTH = date(2024, 1, 5)


def read(values, **options):
    column = pl.Series("paid", values)
    found, failed = dates(column, date_reading(column, **options))
    return found.to_list(), failed.to_list()


@pytest.mark.parametrize(
    "text",
    [
        *("2024-01-05", "2024-1-5", "2024/1/5", "2024/01/05 23:15", "2024.1.5", "2024年1月5日"),
        *("２０２４／０１／０５", "2024 年 1 月 5 日", "令和6年1月5日", "R6.1.5", "R6/01/05"),
        *("20240105", "20240105101112", "20240105T101112", "2024-01-05T10:00:00Z"),
        *("2024-01-05 10:00:00.123456 UTC", "2024-01-05T10:00:00+00:00", "2024/01/05(金)"),
        *("2024/01/05（金） 10:00", "5 Jan 2024", "05-Jan-24", "5th January 2024", "Jan 5, 2024"),
        *("January 5, 2024", "Fri, 5 Jan 2024 10:00:00 GMT", "Friday, January 5, 2024"),
        *("2024-01-05 3:04 PM", "2024年1月5日 午後3時4分", " 2024-01-05 ", "㋿6年1月5日"),
    ],
)
def test_a_day_is_read_however_it_is_written(text):
    sample = pl.Series("paid", ["2023-12-31"])
    found, failed = dates(pl.Series([text]), date_reading(sample))
    assert found.to_list() == [FIFTH]
    assert failed.to_list() == [False]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("令和元年5月1日", date(2019, 5, 1)),
        ("平成31年4月30日", date(2019, 4, 30)),
        ("H31.4.30", date(2019, 4, 30)),
        ("昭和64年1月7日", date(1989, 1, 7)),
        ("S55/12/31", date(1980, 12, 31)),
        ("大正15年12月25日", date(1926, 12, 25)),
    ],
)
def test_japanese_eras_are_counted_from_their_first_year(text, day):
    assert read([text]) == ([day], [False])


@pytest.mark.parametrize(
    "text",
    [
        *("2024-02-30", "2024-13-01", "2024/1/5x", "2024-01-05garbage", "2024-01-05 25:00", "abc"),
        *("24-01-05x", "2024-01", "2024", "令和6年", "20240230", "5 Foo 2024", "1/2/2024"),
        *("1700-01-01", "2301-01-01", "0024-01-05", "2024-01-05 10:61", "-2024-01-05", "12024-1-5"),
    ],
)
def test_what_is_no_day_of_a_calendar_fails(text):
    found, failed = dates(pl.Series([text, "2024-01-05"]), DateReading(""))
    assert found.to_list() == [None, FIFTH]
    assert failed.to_list() == [True, False]


@pytest.mark.parametrize(
    "text",
    ["9999-12-31", "9999-08-13", "9999-12-31 23:59:59", "2999-12-31", "0000-00-00", "0001-01-01",
     "0000-00-00 00:00:00", "99991231", "9999/12/31"],
)  # fmt: skip
def test_a_sentinel_is_an_open_end(text):
    assert read(["2024-01-05", text]) == ([FIFTH, None], [False, False])


@pytest.mark.parametrize("text", ["", " ", "NaN", "NaT", "null", "None", "-", "\\N", None])
def test_a_null_mark_is_no_day_and_no_failure(text):
    assert read([text, "2024-01-05"]) == ([None, FIFTH], [False, False])


@pytest.mark.parametrize(
    ("values", "order", "first"),
    [
        (["9/28/12", "1/5/12"], "mdy", date(2012, 9, 28)),
        (["12/1/10 8:26", "12/13/10 8:26"], "mdy", date(2010, 12, 1)),
        (["1/5/2024", "28/9/2024"], "dmy", date(2024, 5, 1)),
        (["05.01.2024", "06.02.2024"], "dmy", date(2024, 1, 5)),
        (["05-01-2024", "13-01-2024"], "dmy", date(2024, 1, 5)),
        (["97/01/15", "98/2/3"], "yymd", date(1997, 1, 15)),
        (["1/5/70", "13/1/69"], "dmy", date(1970, 5, 1)),
        (["2024-01-05"], "ymd", FIFTH),
    ],
)
def test_the_order_of_day_and_month_is_decided_by_the_column(values, order, first):
    column = pl.Series("paid", values)
    reading = date_reading(column)
    assert reading.order == order
    found, failed = dates(column, reading)
    assert found[0] == first
    assert not failed.any()


def test_a_date_of_two_readings_is_refused_with_both():
    with pytest.raises(DataError, match=r"'paid'.*two readings") as refusal:
        date_reading(pl.Series("paid", ["3/4/2024", "5/6/2024"]))
    assert refusal.value.details == (
        "'3/4/2024' read as dmy is 2024-04-03",
        "'3/4/2024' read as mdy is 2024-03-04",
    )
    assert "--date-order" in refusal.value.hint


@pytest.mark.parametrize(("order", "day"), [("dmy", date(2024, 4, 3)), ("mdy", date(2024, 3, 4))])
def test_the_user_decides_what_the_column_does_not(order, day):
    assert read(["3/4/2024"], order=order) == ([day], [False])


def test_a_column_that_mixes_both_orders_is_refused():
    with pytest.raises(DataError, match="'13/1/2024' can only be day/month/year"):
        date_reading(pl.Series("paid", ["13/1/2024", "1/13/2024"]))


def test_a_later_batch_that_contradicts_the_order_fails_visibly():
    reading = date_reading(pl.Series("paid", ["28/9/2024"]))
    assert dates(pl.Series(["9/28/2024"]), reading)[1].to_list() == [True]


def test_equal_figures_decide_nothing_and_need_not():
    reading = date_reading(pl.Series("paid", ["1/1/2024", "2/2/2024"]))
    found, failed = dates(pl.Series(["3/3/2024", "3/4/2024"]), reading)
    assert found.to_list() == [date(2024, 3, 3), None]
    assert failed.to_list() == [False, True]


def test_figures_before_a_year_fail_where_the_sample_had_none():
    reading = date_reading(pl.Series("paid", ["2024-01-05"]))
    assert dates(pl.Series(["28/9/2024"]), reading)[1].to_list() == [True]


@pytest.mark.parametrize(
    ("values", "epoch", "day"),
    [
        (["1704412800", "1704500000"], "s", FIFTH),
        (["1704412800000"], "ms", FIFTH),
        (["1704412800000000"], "us", FIFTH),
        (["1704412800000000000"], "ns", FIFTH),
        (["45296", "45297"], "excel", FIFTH),
        (["45296.5", "45297"], "excel", FIFTH),
    ],
)
def test_counted_time_is_read_where_the_whole_sample_looks_like_it(values, epoch, day):
    column = pl.Series("paid", values)
    reading = date_reading(column)
    assert reading.epoch == epoch
    assert dates(column, reading)[0][0] == day


@pytest.mark.parametrize(
    "values", [["1704412800", "2024-01-05"], ["12", "13"], ["19999", "45296"], ["20240105"]]
)
def test_other_numbers_are_no_counted_time(values):
    assert date_reading(pl.Series("paid", values)).epoch is None


def test_counted_time_fails_outside_of_its_range():
    serials = DateReading("", epoch="excel")
    assert dates(pl.Series(["45296", "7", "x", ""]), serials) [1].to_list() == [
        False, True, True, False]  # fmt: skip


@pytest.mark.parametrize(
    ("tz", "day"), [("UTC", date(2024, 1, 31)), ("Asia/Tokyo", date(2024, 2, 1))]
)
@pytest.mark.parametrize(
    "text", ["2024-01-31T16:00:00Z", "2024-01-31 16:00:00 UTC", "2024-01-31T11:00:00-05:00",
             "2024-02-01 01:00:00+09:00"],
)  # fmt: skip
def test_an_instant_falls_on_its_day_in_the_zone(tz, day, text):
    assert read([text], tz=tz) == ([day], [False])


def test_a_value_without_an_offset_falls_on_the_day_as_written():
    assert read(["2024-01-31 23:30:00"], tz="Asia/Tokyo") == ([date(2024, 1, 31)], [False])


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2024-01-05 10:00:00", datetime(2024, 1, 5, 1, tzinfo=UTC)),
        ("2024-01-05T10:00:00+09:00", datetime(2024, 1, 5, 1, tzinfo=UTC)),
        ("2024-01-05T10:00:00Z", datetime(2024, 1, 5, 10, tzinfo=UTC)),
        ("2024-01-05 10:00:00.5", datetime(2024, 1, 5, 1, 0, 0, 500_000, tzinfo=UTC)),
        ("2024-01-05", datetime(2024, 1, 4, 15, tzinfo=UTC)),
        ("2024/1/5 3:04 PM", datetime(2024, 1, 5, 6, 4, tzinfo=UTC)),
        ("2024/1/5 12:04 AM", datetime(2024, 1, 4, 15, 4, tzinfo=UTC)),
        ("2024年1月5日 午後3時4分", datetime(2024, 1, 5, 6, 4, tzinfo=UTC)),
        ("2024年1月5日15時4分7秒", datetime(2024, 1, 5, 6, 4, 7, tzinfo=UTC)),
        ("2024-01-05 19:00 JST", datetime(2024, 1, 5, 10, tzinfo=UTC)),
    ],
)
@pytest.mark.parametrize("beside", ["2023-12-31 00:00:00", None])
def test_an_instant_without_an_offset_is_local(text, instant, beside):
    column = pl.Series("used", [text, beside])
    found, failed = instants(column, date_reading(column, tz="Asia/Tokyo"))
    assert found[0] == instant
    assert found.dtype == pl.Datetime("us", "UTC")
    assert not failed.any()


def test_a_clock_that_jumps_gives_no_instant_and_one_that_repeats_the_earlier():
    column = pl.Series(["2024-03-31 02:30:00", "2024-10-27 02:30:00"])
    found, failed = instants(column, date_reading(column, tz="Europe/Berlin"))
    assert found.to_list() == [None, datetime(2024, 10, 27, 0, 30, tzinfo=UTC)]
    assert failed.to_list() == [True, False]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pl.Series([FIFTH, None, date(9999, 12, 31)]), [FIFTH, None, None]),
        (pl.Series([datetime(2024, 1, 5, 23, tzinfo=UTC)]).dt.replace_time_zone(None), [FIFTH]),
        (pl.Series([datetime(2024, 1, 4, 16, tzinfo=UTC)]), [FIFTH]),
        (pl.Series([FIFTH]).cast(pl.Datetime("ns")), [FIFTH]),
        (pl.Series([20240105, None]), [FIFTH, None]),
        (pl.Series([1704412800]), [FIFTH]),
        (pl.Series([45296.0]), [FIFTH]),
    ],
)
def test_typed_dates_are_taken_as_they_are(values, expected):
    found, failed = dates(values, date_reading(values, tz="Asia/Tokyo"))
    assert found.to_list() == expected
    assert found.dtype == pl.Date
    assert not failed.any()


def test_typed_days_become_local_midnights():
    column = pl.Series([FIFTH, None])
    found, failed = instants(column, date_reading(column, tz="Asia/Tokyo"))
    assert found.to_list() == [datetime(2024, 1, 4, 15, tzinfo=UTC), None]
    assert failed.to_list() == [False, False]


@pytest.mark.parametrize("values", [[], [None], ["", "NaN"]])
def test_a_column_without_a_date_has_a_reading_too(values):
    column = pl.Series("paid", values, dtype=pl.String)
    found, failed = dates(column, date_reading(column))
    assert found.dtype == pl.Date
    assert found.null_count() == len(values)
    assert not failed.any()


@pytest.mark.parametrize(
    ("values", "form"),
    [
        (["2024-01-05"], "year first, like '2024-01-05'"),
        (["28/9/2024"], "day/month/year, like '28/9/2024'"),
        (["45296"], "serial days of a spreadsheet, like 45296"),
        (["1704412800"], "s since 1970, like 1704412800"),
    ],
)
def test_the_form_says_what_was_decided(values, form):
    assert date_reading(pl.Series(values)).form == form
