"""Exports of billing systems: what becomes of every row, and that the header alone tells them."""

import csv
from datetime import date
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest
from exports_reading import fixture, read

from csk.intake.recognition.exports import known
from csk.intake.recognition.profiles import normal

PAYMENTS = ("customer_id", "paid_on", "amount", "currency")
CONTRACTS = ("customer_id", "started_on", "mrr_amount", "term_months", "plan", "ended_on")
NEIGHBOURS = {
    "stripe-subscription-items": ("stripe-plans", "stripe-api-subscriptions"),
    "chartmogul": ("chartmogul-invoices",),
    "stripe-customers": ("stripe-payments",),
}
ANONYMOUS = "$RCAnonymousID:0a1b2c3d4e5f60718293a4b5c6d7e8f9"


class Expected(NamedTuple):
    role: str
    rows: str
    """One row a line; the days are those of Tokyo."""
    excluded: dict[str, int]
    rejects: list[tuple[str, str, str]]


EXPECTED = {
    "stripe-payments": Expected(
        "payments",
        """
        cus_A 2024-02-01 49 usd
        cus_B 2024-01-31 49 usd
        cus_C 2024-02-01 1250.50 usd
        cus_B 2024-02-03 30 usd
        cus_F 2024-02-08 80 usd
        cus_J 2024-02-09 5000 jpy
        cus_K 2024-02-10 12.345 kwd
        cus_A 2024-02-12 0 usd
        """,
        {"failed": 1, "refunded": 1, "pending": 2, "disputed": 1, "test": 1},
        [],
    ),
    "stripe-charges": Expected(
        "payments",
        """
        cus_A 2024-02-01 49 usd
        cus_B 2024-02-01 30 usd
        cus_J 2024-02-01 5000 jpy
        cus_K 2024-02-01 12.345 kwd
        """,
        {"failed": 1, "refunded": 1, "pending": 2, "no_customer_id": 1, "test": 1},
        [],
    ),
    "stripe-payment-intents": Expected(
        "payments",
        """
        cus_A 2024-02-01 49 usd
        cus_J 2024-02-05 5000 jpy
        cus_K 2024-02-06 12.345 kwd
        cus_C 2024-02-08 19 usd
        """,
        {"failed": 2, "pending": 2, "no_customer_id": 1, "test": 1},
        [],
    ),
    "paddle": Expected(
        "payments",
        """
        ctm_1 2024-02-01 12 USD
        ctm_1 2024-02-29 10 USD
        ctm_2 2024-02-29 12 USD
        ctm_5 2024-02-29 1500 JPY
        ctm_6 2024-02-29 0 USD
        """,
        {"pending": 2, "cancelled": 1, "no_customer_id": 1},
        [],
    ),
    "billing-lines": Expected(
        "payments",
        """
        cus_1 2024-02-01 100 usd
        cus_1 2024-02-01 20 usd
        cus_1 2024-02-01 12 usd
        cus_2 2024-02-02 100 usd
        cus_2 2024-02-02 -40 usd
        cus_4 2024-02-01 100 usd
        cus_5 2024-02-02 50 usd
        cus_5 2024-02-02 -50 usd
        """,
        {"pending": 1, "failed": 1, "no_amount": 1, "no_customer_id": 1},
        [],
    ),
    "salesforce-opportunities": Expected(
        "payments",
        """
        Alder_Works 2024-01-31 450000 USD
        Alder_Works 2025-01-31 460000 USD
        Corax 2024-03-15 12500.50 USD
        Echo 2024-03-15 0 USD
        Corax 2024-04-15 -500 USD
        """,
        {"not_won": 2, "no_customer_id": 1, "footer": 6},
        [],
    ),
    "stripe-subscriptions": Expected(
        "subscriptions",
        """
        cus_A 2023-06-01 29 1 price_basic -
        cus_B 2023-06-10 62.5 1 price_team -
        cus_C 2022-01-15 25 12 price_year 2023-01-20
        cus_D 2023-01-01 30 3 price_quarter -
        cus_F 2023-03-15 29 1 price_basic -
        cus_J 2023-08-01 29 1 price_basic -
        cus_K 2023-08-01 13 1 price_week -
        cus_A 2023-06-01 20 1 price_addon 2023-09-01
        """,
        {"free": 1, "not_started": 1, "trial": 2},
        [],
    ),
    "stripe-subscription-items": Expected(
        "subscriptions",
        """
        cus_A 2023-06-01 29 1 plan_m -
        cus_B 2023-06-01 50 12 plan_y 2024-02-01
        cus_C 2023-06-01 30 3 plan_q -
        cus_D 2023-06-01 15000 1 plan_jpy -
        cus_E 2023-06-01 12.345 1 plan_kwd -
        cus_G 2023-06-01 29 1 plan_m -
        cus_J 2023-06-15 29 1 plan_m -
        sub_unknown 2023-06-01 29 1 plan_m -
        """,
        {"free": 1, "no_price": 1, "trial": 1, "test": 1},
        [],
    ),
    "baremetrics": Expected(
        "subscriptions",
        """
        c1 2020-03-31 50 1 Basic 2020-05-04
        c1 2020-06-01 150 1 Basic -
        c2 2020-01-31 50 12 Year -
        c3 2021-02-28 30 3 Quarter 2022-02-28
        c4 2021-02-28 10000 1 Yen -
        c5 2021-02-28 12.345 1 Dinar -
        c7 2021-02-28 30.3333 1 Week -
        """,
        {"free": 1},
        [("subscription_canceled_at", "2021-04-01", "ends before it starts")],
    ),
    "chartmogul": Expected(
        "subscriptions",
        """
        cus_1 2022-01-10 50 1 pl_m 2022-02-10
        cus_1 2022-02-10 40 1 pl_m 2022-03-10
        cus_2 2022-02-01 100 12 pl_y 2023-02-01
        cus_3 2022-04-01 30 3 pl_q 2022-07-01
        cus_3 2022-07-01 30.4375 1 pl_w 2022-07-08
        cus_4 2022-04-01 5000 1 pl_m 2022-05-01
        """,
        {"one_off": 1, "prorated": 1, "credit": 1, "free": 1},
        [],
    ),
    "recurly": Expected(
        "subscriptions",
        """
        00123 2010-02-01 114 1 gold -
        a2 2010-03-25 297 1 gold -
        a3 2010-03-25 100 12 year 2011-03-25
        a4 2010-01-01 30 3 quarter 2011-01-01
        a6 2010-03-15 99 1 gold -
        a2 2018-05-13 99 1 gold -
        """,
        {"not_started": 1, "trial": 1, "free": 1, "failed": 1},
        [],
    ),
    "revenuecat": Expected(
        "subscriptions",
        f"""
        {ANONYMOUS} 2024-02-01 9.99 1 pro_month 2024-03-01
        {ANONYMOUS} 2024-03-01 9.99 1 pro_month 2024-04-07
        u2 2024-01-15 4.99 12 pro_year 2025-01-15
        u3 2024-01-08 4.99 1 pro_month 2024-02-08
        u10 2024-01-01 13 1 pro_week 2024-01-08
        u11 2024-01-01 10 3 legacy_quarter 2024-04-01
        """,
        dict.fromkeys(
            ["trial", "test", "refunded", "family", "free", "one_off", "failed", "no_amount"], 1
        ),
        [],
    ),
    "chargebee": Expected(
        "subscriptions",
        """
        c1 2023-06-01 29 1 basic -
        c2 2023-06-01 62.5 1 team -
        c3 2022-01-15 25 12 annual 2023-01-20
        c4 2023-01-01 60 3 quarter -
        c6 2023-03-15 29 1 basic -
        c2 2023-03-01 6.5 1 weekly -
        """,
        {"free": 1, "not_started": 1, "trial": 2},
        [],
    ),
    "chargebee-api": Expected(
        "subscriptions",
        """
        c1 2023-06-01 29 1 basic -
        c2 2023-06-01 62.5 1 team -
        c3 2023-06-01 5000 1 yen -
        c4 2023-06-01 12.345 1 dinar -
        c5 2022-01-15 25 12 annual 2023-01-20
        """,
        {"cancelled": 1, "free": 1, "trial": 2},
        [],
    ),
    "zuora": Expected(
        "subscriptions",
        """
        A00000001 2023-01-01 250 1 Gold 2024-01-01
        A00000002 2023-02-28 100 12 Gold -
        A00000003 2022-01-01 30 3 Gold 2023-04-01
        A00000003 2022-01-01 30 6 Gold 2023-05-01
        A00000006 2023-01-01 1250.50 1 Gold -
        A00000006 2023-01-01 -50 1 Discount -
        """,
        {"superseded": 1, "one_off": 1, "free": 1, "not_started": 1},
        [],
    ),
}
ADDING = ("stripe-plans", "stripe-api-subscriptions", "chartmogul-invoices")
NAMES = (*EXPECTED, *ADDING, "stripe-customers")


