import polars as pl
import pytest

from csk.errors import DataError
from csk.intake.recognition.profiles import normal, profile, unqualified, words
from csk.intake.recognition.recognise import recognise, recognise_as, refusal
from csk.schema import INPUTS

ORDERS = {
    "注文ID": ["1", "1", "2"],
    "注文番号": ["1", "1", "2"],
    "会員ID": ["7", "7", ""],
    "お名前(姓)": ["佐藤", "佐藤", "鈴木"],
    "小計": ["900", "900", "500"],
    "送料": ["100", "100", "0"],
    "合計": ["1000", "1000", "500"],
    "支払合計": ["1000", "1000", "500"],
    "対応状況(ID)": ["5", "5", "3"],
    "対応状況(名称)": ["発送済み", "発送済み", "注文取消し"],
    "受注日": ["2024-01-05 10:00:00"] * 3,
    "入金日": [""] * 3,
    "注文詳細ID": ["11", "12", "13"],
    "商品ID": ["A", "B", "A"],
    "価格": ["400", "500", "500"],
    "個数": ["1", "1", "1"],
}


def named(*columns):
    return columns, pl.DataFrame({column: [] for column in columns})


def recognised(columns):
    return recognise(list(columns), pl.DataFrame(columns))


@pytest.mark.parametrize("table", INPUTS.values(), ids=INPUTS)
def test_a_table_with_canonical_names_is_itself(table):
    found = recognise(*named(*table.names))
    assert found.role == table.name
    assert found.mapping == {name: name for name in table.names}
    assert not found.missing
    assert not found.personal


@pytest.mark.parametrize("table", INPUTS.values(), ids=INPUTS)
def test_the_order_of_columns_does_not_matter(table):
    assert recognise(*named(*reversed(table.names))).mapping == {n: n for n in table.names}


@pytest.mark.parametrize(
    ("columns", "role", "mapping"),
    [
        (
            ["InvoiceNo", "StockCode", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID"],
            "payments",
            {"payment_id": "InvoiceNo", "customer_id": "CustomerID", "paid_on": "InvoiceDate",
             "unit_price_amount": "UnitPrice", "quantity": "Quantity", "product_id": "StockCode"},
        ),
        (
            ["customer_id", "date", "number_of_cds", "dollar_value"],
            "payments",
            {"customer_id": "customer_id", "paid_on": "date", "amount": "dollar_value"},
        ),
        (
            ["顧客番号", "売上日", "金額（税込）", "Created (UTC)"],
            "payments",
            {"customer_id": "顧客番号", "paid_on": "売上日", "amount": "金額（税込）"},
        ),
        (
            ["id", "Customer ID", "Created (UTC)", "Amount", "Currency", "Status"],
            "payments",
            {"payment_id": "id", "customer_id": "Customer ID", "paid_on": "Created (UTC)",
             "amount": "Amount", "currency": "Currency", "status": "Status"},
        ),
        (
            ["会員番号", "入会日", "退会日", "プラン", "月会費"],
            "subscriptions",
            {"customer_id": "会員番号", "plan": "プラン", "started_on": "入会日",
             "ended_on": "退会日", "mrr_amount": "月会費"},
        ),
        (
            ["account_id", "product", "start_date", "end_date", "mrr", "quantity",
             "bill_period_months"],
            "subscriptions",
            {"customer_id": "account_id", "plan": "product", "started_on": "start_date",
             "ended_on": "end_date", "mrr_amount": "mrr", "quantity": "quantity",
             "term_months": "bill_period_months"},
        ),
        (
            ["account_id", "date", "event_type_id", "n", "users", "value"],
            "usage",
            {"customer_id": "account_id", "used_at": "date", "feature": "event_type_id",
             "quantity": "n"},
        ),
        (
            ["user_id", "event_time", "event_name"],
            "usage",
            {"customer_id": "user_id", "used_at": "event_time", "feature": "event_name"},
        ),
        (
            ["customer_id", "user_id", "timestamp", "event"],
            "usage",
            {"customer_id": "customer_id", "user_id": "user_id", "used_at": "timestamp",
             "feature": "event"},
        ),
        (
            ["ticket_id", "client_id", "created_at", "priority"],
            "tickets",
            {"ticket_id": "ticket_id", "customer_id": "client_id", "opened_at": "created_at",
             "severity": "priority"},
        ),
        (
            ["customer_id", "date", "nps"],
            "surveys",
            {"customer_id": "customer_id", "answered_on": "date", "score": "nps"},
        ),
        (
            ["customer_id", "answered_at", "nps", "Recorded at"],
            "surveys",
            {"customer_id": "customer_id", "answered_on": "answered_at", "score": "nps",
             "known_at": "Recorded at"},
        ),
        (
            ["customer_id", "sent_at", "campaign", "variant"],
            "touches",
            {"customer_id": "customer_id", "touched_on": "sent_at", "action": "campaign",
             "arm": "variant"},
        ),
        (["plan", "margin"], "costs", {"plan": "plan", "margin_share": "margin"}),
        (
            ["customerID", "tenure", "Contract", "MonthlyCharges", "TotalCharges", "Churn"],
            "cross_section",
            {"customer_id": "customerID", "tenure_months": "tenure", "is_churned": "Churn",
             "plan": "Contract", "monthly_amount": "MonthlyCharges",
             "total_amount": "TotalCharges"},
        ),
        (
            ["account_id", "channel", "date_of_birth", "country"],
            "customers",
            {"customer_id": "account_id", "channel": "channel"},
        ),
        (["id", "first_name", "last_name"], "customers", {"customer_id": "id"}),
        (
            ["会員ID", "お名前(姓)", "誕生日", "初回購入日", "購入回数", "登録日"],
            "customers",
            {"customer_id": "会員ID", "created_on": "登録日"},
        ),
    ],
)  # fmt: skip
def test_a_file_is_recognised_by_the_names_of_its_columns(columns, role, mapping):
    found = recognise(*named(*columns))
    assert (found.role, found.mapping) == (role, mapping)


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        (["id", "order_id", "payment_method", "amount"], "lacks customer_id.*join it first"),
        (["customer_id", "p_churn_90d", "ltv_residual_12m_amount"], "result or a truth"),
        (["date_month", "mrr", "active", "n_new"], "lacks customer_id and started_on$"),
        (["event_type_id", "event_type_name"], "no columns for a customer, a date"),
        (["00004", "0001", "19970101", "2", "29.33"], "first line holds values"),
        (["id", "customer_id", "start_date", "ended_at", "status"], "lacks mrr_amount or amount"),
        (["state", "account_length", "churn"], "cross_section, but lacks tenure_months"),
        ([], "no columns"),
    ],
)
def test_a_file_that_is_not_needed_says_why(columns, reason):
    found = recognise(*named(*columns))
    assert found.role is None
    assert not found.mapping
    assert pl.Series([found.reason]).str.contains(reason).all(), found.reason


