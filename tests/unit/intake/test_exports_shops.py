"""Exports of shops and of events: found by their header, and read to the last ugly row."""

import random
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from importlib.resources import files
from pathlib import Path

import polars as pl
import pytest
from exports_reading import FIXTURES, TODAY, Told, read

from csk.intake.canonical.orders import OrderLines
from csk.intake.canonical.rows import canonical
from csk.intake.formats.reading import opened
from csk.intake.origins.finding import found
from csk.intake.plans.opening import opened_files
from csk.intake.recognition.exports import Known, known
from csk.intake.storage.store import stored
from csk.money import COUNTS_PER_UNIT
from csk.settings import settings


@dataclass(frozen=True)
class Expected:
    profile: str
    role: str
    rows: list[tuple]
    """Customer (a word that stands for whoever an e-mail address is of), day or time, amount."""
    excluded: dict[str, int]
    dropped: set[str]
    rejects: list[tuple[str, str]] = field(default_factory=list)
    """Column and value."""
    tz: str = "UTC"


def events(*rows: tuple[str, str, str]) -> list[tuple]:
    return [(who, datetime.fromisoformat(when), what) for who, when, what in rows]


def payments(*rows: tuple[str, str, str]) -> list[tuple]:
    return [(who, date.fromisoformat(day), Decimal(amount)) for who, day, amount in rows]


