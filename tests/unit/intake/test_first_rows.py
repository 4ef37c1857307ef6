from datetime import UTC, date, datetime

import pytest

from csk.analyses.check import Value
from csk.intake.origins.finding import found
from csk.intake.plans.first_rows import first_rows
from csk.intake.plans.looking import looked_at
from csk.settings import Settings

TODAY = date(2025, 1, 1)


@pytest.fixture
def begins(tmp_path):
    """Give the first rows of a file with this text."""

    def read(text, n=5, **chosen):
        path = tmp_path / "a.csv"
        path.write_text(text, encoding="cp932")
        spool = tmp_path / "spool"
        spool.mkdir()
        with looked_at(found([str(path)]), Settings(**chosen), spool) as looked:
            return first_rows(looked.opened[0], n, TODAY)

    return read


def test_values_are_read_as_a_run_would_and_keep_their_text(begins):
    one = begins('顧客ID,受注日,金額\n00123,令和6年1月5日,"△1,200"\n17850.0,2024/2/3,\\980\n')
    assert [c.name for c in one.columns] == ["customer_id", "paid_on", "amount"]
    assert one.names == {"customer_id": "顧客ID", "paid_on": "受注日", "amount": "金額"}
    assert dict(one.rows[0].values) == {
        "customer_id": Value("00123", "00123"),
        "paid_on": Value(date(2024, 1, 5), "令和6年1月5日"),
        "amount": Value(-12_000_000, "△1,200"),
    }


def test_what_is_computed_has_no_text(begins):
    one = begins(
        "customer_id,start_date,end_date,unit_price,quantity,interval\nC1,2024-01-01,,10,3,year\n"
    )
    values = one.rows[0].values
    assert (values["mrr_amount"], values["term_months"]) == (Value(25_000, ""), Value(12, ""))


def test_what_becomes_of_a_row_is_told(begins):
    one = begins(
        "customer_id,date,amount,status\nC1,2024-01-05,10,paid\nC1,2024-01-06,20,failed\n"
        ",2024-01-07,30,paid\nC2,2031-01-01,40,paid\nC2,2024-01-09,much,paid\n"
        + "C3,2024-02-01,5,paid\n"
        * 40
    )
    assert [(row.row, row.rule, row.reason) for row in one.rows] == [
        (1, "", ""),
        (2, "failed", ""),
        (3, "no_customer_id", ""),
        (4, "", "date lies in the future"),
        (5, "", "amount is not an amount of money"),
    ]
    assert one.rows[1].values["amount"] == Value(200_000, "20")
    assert one.rows[4].values["amount"] == Value(None, "much")


def test_a_total_counts_on_the_first_line_of_its_order(begins):
    one = begins(
        "order_id,customer_id,date,order_total\n1,C1,2024-01-05,10\n1,C1,2024-01-05,10\n2,C1,2024-01-05,7\n"
    )
    assert [row.rule for row in one.rows] == ["", "same_order", ""]


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("customer_id,email,date,amount", "C1,taro@example.com,2024-01-05,10"),
        ("email,date,amount", "taro@example.com,2024-01-05,10"),
        ("customer_id,date,amount,status", "C1,2024-01-05,10,taro@example.com"),
        ("customer_id,date,amount", "taro@example.com,2024-01-05,10"),
    ],
)
def test_persons_are_not_shown(begins, header, row):
    chosen = (
        {"columns": {"payments": {"customer_id": "email"}}} if header.startswith("email") else {}
    )
    one = begins(f"{header}\n{row}\n", **chosen)
    assert "taro" not in str(one)
    assert one.rows[0].values["amount"] == Value(100_000, "10")


def test_instants_are_in_utc(begins):
    one = begins("customer_id,used_at,feature\nC1,2024-01-05 09:00:00,x\n", tz="Asia/Tokyo")
    assert one.rows[0].values["used_at"].value == datetime(2024, 1, 5, tzinfo=UTC)


def test_no_more_rows_than_there_are(begins):
    text = "customer_id,date,amount\n" + "C1,2024-01-05,10\n" * 3
    assert [len(begins(text, n).rows) for n in (2,)] == [2]
