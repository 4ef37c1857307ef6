"""What cannot be read is refused with a sentence, the place and a way out; nothing is changed."""

import gzip
import os
import subprocess
import zipfile
from datetime import date

import polars as pl
import pytest

from csk.errors import ExitCode

MEGABYTE = 1 << 20


def in_japanese(text, payments):
    lines = [
        (c, day.replace("-", "/"), "△５００" if at % 9 == 0 else "￥１，２００")
        for at, (c, day, _) in enumerate(payments)
    ]
    return text(lines, ("顧客ID", "購入日", "金額"), "\t")


def reiwa(day):
    then = date.fromisoformat(day)
    return f"令和{then.year - 2018}年{then.month}月{then.day}日"


REFUSED = [
    # name of the file, how its content comes from (text, payments), code, what is said
    ("empty.csv", lambda *_: "", 3, ["empty.csv is empty (0 bytes)"]),
    ("blank.csv", lambda *_: "\n \n\n", 3, ["nothing but blank lines"]),
    ("header.csv", lambda *_: "customer_id,date,amount\n", 3, ["a header without rows"]),
    ("one.csv", lambda t, p: t(p[:1]), 4, ["too short, or has too few buyers", "csk.toml"]),
    ("day.csv", lambda t, p: t([(c, "2024-01-05", a) for c, _, a in p]), 4, ["too few buyers"]),
    ("refunds.csv", lambda t, p: t([(c, d, "-" + a) for c, d, a in p]), 4, ["too few buyers"]),
    ("picture.csv", lambda *_: b"\x89PNG\r\n\x1a\n" + bytes(99), 3, ["a PNG picture", "CSV"]),
    ("noise.csv", lambda *_: bytes(range(256)) * 9, 3, ["binary bytes", "line 1"]),
    ("nul.csv", lambda t, p: t(p).replace("C0001", "C\0", 1), 3, ["binary", "a byte 0x00"]),
    ("short.csv", lambda t, p: t(p + [("C0001", "2023-01-01")] * 9), 3,
     ["9 of 309 rows are malformed", "line 302", "2 fields, header has 3", "--reject-limit"]),
    ("long.csv", lambda t, p: t(p + [("C0001", "2023-01-01", "1", "2")] * 9), 3,
     ["line 302", "4 fields, header has 3"]),
    ("null.csv", lambda t, p: t([(c, d, "") for c, d, _ in p]), 3,
     ["null.csv, line 2, line 3, line 4: amount: '', '', '' is missing (300 rows)"]),
    ("guests.csv", lambda t, p: t([("", d, a) for _, d, a in p]), 3,
     ["300 excluded (no customer id)"]),
    ("names.csv", lambda t, p: t(p, ("foo", "bar", "baz")), 3,
     ["no columns for a customer, a date and an amount", "payments=FILE"]),
    ("future.csv", lambda t, p: t(p + [("C1", "2199-01-01", "5")] * 9), 3,
     ["'2199-01-01'", "lies in the future (9 rows)"]),
    ("mixed.csv", lambda t, p: t([(*r, "USD" if i % 2 else "EUR") for i, r in enumerate(p)],
                                 ("customer_id", "date", "amount", "currency")), 3,
     ["more than one currency: EUR, USD", "mixed.csv"]),
    ("coins.csv", lambda t, p: t([(*r, "QQQ") for r in p],
                                 ("customer_id", "date", "amount", "currency")), 3,
     ["No such currency: QQQ", "ISO 4217"]),
    ("unsure.csv", lambda t, p: t([(c, f"{1 + i % 12:02}/{1 + i * 5 % 12:02}/2023", a)
                                   for i, (c, _, a) in enumerate(p)]), 3,
     ["two readings", "read as dmy is 2023-06-02", "read as mdy is 2023-02-06", "--date-order"]),
    ("huge.csv", lambda t, p: t([(c, d, "9" * 14) for c, d, _ in p]), 3,
     ["adds up to more than 100,000,000,000,000", "the largest amount is 99,999,999,999,999"]),
    ("pieces.csv", lambda t, p: t([(c, d, a, "9" * 15) for c, d, a in p],
                                  ("customer_id", "date", "unit_price", "quantity")), 3,
     ["cannot be derived from price, quantity"]),
    ("back.csv", lambda t, p: t([(c, "2023-05-01", "2023-01-01", "5") for c, _, _ in p],
                                ("customer_id", "start_date", "end_date", "mrr")), 3,
     ["end_date: '2023-01-01'", "ends before it starts"]),
    ("list.json", lambda *_: '[{"a": 1}]', 3, ["not JSON lines", "one object a line"]),
    ("torn.parquet", lambda *_: b"PAR1" + bytes(99) + b"PAR1", 3, ["no whole Parquet file"]),
    ("open.csv", lambda t, p: t(p[:9]) + 'C0001,2023-01-01,"1\n' + t(p)[24:] * 50, 3,
     ["a quote that is never closed", "line 11"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content", "code", "said"), REFUSED, ids=[case[0] for case in REFUSED]
)
def test_a_file_that_is_no_export_is_refused_in_words(
    tmp_path, quick, text, payments, name, content, code, said
):
    made = content(text, payments)
    path = tmp_path / name
    path.write_bytes(made if isinstance(made, bytes) else made.encode())
    before = path.read_bytes()
    ran = quick("segment", path, "-o", tmp_path / "out.csv")
    assert ran.code == code, ran.err
    for words in said:
        assert words in ran.err
    assert ran.err.startswith("csk: ")
    assert path.read_bytes() == before
    assert not (tmp_path / "out.csv").exists()


def test_what_is_packed_badly_is_refused(tmp_path, quick, text, payments):
    packed = gzip.compress(text(payments).encode())
    (tmp_path / "cut.csv.gz").write_bytes(packed[: len(packed) // 2])
    with zipfile.ZipFile(tmp_path / "book.xlsx", "w") as workbook:
        workbook.writestr("[Content_Types].xml", "x")
        workbook.writestr("xl/workbook.xml", "x")
    for name, words in (("cut.csv.gz", "cut off"), ("book.xlsx", "Excel workbook")):
        ran = quick("segment", name)
        assert (ran.code, words in ran.err) == (ExitCode.DATA, True)


def test_what_is_not_there_is_a_wrong_question(tmp_path, quick):
    (tmp_path / "hollow").mkdir()
    for place in ("nowhere.csv", "none*.csv", "hollow"):
        ran = quick("segment", place, "elsewhere.csv")
        assert ran.code == ExitCode.USAGE
        assert f"Nothing to read at {place}, elsewhere.csv." in ran.err
    ran = quick("segment", "paymnts=x.csv")
    assert (ran.code, "not a table that csk knows" in ran.err) == (ExitCode.USAGE, True)


def test_all_missing_columns_are_named_with_the_nearest_names(tmp_path, quick, text, payments):
    (tmp_path / "p.csv").write_text(text(payments, ("Custmer Id", "dat", "x")))
    (tmp_path / "s.csv").write_text(text(payments, ("customer_id", "x", "y")))
    ran = quick("segment", "payments=p.csv", "subscriptions=s.csv")
    assert ran.code == ExitCode.DATA
    assert "customer_id (is it 'Custmer Id'?)" in ran.err
    assert "paid_on (is it 'dat'?)" in ran.err
    assert "s.csv: as subscriptions it lacks started_on" in ran.err


def test_one_file_has_one_role(tmp_path, quick, export):
    ran = quick("segment", f"payments={export}", f"usage={export}")
    assert (ran.code, "named as payments and as usage" in ran.err) == (ExitCode.USAGE, True)
    ran = quick("segment", tmp_path, f"subscriptions={export}")
    assert (ran.code, "as subscriptions it lacks" in ran.err) == (ExitCode.DATA, True)


def test_types_that_no_table_has_are_read_as_text(tmp_path, quick):
    odd = pl.DataFrame({"customer_id": [[1], [2]], "date": ["x", "y"], "amount": [1.0, 2.0]})
    odd.write_parquet(tmp_path / "odd.parquet")
    ran = quick("segment", "payments=odd.parquet")
    assert (ran.code, "'date' could be paid_on" in ran.err) == (ExitCode.DATA, True)


@pytest.mark.parametrize("encoding", ["cp932", "euc_jp", "utf-16", "utf-8-sig"])
def test_japanese_exports_are_read_in_every_encoding(tmp_path, quick, text, payments, encoding):
    (tmp_path / "j.tsv").write_bytes(in_japanese(text, payments).encode(encoding))
    ran = quick("check", "j.tsv")
    assert ran.code == 0, ran.err
    refunds, sales = 34, 266
    assert f"{sales * 1200 - refunds * 500:,}" in ran.out.decode()


def test_years_of_reiwa_and_an_order_that_was_named_are_read(tmp_path, quick, text, payments):
    lines = [(c, reiwa(day), a) for c, day, a in payments]
    (tmp_path / "reiwa.csv").write_bytes(
        text(lines, ("顧客番号", "購入日", "金額")).encode("cp932")
    )
    ran = quick("check", "reiwa.csv")
    assert (ran.code, b"data 2022-01-" in ran.out) == (0, True)
    lines = [(c, f"0{1 + i % 9}/02/2023", a) for i, (c, _, a) in enumerate(payments)]
    (tmp_path / "unsure.csv").write_text(text(lines))
    days = [quick("check", "unsure.csv", "--date-order", order).out for order in ("dmy", "mdy")]
    assert b"data 2023-02-01 to 2023-02-09" in days[0]
    assert b"data 2023-01-02 to 2023-09-02" in days[1]


def test_a_few_bad_rows_are_counted_and_listed(tmp_path, quick, text, payments):
    odd = [
        ("C0001", "0001-01-01", "5"),
        ("C0002", "9999-12-31", "5"),
        ("C0003", "2023-01-01", "1" + "0" * 15),
        ("C0004", "2023-01-01", "1e300"),
        ("C0005", "2199-01-01", "5"),
        ("C0006", "2023-01-01", "5", "6"),
    ]
    (tmp_path / "few.csv").write_text("\ufeff" + text(payments + odd), "utf-8")
    ran = quick("check", "few.csv", "--reject-limit", "0.05")
    assert ran.code == 0, ran.err
    told = ran.out.decode()
    assert "306" in told
    for place in range(302, 308):
        assert f"line {place}" in told or str(place) in told


def test_columns_may_be_many_empty_or_named_twice(tmp_path, quick, text, payments):
    wide = [(*row, "", "7", *(["x"] * 295)) for row in payments]
    header = ("customer_id", "date", "amount", "plan", "amount", *(f"x{i}" for i in range(295)))
    (tmp_path / "wide.csv").write_text(text(wide, header))
    ran = quick("check", "wide.csv")
    assert ran.code == 0, ran.err
    assert b"300" in ran.out


def test_a_file_that_links_lead_to_twice_is_read_once(tmp_path, quick, text, payments):
    folder = tmp_path / "exports"
    folder.mkdir()
    (folder / "a.csv").write_text(text(payments))
    (folder / "b.csv").symlink_to("a.csv")
    os.link(folder / "a.csv", folder / "c.csv")
    (folder / "loop").symlink_to(folder)
    (folder / "gone.csv").symlink_to("nowhere.csv")
    ran = quick("check", folder, "--report", "json")
    assert ran.code == 0, ran.err
    assert ran.out.count(b'"a.csv"') >= 1
    assert b"b.csv" not in ran.out
    assert b"c.csv" not in ran.out


def test_two_files_of_one_role_are_one_table(tmp_path, quick, text, payments):
    (tmp_path / "a.csv").write_text(text(payments[:100]))
    (tmp_path / "b.csv").write_text(text(payments[100:], ("cust_id", "order_date", "total")))
    (tmp_path / "c.csv").write_text(text(payments))
    both, whole = (quick("check", *names).out.decode() for names in (["a.csv", "b.csv"], ["c.csv"]))
    money = next(line for line in whole.splitlines() if "Money kept" in line)
    assert money in both


def test_a_line_of_a_gigabyte_takes_no_gigabyte(started, temporary):
    process = started("segment", "-", stdin=subprocess.PIPE)
    sent = 0
    try:
        process.stdin.write(b"customer_id,date,amount\n")
        while sent < 1 << 30:
            sent += process.stdin.write(b"x" * MEGABYTE)
        process.stdin.close()
    except BrokenPipeError:
        pass
    told = process.stderr.read().decode()
    process.stdout.close()
    process.stderr.close()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == ExitCode.DATA
    assert "a line (or a quoted value) of more than 8 MB" in told
    assert used.ru_maxrss < 400 * 1024
    assert not list(temporary.iterdir())


def test_a_file_of_nothing_but_bad_rows_takes_little_time(tmp_path, quick):
    (tmp_path / "bad.csv").write_text("customer_id,date,amount\n" + "C1,2023-01-01\n" * 100_000)
    ran = quick("segment", "payments=bad.csv")
    assert ran.code == ExitCode.DATA
    assert "100,000 of 100,000 rows are malformed" in ran.err
    assert "(of the first 1,000)" in ran.err
