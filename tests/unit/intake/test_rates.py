"""Rates of exchange: a row is worth what its own day's rate says."""

from datetime import date

import polars as pl
import pytest

from csk.intake.canonical.rates import rates

TABLE = pl.DataFrame(
    {
        "rate_on": [date(2024, 1, 1), date(2024, 2, 1), date(2024, 1, 15)],
        "from_currency": ["USD", "usd ", "JPY"],
        "to_currency": ["JPY", "JPY", "EUR"],
        "rate": [145.5, 150.0, 0.00625],
    }
)


def paid(*rows: tuple[date, int, str | None]) -> pl.DataFrame:
    """Return typed payments of (day, counts, currency)."""
    return pl.DataFrame(
        rows,
        schema={"paid_on": pl.Date, "amount": pl.Int64, "currency": pl.String},
        orient="row",
    )


@pytest.mark.parametrize(
    ("day", "counts", "currency", "expected"),
    [
        (date(2024, 1, 1), 1_000_000, "USD", 145_500_000),
        (date(2024, 1, 31), 1_000_000, "usd", 145_500_000),
        (date(2024, 2, 1), 1_000_000, "USD", 150_000_000),
        (date(2030, 1, 1), -1_000_000, "USD", -150_000_000),
        (date(2024, 1, 20), 10_000, "EUR", 1_600_000),
        (date(2020, 1, 1), 77, "JPY", 77),
        (date(2020, 1, 1), 77, None, 77),
        (date(2024, 1, 1), 1, "USD", 146),
        (date(2024, 1, 1), 3, "USD", 436),
    ],
)
def test_a_row_is_converted_at_the_latest_rate_of_its_day(
    day: date, counts: int, currency: str | None, expected: int
) -> None:
    exchange = rates([TABLE], "JPY")
    assert exchange is not None
    rows, unrated = exchange.converted(paid((day, counts, currency)), "paid_on")
    assert rows["amount"].to_list() == [expected]
    assert rows["currency"].to_list() == ["JPY" if currency else None]
    assert not unrated.any()


@pytest.mark.parametrize(
    ("day", "currency"), [(date(2023, 12, 31), "USD"), (date(2024, 1, 14), "EUR")]
)
def test_no_rate_is_taken_from_a_later_day(day: date, currency: str) -> None:
    exchange = rates([TABLE], "JPY")
    assert exchange is not None
    rows, unrated = exchange.converted(paid((day, 100, currency)), "paid_on")
    assert unrated.to_list() == [True]
    assert rows["amount"].to_list() == [None]


def test_rows_keep_their_order() -> None:
    exchange = rates([TABLE], "JPY")
    assert exchange is not None
    days = [date(2024, 2, 5), date(2024, 1, 5), date(2024, 2, 6), date(2024, 1, 4)]
    rows, _ = exchange.converted(paid(*((day, 100, "USD") for day in days)), "paid_on")
    assert rows["paid_on"].to_list() == days
    assert rows["amount"].to_list() == [15_000, 14_550, 15_000, 14_550]


def test_the_one_currency_that_all_rates_lead_to_is_the_books() -> None:
    to_yen = rates([TABLE.head(2)], "")
    several = rates([TABLE], "")
    assert to_yen is not None
    assert several is not None
    assert (to_yen.to, several.to) == ("JPY", "")
    assert rates([], "JPY") is None


@pytest.mark.parametrize("rate", [0.0, -1.0, float("inf"), float("nan")])
def test_a_rate_that_is_no_rate_converts_nothing(rate: float) -> None:
    exchange = rates([TABLE.head(1).with_columns(rate=pl.lit(rate))], "JPY")
    assert exchange is not None
    assert exchange.table.is_empty()