def test_a_date_column_must_hold_dates():
    days = ["2024-01-05", "2024-01-06"]
    found = recognised(
        {"customer_id": ["1", "2"], "date": ["a", "b"], "order date": days, "amount": ["5", "6"]}
    )
    assert found.mapping["paid_on"] == "order date"
    doubted = recognised({"customer_id": ["1", "1"], "date": ["Q1", "Q2"], "amount": ["5", "6"]})
    assert doubted.role is None
    assert doubted.notes == ("'date' could be paid_on by its name, but not by its values",)


def test_a_few_broken_values_do_not_hide_what_a_column_is():
    column = ["2024-01-05"] * 9 + ["broken"]
    found = recognised({"customer_id": ["1"] * 10, "date": column, "amount": ["5"] * 10})
    assert found.role == "payments"


def test_an_ambiguous_date_is_still_a_date():
    found = recognised({"customer_id": ["1"], "date": ["3/4/2024"], "amount": ["5"]})
    assert found.mapping["paid_on"] == "date"


def test_a_quantity_never_multiplies_the_amount_of_a_row():
    found = recognise(*named("customer_id", "date", "amount", "quantity"))
    assert "quantity" not in found.mapping
    assert "'quantity' is not used" in found.notes[0]


def test_rows_of_a_repeated_id_are_no_customers():
    found = recognised({"user_id": ["1", "1", "2"], "order_date": ["2024-01-05"] * 3})
    assert found.role is None
    assert "'user_id' repeats" in found.reason
    assert [missing.names for missing in found.missing] == [("amount", "unit_price_amount")]


def test_an_order_total_repeated_on_its_lines_counts_once():
    found = recognised(ORDERS)
    assert found.role == "payments"
    assert found.once_per == "注文ID"
    wanted = ("注文ID", "会員ID", "受注日", "支払合計", "対応状況(名称)")
    names = ("payment_id", "customer_id", "paid_on", "amount", "status")
    assert tuple(found.mapping[name] for name in names) == wanted
    assert found.personal == ("お名前(姓)",)


@pytest.mark.parametrize(
    ("ids", "totals", "once_per"),
    [
        (["1", "1", "2"], ["10", "10", "5"], "order_id"),
        (["1", "1", "2"], ["10", "4", "5"], None),
        (["1", "2", "3"], ["10", "4", "5"], None),
    ],
)
def test_only_totals_that_repeat_count_once(ids, totals, once_per):
    found = recognised({"order_id": ids, "customer_id": ["7"] * 3,
                        "order_date": ["2024-01-05"] * 3, "order_total": totals})  # fmt: skip
    assert found.once_per == once_per


