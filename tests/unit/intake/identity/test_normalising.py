"""Two ways to write a key become one; what is no key becomes null."""

import phonenumbers
import polars as pl
import pytest

from csk.intake.identity.normalising import (
    emails,
    is_alias,
    is_nobody,
    names,
    phones,
    postcodes,
)

EMAILS = [
    ("Taro@Example.COM", "taro@example.com"),
    ("taro+shop@example.com", "taro@example.com"),
    ("+shop@example.com", "+shop@example.com"),
    ("t.a.ro@gmail.com", "taro@gmail.com"),
    ("Ta.Ro+x@GoogleMail.com", "taro@gmail.com"),
    ("t.a.ro@example.com", "t.a.ro@example.com"),
    ("ｔａｒｏ＠ｅｘａｍｐｌｅ．ｃｏｍ", "taro@example.com"),
    (" taro@example.com\u3000\u200b", "taro@example.com"),
    ("Taro <taro@example.com>", "taro@example.com"),
    ("mailto:taro@example.com", "taro@example.com"),
    ("'taro@example.com", "taro@example.com"),
    ("taro..x.@docomo.ne.jp", "taro..x.@docomo.ne.jp"),
    ("abc+uuid@marketplace.amazon.co.jp", "abc@marketplace.amazon.co.jp"),
    ("taro", None),
    ("taro@", None),
    ("@example.com", None),
    ("taro@localhost", None),
    ("a@b.jp,c@d.jp", None),
    ("taro@@example.com", None),
    ("", None),
    (None, None),
]
PHONES = [
    ("090-1234-5678", "JP", "+819012345678"),
    ("09012345678", "JP", "+819012345678"),
    ("9012345678", "JP", "+819012345678"),
    ("9012345678.0", "JP", "+819012345678"),
    ("０９０－１２３４－５６７８", "JP", "+819012345678"),
    ("'+81 90 1234 5678", None, "+819012345678"),
    ("+81 (0)90-1234-5678", "US", "+819012345678"),
    ("060-1234-5678", "JP", "+816012345678"),
    ("03-3456-7890", "JP", "+81334567890"),
    ("03 3456 7890 内線12", "JP", "+81334567890"),
    ("0120-444-113", "JP", "+81120444113"),
    ("(212) 555-0123", "US", "+12125550123"),
    ("+1 212 555 0123", "JP", "+12125550123"),
    ("020 7946 0018", "GB", "+442079460018"),
    ("090-1234-5678", None, None),
    ("000-0000-0000", "JP", None),
    ("090-0000-0000", "JP", None),
    ("080-1111-1111", "JP", None),
    ("111-1111-1111", "JP", None),
    ("090-1234-567", "JP", None),
    ("なし", "JP", None),
    ("-", "JP", None),
    (None, "JP", None),
]
NAMES = [
    ("山田 太郎", "山田太郎"),
    ("山田　太郎 様", "山田太郎"),
    ("山田太郎", "山田太郎"),
    ("髙橋 一郎", "高橋一郎"),
    ("渡邊", "渡辺"),
    ("佐々木", "佐々木"),
    ("ﾔﾏﾀﾞ ﾀﾛｳ", "ヤマダタロウ"),
    ("やまだ たろう", "ヤマダタロウ"),
    ("Jane  DOE", "doe jane"),
    ("Doe, Jane", "doe jane"),
    ("Ms. Jane Doe", "doe jane"),
    ("Zoë Müller", "müller zoë"),
    ("様", None),
    ("x", None),
    (None, None),
]
POSTCODES = [
    ("100-0001", "JP", "1000001"),
    ("〒１００－０００１", "JP", "1000001"),
    ("600001", "JP", "0600001"),
    ("600001.0", "JP", "0600001"),
    ("000-0000", "JP", None),
    ("SW1A 1AA", "GB", "SW1A1AA"),
    ("12345-6789", "US", "123456789"),
    ("-", "JP", None),
    (None, None, None),
]


def one(values: pl.Series) -> object:
    assert values.len() == 1
    return values[0]


def text(value: str | None) -> pl.Series:
    return pl.Series([value], dtype=pl.String)


@pytest.mark.parametrize(("written", "expected"), EMAILS)
def test_an_address_has_one_form(written, expected):
    assert one(emails(text(written))) == expected
    assert one(emails(text(expected))) == expected


@pytest.mark.parametrize(("written", "country", "expected"), PHONES)
def test_a_phone_number_has_one_form(written, country, expected):
    assert one(phones(text(written), text(country))) == expected
    assert one(phones(text(expected), text(country))) == expected


@pytest.mark.parametrize(("written", "expected"), NAMES)
def test_a_name_has_one_form(written, expected):
    assert one(names(text(written))) == expected
    assert one(names(text(expected))) == expected


@pytest.mark.parametrize(("written", "country", "expected"), POSTCODES)
def test_a_postcode_has_one_form(written, country, expected):
    assert one(postcodes(text(written), country)) == expected
    assert one(postcodes(text(expected), country)) == expected


def test_japanese_mobiles_are_what_the_library_makes_of_them():
    # 060 is newer than some releases of the library: it is ours to know, so that ids stay.
    prefixes = [prefix for prefix in range(10) if prefix != 6]
    written = [f"0{prefix}0{rest}" for prefix in prefixes for rest in ("12345678", "02345678")]
    written += [number[1:] for number in written] + ["0901234567", "090123456789"]
    found = phones(pl.Series(written), pl.repeat("JP", len(written), eager=True)).to_list()
    for number, ours in zip(written, found, strict=True):
        parsed = phonenumbers.parse(number, "JP")
        theirs = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
        assert ours == (theirs if phonenumbers.is_valid_number(parsed) else None), number


def test_many_numbers_keep_their_rows():
    written = pl.Series(["03-3456-7890", None, "090-1234-5678", "03-3456-7890", "x"])
    countries = pl.Series(["JP", "JP", "JP", None, "JP"])
    expected = ["+81334567890", None, "+819012345678", None, None]
    assert phones(written, countries).to_list() == expected


@pytest.mark.parametrize(
    ("address", "nobody", "alias"),
    [
        ("test@shop.jp", True, False),
        ("no-reply@shop.jp", True, False),
        ("a@shop.invalid", True, False),
        ("contest@shop.jp", False, False),
        ("1f@pc.fw.rakuten.ne.jp", False, True),
        ("1f@marketplace.amazon.co.jp", False, True),
        ("1f@rakuten.ne.jp", False, False),
        (None, None, None),
    ],
)
def test_placeholders_and_stand_ins_are_known(address, nobody, alias):
    assert one(is_nobody(text(address))) is nobody
    assert one(is_alias(text(address))) is alias
