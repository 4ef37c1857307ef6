"""`csk ltv` as it is called."""

import json

import polars as pl
import pytest

from csk.errors import ExitCode
from csk.schema import CUSTOMER_LTV


def test_the_page_and_the_table_say_the_same(quick, tmp_path, export):
    ran = quick("ltv", export, "--by", "cohort", "-o", "ltv.parquet", "--report", "json")
    assert (ran.code, ran.err) == (0, "")
    page, rows = json.loads(ran.out), pl.read_parquet(tmp_path / "ltv.parquet")
    assert rows.columns == list(CUSTOMER_LTV.names)
    assert str(rows["ltv_amount"].sum()) == page["book"]["residual"]["ltv_amount"]
    assert str(rows["total_ltv_amount"].sum()) == page["book"]["total_ltv_amount"]
    assert rows.height == page["book"]["n"] == 60
    assert {one["group"] for one in page["groups"]} == set(rows["group"])
    assert (
        page["most_worth"][0]["customer_id"]
        == (rows.sort("ltv_amount", "customer_id", descending=[True, False])["customer_id"][0])
    )
    assert page["timing"] == "start"
    assert set(page["formulas"]) >= {"simple", "arpa_churn", "recurly", "realised"}


def test_the_bytes_of_the_table_are_the_same_however_the_book_is_cut(quick, tmp_path, export):
    for shards in (1, 5):
        ran = quick("ltv", export, "-q", "--shards", shards, "-o", f"{shards}.parquet")
        assert (ran.code, ran.out, ran.err) == (0, b"", "")
    assert (tmp_path / "1.parquet").read_bytes() == (tmp_path / "5.parquet").read_bytes()


@pytest.mark.parametrize(
    ("call", "code", "says"),
    [
        (("--by", "region"), ExitCode.USAGE, "There are no groups by 'region'."),
        (("--by", "plan"), ExitCode.USAGE, "There are no groups by 'plan'."),
        (("--timing", "end"), ExitCode.USAGE, "--timing is for contracts"),
        (("--curves", "region"), ExitCode.USAGE, "No file was read as the customers table"),
        (("--discount-rate", "2"), ExitCode.USAGE, "discount_rate"),
        (("-o", "nowhere/ltv.csv"), ExitCode.USAGE, "There is no folder"),
    ],
)
def test_what_cannot_be_told_is_refused_in_a_sentence(quick, export, call, code, says):
    ran = quick("ltv", export, *call)
    assert (ran.code, ran.out) == (code, b"")
    assert says in ran.err


def test_a_cross_section_carries_no_ltv(quick, tmp_path):
    lines = "".join(f"C{i},{i % 40},{'Yes' if i % 3 else 'No'}\n" for i in range(60))
    (tmp_path / "telco.csv").write_text(f"customerID,tenure,Churn\n{lines}", "utf-8")
    ran = quick("ltv", "telco.csv")
    assert ran.code == ExitCode.MODEL
    assert "no dates" in ran.err


def test_the_page_is_told_in_japanese(quick, export):
    ran = quick("--lang", "ja", "ltv", export, "--top", "3")
    assert ran.code == 0
    assert "残存LTV" in ran.out.decode()
    assert "Residual" not in ran.out.decode()


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (("--why", "2023-06-01:2023-11-01"), "Why LTV changed: 2023-06-01 to 2023-11-01"),
        (("--what-if", "price=+5%"), "What if: price +5%"),
        (("--backtest",), "What would have been foretold, and what then came"),
    ],
)
def test_further_questions_have_reports_of_their_own(quick, export, call, says):
    ran = quick("ltv", export, *call)
    assert (ran.code, ran.err) == (0, "")
    assert says in ran.out.decode()


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (("--why", "2023:2024", "--backtest"), "--why and --backtest are questions of their own"),
        (("--what-if", "price=+5%", "-o", "x.csv"), "--what-if has a report and no table"),
        (("--why", "2023"), "does not name two things"),
        (("--what-if", "prise=+5%"), "is it price?"),
        (("--why", "2031-01-01:2032-01-01"), "LTV cannot be told as of 2031-01-01."),
    ],
)
def test_questions_that_cannot_be_meant_are_refused(quick, export, call, says):
    ran = quick("ltv", export, *call)
    assert (ran.code, ran.out) == (ExitCode.USAGE, b"")
    assert says in ran.err
