from datetime import date

import polars as pl
import pytest

from csk.errors import DataError, UsageError
from csk.intake.values.casts import CastOptions, cast, flags, reading
from csk.schema import INPUTS, KINDS, Column

COLUMNS = {kind: Column(f"a_{kind}", kind, "A column.") for kind in KINDS}
TYPES = {
    **dict.fromkeys(("id", "text"), pl.String),
    "date": pl.Date,
    "instant": pl.Datetime("us", "UTC"),
    "amount": pl.Int64,
    "count": pl.Int64,
    "number": pl.Float64,
    "flag": pl.Boolean,
}


def castof(values, kind, **options):
    column = pl.Series("As Named", values)
    return cast(column, reading(column, COLUMNS[kind], CastOptions(**options)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("values", [pl.Series([], dtype=pl.String), pl.Series([None, None])])
def test_every_kind_has_its_type_even_without_values(kind, values):
    done = cast(values, reading(values, COLUMNS[kind]))
    assert done.values.dtype == TYPES[kind]
    assert done.values.name == f"a_{kind}"
    assert done.values.null_count() == done.failed.len() == values.len()
    assert done.failed.dtype == pl.Boolean
    assert not done.failed.any()


def test_every_column_of_every_table_has_a_kind_that_casts():
    kinds = {column.kind for table in INPUTS.values() for column in table.columns}
    assert kinds == set(TYPES) == set(KINDS)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("id", "'00123 ", "00123"),
        ("text", " Ｐｒｏ", "Pro"),
        ("date", "2024年1月5日", date(2024, 1, 5)),
        ("amount", "¥1,200", 12_000_000),
        ("count", "1,200", 1200),
        ("number", "30%", 0.3),
        ("flag", "はい", True),
    ],
)
def test_a_value_is_cast_by_the_kind_of_its_column(kind, text, value):
    done = castof([text], kind)
    assert done.values.to_list() == [value]
    assert done.failed.to_list() == [False]


@pytest.mark.parametrize(
    ("kind", "text", "reason"),
    [
        ("date", "abc", "is not a date (year first, like 'abc')"),
        ("amount", "abc", "is not an amount of money"),
        ("count", "1.5", "is not a whole number"),
        ("number", "abc", "is not a number"),
        ("flag", "abc", "is not a yes or no"),
    ],
)
def test_what_fails_is_null_and_says_why(kind, text, reason):
    column = pl.Series([text])
    decided = reading(column, COLUMNS[kind])
    done = cast(column, decided)
    assert done.values.to_list() == [None]
    assert done.failed.to_list() == [True]
    assert decided.reason == reason


def test_a_reading_is_decided_once_and_holds_for_every_batch():
    decided = reading(pl.Series("Amount", ["1.234,56"]), COLUMNS["amount"])
    assert (decided.name, decided.form) == ("Amount", "decimal comma")
    assert cast(pl.Series(["1.200"]), decided).values.to_list() == [12_000_000]


@pytest.mark.parametrize(
    ("currency", "count"), [("JPY", 12_000_000), ("USD", 120_000), ("BHD", 12_000), (None, 120_000)]
)
def test_minor_units_have_the_digits_of_their_currency(currency, count):
    done = castof(["1200"], "amount", amount_unit="minor", currency=currency)
    assert done.values.to_list() == [count]


def test_minor_units_of_no_currency_of_the_list_are_refused():
    with pytest.raises(UsageError, match="'XYZ' is not a currency code"):
        castof(["1200"], "amount", amount_unit="minor", currency="XYZ")


def test_rounded_amounts_are_counted():
    assert castof(["1.23456", "1.2", "3.000049"], "amount").rounded == 2


def test_the_users_decimal_mark_overrules_the_column():
    assert castof(["1.200"], "amount", decimal_mark=",").values.to_list() == [12_000_000]


def test_two_readings_of_a_date_are_refused_unless_the_user_decides():
    with pytest.raises(DataError, match="'As Named'"):
        castof(["3/4/2024"], "date")
    assert castof(["3/4/2024"], "date", date_order="mdy").values.to_list() == [date(2024, 3, 4)]


@pytest.mark.parametrize(
    ("word", "flag"),
    [
        *((word, True) for word in ("Yes", "TRUE", "1", "1.0", "y", "はい", "退会", "Churned")),
        *((word, False) for word in ("No", "false", "0", "0.0", "N", "いいえ", "Stayed")),
    ],
)
def test_a_clear_word_is_a_flag(word, flag):
    values, failed = flags(pl.Series([word, f" {word} "]))
    assert values.to_list() == [flag, flag]
    assert not failed.any()


@pytest.mark.parametrize("values", [pl.Series([True, None]), pl.Series([1, None])])
def test_typed_flags_are_taken_as_they_are(values):
    assert flags(values)[0].to_list() == [True, None]


def test_unclear_flags_fail_and_null_marks_do_not():
    values, failed = flags(pl.Series(["maybe", "", "N/A", "2"]))
    assert values.to_list() == [None] * 4
    assert failed.to_list() == [True, False, False, True]
