"""Files that no profile knows: read by the names of their columns, or told what they lack."""

from datetime import date
from decimal import Decimal

import pytest
from exports_reading import read

JAPANESE = {
    "plain": ("顧客番号,購入日,金額", "{who},2024/1/{day},{amount}"),
    "status": (
        "会員ID\t受注日時\t支払合計\t対応状況",
        "{who}\t2024-01-{day:02} 10:00\t{amount}\t発送済み",
    ),
    "polite": ("お客様番号,ご注文日,ご請求金額,商品名", "{who},2024年1月{day}日,￥{amount},茶"),
    "era": ("得意先コード,得意先名,売上日,売上金額", "{who},㈱髙木,令和6年1月{day}日,\\{amount}"),
    "by unit": ("伝票番号,取引先コード,伝票日付,数量,単価", "{n},{who},202401{day:02},1,{amount}"),
    "no.": ("会員No.,来店日,お会計", "{who},2024/01/{day:02},{amount}"),
    "wide": ("顧客ＩＤ,入金日,入金額（税込）", "{who},2024/01/{day:02},{amount}円"),
    "semicolon": ("ユーザーID;決済日時;決済金額(円)", "{who};2024/01/{day:02} 23:59;{amount}"),
    "contract": ("契約者番号,請求年月日,ご利用料金", "{who},2024/01/{day:02},{amount}"),
    "short era": (
        "顧客コード,年月日,合計（税込）,担当者名,電話番号",
        "{who},R6.1.{day},{amount},佐藤,090",
    ),
    "buyer": ("購入者ID,購入日時,購入金額", "{who},2024/01/{day:02} 09:00,{amount}"),
    "hiragana": ("お客さまコード,ご購入日,お買上金額", "{who},2024/01/{day:02},{amount}"),
}


@pytest.mark.parametrize("spelling", sorted(JAPANESE))
def test_an_unknown_file_with_japanese_headers_is_read(spelling, tmp_path):
    names, row = JAPANESE[spelling]
    bought = [("0001", 5, 1200), ("0020", 16, 1300), ("0001", 27, 900)]
    rows = [row.format(n=n, who=w, day=d, amount=a) for n, (w, d, a) in enumerate(bought)]
    path = tmp_path / "export.csv"
    path.write_bytes("\r\n".join([names, *rows, ""]).encode("cp932"))
    there = read(tmp_path / "work", path)["export.csv"]
    assert (there.profile, there.role) == ("", "payments")
    assert there.listed("customer_id", "paid_on", "amount") == [
        (who, date(2024, 1, day), Decimal(amount)) for who, day, amount in bought
    ]


ONLY_PERSONS = {
    "氏名,メールアドレス,購入日,金額": "髙橋,h@example.com,2024/01/05,1200",
    "注文番号,注文日,お名前,合計": "7,2024/01/05,髙橋,1200",
    "注文日,電話番号,合計": "2024/01/05,090-0000-0000,1200",
    "name,email,order date,total": "Ann,ann@example.com,2024-01-05,12.00",
}


@pytest.mark.parametrize("names", sorted(ONLY_PERSONS))
def test_a_file_that_only_names_persons_leads_to_csk_identify(names, tmp_path):
    path = tmp_path / "export.csv"
    path.write_text(f"{names}\n{ONLY_PERSONS[names]}\n", encoding="utf-8")
    there = read(tmp_path / "work", path)["export.csv"]
    assert there.role == ""
    assert "csk identify" in there.note


def test_a_file_without_persons_does_not_lead_to_csk_identify(tmp_path):
    path = tmp_path / "export.csv"
    path.write_text("購入日,金額\n2024/01/05,1200\n", encoding="utf-8")
    note = read(tmp_path / "work", path)["export.csv"].note
    assert "lacks customer_id" in note
    assert "identify" not in note
