"""Which columns tell who ordered, on the headers that shops export."""

import re

import polars as pl
import pytest

from csk.errors import DataError
from csk.intake.resolving.columns import key_columns, personal_columns

# EC-CUBE 4 as its table of CSV columns has it, Rakuten RMS, BASE and Shopify as they export.
ECCUBE = """
注文ID,注文番号,会員ID,お名前(姓),お名前(名),お名前(セイ),お名前(メイ),会社名,郵便番号,都道府県(ID),
都道府県(名称),住所1,住所2,メールアドレス,TEL,性別(ID),誕生日,ショップ用メモ欄,小計,送料,合計,支払合計,
対応状況(名称),受注日,商品ID,商品名,価格,個数,出荷ID,配送先_お名前(姓),配送先_お名前(名),配送先_お名前(セイ),
配送先_お名前(メイ),配送先_会社名,配送先_郵便番号,配送先_都道府県(名称),配送先_住所1,配送先_TEL,配達用メモ,発送日
"""
RAKUTEN = """
注文番号,ステータス,注文日時,商品合計金額,請求金額,注文者郵便番号1,注文者郵便番号2,注文者住所都道府県,注文者住所郡市区,
注文者住所それ以降の住所,注文者姓,注文者名,注文者姓カナ,注文者名カナ,注文者電話番号1,注文者電話番号2,注文者電話番号3,
注文者メールアドレス,注文者性別,送付先ID,送付先郵便番号1,送付先郵便番号2,送付先住所都道府県,送付先姓,送付先名,送付先姓カナ,
送付先名カナ,送付先電話番号1,商品ID,商品名,単価,個数,コメント,ひとことメモ
"""
BASE = """
注文ID,注文日時,氏(請求先),名(請求先),郵便番号(請求先),都道府県(請求先),住所(請求先),住所2(請求先),
電話番号(請求先),メールアドレス(請求先),氏(配送先),名(配送先),郵便番号(配送先),都道府県(配送先),住所(配送先),
住所2(配送先),電話番号(配送先),備考,商品名,バリエーション,価格,数量,合計金額,送料,支払い方法,発送状況,商品ID,注文メモ
"""
SHOPIFY = """
Name,Email,Financial Status,Paid at,Accepts Marketing,Currency,
Subtotal,Total,Created at,Lineitem quantity,Lineitem name,
Lineitem price,Billing Name,Billing Street,Billing Address1,
Billing Address2,Billing Company,Billing City,Billing Zip,
Billing Country,Billing Phone,Shipping Name,Shipping Street,
Shipping Address1,Shipping Zip,Shipping Phone,Notes,Note Attributes,
Employee,Device ID,Id,Tags,Source,Phone
"""


def found(header: str, country: str | None = None, currency: str = "", **values: str):
    """Return the key columns of a header."""
    columns = header.replace("\n", "").split(",")
    sample = pl.DataFrame({column: [values.get(column, "1")] for column in columns})
    return key_columns("a.csv", columns, sample, country, currency)


CASES = {
    "eccube": (
        ECCUBE,
        {
            "email": (("メールアドレス",),),
            "phone": (("TEL",),),
            "name": (("お名前(姓)", "お名前(名)"), ("お名前(セイ)", "お名前(メイ)")),
            "postcode": (("郵便番号",),),
            "member": "会員ID",
            "order": "注文ID",
            "default_country": "JP",
        },
        """
        注文ID 注文番号 会員ID 会社名 都道府県(ID) 都道府県(名称) 性別(ID) 小計
        送料 合計 支払合計 対応状況(名称) 受注日 商品ID 商品名 価格 個数 出荷ID
        配送先_会社名 配送先_都道府県(名称) 発送日
        """,
    ),
    "rakuten": (
        RAKUTEN,
        {
            "email": (("注文者メールアドレス",),),
            "phone": (("注文者電話番号1", "注文者電話番号2", "注文者電話番号3"),),
            "name": (("注文者姓", "注文者名"), ("注文者姓カナ", "注文者名カナ")),
            "postcode": (("注文者郵便番号1", "注文者郵便番号2"),),
            "member": None,
            "order": "注文番号",
            "default_country": "JP",
        },
        """
        注文番号 ステータス 注文日時 商品合計金額 請求金額
        注文者性別 送付先ID 商品ID 商品名 単価 個数
        """,
    ),
    "base": (
        BASE,
        {
            "email": (("メールアドレス(請求先)",),),
            "phone": (("電話番号(請求先)",),),
            "name": (("氏(請求先)", "名(請求先)"),),
            "postcode": (("郵便番号(請求先)",),),
            "order": "注文ID",
        },
        """
        注文ID 注文日時 都道府県(請求先) 都道府県(配送先)
        商品名 バリエーション 価格 数量 合計金額 送料 支払い方法 発送状況 商品ID
        """,
    ),
    "shopify": (
        SHOPIFY,
        {
            "email": (("Email",),),
            "phone": (("Phone",), ("Billing Phone",)),
            "name": (("Billing Name",),),
            "postcode": (("Billing Zip",),),
            "country": "Billing Country",
            "order": "Name",
            "default_country": "US",
        },
        """
        Name|Financial Status|Paid at|Accepts Marketing|Currency|Subtotal|Total|Created at
        |Lineitem quantity|Lineitem name|Lineitem price|Billing Company|Billing City
        |Billing Country|Id|Tags|Source
        """,
    ),
}


@pytest.mark.parametrize(("header", "expected", "kept"), CASES.values(), ids=CASES.keys())
def test_the_headers_of_shops_are_understood(header, expected, kept):
    keys = found(header, Currency="USD")
    assert {name: getattr(keys, name) for name in expected} == expected
    columns = header.replace("\n", "").split(",")
    left = [column for column in columns if column not in personal_columns(columns, keys)]
    bars = re.sub(r"\n\s*", "", kept.strip()).split("|")
    assert left == (bars if "|" in kept else kept.split())


def test_columns_in_another_order_mean_the_same():
    for header, _, _ in CASES.values():
        turned = ",".join(reversed(header.replace("\n", "").split(",")))
        assert found(turned) == found(header)


@pytest.mark.parametrize(
    ("header", "first", "phone"),
    [
        ("mail,tel1,tel2,tel3", "090", (("tel1", "tel2", "tel3"),)),
        ("mail,phone1,phone2", "090-1234-5678", (("phone1",), ("phone2",))),
        ("mail,phone1", "090", (("phone1",),)),
    ],
)
def test_numbered_columns_are_parts_where_they_are_short(header, first, phone):
    assert found(header, tel1=first, phone1=first).phone == phone


@pytest.mark.parametrize(
    ("header", "country", "currency", "expected"),
    [
        ("メール", None, "", "JP"),
        ("メール", "US", "", "US"),
        ("email", None, "GBP", "GB"),
        ("email", None, "EUR", None),
        ("email", None, "", None),
    ],
)
def test_the_country_of_phones_is_told_by_the_file(header, country, currency, expected):
    assert found(header, country, currency).default_country == expected


@pytest.mark.parametrize("header", ["id,amount", "氏名,金額", "Shipping Phone,total", "郵便番号"])
def test_a_file_without_keys_is_refused_with_its_columns(header):
    with pytest.raises(DataError, match="no column that tells who ordered") as told:
        found(header)
    assert header.split(",")[0] in told.value.details[0]


def test_a_first_line_of_values_is_not_shown():
    with pytest.raises(DataError) as told:
        found("taro@example.com,100")
    assert told.value.details == ("its columns: ***, 100",)
