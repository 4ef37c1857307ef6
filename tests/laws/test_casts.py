from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal

import polars as pl
from hypothesis import example, given, settings
from hypothesis import strategies as st

from csk.intake.values.dates import DateReading, dates
from csk.intake.values.ids import ids, texts
from csk.intake.values.numbers import amounts

FOUR_PLACES = st.decimals(-(10**11), 10**11, places=4)
LONG_PLACES = st.decimals(-(10**14), 10**14, allow_nan=False, allow_infinity=False)


@settings(deadline=None, max_examples=80)
@given(st.lists(FOUR_PLACES, min_size=1, max_size=200))
@example([Decimal("99999999999.9999"), Decimal("0.0001"), Decimal("-4503599627.3705")])
def test_the_fast_path_equals_the_exact_decimal(values):
    read = amounts(pl.Series([f"{value:f}" for value in values]))
    assert read.values.to_list() == [int(value.scaleb(4)) for value in values]
    assert read.rounded == 0


@given(st.integers(-(10**13), 10**13).map(lambda count: Decimal(count).scaleb(-4)))
def test_floats_below_the_exact_bound_give_the_exact_count(value):
    assert amounts(pl.Series([float(value)])).values.to_list() == [int(value.scaleb(4))]


@settings(deadline=None, max_examples=80)
@given(st.lists(LONG_PLACES, min_size=1, max_size=30), st.sampled_from([0, 1, 2, 4]))
def test_any_decimal_is_rounded_half_to_even(values, places):
    read = amounts(pl.Series([f"{value:f}" for value in values]), places=places)
    whole = [
        int(value.scaleb(places).quantize(Decimal(1), rounding=ROUND_HALF_EVEN))
        for value in map(Decimal, (f"{value:f}" for value in values))
    ]
    assert read.values.to_list() == whole


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10**13), st.sampled_from(["-{}", "△{}", "▲ {}", "({})", "{}-", "−¥{}"]))
def test_every_way_to_write_a_minus_means_the_same(count, form):
    written = f"{Decimal(count).scaleb(-4):,f}"
    assert amounts(pl.Series([form.format(written)])).values.to_list() == [-count]


@settings(deadline=None, max_examples=50)
@given(st.integers(-(10**13), 10**13))
def test_point_and_comma_write_the_same_amount(count):
    written = f"{Decimal(count).scaleb(-4):,.4f}"
    continental = written.translate(str.maketrans(",.", ".,"))
    assert amounts(pl.Series([continental]), mark=",").values.to_list() == [count]
    assert amounts(pl.Series([written])).values.to_list() == [count]


@given(st.lists(st.text(max_size=12)), st.booleans())
def test_the_id_rule_twice_is_the_rule_once(values, point_zero):
    once = ids(pl.Series(values, dtype=pl.String), point_zero=point_zero)
    assert ids(once, point_zero=point_zero).to_list() == once.to_list()


@settings(deadline=None, max_examples=50)
@given(st.lists(st.text(max_size=8), min_size=1))
def test_an_id_does_not_depend_on_its_neighbours(values):
    together = ids(pl.Series(values, dtype=pl.String)).to_list()
    assert together == [ids(pl.Series([value]))[0] for value in values]


@given(st.lists(st.text(max_size=12)))
def test_text_twice_is_text_once(values):
    once = texts(pl.Series(values, dtype=pl.String))
    assert texts(once).to_list() == once.to_list()


DAYS = st.dates(date(1900, 1, 1), date(2199, 12, 31))
FORMS = {
    "iso": (lambda d: d.isoformat(), "ymd"),
    "slashes": (lambda d: f"{d.year}/{d.month}/{d.day}", "ymd"),
    "japanese": (lambda d: f"{d.year}年{d.month}月{d.day}日", "ymd"),
    "compact": (lambda d: f"{d:%Y%m%d}", "ymd"),
    "dmy": (lambda d: f"{d.day}.{d.month}.{d.year}", "dmy"),
    "mdy": (lambda d: f"{d.month}/{d.day}/{d.year}", "mdy"),
}


@settings(deadline=None, max_examples=60)
@given(st.lists(DAYS, min_size=1), st.sampled_from(sorted(FORMS)))
def test_a_day_survives_being_written_and_read(days, form):
    written, order = FORMS[form]
    found, failed = dates(pl.Series([written(day) for day in days]), DateReading("", order))
    assert found.to_list() == days
    assert not failed.any()


@settings(deadline=None, max_examples=50)
@given(st.lists(st.text(max_size=15)))
def test_no_text_stops_a_cast_and_nothing_is_lost(values):
    column = pl.Series(values, dtype=pl.String)
    read = amounts(column)
    found, failed = dates(column, DateReading("", "dmy"))
    assert not (read.values.is_not_null() & read.failed).any()
    assert not (found.is_not_null() & failed).any()
