"""Rows that are understood and do not count."""

import polars as pl
import pytest

from csk.intake.canonical.rules import Exclusion, named, rule
from csk.schema import PAYMENTS, SUBSCRIPTIONS

VALUES = pl.DataFrame({"state": ["Trial", " ＴＲＩＡＬ ", "paid", "", None]})


@pytest.mark.parametrize(
    ("exclusion", "left_out"),
    [
        (Exclusion("r", "state", values=frozenset({"trial"})), [1, 1, 0, 0, 0]),
        (Exclusion("r", "state", unless=frozenset({"paid"})), [1, 1, 0, 1, 1]),
        (Exclusion("r", "state"), [1, 1, 1, 0, 0]),
        (Exclusion("r", "state", missing=True), [0, 0, 0, 1, 1]),
    ],
)
def test_a_rule_says_which_values_leave_a_row_out(
    exclusion: Exclusion, left_out: list[int]
) -> None:
    found = named(VALUES, [exclusion])
    assert found.to_list() == ["r" if out else None for out in left_out]


@pytest.mark.parametrize(
    ("exclusion", "left_out"),
    [
        (Exclusion("r", "a", missing=True, also=("b",)), [1, 0, 0, 0]),
        (Exclusion("r", "a", starting=("grand total", "-")), [0, 1, 0, 1]),
        (Exclusion("r", "a", before="b"), [0, 0, 1, 0]),
    ],
)
def test_a_rule_looks_at_how_values_begin_and_at_other_columns(
    exclusion: Exclusion, left_out: list[int]
) -> None:
    batch = pl.DataFrame(
        {
            "a": [None, "Grand Totals (2)", "2024-01-04 23:59:00", "-5"],
            "b": ["", "a", "2024-01-05 00:00:00", None],
        }
    )
    assert set(exclusion.columns) <= {"a", "b"}
    assert named(batch, [exclusion]).to_list() == ["r" if out else None for out in left_out]


def test_the_first_rule_that_holds_names_the_row() -> None:
    first = Exclusion("first", "state", values=frozenset({"paid"}))
    every = Exclusion("every", "state")
    assert named(VALUES, [first, every]).to_list() == ["every", "every", "first", None, None]
    assert named(VALUES, []).to_list() == [None] * 5


@pytest.mark.parametrize(
    ("amount", "refunded", "expected"),
    [
        (100, None, "refunded"),
        (-100, None, None),
        (70, 30, None),
        (0, 100, "refunded"),
        (-5, 105, None),
    ],
)
def test_a_refunded_payment_counts_where_its_row_says_what_is_left(
    amount: int, refunded: int | None, expected: str | None
) -> None:
    rows = pl.DataFrame({"customer_id": ["a"], "amount": [amount], "status": [" Refunded "]})
    if refunded is not None:
        rows = rows.with_columns(refunded_amount=pl.lit(refunded))
    found = rows.select(rule(rows, PAYMENTS, {"refunded": "refunded"})).to_series()
    assert found.to_list() == [expected]


@pytest.mark.parametrize(("mrr", "expected"), [(0, "free"), (1, None), (None, None)])
def test_a_contract_without_a_price_is_free(mrr: int | None, expected: str | None) -> None:
    rows = pl.DataFrame({"mrr_amount": [mrr]}, schema={"mrr_amount": pl.Int64})
    assert rows.select(rule(rows, SUBSCRIPTIONS, {})).to_series().to_list() == [expected]


@pytest.mark.parametrize(
    ("ended", "expected"), [(None, None), (9, "trial"), (10, "trial"), (11, None)]
)
def test_a_contract_that_ended_with_its_trial_was_never_paid(
    ended: int | None, expected: str | None
) -> None:
    rows = pl.DataFrame(
        {"mrr_amount": [1], "ended_on": [ended], "trial_ended_on": [10]},
        schema_overrides={"ended_on": pl.Int64},
    )
    assert rows.select(rule(rows, SUBSCRIPTIONS, {})).to_series().to_list() == [expected]
