"""Columns that follow from others of the same row: a price from quantity, a month from a term.

One rule: money stays in whole counts; what they cannot hold becomes null, and the row a reject.
"""

from collections.abc import Mapping
from typing import Final

import polars as pl

from csk.calendar import DAYS_PER_MONTH
from csk.money import COUNTS_PER_UNIT, CURRENCIES, LARGEST_AMOUNT, minor_digits
from csk.schema import Table
from csk.tables.merged import MERGED

MOST_DIGITS: Final = 3
"""Digits after the point of the finest minor unit in use (the dinars of Bahrain and Kuwait)."""
USUAL_DIGITS: Final = 2

_TERM_MONTHS: Final = {
    **dict.fromkeys(("month", "months", "monthly", "月", "月払い", "毎月"), 1),
    **dict.fromkeys(("quarter", "quarterly", "四半期"), 3),
    **dict.fromkeys(("half-year", "semiannual", "semi-annual", "biannual", "半年"), 6),
    **dict.fromkeys(("year", "years", "yearly", "annual", "annually", "年", "年払い", "毎年"), 12),
}
_PERIOD: Final = r"^(?:p|every\s+)?(\d+)\s*([dwmy])(?:|ays?|eeks?|onths?|ears?)$"
_UNITS: Final = {"d": "day", "w": "week", "m": "month", "y": "year"}
_SHORTEST_MONTH: Final = 28
"""Days of a term that is paid by the month at least."""
_PERIOD_DAYS: Final = frozenset({"period_started_on", "period_ended_on"})


def derived(frame: pl.DataFrame, table: Table, margins: Mapping[str, float]) -> pl.DataFrame:
    """Add what a table's rows imply: `amount`, `margin_amount`; `mrr_amount`, `term_months`, ..."""
    if table.name == "payments":
        return _payment_amounts(frame, margins)
    if table.name == "subscriptions":
        return _recurring_amounts(frame)
    return frame


