from decimal import Decimal

import polars as pl
import pytest

from csk.intake.values.numbers import amounts, decimal_mark, numbers, whole_numbers


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("1200", 12_000_000),
        ("1,200", 12_000_000),
        ("¥1,200", 12_000_000),
        ("￥１，２００", 12_000_000),
        ("\\1,200", 12_000_000),
        ("1,200円", 12_000_000),
        ("1,200 円", 12_000_000),
        ("△1,200", -12_000_000),
        ("▲1,200", -12_000_000),
        ("▲ 5", -50_000),
        ("−3", -30_000),
        ("－３", -30_000),
        ("-3", -30_000),
        ("(1,200)", -12_000_000),
        ("（1,200）", -12_000_000),
        ("($1,200.50)", -12_005_000),
        ("$(5)", -50_000),
        ("1,200-", -12_000_000),
        ("-¥5", -50_000),
        ("¥-5", -50_000),
        ("$ 12.50 USD", 125_000),
        ("USD 12.50", 125_000),
        ("12.50 eur", 125_000),
        ("US$5", 50_000),
        ("+5", 50_000),
        ("1.", 10_000),
        (".5", 5_000),
        ("-.5", -5_000),
        ("1e3", 10_000_000),
        ("1.5E-2", 150),
        ("2,5e1", None),
        ("12,34,567.5", 12_345_675_000),
        ("1'234.50", 12_345_000),
        ("1 234.50", 12_345_000),
        ("\u00a01\u00a0234", 12_340_000),
        ("  7 ", 70_000),
        ("0.30000000000000004", 3_000),
        ("0.29999999999999998", 3_000),
        ("00012", 120_000),
        ("-0", 0),
        ("1234567890.1234", 12_345_678_901_234),
        ("123456789012.3456", 1_234_567_890_123_456),
        ("900000000000000", 9 * 10**18),
        ("-900000000000000", -9 * 10**18),
    ],
)
def test_an_amount_is_read_exactly(text, count):
    read = amounts(pl.Series([text]))
    assert read.values.to_list() == [count]
    assert read.failed.to_list() == [count is None]
    assert read.rounded == 0


@pytest.mark.parametrize("text", ["", " ", "NaN", "nan", "null", "N/A", "-", "NA", "—", None])
def test_a_null_mark_is_no_amount_and_no_failure(text):
    read = amounts(pl.Series([text], dtype=pl.String))
    assert read.values.to_list() == [None]
    assert read.failed.to_list() == [False]


@pytest.mark.parametrize(
    "text",
    [
        *("abc", "1,20", "12,00", "--5", "(-5)", "(5", "5)", "1.2.3", "inf", "-inf", "1e400"),
        *("900000000000001", "9.1e14", "1_000", "0x10", "5%", "1,2345", "１２年", "5 XYZ"),
        *("99999999999999999999", "1-2", "12:30", "2024-01-05"),
    ],
)
def test_what_is_no_amount_fails(text):
    read = amounts(pl.Series([text]))
    assert read.values.to_list() == [None]
    assert read.failed.to_list() == [True]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("1.00005", 10_000),
        ("1.00015", 10_002),
        ("-1.00015", -10_002),
        ("1.000150000000000000001", 10_002),
        ("1.00016", 10_002),
        ("1.00014", 10_001),
        ("1,000.00015", 10_000_002),
        ("2.99995", 30_000),
        ("0.00005", 0),
        ("123456789012.00015", 1_234_567_890_120_002),
    ],
)
def test_more_than_four_decimals_are_rounded_half_to_even_and_counted(text, count):
    read = amounts(pl.Series([text, text, "7"]))
    assert read.values.to_list() == [count, count, 70_000]
    assert read.rounded == 2
    assert not read.failed.any()


@pytest.mark.parametrize(
    ("text", "count"),
    [("1200", 12_000_000), ("12.5", 125_000), ("△1,200", -12_000_000), ("0.12345", 1_234)],
)
def test_minor_units_shift_the_same_text(text, count):
    cents = amounts(pl.Series([text]), places=2)
    assert cents.values.to_list() == [round(Decimal(count) / 100)]


