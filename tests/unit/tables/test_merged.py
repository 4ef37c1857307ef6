from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from csk.facts.daily import payment_days, usage_in_days
from csk.tables.arrivals import by_day
from csk.tables.early_usage import early_usage
from csk.tables.features_events import payment_counts
from csk.tables.merged import n_rows, number_of, rows_of
from csk.tables.purchases import gap_counts, histories
from csk.tables.sales import won
from csk.tables.usage import Watch, edges, feature_rows

DAY = date(2024, 3, 1)


@pytest.mark.parametrize(
    ("table", "columns", "expected"),
    [
        ("payments", {"amount": [1, 2]}, [1, 1]),
        ("payments", {"n_payments": [3, None], "n_refunds": [0, None]}, [3, 1]),
        ("payments", {"n_payments": [3, None], "n_refunds": [2, 4]}, [5, 4]),
        # What cannot be counts for nothing.
        ("payments", {"n_payments": [-3, 1]}, [0, 1]),
        ("usage", {"n_events": [7, None]}, [7, 1]),
        ("mrr_events", {"n_changes": [7, None]}, [7, 1]),
        ("tickets", {"n_tickets": [2, -1]}, [2, 0]),
        # These columns are of other tables.
        ("tickets", {"n_events": [7, 2]}, [1, 1]),
        ("usage", {"n_payments": [7, 2]}, [1, 1]),
    ],
)
def test_a_row_stands_for_what_it_adds_up(table, columns, expected):
    frame = pl.DataFrame(columns)
    assert rows_of(frame, table).to_list() == expected
    assert n_rows(frame, table) == sum(expected)
    beside = frame.with_columns(n=number_of(frame.columns, table))
    assert (beside["n"].to_list(), beside["n"].dtype) == (expected, pl.Int64)


def some_tables():
    """Payments and usage of customers with several on a day, and contracts for some of them."""
    days = [date(2024, 1, 2) + timedelta(days=i * i % 53) for i in range(80)]
    payments = pl.DataFrame(
        {
            "customer_id": [f"c{i % 4}" for i in range(80)],
            "paid_on": days,
            "amount": [(i * 7 % 11 - 4) * 10_000 for i in range(80)],
        }
    )
    usage = pl.DataFrame(
        {
            "customer_id": [f"c{i % 5}" for i in range(80)],
            "used_at": [
                datetime(d.year, d.month, d.day, i % 24, tzinfo=UTC) for i, d in enumerate(days)
            ],
            "feature": ["xy"[i % 2] for i in range(80)],
            "quantity": [None if i % 7 == 0 else i % 5 - 1.5 for i in range(80)],
        },
        schema_overrides={"used_at": pl.Datetime("us", "UTC")},
    )
    contracts = pl.DataFrame(
        {
            "customer_id": [f"c{i}" for i in range(4)],
            "started_on": [date(2024, 1, 5 + 8 * i) for i in range(4)],
            "ended_on": [None, None, None, date(2024, 2, 20)],
            "mrr_amount": [1] * 4,
            "cancel_reason": [None] * 4,
            "plan": [None] * 4,
            "term_months": [1] * 4,
        },
        schema_overrides={"cancel_reason": pl.String, "plan": pl.String},
    )
    return payments, usage, contracts


QUESTIONS = {
    "arrivals": by_day(("usage", "payments"), DAY),
    "early usage": early_usage(DAY, 1),
    "refunds": lambda t: payment_counts(
        t["payments"].sort("customer_id", "paid_on"), [date(2024, 2, 2), DAY], None
    ),
    "histories": lambda t: histories(t, DAY),
    "gaps": lambda t: gap_counts(t, DAY),
    "first purchases": lambda t: won({k: v for k, v in t.items() if k != "subscriptions"}, DAY),
    "features": feature_rows(Watch(DAY, date(2024, 1, 1), is_contractual=True, grace_days=1)),
    "edges": edges(Watch(DAY, date(2024, 1, 1), is_contractual=True, grace_days=1)),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_days_of_a_table_answer_as_its_rows_do(question):
    payments, usage, contracts = some_tables()
    days = {
        "payments": payment_days(payments.lazy()).collect(),
        "usage": usage_in_days(usage.lazy()).collect().with_columns(pl.col("quantity") / 1000),
    }
    assert days["payments"].height < payments.height
    assert days["usage"].height < usage.height
    rows = {"payments": payments, "usage": usage, "subscriptions": contracts}
    answers = []
    for tables in (rows, {**rows, **days}):
        ordered = {
            name: table.sort("customer_id", table.columns[1]).lazy()
            for name, table in tables.items()
        }
        found = QUESTIONS[question](ordered).collect()
        answers.append(found.sort(found.columns))
    assert answers[0].height
    assert answers[0].equals(answers[1]), answers