def in_own_digits(frame: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Scale amounts in minor units, read with three digits, to the digits of each row's currency.

    A row without a known currency has two.
    """
    if "currency" not in frame.columns:
        return frame
    digits = {code: MOST_DIGITS - minor_digits(code) for code in CURRENCIES}
    shift = (
        pl.col("currency")
        .str.to_uppercase()
        .replace_strict(digits, default=MOST_DIGITS - USUAL_DIGITS, return_dtype=pl.Int64)
        .fill_null(MOST_DIGITS - USUAL_DIGITS)
    )
    factor = pl.lit(10, dtype=pl.Int64).pow(shift)
    amounts = [c.name for c in table.columns if c.kind == "amount" and c.name in frame.columns]
    holds = [pl.col(name).cast(pl.Float64).abs() * factor < LARGEST_COUNT for name in amounts]
    return frame.with_columns(
        pl.when(fits).then(pl.col(name) * factor).alias(name)
        for name, fits in zip(amounts, holds, strict=True)
    )


LARGEST_COUNT: Final = LARGEST_AMOUNT * COUNTS_PER_UNIT


def _payment_amounts(frame: pl.DataFrame, margins: Mapping[str, float]) -> pl.DataFrame:
    if "amount" not in frame.columns:
        frame = frame.with_columns(amount=_times(pl.col("unit_price_amount"), frame))
    if "refunded_amount" in frame.columns:
        returned = pl.col("refunded_amount").abs().fill_null(0)
        # A row that tells of a refund alone has no amount of its own.
        paid = pl.coalesce("amount", pl.when(returned > 0).then(0))
        frame = frame.with_columns(amount=paid - returned)
    frame = _with_counts(frame)
    if margins and "product_id" in frame.columns:
        share = pl.col("product_id").replace_strict(
            dict(margins), default=1.0, return_dtype=pl.Float64
        )
        frame = frame.with_columns(margin_amount=(pl.col("amount") * share).round(0).cast(pl.Int64))
    elif margins:
        frame = frame.with_columns(margin_amount=pl.col("amount"))
    return frame


def _with_counts(frame: pl.DataFrame) -> pl.DataFrame:
    """Complete what rows that were merged before add up; a row that does not say is one."""
    has = [name for name in MERGED["payments"] if name in frame.columns]
    if not has:
        return frame
    is_refund = (pl.col("amount") < 0).fill_null(value=False)
    alone = {"n_payments": ~is_refund, "n_refunds": is_refund}
    said_of_none = pl.all_horizontal(pl.col(name).is_null() for name in has)
    counts = {
        name: pl.when(said_of_none)
        .then(alone[name].cast(pl.Int64))
        .otherwise(pl.col(name).fill_null(0) if name in has else 0)
        for name in MERGED["payments"]
    }
    return frame.with_columns(**counts)


def _times(price: pl.Expr, frame: pl.DataFrame) -> pl.Expr:
    if "quantity" not in frame.columns:
        return price
    quantity = pl.col("quantity")
    whole = quantity.cast(pl.Int64, strict=False)
    # Whole numbers wrap around in silence, so what they cannot hold becomes null first.
    holds = (price.cast(pl.Float64) * quantity).abs() < LARGEST_COUNT
    exact = pl.when(holds).then(price * whole)
    nearest = (price * quantity).round(0).cast(pl.Int64, strict=False)
    return pl.when(whole == quantity).then(exact).otherwise(nearest)


def _recurring_amounts(frame: pl.DataFrame) -> pl.DataFrame:
    """Derive `term_months` and `mrr_amount`; a weekly or daily term counts as paid monthly.

    `interval` becomes `week` or `day` where that was done here, and `month` everywhere else.
    """
    has = set(frame.columns)
    if "trial_ended_on" in has:
        frame = frame.with_columns(started_on=pl.max_horizontal("started_on", "trial_ended_on"))
    unit, count = _term(has)
    months = unit.replace_strict(_TERM_MONTHS, default=None, return_dtype=pl.Int64) * count
    days = _days(has)
    term = pl.col("term_months") if "term_months" in has else pl.coalesce(months, _months(days))
    frame = frame.with_columns(term_months=term.fill_null(1).clip(lower_bound=1).cast(pl.Int64))
    if "mrr_amount" not in has:
        frame = _with_one(frame)
        price = pl.col("amount") if "amount" in has else _times(pl.col("unit_price_amount"), frame)
        per_month = (
            pl.when(unit.str.starts_with("week"))
            .then(52 / 12 / count)
            .when(unit.str.starts_with("da"))
            .then(DAYS_PER_MONTH / count)
            .when(months.is_null() & (days < _SHORTEST_MONTH))
            .then(DAYS_PER_MONTH / days)
            .otherwise(1 / pl.col("term_months"))
        )
        frame = frame.with_columns(
            mrr_amount=(price * per_month).round(0).cast(pl.Int64, strict=False)
        )
    if "interval" in has:
        frame = frame.with_columns(interval=_priced_by(unit, is_derived="mrr_amount" not in has))
    missing = [name for name in ("plan", "cancel_reason") if name not in has]
    frame = frame.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in missing)
    if "ended_on" not in has:
        frame = frame.with_columns(ended_on=pl.lit(None, dtype=pl.Date))
    return frame


def _priced_by(unit: pl.Expr, *, is_derived: bool) -> pl.Expr:
    """Return what a price was made monthly from: `week`, `day`, or `month` where it was not."""
    if not is_derived:
        return pl.lit("month")
    return (
        pl.when(unit.str.starts_with("week"))
        .then(pl.lit("week"))
        .when(unit.str.starts_with("da"))
        .then(pl.lit("day"))
        .otherwise(pl.lit("month"))
    )


def _with_one(frame: pl.DataFrame) -> pl.DataFrame:
    """Take a contract without a quantity for one of one unit."""
    if "quantity" not in frame.columns:
        return frame
    return frame.with_columns(pl.col("quantity").fill_null(1))


def _term(has: set[str]) -> tuple[pl.Expr, pl.Expr]:
    """Return unit and number of units of a term; `P3M` is three months."""
    count = pl.col("interval_count").fill_null(1) if "interval_count" in has else pl.lit(1)
    if "interval" not in has:
        return pl.lit(None if _PERIOD_DAYS.issubset(has) else "month", dtype=pl.String), count
    written = pl.col("interval").str.to_lowercase().str.strip_chars()
    period = written.str.extract_groups(_PERIOD)
    unit = period.struct[1].replace_strict(_UNITS, default=None, return_dtype=pl.String)
    number = period.struct[0].cast(pl.Int64, strict=False)
    return pl.coalesce(unit, written), pl.coalesce(number, count)


def _days(has: set[str]) -> pl.Expr:
    """Return the days of the term that a row tells by its first and last; null without them."""
    if not _PERIOD_DAYS.issubset(has):
        return pl.lit(None, dtype=pl.Int64)
    days = (pl.col("period_ended_on") - pl.col("period_started_on")).dt.total_days()
    return pl.when(days > 0).then(days)


def _months(days: pl.Expr) -> pl.Expr:
    return (days / DAYS_PER_MONTH).round(0).cast(pl.Int64)