@pytest.mark.parametrize(
    ("sample", "mark"),
    [
        (["1.234,56", "7"], ","),
        (["12,5", "1.200"], ","),
        (["-3,50 €"], ","),
        (["1,200", "3,400"], "."),
        (["1.200"], "."),
        (["1,234.56", "12.5"], "."),
        (["1,234,567"], "."),
        (["12.5", "13.5", "12,5"], "."),
        ([], "."),
    ],
)
def test_the_decimal_mark_is_decided_by_the_column(sample, mark):
    assert decimal_mark(pl.Series(sample, dtype=pl.String)) == mark


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("1.234,56", 12_345_600),
        ("1.200", 12_000_000),
        ("12,5", 125_000),
        ("7", 70_000),
        ("-3,5 €", -35_000),
        ("1,234.56", None),
        ("1200.50", None),
    ],
)
def test_with_a_decimal_comma_a_point_only_groups(text, count):
    read = amounts(pl.Series([text]), mark=",")
    assert read.values.to_list() == [count]
    assert read.failed.to_list() == [count is None]


@pytest.mark.parametrize(
    ("values", "expected", "failed"),
    [
        (pl.Series([1200, None, -5]), [12_000_000, None, -50_000], [False, False, False]),
        (pl.Series([12, 255], dtype=pl.UInt8), [120_000, 2_550_000], [False, False]),
        (pl.Series([10**16, 9 * 10**14]), [None, 9 * 10**18], [True, False]),
        (pl.Series([12.5, None, 0.1]), [125_000, None, 1_000], [False, False, False]),
        (pl.Series([float("nan"), float("inf")]), [None, None], [False, True]),
        (pl.Series([1e22]), [None], [True]),
    ],
)
def test_typed_amounts_are_taken_as_they_are(values, expected, failed):
    read = amounts(values)
    assert read.values.to_list() == expected
    assert read.failed.to_list() == failed


@pytest.mark.parametrize("scale", [0, 2, 4, 6])
def test_decimals_are_taken_digit_by_digit(scale):
    values = pl.Series([Decimal(1250).scaleb(-scale), None]).cast(pl.Decimal(30, scale))
    assert amounts(values).values.to_list() == [round(Decimal(1250).scaleb(4 - scale)), None]


def test_a_decimal_beyond_the_largest_amount_fails():
    read = amounts(pl.Series([Decimal(10) ** 20]).cast(pl.Decimal(38, 2)))
    assert read.values.to_list() == [None]
    assert read.failed.to_list() == [True]


@pytest.mark.parametrize(
    ("text", "number"),
    [("3", 3.0), ("1,200", 1200.0), ("-2.5", -2.5), ("30%", 0.3), ("30 ％", 0.3), ("1e3", 1000.0)],
)
def test_a_number_is_read(text, number):
    values, failed = numbers(pl.Series([text, "1"]))
    assert values.to_list() == [pytest.approx(number), 1.0]
    assert not failed.any()


def test_what_is_no_number_fails_and_a_null_mark_does_not():
    values, failed = numbers(pl.Series(["x", "", "NaN", "inf", "4"]))
    assert values.to_list() == [None, None, None, None, 4.0]
    assert failed.to_list() == [True, False, False, True, False]


def test_typed_numbers_keep_their_value_and_lose_infinity():
    values, failed = numbers(pl.Series([1.5, float("inf"), float("nan"), None]))
    assert values.to_list() == [1.5, None, None, None]
    assert failed.to_list() == [False, True, False, False]


def test_a_number_with_a_decimal_comma_is_read():
    assert numbers(pl.Series(["1,5", "2"]), mark=",")[0].to_list() == [1.5, 2.0]


@pytest.mark.parametrize(
    ("text", "whole", "failed"),
    [("12", 12, False), ("12.0", 12, False), ("1,200", 1200, False), ("12.5", None, True),
     ("1e17", None, True), ("x", None, True), ("", None, False)],
)  # fmt: skip
def test_a_count_is_whole(text, whole, failed):
    values, broken = whole_numbers(pl.Series([text]))
    assert values.to_list() == [whole]
    assert broken.to_list() == [failed]


def test_typed_counts_beyond_int64_fail():
    values, failed = whole_numbers(pl.Series([2**63, 5], dtype=pl.UInt64))
    assert values.to_list() == [None, 5]
    assert failed.to_list() == [True, False]


def test_an_empty_column_stays_empty():
    empty = pl.Series([], dtype=pl.String)
    assert amounts(empty).values.dtype == pl.Int64
    assert numbers(empty)[0].dtype == pl.Float64
    assert whole_numbers(empty)[0].dtype == pl.Int64