def test_a_named_role_reports_all_that_is_missing_with_nearest_names():
    found = recognise_as("payments", *named("Custmer Id", "Dat", "Amnt"))
    assert [str(missing) for missing in found.missing] == [
        "customer_id (is it 'Custmer Id'?)",
        "paid_on (is it 'Dat'?)",
        "amount or unit_price_amount (is it 'Amnt'?)",
    ]


def test_one_refusal_names_what_every_file_lacks():
    files = {
        "a.csv": recognise_as("payments", *named("customer_id", "date")),
        "b.csv": recognise_as("costs", *named("x")),
        "c.csv": recognise(*named("x")),
    }
    refused = refusal(files)
    assert isinstance(refused, DataError)
    assert refused.details == (
        "a.csv: as payments it lacks amount or unit_price_amount",
        "b.csv: as costs it lacks margin_share and plan or product_id",
    )
    assert refusal({"c.csv": files["c.csv"]}) is None


def test_a_given_mapping_overrules_every_name():
    columns = named("customer_id", "My Id", "date", "amount")
    found = recognise_as("payments", *columns, mapping={"customer_id": "My Id"})
    assert found.mapping["customer_id"] == "My Id"
    assert found.unused == ("customer_id",)


def test_a_mapping_that_does_not_fit_is_refused_whole():
    with pytest.raises(DataError) as refused:
        recognise_as("payments", *named("My Id"), mapping={"customer_id": "MyId2", "plan": "x"})
    assert refused.value.details == (
        "plan: payments has no such column",
        "customer_id = 'MyId2': the file has no such column (is it 'My Id'?)",
        "plan = 'x': the file has no such column",
    )


@pytest.mark.parametrize(
    "name",
    [
        *("Email", "customer_email", "E-Mail", "Phone Number", "phone2", "billing_address_city"),
        *("Zip Code", "First Name", "lastName", "customer name", "Card", "card_last4", "dob"),
        *("date_of_birth", "home_latitude", "メールアドレス", "電話番号", "お客様TEL", "住所１"),
        *("郵便番号", "お名前(姓)", "お名前カナ(セイ)", "氏(請求先)", "生年月日", "カード番号"),
    ],
)
def test_a_person_is_known_by_the_name_of_the_column(name):
    assert profile().is_personal(name)


@pytest.mark.parametrize(
    "name",
    [
        *("hotel_id", "PhoneService", "marketing_emails_clicked", "credit_note_line_item_id"),
        *(
            "country",
            "Company Name",
            "会社名",
            "plan_name",
            "商品名",
            "discard",
            "region",
            "platform",
        ),
        *("card_type", "streaming_tv", "メルマガ購読", "件名", "都道府県", "number_of_cds"),
    ],
)
def test_other_columns_are_no_persons(name):
    assert not profile().is_personal(name)


def test_a_bare_name_is_a_person_among_customers_only():
    assert profile().is_personal("name", "customers")
    assert not profile().is_personal("name", "payments")


@pytest.mark.parametrize(
    ("role", "status", "why"),
    [
        ("payments", "Failed", "failed"),
        ("payments", " refunded ", "refunded"),
        ("payments", "注文取消し", "cancelled"),
        ("payments", "決済処理中", "pending"),
        ("payments", "Paid", None),
        ("payments", None, None),
        ("subscriptions", "trialing", "trial"),
        ("usage", "failed", None),
    ],
)
def test_a_status_says_whether_its_row_counts(role, status, why):
    assert profile().excluded(role, status) == why


@pytest.mark.parametrize(
    ("name", "spoken", "compared"),
    [
        ("CustomerID", "customer id", "customerid"),
        ("customer-id ", "customer id", "customerid"),
        ("ＵｎｉｔPrice", "unit price", "unitprice"),
        ("対応状況(名称)", "対応状況 名称", "対応状況名称"),
        ("お客様TEL", "お客様 tel", "お客様tel"),
        ("HTTPStatus", "http status", "httpstatus"),
    ],
)
def test_names_are_compared_without_case_and_punctuation(name, spoken, compared):
    assert words(name) == spoken
    assert normal(name) == compared


@pytest.mark.parametrize(
    ("name", "bare"),
    [("Created (UTC)", "created"), ("金額（税込）", "金額"), ("Amount USD", "amount"),
     ("対応状況(名称)", "対応状況名称"), ("USD", "usd")],
)  # fmt: skip
def test_a_qualifier_says_nothing_about_what_a_column_is(name, bare):
    assert unqualified(name, profile().qualifiers) == bare


def test_every_name_of_the_profile_stands_for_a_column_of_the_schema():
    known = profile()
    for role, table in INPUTS.items():
        assert set(known.names[role]) == set(table.names)
    for role, weak in known.weak.items():
        assert set(weak.names) | set(weak.beside) <= set(INPUTS[role].names)
