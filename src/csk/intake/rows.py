"""From the text of one batch to canonical rows, excluded rows and rejects.

One rule: a row goes whole to exactly one of three places: kept, excluded by a rule (counted
with its money), or rejected (with every value that could not be understood).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

import polars as pl

from csk.calendar import DAYS_PER_MONTH
from csk.intake.casts import ColumnReading, cast
from csk.intake.profiles import profile
from csk.money import COUNTS_PER_UNIT, LARGEST_AMOUNT
from csk.schema import AMOUNT_SCALE, Table

STORED: Final[Mapping[str, tuple[str, ...]]] = {
    "customers": ("customer_id", "created_on", "channel", "plan", "cac_amount"),
    "subscriptions": (
        "subscription_id",
        "customer_id",
        "plan",
        "started_on",
        "ended_on",
        "mrr_amount",
        "term_months",
        "cancel_reason",
    ),
    "payments": ("customer_id", "paid_on", "amount"),
    "usage": ("customer_id", "user_id", "used_at", "feature", "quantity"),
    "tickets": ("customer_id", "opened_at", "closed_at", "severity"),
    "surveys": ("customer_id", "answered_on", "kind", "score"),
    "touches": (
        "customer_id",
        "touched_on",
        "channel",
        "action",
        "cost_amount",
        "experiment",
        "arm",
    ),
    "cross_section": (
        "customer_id",
        "tenure_months",
        "is_churned",
        "plan",
        "monthly_amount",
        "total_amount",
    ),
}
"""Canonical columns kept in the store, of those that a file has or that are derived."""

DAY: Final[Mapping[str, str]] = {
    "customers": "created_on",
    "subscriptions": "started_on",
    "payments": "paid_on",
    "usage": "used_at",
    "tickets": "opened_at",
    "surveys": "answered_on",
    "touches": "touched_on",
}
"""The column of each table that says when; rows are sorted by it within a customer."""

SAME_ORDER: Final = "same_order"
"""Rule for further lines of an order: its total stands on each of them, and counts once."""

EVENTS: Final = ("payments", "usage", "tickets", "surveys", "touches")
"""Tables of things that happened; a row of theirs without a customer is nobody's."""

DTYPES: Final[Mapping[str, pl.DataType | type[pl.DataType]]] = {
    "id": pl.String,
    "text": pl.String,
    "date": pl.Date,
    "instant": pl.Datetime("us", "UTC"),
    "amount": pl.Int64,
    "count": pl.Int64,
    "number": pl.Float64,
    "flag": pl.Boolean,
}

_TERM_MONTHS: Final = {
    **dict.fromkeys(("month", "months", "monthly", "月", "月払い", "毎月"), 1),
    **dict.fromkeys(("quarter", "quarterly", "四半期"), 3),
    **dict.fromkeys(("half-year", "semiannual", "biannual", "半年"), 6),
    **dict.fromkeys(("year", "years", "yearly", "annual", "annually", "年", "年払い", "毎年"), 12),
}
_SCALE: Final = 10**AMOUNT_SCALE


@dataclass(frozen=True, slots=True)
class RowPlan:
    """How the rows of one file become rows of one canonical table."""

    table: Table
    readings: tuple[ColumnReading, ...]
    attributes: tuple[str, ...]
    """Columns of the file carried through as text (customers only)."""
    today: date
    margin_by_product: Mapping[str, float] = field(default_factory=dict)
    has_ids: bool = True
    """False where the table has no customer id and rows are customers (a cross-section)."""


@dataclass(frozen=True, slots=True)
class Canonical:
    """What became of one batch."""

    rows: pl.DataFrame
    rejects: pl.DataFrame
    """`row` (ordinal in the batch), `column`, `value`, `reason`: one per broken value."""
    n_rejected: int
    excluded: tuple[tuple[str, int, int], ...]
    """(rule, rows, money) of what was left out."""
    currencies: frozenset[str]
    rounded: int


