"""Stripe's tables as Fivetran loads them: each is read with its role, or named as not needed."""

from decimal import Decimal
from pathlib import Path

import pytest
from exports_reading import Told, read

ROLES = {
    "charge_data.csv": ("stripe-charges", "payments"),
    "customer_data.csv": ("stripe-customers", "customers"),
    "subscription_item_data.csv": ("stripe-subscription-items", "subscriptions"),
}
NAMED = {
    "account_data.csv": "only add to other files",
    "balance_transaction_data.csv": "lacks customer_id",
    "card_data.csv": "no table of customers",
    "coupon_data.csv": "lacks customer_id",
    "credit_note_data.csv": "lacks customer_id",
    "credit_note_line_item_data.csv": "lacks customer_id",
    "discount_data.csv": "only add to other files",
    "discount_data_postgres.csv": "only add to other files",
    "discount_data_snowflake.csv": "only add to other files",
    "dispute_data.csv": "lacks customer_id",
    "fee_data.csv": "lacks customer_id",
    "invoice_data.csv": "only add to other files",
    "invoice_line_item_data.csv": "only add to other files",
    "payment_intent_data.csv": "the same money as in stripe-charges",
    "payment_method_card_data.csv": "no columns for a customer",
    "payment_method_data.csv": "no table of customers",
    "payout_balance_transaction_data.csv": "no columns for a customer",
    "payout_data.csv": "lacks customer_id",
    "plan_data.csv": "only add to other files",
    "price_data.csv": "only add to other files",
    "product_data.csv": "lacks customer_id",
    "refund_data.csv": "lacks customer_id",
    "subscription_data.csv": "only add to other files",
    "subscription_discount_data.csv": "only add to other files",
    "subscription_discount_data_postgres.csv": "only add to other files",
    "subscription_discount_data_snowflake.csv": "only add to other files",
    "subscription_history_data.csv": "no table of customers",
    "transfer_data.csv": "lacks customer_id",
}


@pytest.fixture(scope="module")
def told(real: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Told]:
    folder = real / "fivetran" / "stripe"
    if not folder.is_dir():
        pytest.skip(f"{folder} is absent")
    return read(tmp_path_factory.mktemp("spool"), *folder.glob("*.csv"))


def test_every_table_is_read_with_its_role_or_named_as_not_needed(told: dict[str, Told]) -> None:
    assert {name: (one.profile, one.role) for name, one in told.items() if one.role} == ROLES
    unneeded = {name: one.note for name, one in told.items() if not one.role}
    assert unneeded.keys() == NAMED.keys()
    assert [name for name, note in unneeded.items() if NAMED[name] not in note] == []


def test_revenue_a_month_is_that_of_the_thirteen_items_with_a_price(told: dict[str, Told]) -> None:
    items = told["subscription_item_data.csv"]
    running = [row for row in items.rows if row["started_on"].isoformat() < "2024-08-01"]
    assert len(running) == len(items.rows) == 13
    assert sum(row["mrr_amount"] for row in running) == Decimal("11838.20")
    assert items.excluded == {"no_price": 1}
    assert items.rejects == []


def test_a_failed_charge_is_no_payment(told: dict[str, Told]) -> None:
    charges = told["charge_data.csv"]
    assert charges.rows == []
    assert charges.excluded == {"failed": 16}
    assert "receipt_email" in charges.dropped