EXPECTED = {
    "shopify-orders.csv": Expected(
        "shopify-orders",
        "payments",
        payments(
            ("ann", "2024-05-01", "33.50"),
            ("bob", "2024-05-03", "1000"),
            ("bob", "2024-05-09", "50"),
            ("ann", "2024-05-11", "12"),
        ),
        {"same_order": 3, "refunded": 1, "pending": 2, "cancelled": 2, "no_customer_id": 1},
        {"Email", "Billing Name", "Billing Zip", "Shipping Phone", "Notes", "Employee", "Phone"},
        [("Total", "n/a?")],
        tz="America/New_York",
    ),
    "shopify-api-orders.csv": Expected(
        "shopify-api-orders",
        "payments",
        payments(
            ("207119551", "2024-03-01", "4100"),
            ("207119551", "2024-03-02", "3000"),
            ("207119553", "2024-03-08", "500"),
        ),
        {"refunded": 1, "pending": 1, "cancelled": 1, "test": 1, "no_customer_id": 1},
        {"email", "note", "name", "shipping_address_name", "billing_address_zip"},
        tz="Asia/Tokyo",
    ),
    "eccube-orders.csv": Expected(
        "eccube-orders",
        "payments",
        payments(
            ("7", "2024-01-05", "3960"), ("0008", "2024-01-31", "1200"), ("9", "2024-02-06", "1500")
        ),
        {"same_order": 6, "cancelled": 1, "pending": 2, "refunded": 1, "no_customer_id": 1},
        {"お名前(姓)", "お名前(メイ)", "住所1", "TEL", "誕生日", "ショップ用メモ欄", "配送先_TEL"},
        [("支払合計", "?")],
    ),
    "ecforce-orders.csv": Expected(
        "ecforce-orders",
        "payments",
        payments(
            ("5f20015e35", "2025-08-09", "4296"),
            ("5f20015e35", "2025-09-08", "4980"),
            ("0012345678", "2025-08-09", "8500"),
            ("c7bd95e895", "2025-08-11", "1200"),
        ),
        {"same_order": 1, "pending": 1, "no_customer_id": 1},
        {"メールアドレス"},
        [("受注日", "未定")],
    ),
    "rakuten-orders.csv": Expected(
        "rakuten-orders",
        "payments",
        payments(
            ("a", "2024-03-01", "3300"), ("b", "2024-03-02", "4500"), ("a", "2024-03-31", "1200")
        ),
        {"same_order": 3, "cancelled": 2, "pending": 2, "no_customer_id": 1},
        {
            "注文者メールアドレス",
            "注文者姓",
            "送付先電話番号1",
            "担当者",
            "コメント",
            "ひとことメモ",
        },
        tz="Asia/Tokyo",
    ),
    "base-orders.csv": Expected(
        "base-orders",
        "payments",
        payments(
            ("ann", "2024-06-01", "2300"),
            ("ann", "2024-06-01", "200"),
            ("ann", "2024-06-01", "3000"),
            ("bob", "2024-06-02", "2130"),
            ("ann", "2024-06-05", "2000"),
            ("bob", "2024-06-02", "3000"),
        ),
        {"cancelled": 2, "pending": 1, "no_customer_id": 1},
        {"氏(請求先)", "名(請求先)", "メールアドレス(請求先)", "住所(配送先)", "備考", "注文メモ"},
        [("送料", "無料?")],
    ),
    "shopify-customers.csv": Expected(
        "shopify-customers",
        "customers",
        [("7210000000001",), ("7210000000002",), ("7210000000003",), ("0000000000042",)],
        {},
        {"First Name", "Last Name", "Email", "Default Address Zip", "Phone", "Note"},
    ),
    "eccube-members.csv": Expected(
        "eccube-members",
        "customers",
        [
            ("7", date(2023, 12, 31)),
            ("0008", date(2024, 1, 2)),
            ("9", date(2024, 1, 3)),
            ("10", date(2024, 1, 4)),
            ("11", None),
        ],
        {},
        {"お名前(姓)", "お名前(セイ)", "郵便番号", "住所2", "TEL", "誕生日", "ショップ用メモ欄"},
    ),
    "ga4.jsonl": Expected(
        "ga4",
        "usage",
        events(
            ("u001", "2024-08-09 14:15:00Z", "page_view"),
            ("u001", "2024-08-09 14:15:00.123456Z", "view_item"),
            ("0002", "2024-08-09 15:30:00.000001Z", "purchase"),
            ("u001", "2024-08-09 23:59:59.999999Z", "scroll"),
            ("u001", "2024-08-10 00:00:00Z", "scroll"),
        ),
        {"no_customer_id": 2},
        set(),
        [("event_timestamp", "")],
    ),
    "amplitude.jsonl": Expected(
        "amplitude",
        "usage",
        events(
            ("u001", "2024-08-09 14:15:00Z", "open"),
            ("u001", "2024-08-09 15:30:00.123Z", "export report"),
            ("0002", "2024-08-09 23:59:59.999Z", "open"),
            ("0002", "2024-08-10 00:00:01Z", "open"),
        ),
        {"same_event": 2, "no_customer_id": 1},
        {"ip_address", "device_id", "city", "location_lat", "user_properties.email"},
        tz="Asia/Tokyo",
    ),
    "mixpanel.jsonl": Expected(
        "mixpanel",
        "usage",
        events(
            ("u001", "2024-08-09 14:15:00Z", "Opened"),
            ("u001", "2024-08-09 15:30:00Z", "Exported"),
            ("0002", "2024-08-09 23:59:59Z", "Opened"),
            ("0002", "2024-08-10 00:00:01Z", "Opened"),
        ),
        {"same_event": 1, "no_customer_id": 1},
        {"properties.$city", "properties.$device_id"},
    ),
    "segment.jsonl": Expected(
        "segment",
        "usage",
        events(
            ("u001", "2024-08-09 14:15:00Z", "Report Exported"),
            ("0002", "2024-08-09 14:30:00Z", "Signed In"),
            ("u001", "2024-08-09 15:01:00Z", "Pricing"),
            ("u001", "2024-08-09 15:02:00Z", "page"),
        ),
        {"same_event": 1, "no_customer_id": 1, "no_use": 2},
        {"context.ip", "traits.email"},
    ),
    "segment-warehouse.csv": Expected(
        "segment",
        "usage",
        events(("u001", "2024-08-09 14:15:00.123Z", "report_exported")),
        {"same_event": 1, "no_customer_id": 1},
        {"context_ip"},
    ),
}
COLUMNS = {
    "payments": ("customer_id", "paid_on", "amount"),
    "customers": ("customer_id", "created_on"),
    "usage": ("customer_id", "used_at", "feature"),
}
BY_LINE = ("shopify-orders.csv", "eccube-orders.csv", "rakuten-orders.csv", "base-orders.csv")
PERSONS = ("@", "髙橋", "①子", "Example", "'02134", "0600000")
N_SHUFFLES = 5