def header(name: str) -> list[str]:
    with fixture(name).open(encoding="utf-8-sig", newline="") as file:
        return next(csv.reader(file))


def spoken(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return str(value).replace(" ", "_")


def figures(line: str) -> list[str]:
    return [spoken(Decimal(word)) if "." in word else word for word in line.split()]


@pytest.mark.parametrize("name", EXPECTED)
def test_every_row_of_an_export_is_understood(name: str, tmp_path: Path) -> None:
    others = [fixture(other) for other in NEIGHBOURS.get(name, ())]
    told = read(tmp_path / "spool", fixture(name), *others, tz="Asia/Tokyo")[f"{name}.csv"]
    role, rows, excluded, rejects = EXPECTED[name]
    columns = PAYMENTS if role == "payments" else CONTRACTS
    found = [[spoken(value) for value in row] for row in told.listed(*columns)]
    assert (told.profile, told.role) == (name, role)
    assert found == [figures(line) for line in rows.strip().splitlines()]
    assert told.excluded == excluded
    assert told.rejects == rejects


def test_days_are_those_of_the_users_zone(tmp_path: Path) -> None:
    days = {
        zone: read(tmp_path / "spool", fixture("stripe-payments"), tz=zone)[
            "stripe-payments.csv"
        ].rows[0]["paid_on"]
        for zone in ("UTC", "Asia/Tokyo")
    }
    assert days == {"UTC": date(2024, 1, 31), "Asia/Tokyo": date(2024, 2, 1)}


def test_stripes_customers_keep_what_describes_no_person(tmp_path: Path) -> None:
    paths = [fixture(name) for name in ("stripe-customers", "stripe-payments")]
    told = read(tmp_path / "spool", *paths)["stripe-customers.csv"]
    assert (told.profile, told.role) == ("stripe-customers", "customers")
    assert told.listed("customer_id", "created_on", "plan", "segment (metadata)")[:3] == [
        ("cus_A", date(2023, 5, 31), "price_basic", "smb"),
        ("cus_B", date(2023, 6, 10), "price_team", "mid"),
        ("cus_C", date(2022, 1, 15), None, None),
    ]
    assert told.dropped == ("Description", "Email", "Name")
    assert not {"Description", "Email", "Name"} & set(told.attributes)


@pytest.mark.parametrize("name", ADDING)
def test_an_export_that_only_adds_to_others_is_named_as_not_needed(
    name: str, tmp_path: Path
) -> None:
    told = read(tmp_path / "spool", fixture(name))[f"{name}.csv"]
    assert (told.profile, told.role) == (name, "")
    assert told.note.endswith("they only add to other files")


def test_the_same_money_is_not_read_twice(tmp_path: Path) -> None:
    paths = [fixture(name) for name in ("stripe-payment-intents", "stripe-charges")]
    told = read(tmp_path / "spool", *paths)
    assert told["stripe-payment-intents.csv"].note.endswith("the same money as in stripe-charges")
    assert len(told["stripe-charges.csv"].rows) == 4


@pytest.mark.parametrize("reason", ["payment_failed", "not_paid", "no_card"])
def test_an_end_for_want_of_payment_keeps_its_reason(reason: str, tmp_path: Path) -> None:
    names = {"payment_failed": "stripe-subscriptions", "not_paid": "chargebee"}
    name = names.get(reason, "chargebee-api")
    told = read(tmp_path / "spool", fixture(name))[f"{name}.csv"]
    assert reason in [row["cancel_reason"] for row in told.rows]


def test_a_time_of_a_failed_payment_is_a_reason(tmp_path: Path) -> None:
    told = read(tmp_path / "spool", fixture("revenuecat"))["revenuecat.csv"]
    reasons = {row["started_on"]: row["cancel_reason"] for row in told.rows}
    assert reasons[date(2024, 2, 29)] == "payment failed"
    assert reasons[date(2024, 1, 15)] == "unsubscribed"
    assert reasons[date(2024, 1, 31)] is None


def test_items_without_their_plans_and_subscriptions_are_no_table(tmp_path: Path) -> None:
    told = read(tmp_path / "spool", fixture("stripe-subscription-items"))
    assert "join it first" in told["stripe-subscription-items.csv"].note


def test_prices_stand_in_several_files(tmp_path: Path) -> None:
    lines = fixture("stripe-plans").read_text().splitlines()
    parts = [tmp_path / f"plans-{n}.csv" for n in (1, 2)]
    parts[0].write_text("\n".join(lines[:3]))
    parts[1].write_text("\n".join([lines[0], *lines[3:]]))
    name = "stripe-subscription-items"
    others = [*parts, fixture("stripe-api-subscriptions")]
    told = read(tmp_path / "spool", fixture(name), *others)[f"{name}.csv"]
    assert len(told.rows) == 8
    assert told.excluded["no_price"] == 1


def test_line_items_without_their_invoices_have_a_customer_each(tmp_path: Path) -> None:
    told = read(tmp_path / "spool", fixture("chartmogul"))["chartmogul.csv"]
    assert {row["customer_id"] for row in told.rows} == {"sub_1", "sub_2", "sub_3", "sub_4"}


@pytest.mark.parametrize("name", NAMES)
def test_an_export_is_known_in_any_order_and_with_columns_of_the_users_own(name: str) -> None:
    columns = header(name)
    told = known(columns)
    assert told is not None
    assert told.export.name == name
    for seed in range(10):
        mixed = [*columns, "zz_own", "社内メモ", "Own field (metadata)"]
        Random(seed).shuffle(mixed)
        again = known(mixed)
        assert again is not None
        assert (again.export.name, again.found) == (name, told.found)


@pytest.mark.parametrize("name", NAMES)
def test_an_export_is_known_by_every_synonym(name: str) -> None:
    columns = header(name)
    told = known(columns)
    assert told is not None
    wrong = []
    for key, column in told.found.items():
        others = {normal(one) for one in columns if one != column}
        for synonym in set(told.export.headers[key]) - others:
            other = known([synonym if one == column else one for one in columns])
            if other is None or (other.export.name, other.found.get(key)) != (name, synonym):
                wrong.append((key, synonym, other and other.export.name))
    assert wrong == []
