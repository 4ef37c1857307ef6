"""A table with a column of every kind, and rows that are hard to write."""

import datetime as dt

import polars as pl
import pytest

from csk.schema import KINDS, Column, Table

WHEN = dt.datetime(2024, 1, 1, 3, 4, 5, 6, tzinfo=dt.UTC)


@pytest.fixture
def table():
    columns = (
        Column("customer_id", "id", "Who.", required=True),
        Column("n_purchases", "count", "How many."),
        Column("first_on", "date", "When."),
        Column("seen_at", "instant", "When."),
        Column("ltv_amount", "amount", "How much."),
        Column("p_churn_90d", "number", "How likely."),
        Column("is_alive", "flag", "Whether."),
        Column("plan", "text", "Which."),
    )
    assert {column.kind for column in columns} == set(KINDS)
    return Table("fct_made_up", "Made up.", columns, key=("customer_id",))


@pytest.fixture
def frame():
    return pl.DataFrame(
        {
            "region": pl.Series(["東", "西", None], dtype=pl.Categorical),
            "plan": ['日本 "x", y', "a\nb", None],
            "is_alive": [True, False, None],
            "p_churn_90d": [0.1, float("nan"), 1e-9],
            "ltv_amount": [10**18 - 1, -1, None],
            "seen_at": pl.Series([WHEN, None, None], dtype=pl.Datetime("us", "UTC")),
            "first_on": [dt.date(2024, 1, 1), None, dt.date(1999, 12, 31)],
            "n_purchases": pl.Series([1, 2, None], dtype=pl.UInt32),
            "customer_id": ["0001", "=cmd()", "-3"],
        }
    )
