import gzip

import polars as pl
import pytest

from csk.intake.recognition.recognise import recognise

HOTEL = "hotel/data"
ROLES = {
    "online_retail/online_retail.csv.gz": "payments",
    "cdnow/CDNOW_master.txt": "payments",
    "telco/Telco-Customer-Churn.csv": "cross_section",
    "mlc_churn/mlc_churn.csv": None,
    "mlc_churn/wa_churn.csv": "cross_section",
    "saas_snapshot/churn.csv": "cross_section",
    "mrr_playbook/subscription_periods.csv": "subscriptions",
    "mrr_playbook/truth_monthly_full.csv": None,
    "mrr_playbook/truth_monthly_spine2018.csv": None,
    "saas_usage/crm5/subscription.csv": "subscriptions",
    "saas_usage/crm5/account.csv": "customers",
    "saas_usage/crm5/event_type.csv": None,
    "saas_usage/crm5/truth_monthly.csv": None,
    "saas_usage/crm5/event_daily.parquet": "usage",
    f"{HOTEL}/reserve.csv": "payments",
    f"{HOTEL}/customer.csv": "customers",
    f"{HOTEL}/hotel.csv": None,
    f"{HOTEL}/holiday_mst.csv": None,
    f"{HOTEL}/month_mst.csv": None,
    f"{HOTEL}/monthly_index.csv": None,
    f"{HOTEL}/production.csv": None,
    "jaffle_shop/raw_customers.csv": "customers",
    "jaffle_shop/raw_orders.csv": None,
    "jaffle_shop/raw_payments.csv": None,
    "hillstrom/hillstrom_email.csv": None,
}
MAPPINGS = {
    "online_retail/online_retail.csv.gz": {
        "payment_id": "InvoiceNo",
        "customer_id": "CustomerID",
        "paid_on": "InvoiceDate",
        "unit_price_amount": "UnitPrice",
        "quantity": "Quantity",
        "product_id": "StockCode",
    },
    "cdnow/CDNOW_master.txt": {
        "customer_id": "customer_id",
        "paid_on": "date",
        "amount": "dollar_value",
    },
    "telco/Telco-Customer-Churn.csv": {
        "customer_id": "customerID",
        "tenure_months": "tenure",
        "is_churned": "Churn",
        "plan": "Contract",
        "monthly_amount": "MonthlyCharges",
        "total_amount": "TotalCharges",
    },
    "saas_snapshot/churn.csv": {"tenure_months": "months_active", "is_churned": "churned"},
    "saas_usage/crm5/subscription.csv": {
        "customer_id": "account_id",
        "plan": "product",
        "started_on": "start_date",
        "ended_on": "end_date",
        "mrr_amount": "mrr",
        "quantity": "quantity",
        "term_months": "bill_period_months",
    },
    "saas_usage/crm5/event_daily.parquet": {
        "customer_id": "account_id",
        "used_at": "date",
        "feature": "event_type_id",
        "quantity": "n",
    },
    f"{HOTEL}/reserve.csv": {
        "payment_id": "reserve_id",
        "customer_id": "customer_id",
        "paid_on": "reserve_datetime",
        "amount": "total_price",
    },
}


def sampled(path):
    if path.suffix == ".parquet":
        return pl.read_parquet(path, n_rows=2000)
    if path.suffix == ".txt":
        rows = [line.split() for line in path.read_text().splitlines()[:2000]]
        return pl.DataFrame(rows[1:], schema=rows[0], orient="row")
    if path.suffix == ".gz":
        with gzip.open(path) as packed:
            head = b"".join(next(packed) for _ in range(2000))
        return pl.read_csv(head, infer_schema=False)
    return pl.read_csv(path, infer_schema=False, n_rows=2000)


@pytest.fixture
def recognised(real):
    def recognised(file):
        path = real / file
        if not path.exists():
            pytest.skip(f"{path} is absent")
        sample = sampled(path)
        return recognise(sample.columns, sample)

    return recognised


@pytest.mark.parametrize(("file", "role"), ROLES.items())
def test_a_real_file_plays_its_role(recognised, file, role):
    found = recognised(file)
    assert found.role == role, found.reason
    assert found.once_per is None


@pytest.mark.parametrize(("file", "mapping"), MAPPINGS.items())
def test_the_columns_of_a_real_file_are_understood(recognised, file, mapping):
    assert recognised(file).mapping == mapping


def test_payments_without_a_customer_are_to_be_joined(recognised):
    assert "join it first" in recognised("jaffle_shop/raw_payments.csv").reason


def test_a_date_of_birth_is_dropped(recognised):
    assert recognised("saas_usage/crm5/account.csv").personal == ("date_of_birth",)