def canonical(
    batch: pl.DataFrame, plan: RowPlan, first_row: int, again: pl.Series | None = None
) -> Canonical:
    """Cast, derive, exclude and reject the rows of one batch.

    `again` marks further lines of an order whose total was counted on an earlier row.
    """
    typed: dict[str, pl.Series] = {}
    failures: dict[str, pl.Series] = {}
    rounded = 0
    for reading in plan.readings:
        values, failed, n_rounded = cast(batch[reading.name], reading)
        typed[reading.column.name] = values
        rounded += n_rounded
        if failed.any():
            failures[reading.column.name] = failed
    frame = pl.DataFrame(typed) if typed else batch.select()
    if not plan.has_ids:
        ids = pl.int_range(first_row + 1, first_row + 1 + frame.height, eager=True)
        frame = frame.with_columns(customer_id=ids.cast(pl.String))
    frame = _derived(frame, plan)
    rule = _rule(frame, plan)
    if again is not None:
        rule = pl.when(pl.lit(again)).then(pl.lit(SAME_ORDER)).otherwise(rule)
    broken = _broken(frame, plan, failures)
    bad = pl.any_horizontal(list(broken.values())) if broken else pl.lit(value=False)
    marks = frame.select(rule.alias("rule"), bad.alias("bad"))
    kept = marks["rule"].is_null() & ~marks["bad"]
    rejected = marks["rule"].is_null() & marks["bad"]
    rows = frame if kept.all() else frame.filter(kept)
    return Canonical(
        rows=_stored(rows, batch if kept.all() else batch.filter(kept), plan),
        rejects=_rejects(batch, plan, frame, broken, rejected),
        n_rejected=int(rejected.sum()),
        excluded=_excluded(frame, marks["rule"], plan),
        currencies=_currencies(rows),
        rounded=rounded,
    )


def stored_columns(table: str, found: frozenset[str], *, with_margin: bool) -> tuple[str, ...]:
    """Return the canonical columns a table has in the store, given those its files have."""
    derived = {
        "subscriptions": {"mrr_amount", "term_months", "plan", "ended_on", "cancel_reason"},
        "payments": {"amount"},
        "cross_section": {"customer_id"},
    }.get(table, set())
    columns = [name for name in STORED[table] if name in found | derived]
    if table == "payments" and with_margin:
        columns.append("margin_amount")
    return tuple(columns)


def dtype(table: Table, column: str) -> pl.DataType | type[pl.DataType]:
    """Return the type of a stored column."""
    return pl.Int64 if column == "margin_amount" else DTYPES[table[column].kind]


def _derived(frame: pl.DataFrame, plan: RowPlan) -> pl.DataFrame:
    if plan.table.name == "payments":
        return _payment_amounts(frame, plan)
    if plan.table.name == "subscriptions":
        return _recurring_amounts(frame)
    return frame


def _payment_amounts(frame: pl.DataFrame, plan: RowPlan) -> pl.DataFrame:
    if "amount" not in frame.columns:
        frame = frame.with_columns(amount=_times(pl.col("unit_price_amount"), frame))
    if plan.margin_by_product and "product_id" in frame.columns:
        share = pl.col("product_id").replace_strict(
            dict(plan.margin_by_product), default=1.0, return_dtype=pl.Float64
        )
        frame = frame.with_columns(margin_amount=(pl.col("amount") * share).round(0).cast(pl.Int64))
    elif plan.margin_by_product:
        frame = frame.with_columns(margin_amount=pl.col("amount"))
    return frame


def _times(price: pl.Expr, frame: pl.DataFrame) -> pl.Expr:
    if "quantity" not in frame.columns:
        return price
    quantity = pl.col("quantity")
    whole = quantity.cast(pl.Int64, strict=False)
    # Whole numbers wrap around in silence, so what they cannot hold becomes null first.
    holds = (price.cast(pl.Float64) * quantity).abs() < LARGEST_AMOUNT * COUNTS_PER_UNIT
    exact = pl.when(holds).then(price * whole)
    nearest = (price * quantity).round(0).cast(pl.Int64, strict=False)
    return pl.when(whole == quantity).then(exact).otherwise(nearest)


