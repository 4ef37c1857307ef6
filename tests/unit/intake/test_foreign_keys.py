from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from exports_reading import TODAY, Told, read

from csk.intake.origins.finding import found
from csk.intake.storage.store import stored
from csk.settings import settings

N = 40
ORDERS = ["id,user_id,order_date,status"] + [
    f"{n},{n % 7 + 500},2024-01-{n % 28 + 1:02},placed" for n in range(1, N + 1)
]
PAYMENTS = ["id,order_id,payment_method,amount"] + [
    f"{n + 9000},{n},card,{n}00" for n in range(1, N + 1)
]


def taken(work: Path, **tables: list[str]) -> dict[str, Told]:
    """Return what becomes of these tables, which lie in one folder."""
    paths = []
    for name, lines in tables.items():
        paths.append(work / f"{name}.csv")
        paths[-1].write_text("\n".join(lines) + "\n", encoding="utf-8")
    return {name.removesuffix(".csv"): one for name, one in read(work / "work", *paths).items()}


def renamed(table: list[str], names: str) -> list[str]:
    return [names, *table[1:]]


def test_payments_take_customer_and_day_from_the_orders_they_name(tmp_path):
    there = taken(tmp_path, orders=ORDERS, payments=PAYMENTS)
    rows = there["payments"].listed("customer_id", "paid_on", "amount")
    assert rows[0] == ("501", date(2024, 1, 2), Decimal(100))
    assert rows[-1] == ("505", date(2024, 1, 13), Decimal(4000))
    assert len(rows) == N
    assert there["orders"].role == ""
    assert "payments.csv, to which it was joined" in there["orders"].note


def test_payments_keep_their_own_day(tmp_path):
    dated = ["order_id,paid_at,amount"] + [f"{n},2024-05-05,{n}" for n in range(1, N + 1)]
    there = taken(tmp_path, orders=ORDERS, payments=dated)
    rows = there["payments"].listed("customer_id", "paid_on")
    assert rows[:2] == [("501", date(2024, 5, 5)), ("502", date(2024, 5, 5))]


def test_japanese_names_are_joined_too(tmp_path):
    orders = renamed(ORDERS, "注文番号,会員番号,注文日,備考")
    payments = renamed(PAYMENTS, "入金番号,注文番号,方法,入金額")
    there = taken(tmp_path, 受注=orders, 入金=payments)
    assert there["入金"].listed("customer_id", "paid_on")[0] == ("501", date(2024, 1, 2))


def test_an_order_that_is_not_there_leaves_its_payment_without_a_customer(tmp_path):
    lost = [*PAYMENTS, "9999,777,card,5"]
    there = taken(tmp_path, orders=ORDERS, payments=lost)
    assert len(there["payments"].rows) == N
    assert dict(there["payments"].excluded) == {"no_customer_id": 1}


APART = {
    "ids that are not there": {
        "orders": ORDERS,
        "payments": [line.replace(",card", "9,card") for line in PAYMENTS],
    },
    "too few ids that are there": {
        "orders": ORDERS[: int(N * 0.85)],
        "payments": PAYMENTS,
    },
    "ids that are there twice": {"orders": [*ORDERS, ORDERS[1]], "payments": PAYMENTS},
    "a file without a customer": {
        "orders": [line.rpartition(",")[0] for line in renamed(ORDERS, "id,n,order_date,status")],
        "payments": PAYMENTS,
    },
    "a file without a day": {
        "orders": renamed(ORDERS, "id,user_id,colour,status"),
        "payments": PAYMENTS,
    },
    "a file of customers by their own id": {
        "orders": ["id,first_name,email"] + [f"{n},Ann,a{n}@example.com" for n in range(1, N + 1)],
        "payments": PAYMENTS,
    },
    "a table with a role of its own": {
        "contracts": ["id,customer_id,started_on,plan,mrr"]
        + [f"{n},c{n},2024-01-01,basic,10" for n in range(1, N + 1)],
        "payments": ["subscription_id,paid_at,amount"]
        + [f"{n},2024-02-01,10" for n in range(1, N + 1)],
    },
    "a column that is no id of what was paid": {
        "visits": ORDERS,
        "payments": renamed(PAYMENTS, "id,shelf,payment_method,amount"),
    },
}


@pytest.mark.parametrize("case", sorted(APART))
def test_payments_are_not_joined_to(case, tmp_path):
    there = taken(tmp_path, **APART[case])
    assert there["payments"].role == ""
    assert "lacks customer_id" in there["payments"].note


def test_orders_with_their_own_amounts_are_the_payments_and_count_once(tmp_path):
    priced = ["id,user_id,order_date,total"] + [
        f"{n},{n % 7},2024-01-{n % 28 + 1:02},{n}00" for n in range(1, N + 1)
    ]
    there = taken(tmp_path, orders=priced, payments=PAYMENTS)
    assert (there["orders"].role, there["payments"].role) == ("payments", "")


def test_two_files_that_fit_alike_are_named_and_none_is_joined(tmp_path):
    there = taken(tmp_path, orders=ORDERS, old_orders=ORDERS, payments=PAYMENTS)
    assert there["payments"].role == ""
    assert "several files could have its customer" in there["payments"].note
    assert "old_orders.csv" in there["payments"].note


def test_the_file_that_is_called_by_the_id_is_the_one(tmp_path):
    there = taken(tmp_path, visits=ORDERS, raw_orders=ORDERS, payments=PAYMENTS)
    assert there["payments"].role == "payments"
    assert "joined" in there["raw_orders"].note
    assert "joined" not in there["visits"].note


def test_a_file_with_another_name_is_joined_where_it_is_the_only_one(tmp_path):
    there = taken(tmp_path, export=ORDERS, payments=PAYMENTS)
    assert there["payments"].role == "payments"


def test_payments_alone_say_what_they_lack(tmp_path):
    note = taken(tmp_path, payments=PAYMENTS)["payments"].note
    assert "lacks customer_id and paid_on" in note


def test_a_store_follows_the_orders_when_they_change(tmp_path):
    def book(work: str, orders: list[str], kept: Path | None) -> pl.DataFrame:
        for name, lines in (("orders", orders), ("payments", PAYMENTS)):
            (tmp_path / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        paths = [str(tmp_path / f"{name}.csv") for name in ("orders", "payments")]
        (tmp_path / work).mkdir()
        made = stored(found(paths), settings({}, None), TODAY, tmp_path / work, kept)
        return pl.concat(
            pl.read_parquet(made.part("payments", shard)) for shard in range(made.n_shards)
        )

    moved = [line.replace(",2024-", ",2025-") for line in ORDERS]
    first = book("first", ORDERS, tmp_path / "kept")
    second = book("second", moved, tmp_path / "kept")
    assert second.equals(book("anew", moved, None))
    assert not second.equals(first)
