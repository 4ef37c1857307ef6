"""Exports of shops as they really are: every file has its role or its reason, money counts once."""

import csv
from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from csk.analyses.segment import segmentation
from csk.cli.session import opened_book
from csk.intake.canonical.rows import canonical
from csk.intake.origins.finding import found
from csk.intake.plans.opening import Opened, OpenedFiles, opened_files
from csk.intake.recognition.exports import known
from csk.money import COUNTS_PER_UNIT
from csk.settings import Settings

SHOPIFY = "fivetran/shopify"
SHOPIFY_ROLES = {
    "shopify_order_data.csv": ("payments", "shopify-api-orders"),
    "shopify_gql_order_data.csv": ("payments", "shopify-api-orders"),
    "shopify_customer_data.csv": ("customers", "shopify-customers"),
    "shopify_gql_customer_data.csv": ("customers", "shopify-customers"),
}
SAME_MONEY = (
    "shopify_transaction_data.csv",
    "shopify_gql_transaction_data.csv",
    "shopify_tender_transaction_data.csv",
    "shopify_gql_tender_transaction_data.csv",
)
SHOPIFY_MONEY = {"shopify_order_data.csv": "627.01", "shopify_gql_order_data.csv": "55"}
N_SHOPIFY = 95
TODAY = date(2026, 1, 1)
JAFFLE = Settings(amount_unit="minor", purchase_within_days=30)


@pytest.fixture(scope="module")
def shopify(real, tmp_path_factory):
    folder = real / SHOPIFY
    if not folder.is_dir():
        pytest.skip(f"{folder} is absent")
    work = tmp_path_factory.mktemp("shopify")
    with opened_files(found([str(folder)]), Settings(), work, keeps_refusals=True) as opened:
        yield opened


def named(opened: OpenedFiles) -> dict[str, Opened]:
    return {one.name.rpartition("/")[2]: one for one in opened.files}


def kept(one: Opened) -> pl.DataFrame:
    plan = one.plan(TODAY)
    batches = one.source.batches(one.needed)
    return pl.concat([canonical(batch.frame, plan, batch.first_row).rows for batch in batches])


def test_every_file_of_shopify_has_a_role_or_a_reason(real, shopify):
    assert not shopify.refused
    roles = {name: (one.role, one.recognition.known) for name, one in named(shopify).items()}
    assert {n: (role, export.export.name) for n, (role, export) in roles.items()} == SHOPIFY_ROLES
    reasons = {file.file.rpartition("/")[2]: file.note for file in shopify.unneeded}
    assert all(reasons.values())
    every = {path.name for path in (real / SHOPIFY).glob("*.csv")}
    assert reasons.keys() | roles.keys() == every
    assert len(every) == N_SHOPIFY


def test_the_same_money_of_shopify_is_not_counted_twice(shopify):
    reasons = {file.file.rpartition("/")[2]: file.note for file in shopify.unneeded}
    assert all("the same money as in the orders" in reasons[name] for name in SAME_MONEY)
    payments = {n: kept(one) for n, one in named(shopify).items() if one.role == "payments"}
    sums = {n: Decimal(rows["amount"].sum()) / COUNTS_PER_UNIT for n, rows in payments.items()}
    assert sums == {name: Decimal(amount) for name, amount in SHOPIFY_MONEY.items()}


@pytest.mark.parametrize(
    ("kind", "profile", "n_postage"), [("3", "eccube-orders", 2), ("2", "eccube-members", 0)]
)
def test_the_columns_that_eccube_really_writes_are_known(real, kind, profile, n_postage):
    path = real / "eccube/dtb_csv.csv"
    if not path.is_file():
        pytest.skip(f"{path} is absent")
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["csv_type_id"] == kind]
    columns = [row["disp_name"] for row in sorted(rows, key=lambda row: int(row["sort_no"]))]
    one = known(columns)
    assert one is not None
    assert one.export.name == profile
    assert columns.count("送料") == n_postage


@pytest.fixture(scope="module")
def jaffle(real):
    folder = real / "jaffle_shop"
    if not folder.is_dir():
        pytest.skip(f"{folder} is absent")
    with opened_book([str(folder)], JAFFLE, quiet=True) as session:
        yield session


def test_payments_of_the_jaffle_shop_find_the_customers_of_their_orders(jaffle):
    money = jaffle.book.tables["payments"].amount
    assert Decimal(money) / COUNTS_PER_UNIT == Decimal("1672.00")
    notes = {file.file.rpartition("/")[2]: file.notes for file in jaffle.book.files}
    assert "joined from" in notes["raw_payments.csv"][0]
    said = segmentation(jaffle.book, jaffle.engine, JAFFLE)
    assert said.figures.n_customers == said.customers.height == 62
    assert said.customers.filter(pl.col("n_purchases") >= 2).height == 29