@pytest.fixture(params=sorted(EXPECTED))
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Told]:
    @cache
    def of(name: str) -> Told:
        work = tmp_path_factory.mktemp("work")
        return read(work, FIXTURES / name, tz=EXPECTED[name].tz)[name]

    return of


def header(name: str, work: Path) -> list[str]:
    with opened(FIXTURES / name, temporary=work) as source:
        return list(source.columns)


def taken_for(columns: list[str]) -> Known:
    one = known(columns)
    assert one is not None, columns
    return one


def listed(there: Told) -> list[tuple]:
    columns = [c for c in COLUMNS[there.role] if not there.rows or c in there.rows[0]]
    return there.listed(*columns)


def renamed(profile: str, columns: list[str]) -> Iterator[tuple[str, str, list[str]]]:
    """Give key, name and columns, for each name that a column of this export may have."""
    text = (files("csk.intake") / "profiles" / f"{profile}.toml").read_text(encoding="utf-8")
    found_here = taken_for(columns).found
    for key, names in tomllib.loads(text)["headers"].items():
        for other in names:
            if key in found_here and other not in columns:
                yield key, other, [other if c == found_here[key] else c for c in columns]


def test_each_export_is_read_to_its_canonical_rows(name, told):
    expected, there = EXPECTED[name], told(name)
    assert (there.profile, there.role) == (expected.profile, expected.role)
    rows = listed(there)
    assert [row[1:] for row in rows] == [row[1:] for row in expected.rows]
    ids = {wanted[0]: row[0] for row, wanted in zip(rows, expected.rows, strict=True)}
    assert [row[0] for row in rows] == [ids[wanted[0]] for wanted in expected.rows]
    assert len(set(ids.values())) == len(ids)


def test_customers_keep_the_ids_that_the_shop_gave_them(name, told):
    if name in {"shopify-orders.csv", "rakuten-orders.csv", "base-orders.csv"}:
        given = {row[0] for row in listed(told(name))}
        assert given
        assert not any("@" in one or one in {"ann", "bob"} for one in given)
    else:
        wanted = [row[0] for row in EXPECTED[name].rows]
        assert [row[0] for row in listed(told(name))] == wanted


def test_what_does_not_count_is_told_by_rule(name, told):
    assert dict(told(name).excluded) == EXPECTED[name].excluded


def test_what_was_not_understood_is_a_reject(name, told):
    rejects = [(column, value) for column, value, _ in told(name).rejects]
    assert rejects == EXPECTED[name].rejects


def test_persons_are_dropped(name, told):
    there = told(name)
    assert EXPECTED[name].dropped <= set(there.dropped)
    values = [str(value) for row in there.rows for value in row.values()]
    assert not [value for value in values if any(person in value for person in PERSONS)]


def test_every_row_is_kept_left_out_or_rejected(name, told, tmp_path):
    there = told(name)
    with opened(FIXTURES / name, temporary=tmp_path) as source:
        n = sum(batch.frame.height for batch in source.batches())
    n_there = len(there.rows) + there.excluded.total() + len(there.rejects)
    assert n_there == n


def test_an_export_is_found_with_its_columns_in_any_order(name, tmp_path):
    columns = header(name, tmp_path)
    for seed in range(N_SHUFFLES):
        shuffled = random.Random(seed).sample(columns, len(columns))
        one = taken_for(shuffled)
        assert one.export.name == EXPECTED[name].profile
        assert one.mapping == taken_for(columns).mapping


def test_an_export_is_found_by_each_of_the_names_of_its_columns(name, tmp_path):
    columns, profile = header(name, tmp_path), EXPECTED[name].profile
    ways = list(renamed(profile, columns))
    assert ways or profile in {"ga4", "segment"}
    for key, other, changed in ways:
        one = taken_for(changed)
        assert (one.export.name, one.found.get(key)) == (profile, other)


