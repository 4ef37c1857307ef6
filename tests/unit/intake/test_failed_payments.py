"""Payments that failed count in no figure, and are not forgotten."""

from datetime import date

import polars as pl
import pytest

from csk.engine.local import tables
from csk.intake.origins.finding import found
from csk.intake.storage.store import stored
from csk.settings import settings

TODAY = date(2024, 6, 1)
PAYMENTS = """payment_id,customer_id,paid_on,amount,status
1,a,2024-01-05,10,failed
2,a,2024-01-05,10,failed
3,a,2024-01-06,10,paid
4,b,2024-02-01,20,Declined
5,b,2024-02-03,-20,refunded
6,,2024-02-03,20,failed
7,b,2024-02-09,20,pending
"""
LATER = """payment_id,customer_id,paid_on,amount,status
4,b,2024-02-01,20,failed
8,c,2024-03-01,30,paid
9,c,2024-04-01,30,失敗
"""


@pytest.fixture
def read(tmp_path):
    """Give what a store holds of some files: the rows of each table, and the book."""

    def one(kept=None, **texts):
        paths = []
        for name, text in texts.items():
            paths.append(tmp_path / f"{name}.csv")
            paths[-1].write_text(text, encoding="utf-8")
        work = tmp_path / "work"
        work.mkdir(exist_ok=True)
        keep_in = None if kept is None else tmp_path / kept
        place = work / str(len(list(work.iterdir())))
        place.mkdir()
        chosen = settings({"shards": 2}, None)
        book = stored(found([str(path) for path in paths]), chosen, TODAY, place, keep_in)
        parts = [tables(book, shard) for shard in range(book.n_shards)]
        return book, {
            name: pl.concat([part[name].collect() for part in parts]) for name in parts[0]
        }

    return one


FAILED = [("a", date(2024, 1, 5)), ("b", date(2024, 2, 1))]


@pytest.mark.parametrize("kept", [None, "kept"])
def test_a_day_on_which_a_payment_failed_is_kept_once(read, kept):
    book, rows = read(kept, payments=PAYMENTS)
    assert rows["failed_payments"].sort("failed_on").rows() == FAILED
    assert book.beside == ("failed_payments",)
    # Nothing else tells of them: neither among the tables, nor in the payments.
    assert list(book.tables) == ["payments"]
    assert book.tables["payments"].rows == rows["payments"].height == 2
    assert {one.rule: one.rows for one in book.excluded} == {
        "failed": 3, "no_customer_id": 1, "pending": 1
    }  # fmt: skip


def test_what_stands_in_two_exports_failed_once(read):
    read("kept", payments=PAYMENTS)
    _, rows = read("kept", payments=PAYMENTS, later=LATER)
    assert rows["failed_payments"].sort("failed_on").rows() == [*FAILED, ("c", date(2024, 4, 1))]


def test_a_book_without_failures_has_no_table_of_them(read):
    text = "".join(f"{line}\n" for line in PAYMENTS.splitlines() if "paid" in line)
    book, rows = read(payments=text)
    assert book.beside == ()
    assert "failed_payments" not in rows


def test_contracts_keep_their_units_and_none_is_refused_for_them(read):
    units = ["3", "two", *(["1"] * 28)]
    lines = [f"c{n:02d},2024-01-01,,10,{one}" for n, one in enumerate(units)]
    text = "\n".join(["customer_id,started_on,ended_on,mrr_amount,quantity", *lines])
    book, rows = read(subscriptions=text)
    assert book.rows_rejected == 0
    told = rows["subscriptions"].sort("customer_id").select("mrr_amount", "quantity").rows()
    assert told[:3] == [(100_000, 3.0), (100_000, None), (100_000, 1.0)]
