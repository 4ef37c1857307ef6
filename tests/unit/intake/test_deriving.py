"""Columns that follow from others of the same row."""

from datetime import date

import polars as pl
import pytest

from csk.intake.canonical.deriving import derived, in_own_digits
from csk.schema import PAYMENTS, SUBSCRIPTIONS


@pytest.mark.parametrize(
    ("interval", "count", "term", "monthly"),
    [
        ("P1M", None, 1, 12_000),
        ("P3M", None, 3, 4_000),
        ("P1Y", None, 12, 1_000),
        ("p1w", None, 1, 52_000),
        ("every 3 months", None, 3, 4_000),
        ("2 weeks", None, 1, 26_000),
        ("Semi-Annual", None, 6, 2_000),
        ("month", 6, 6, 2_000),
        ("Year", None, 12, 1_000),
        ("年払い", None, 12, 1_000),
        (None, None, 1, 12_000),
        ("fortnight", None, 1, 12_000),
    ],
)
def test_a_term_gives_months_and_revenue_a_month(
    interval: str | None, count: int | None, term: int, monthly: int
) -> None:
    rows = pl.DataFrame(
        {"amount": [12_000], "interval": [interval], "interval_count": [count]},
        schema={"amount": pl.Int64, "interval": pl.String, "interval_count": pl.Int64},
    )
    found = derived(rows, SUBSCRIPTIONS, {})
    assert found.select("term_months", "mrr_amount").row(0) == (term, monthly)


@pytest.mark.parametrize(
    ("interval", "first", "last", "term", "monthly"),
    [
        (None, date(2024, 1, 31), date(2024, 2, 29), 1, 12_000),
        (None, date(2023, 2, 1), date(2023, 3, 1), 1, 12_000),
        (None, date(2024, 1, 1), date(2024, 4, 1), 3, 4_000),
        (None, date(2024, 1, 1), date(2025, 1, 1), 12, 1_000),
        (None, date(2024, 1, 1), date(2024, 1, 8), 1, 52_179),
        (None, date(2024, 1, 1), date(2024, 1, 1), 1, 12_000),
        (None, date(2024, 1, 1), None, 1, 12_000),
        ("year", date(2024, 1, 1), date(2024, 2, 1), 12, 1_000),
        ("unheard of", date(2024, 1, 1), date(2024, 7, 1), 6, 2_000),
    ],
)
def test_a_term_without_an_interval_is_as_long_as_its_period(
    interval: str | None, first: date, last: date | None, term: int, monthly: int
) -> None:
    days = {"period_started_on": [first], "period_ended_on": [last]}
    rows = pl.DataFrame(
        {"amount": [12_000], "interval": [interval], **days},
        schema_overrides={"interval": pl.String, **dict.fromkeys(days, pl.Date)},
    )
    for frame in (rows, rows.drop("interval")) if interval is None else (rows,):
        found = derived(frame, SUBSCRIPTIONS, {})
        assert found.select("term_months", "mrr_amount").row(0) == (term, monthly)


@pytest.mark.parametrize(
    ("trial", "started"),
    [(None, date(2024, 1, 1)), (date(2024, 1, 15), date(2024, 1, 15)), (date(2023, 1, 1), None)],
)
def test_a_contract_starts_when_its_trial_has_ended(
    trial: date | None, started: date | None
) -> None:
    rows = pl.DataFrame(
        {"amount": [12_000], "started_on": [date(2024, 1, 1)], "trial_ended_on": [trial]},
        schema_overrides={"trial_ended_on": pl.Date},
    )
    found = derived(rows, SUBSCRIPTIONS, {})["started_on"].to_list()
    assert found == [started or date(2024, 1, 1)]


def test_a_contract_without_a_quantity_is_for_one() -> None:
    rows = pl.DataFrame({"unit_price_amount": [12_000, 12_000], "quantity": [None, 2.0]})
    assert derived(rows, SUBSCRIPTIONS, {})["mrr_amount"].to_list() == [12_000, 24_000]


@pytest.mark.parametrize(
    ("amount", "refunded", "net"),
    [
        (100, 30, 70),
        (100, -30, 70),
        (100, None, 100),
        (100, 100, 0),
        (None, 5, -5),
        (None, 0, None),
    ],
)
def test_what_went_back_is_taken_off(amount: int | None, refunded: int | None, net: int) -> None:
    rows = pl.DataFrame(
        {"amount": [amount], "refunded_amount": [refunded]},
        schema={"amount": pl.Int64, "refunded_amount": pl.Int64},
    )
    assert derived(rows, PAYMENTS, {})["amount"].to_list() == [net]


@pytest.mark.parametrize(
    ("currency", "counts"),
    [("usd", 120_000), ("JPY", 12_000_000), ("KWD", 12_000), (None, 120_000), ("???", 120_000)],
)
def test_minor_units_have_the_digits_of_their_rows_currency(
    currency: str | None, counts: int
) -> None:
    # 1200 minor units, read with three digits: 1.200 units, 12,000 counts of 1/10,000.
    rows = pl.DataFrame(
        {"amount": [12_000], "currency": [currency]},
        schema={"amount": pl.Int64, "currency": pl.String},
    )
    assert in_own_digits(rows, PAYMENTS)["amount"].to_list() == [counts]


def test_what_whole_numbers_cannot_hold_becomes_null() -> None:
    rows = pl.DataFrame({"amount": [2**62], "currency": ["JPY"]})
    assert in_own_digits(rows, PAYMENTS)["amount"].to_list() == [None]