def test_an_export_is_found_beside_columns_that_nobody_knows(name, tmp_path):
    columns = header(name, tmp_path)
    more = ["自由項目1", "Vendor rating", "x", *columns, "memo 2", "備考2"]
    assert taken_for(more).export.name == EXPECTED[name].profile
    assert taken_for(more).mapping == taken_for(columns).mapping


def test_an_export_without_the_columns_it_is_known_by_is_none(name, tmp_path):
    columns = header(name, tmp_path)
    one = taken_for(columns)
    for key in one.export.detect:
        other = known([column for column in columns if column != one.found[key]])
        is_same = other is not None and other.export == one.export
        assert not is_same or other.found[key] != one.found[key]


@pytest.mark.parametrize("name", BY_LINE)
@pytest.mark.parametrize("size", [1, 3])
def test_an_order_counts_once_across_batches(name, size, told, tmp_path):
    chosen = settings({"tz": EXPECTED[name].tz}, None)
    with opened_files(found([str(FIXTURES / name)]), chosen, tmp_path) as there:
        (one,) = there.files
        plan, lines = one.plan(TODAY), OrderLines(str(one.recognition.once_per))
        whole = pl.concat([batch.frame for batch in one.source.batches(one.needed)])
        parts = []
        for first in range(0, whole.height, size):
            piece = whole.slice(first, size)
            parts.append(canonical(piece, plan, first, lines.again(piece)).rows)
    rows = pl.concat(parts)
    counted = told(name).listed("customer_id", "paid_on")
    assert rows.select("customer_id", "paid_on").rows() == counted
    assert rows["amount"].sum() == sum(row[2] for row in EXPECTED[name].rows) * COUNTS_PER_UNIT


@pytest.mark.parametrize("name", sorted(n for n in EXPECTED if EXPECTED[n].role == "payments"))
def test_a_book_holds_the_payments_of_an_export(name, told, tmp_path):
    chosen = settings({"tz": EXPECTED[name].tz, "reject_limit": 1.0}, None)
    book = stored(found([str(FIXTURES / name)]), chosen, TODAY, tmp_path, is_by_row=True)
    shards = range(book.n_shards)
    rows = pl.concat(pl.read_parquet(book.part("payments", shard)) for shard in shards)
    wanted = [(w, d, int(a * COUNTS_PER_UNIT)) for w, d, a in listed(told(name))]
    assert sorted(rows.select("customer_id", "paid_on", "amount").rows()) == sorted(wanted)


def test_deliveries_of_a_contract_keep_their_number(tmp_path):
    chosen = settings({"reject_limit": 1.0}, None)
    orders = found([str(FIXTURES / "ecforce-orders.csv")])
    book = stored(orders, chosen, TODAY, tmp_path, is_by_row=True)
    rows = pl.concat(pl.read_parquet(book.part("payments", n)) for n in range(book.n_shards))
    contract = rows.filter(pl.col("subscription_id") == "1f7666bf4a").sort("paid_on")
    assert contract["n_delivery"].to_list() == [1, 2]
    assert rows["subscription_id"].is_null().any()


def test_postage_is_added_once_to_the_lines_of_an_order(told):
    rows = told("base-orders.csv").listed("paid_on", "amount")
    first = [amount for day, amount in rows if day == date(2024, 6, 1)]
    assert first == [1800 + 500, 200, 3000]


def test_the_two_columns_of_postage_do_not_hide_each_other(tmp_path):
    columns = header("eccube-orders.csv", tmp_path)
    assert [c for c in columns if c.startswith("送料")] == ["送料", "送料 (2)"]


def test_files_of_a_shop_are_read_side_by_side(tmp_path):
    names = ["eccube-orders.csv", "eccube-members.csv"]
    both = read(tmp_path, *(FIXTURES / name for name in names))
    assert [both[name].role for name in names] == ["payments", "customers"]
    payers = {row["customer_id"] for row in both[names[0]].rows}
    assert payers < {row["customer_id"] for row in both[names[1]].rows}