def _recurring_amounts(frame: pl.DataFrame) -> pl.DataFrame:
    """Derive `term_months` and `mrr_amount`; a weekly or daily term counts as paid monthly."""
    has = set(frame.columns)
    count = pl.col("interval_count").fill_null(1) if "interval_count" in has else pl.lit(1)
    unit = pl.col("interval").str.to_lowercase() if "interval" in has else pl.lit("month")
    months = unit.str.strip_chars().replace_strict(
        _TERM_MONTHS, default=None, return_dtype=pl.Int64
    )
    term = pl.col("term_months") if "term_months" in has else (months * count)
    frame = frame.with_columns(term_months=term.fill_null(1).clip(lower_bound=1).cast(pl.Int64))
    if "mrr_amount" not in has:
        price = pl.col("amount") if "amount" in has else _times(pl.col("unit_price_amount"), frame)
        per_month = (
            pl.when(unit.str.starts_with("week"))
            .then(52 / 12 / count)
            .when(unit.str.starts_with("da"))
            .then(DAYS_PER_MONTH / count)
            .otherwise(1 / pl.col("term_months"))
        )
        frame = frame.with_columns(
            mrr_amount=(price * per_month).round(0).cast(pl.Int64, strict=False)
        )
    missing = [name for name in ("plan", "cancel_reason") if name not in has]
    frame = frame.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in missing)
    if "ended_on" not in has:
        frame = frame.with_columns(ended_on=pl.lit(None, dtype=pl.Date))
    return frame


def _rule(frame: pl.DataFrame, plan: RowPlan) -> pl.Expr:
    """Name the rule by which a row is left out; null where none applies."""
    name, has = plan.table.name, set(frame.columns)
    rule = pl.lit(None, dtype=pl.String)
    if "status" in has:
        known = profile().statuses.get(name, {})
        status = pl.col("status").str.strip_chars().str.to_lowercase()
        rule = status.replace_strict(known, default=None, return_dtype=pl.String)
        if name == "payments":
            # Money that went back is its own negative row in some exports: that row counts.
            rule = (
                pl.when((rule == "refunded") & (pl.col("amount") <= 0)).then(None).otherwise(rule)
            )
    if name == "subscriptions":
        rule = (
            pl.when(rule.is_null() & (pl.col("mrr_amount") == 0))
            .then(pl.lit("free"))
            .otherwise(rule)
        )
    if name in EVENTS:
        rule = (
            pl.when(pl.col("customer_id").is_null()).then(pl.lit("no_customer_id")).otherwise(rule)
        )
    return rule


def _broken(
    frame: pl.DataFrame, plan: RowPlan, failures: Mapping[str, pl.Series]
) -> dict[str, pl.Expr]:
    """Return, by column, which rows break the contract; the reason is found by `_reason`."""
    broken: dict[str, pl.Expr] = {}
    required = [c.name for c in plan.table.columns if c.required] + [
        name for name in ("amount", "mrr_amount") if name in frame.columns
    ]
    for column in plan.table.columns:
        checks: list[pl.Expr] = []
        if column.name in failures:
            checks.append(pl.lit(failures[column.name]))
        if (
            column.name in required
            and column.name in frame.columns
            and frame[column.name].has_nulls()
        ):
            checks.append(pl.col(column.name).is_null())
        if checks:
            broken[column.name] = pl.any_horizontal(checks)
    day = DAY.get(plan.table.name)
    if plan.table.name in EVENTS and day:
        latest = frame[day].cast(pl.Date).max()
        if isinstance(latest, date) and latest > plan.today:
            late = (pl.col(day).cast(pl.Date) > plan.today).fill_null(value=False)
            broken[day] = pl.any_horizontal(broken[day], late) if day in broken else late
    if plan.table.name == "subscriptions":
        backwards = (pl.col("ended_on") < pl.col("started_on")).fill_null(value=False)
        if frame.select(backwards.any()).item():
            broken["ended_on"] = (
                pl.any_horizontal(broken["ended_on"], backwards)
                if "ended_on" in broken
                else backwards
            )
    return broken


