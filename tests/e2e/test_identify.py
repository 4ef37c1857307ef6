"""`csk identify` as a user runs it: rows with ids, and nothing of a person anywhere."""

import csv
import json
import stat

import polars as pl
import pytest

from csk.errors import ExitCode

MAILS = ["Taro.Yamada+shop@Gmail.com", "taroyamada@gmail.com", "hanako@example.com", "＠x.example"]
SHOPIFY = """Name,Email,Paid at,Currency,Total,Lineitem quantity,Lineitem name,Lineitem price,\
Billing Name,Billing Address1,Billing Zip,Billing Country,Billing Phone,Shipping Name,Notes,Id
#1,Taro.Yamada+shop@Gmail.com,2024-01-02,JPY,3000,1,Tea,1000,Taro Yamada,1-1 Ginza,1000001,JP,\
090-1234-5678,Hanako Gift,call jiro@example.net,0011
#1,,,,,2,=cmd(),-1000,,,,,,,,
#2,taroyamada@gmail.com,2024-02-02,JPY,2000,1,for hanako@example.com,2000,,,,JP,,,,0012
#3,hanako@example.com,2024-03-02,JPY,500,1,Tea,500,Hanako Suzuki,2-2 Ginza,1000002,JP,,,,0013
#4,no-reply@shop.example,2024-03-03,JPY,500,1,Tea,500,,,,JP,000-0000-0000,,,0014
"""
PERSONAL = ["yamada", "hanako", "jiro", "suzuki", "ginza", "12345678", "1234-5678", "1000001"]
ROWS = ["customer_id", "Name", "Paid at", "Currency", "Total", "Lineitem quantity"]
ROWS += ["Lineitem name", "Lineitem price", "Billing Country", "Id"]


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """A shop's export, and a home for the key."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    path = tmp_path / "orders.csv"
    path.write_text(SHOPIFY, "utf-8")
    return path


def test_rows_get_ids_and_lose_persons(csk, quick, shop, tmp_path):
    ran = csk("identify", shop, *("-o", "out.parquet"))
    assert ran.code == 0, ran.err
    key = tmp_path / "settings" / "csk" / "id.key"
    assert ran.err == f"csk: made a key for ids in {key}. Keep it: another key gives other ids.\n"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    rows = pl.read_parquet(tmp_path / "out.parquet")
    assert rows.columns == ROWS
    assert set(rows.dtypes) == {pl.String}
    taro, line, again, hanako, nobody = rows["customer_id"].to_list()
    assert taro == line == again != hanako
    assert nobody is None
    assert rows["Id"].to_list() == ["0011", None, "0012", "0013", "0014"]
    assert rows["Lineitem name"].to_list() == ["Tea", "=cmd()", "for ***", "Tea", "Tea"]

    once_more = quick("identify", shop, "-o", "again.parquet", "-q")
    assert (once_more.code, once_more.out, once_more.err) == (0, b"", "")
    same = (tmp_path / "again.parquet").read_bytes()
    assert same == (tmp_path / "out.parquet").read_bytes()


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet", "arrow"])
def test_no_byte_of_a_person_leaves(quick, shop, tmp_path, form):
    for report in ("text", "json", "markdown"):
        ran = quick("identify", shop, "-o", f"out.{form}", "--report", report)
        assert ran.code == 0, ran.err
        shown = (ran.out.decode() + ran.err).lower()
        frame = {"csv": pl.read_csv, "jsonl": pl.read_ndjson, "arrow": pl.read_ipc}
        read = frame.get(form, pl.read_parquet)(tmp_path / f"out.{form}")
        written = (tmp_path / f"out.{form}").read_bytes().lower() + read.write_json().encode()
        for text in (*PERSONAL, *(mail.lower() for mail in MAILS)):
            assert text.encode() not in written, text
            assert text not in shown, text
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("orders.csv", f"out.{form}", "settings", "temporary")
    ]


def test_a_formula_is_disarmed_and_a_number_is_none(quick, shop, tmp_path):
    assert quick("identify", shop, "-o", "out.csv", "-q").code == 0
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        second = list(csv.DictReader(file))[1]
    assert (second["Lineitem name"], second["Lineitem price"]) == ("'=cmd()", "-1000")


def test_personal_data_stay_where_they_are_asked_for(quick, shop, tmp_path):
    assert quick("identify", shop, "-o", "out.parquet", "--keep-personal-data").code == 0
    rows = pl.read_parquet(tmp_path / "out.parquet")
    assert rows.columns == ["customer_id", *SHOPIFY.partition("\n")[0].split(",")]
    assert rows["Email"][0] == MAILS[0]


def test_the_report_counts_every_row(quick, shop):
    ran = quick("identify", shop, "--report", "json")
    told = json.loads(ran.out)
    assert (told["rows"], told["identified"], told["without_key"], told["of_order"]) == (5, 4, 1, 1)
    assert (told["customers"], told["records"], told["malformed"]) == (2, 3, 0)
    assert told["doubts"]["email_nobody"] == told["doubts"]["phone_unreadable"] == 1
    assert told["largest"][0]["hint"] == "t***@g***.com"


def test_what_comes_out_goes_into_segment(quick, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    header = ["注文ID", "注文日時", "メールアドレス(請求先)", "氏(請求先)", "合計金額"]
    rows = [
        [f"A{n}", f"2023-{1 + n % 12:02d}-{1 + n % 28:02d}", f"u{n % 40}@example.com", "佐藤", 900]
        for n in range(400)
    ]
    with (tmp_path / "base.csv").open("w", encoding="cp932", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    ran = quick("identify", "base.csv", "-o", "with_ids.parquet", "-q")
    assert ran.code == 0, ran.err
    ran = quick("segment", "with_ids.parquet", "-o", "customers.csv", "-q")
    assert ran.code == 0, ran.err
    found = pl.read_csv(tmp_path / "customers.csv")["customer_id"]
    assert (found.n_unique(), found.str.starts_with("g-").all()) == (40, True)


def test_several_files_of_a_shop_share_their_customers(quick, shop, tmp_path):
    other = tmp_path / "orders_2025.csv"
    other.write_text("order id,email,total\n9,TAROYAMADA@gmail.com,100\n", "utf-8")
    ran = quick("identify", shop, other, "-o", "out/", "--as", "csv", "-q")
    assert ran.code == 0, ran.err
    first, second = (pl.read_csv(tmp_path / "out" / p.name) for p in (shop, other))
    assert second["customer_id"].to_list() == first["customer_id"].to_list()[:1]


def test_a_key_is_taken_from_where_it_is_given(quick, shop, tmp_path, monkeypatch):
    for name, letter in (("a", "a"), ("b", "b")):
        (tmp_path / f"{name}.key").write_text(letter * 40)
        (tmp_path / f"{name}.key").chmod(0o600)
    found = []
    for options, variable in ((["--key", "a.key"], ""), ([], "a" * 40), (["--key", "b.key"], "")):
        monkeypatch.setenv("CSK_ID_KEY", variable)
        ran = quick("identify", shop, *options, "-o", "-", "--as", "csv", "-q")
        assert (ran.code, ran.err) == (0, "")
        found.append(ran.out)
    assert found[0] == found[1] != found[2]
    assert not (tmp_path / "settings").exists()


def test_a_malformed_row_is_counted_or_refused(quick, shop):
    shop.write_text(SHOPIFY + "#5,too,few\n", "utf-8")
    ran = quick("identify", shop, "-q")
    assert (ran.code, "1 of 6 rows are malformed" in ran.err) == (ExitCode.DATA, True)
    ran = quick("identify", shop, "--report", "json", "--reject-limit", "0.5")
    assert (ran.code, json.loads(ran.out)["malformed"]) == (0, 1)


WRONG = [
    (["orders.csv", "-o", "orders.csv"], "overwrite an input"),
    (["orders.csv", "-o", "x.foo"], "foo"),
    (["orders.csv", "--country", "Japan"], "not a country code"),
    (["orders.csv", "--key", "none.key"], "There is no key file none.key"),
    (["orders.csv", "b.csv", "-o", "x.csv"], "cannot be written to one"),
    (["orders.csv", "sub/orders.csv", "-o", "out/"], "Two files would be written to"),
    (["none.csv"], "Nothing to read"),
]


@pytest.mark.parametrize(("options", "said"), WRONG, ids=[" ".join(case[0]) for case in WRONG])
def test_what_cannot_be_done_is_refused(quick, shop, tmp_path, options, said):
    (tmp_path / "sub").mkdir()
    for name in ("b.csv", "sub/orders.csv"):
        (tmp_path / name).write_text(SHOPIFY.replace("#", "B"), "utf-8")
    ran = quick("identify", *options)
    assert (ran.code, said in ran.err) == (ExitCode.USAGE, True), ran.err
    assert shop.read_text("utf-8") == SHOPIFY
    assert not (tmp_path / "out").exists()


def test_a_file_without_keys_says_what_is_needed(quick, tmp_path):
    (tmp_path / "a.csv").write_text("customer_id,amount\n1,2\n")
    ran = quick("identify", "a.csv")
    assert (ran.code, "An e-mail address" in ran.err) == (ExitCode.DATA, True)
