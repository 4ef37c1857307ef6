from decimal import ROUND_UP, Decimal, localcontext

import pytest

from csk import schema
from csk.money import AMOUNT_SCALE, CURRENCIES, counts, displayed, minor_digits, rounded, split


@pytest.mark.parametrize(
    ("currency", "digits"),
    [("JPY", 0), ("KRW", 0), ("usd", 2), (" EUR ", 2), ("BHD", 3), ("KWD", 3), ("CLF", 4)],
)
def test_minor_digits_are_those_of_iso_4217(currency, digits):
    assert minor_digits(currency) == digits


@pytest.mark.parametrize("currency", ["", "XYZ", "YEN", "¥"])
def test_a_code_outside_iso_4217_is_refused(currency):
    with pytest.raises(ValueError, match="ISO 4217"):
        minor_digits(currency)


def test_money_and_schema_hold_the_same_scale():
    assert AMOUNT_SCALE == schema.AMOUNT_SCALE


def test_every_currency_is_a_code_of_three_letters_with_0_to_4_digits():
    assert len(CURRENCIES) > 150
    assert all(len(code) == 3 and code.isupper() for code in CURRENCIES)
    assert {minor_digits(code) for code in CURRENCIES} == {0, 2, 3, 4}


@pytest.mark.parametrize(
    ("count", "currency", "amount"),
    [
        (12_345_678, "USD", "1234.57"),
        (10_050, "USD", "1.00"),
        (10_150, "USD", "1.02"),
        (5_000, "JPY", "0"),
        (15_000, "JPY", "2"),
        (-15_000, "JPY", "-2"),
        (10_005, "BHD", "1.000"),
        (10_015, "BHD", "1.002"),
        (12_345, "CLF", "1.2345"),
        (10_000, None, "1"),
        (12_345, None, "1.23"),
    ],
)
def test_rounding_is_half_to_even_at_the_minor_unit(count, currency, amount):
    assert str(rounded(count, currency)) == amount


def test_the_rounding_of_the_surrounding_program_does_not_matter():
    with localcontext(rounding=ROUND_UP):
        assert str(rounded(10_001, "USD")) == "1.00"


@pytest.mark.parametrize(
    ("count", "currency", "text"),
    [
        (12_345_670_000, "JPY", "¥1,234,567"),
        (12_345_000, "USD", "$1,234.50"),
        (-12_345_000, "USD", "-$1,234.50"),
        (12_345_000, "eur", "€1,234.50"),
        (12_340_000, "KWD", "1,234.000 KWD"),
        (-12_340_000, "CHF", "-1,234.00 CHF"),
        (12_340_000, None, "1,234"),
        (-12_345_000, None, "-1,234.50"),
        (-4_999, "JPY", "¥0"),
        (0, None, "0"),
    ],
)
def test_amounts_are_displayed_for_people(count, currency, text):
    assert displayed(count, currency) == text


@pytest.mark.parametrize(
    ("amount", "count"),
    [
        ("1.2345", 12_345),
        (Decimal("-0.0001"), -1),
        (7, 70_000),
        ("1e3", 10_000_000),
        ("0E-999999", 0),
        ("-900000000000000", -9 * 10**18),
    ],
)
def test_counts_are_exact(amount, count):
    assert counts(amount) == count


@pytest.mark.parametrize(
    "amount",
    [
        "1.23456",
        "abc",
        "",
        "nan",
        "inf",
        "1e-999999",
        "1.0000000000000000000000000000000001",
        "1e999999",
        "900000000000001",
    ],
)
def test_what_is_not_exactly_an_amount_has_no_counts(amount):
    with pytest.raises(ValueError, match=r"amount|decimals"):
        counts(amount)


@pytest.mark.parametrize(
    ("count", "shares", "parts"),
    [
        (100, [1, 1, 1], [34, 33, 33]),
        (-100, [1, 1, 1], [-34, -33, -33]),
        (10, [0, 3, 7], [0, 3, 7]),
        (1, [1, 2], [0, 1]),
        (2, [6, 4], [1, 1]),
        (5, [1], [5]),
        (7, [0, 1], [0, 7]),
        (0, [2, 1], [0, 0]),
    ],
)
def test_a_split_gives_the_odd_counts_to_the_largest_remainders(count, shares, parts):
    assert split(count, shares) == parts


@pytest.mark.parametrize("shares", [[0, 0], [-1, 2]])
def test_a_split_needs_shares(shares):
    with pytest.raises(ValueError, match=r"^shares must be >= 0 and not all zero$"):
        split(1, shares)