def _rejects(
    batch: pl.DataFrame,
    plan: RowPlan,
    frame: pl.DataFrame,
    broken: Mapping[str, pl.Expr],
    rejected: pl.Series,
) -> pl.DataFrame:
    empty = pl.DataFrame(
        schema={"row": pl.Int64, "column": pl.String, "value": pl.String, "reason": pl.String}
    )
    if not rejected.any():
        return empty
    by_column = {reading.column.name: reading for reading in plan.readings}
    marks = frame.select(
        pl.int_range(pl.len()).alias("row"), *(e.alias(c) for c, e in broken.items())
    )
    parts = [empty]
    for column in broken:
        rows = marks.filter(rejected & marks[column])["row"]
        reading = by_column.get(column)
        text = (
            batch[reading.name].cast(pl.String)[rows]
            if reading
            else pl.repeat("", len(rows), eager=True)
        )
        value = frame[column][rows] if column in frame.columns else text
        parts.append(
            pl.DataFrame(
                {
                    "row": rows.cast(pl.Int64),
                    "column": pl.repeat(reading.name if reading else column, len(rows), eager=True),
                    "value": text.fill_null(""),
                    "reason": _reason(column, value, text, reading),
                },
                schema=empty.schema,
            )
        )
    return pl.concat(parts).sort("row")


def _reason(
    column: str, value: pl.Series, text: pl.Series, reading: ColumnReading | None
) -> pl.Series:
    understood = "ends before it starts" if column == "ended_on" else "lies in the future"
    unread = reading.reason if reading else "cannot be derived from price, quantity and term"
    absent = "is missing" if reading else unread
    return (
        pl.select(
            pl.when(pl.lit(value).is_not_null())
            .then(pl.lit(understood))
            .when(pl.lit(text).is_null() | (pl.lit(text) == ""))
            .then(pl.lit(absent))
            .otherwise(pl.lit(unread))
        )
        .to_series()
        .alias("reason")
    )


def _excluded(
    frame: pl.DataFrame, rule: pl.Series, plan: RowPlan
) -> tuple[tuple[str, int, int], ...]:
    if rule.null_count() == len(rule):
        return ()
    money = {"payments": "amount", "subscriptions": "mrr_amount"}.get(plan.table.name)
    amount = (
        frame[money].fill_null(0) if money else pl.repeat(0, len(rule), dtype=pl.Int64, eager=True)
    )
    found = (
        pl.DataFrame({"rule": rule, "amount": amount})
        .drop_nulls("rule")
        .with_columns(amount=pl.when(pl.col("rule") == SAME_ORDER).then(0).otherwise("amount"))
        .group_by("rule")
        .agg(pl.len(), pl.col("amount").sum())
        .sort("rule")
    )
    return tuple((str(r), int(n), int(a)) for r, n, a in found.iter_rows())


def _currencies(rows: pl.DataFrame) -> frozenset[str]:
    if "currency" not in rows.columns:
        return frozenset()
    return frozenset(str(code).upper() for code in rows["currency"].drop_nulls().unique())


def _stored(rows: pl.DataFrame, batch: pl.DataFrame, plan: RowPlan) -> pl.DataFrame:
    name = plan.table.name
    columns = stored_columns(
        name, frozenset(rows.columns), with_margin="margin_amount" in rows.columns
    )
    attributes = [batch[a].cast(pl.String).str.strip_chars() for a in plan.attributes]
    return rows.select(columns).with_columns(attributes)
