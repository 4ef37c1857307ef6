"""From the text of one batch to canonical rows, excluded rows and rejects.

One rule: a row goes whole to exactly one of three places: kept, excluded by a rule (counted
with its money), or rejected (with every value that could not be understood).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

import polars as pl

from csk.intake.canonical.deriving import derived, in_own_digits
from csk.intake.canonical.orders import has_plus, with_extras
from csk.intake.canonical.rates import Rates
from csk.intake.canonical.rules import (
    EVENTS,
    SAME_EVENT,
    SAME_ORDER,
    Exclusion,
    excluded,
    failed,
    named,
    rule,
)
from csk.intake.identity.hashing import hashed
from csk.intake.values.casts import ColumnReading, cast
from csk.schema import INPUTS, Table
from csk.tables.columns import INSIDE
from csk.tables.merged import MERGED, n_rows

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
        "interval",
        "quantity",
        "cancel_reason",
        "paused_from",
        "paused_to",
    ),
    "mrr_events": (
        *("customer_id", "subscription_id", "changed_on", "mrr_change_amount", "plan"),
        *MERGED["mrr_events"],
    ),
    "payments": (
        *("customer_id", "paid_on", "amount", "n_delivery", "subscription_id"),
        *MERGED["payments"],
    ),
    "usage": ("customer_id", "user_id", "used_at", "feature", "quantity", *MERGED["usage"]),
    "tickets": (
        *("customer_id", "opened_at", "closed_at", "severity", "known_at"),
        *MERGED["tickets"],
    ),
    "surveys": ("customer_id", "answered_on", "kind", "score", "known_at"),
    "touches": (
        "customer_id",
        "touched_on",
        "channel",
        "action",
        "cost_amount",
        "experiment",
        "arm",
        "known_at",
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
    "mrr_events": "changed_on",
    "payments": "paid_on",
    "usage": "used_at",
    "tickets": "opened_at",
    "surveys": "answered_on",
    "touches": "touched_on",
}
"""The column of each table that says when; rows are sorted by it within a customer."""

FUTURE: Final = "lies in the future"
"""Why a row is rejected that will be none on a later day."""

_UNDERSTOOD: Final = {
    "ended_on": "ends before it starts",
    "currency": "has no rate of exchange for that day",
}
"""What is wrong with a value that was read, by column; an event may also lie in the future."""


@dataclass(frozen=True, slots=True)
class RowPlan:
    """How the rows of one file become rows of one canonical table."""

    table: Table
    readings: tuple[ColumnReading, ...]
    attributes: tuple[str, ...]
    """Columns of the file carried through as text; see `carried`."""
    today: date
    margin_by_product: Mapping[str, float] = field(default_factory=dict)
    has_ids: bool = True
    """False where the table has no customer id and rows are customers (a cross-section)."""
    statuses: Mapping[str, str] = field(default_factory=dict)
    """What values of the status mean, by `rules.spoken` value."""
    exclusions: tuple[Exclusion, ...] = ()
    """Rules of the profile and of the user, on columns of the file."""
    constants: Mapping[str, str] = field(default_factory=dict)
    """Canonical text columns that every row of the file has alike (the currency of a shop)."""
    own_digits: bool = False
    """Whether amounts are minor units of each row's own currency, read with three digits."""
    rates: Rates | None = None
    """Rates of exchange into the book's currency, where it has several."""
    person: str = ""
    """Column with the e-mail address of who has no customer id; or empty."""
    secret: bytes = field(default=b"", repr=False)
    """Key of the hashes that stand for those addresses."""


@dataclass(frozen=True, slots=True)
class Canonical:
    """What became of one batch."""

    rows: pl.DataFrame
    rejects: pl.DataFrame
    """`row` (ordinal in the batch), `column`, `value`, `reason`: one per broken value."""
    n_read: int
    """Rows that it stands for, as those that were merged before count for what they add up."""
    n_rejected: int
    excluded: tuple[tuple[str, int, int], ...]
    """(rule, rows, money) of what was left out."""
    currencies: frozenset[str]
    rounded: int
    typed: pl.DataFrame
    """All rows of the batch, typed, whatever became of them."""
    marks: pl.DataFrame
    """For each of them the `rule` that leaves it out (null = none), and whether it is `bad`."""
    failed: pl.DataFrame
    """Payments that failed: `customer_id`, `failed_on`."""


def canonical(
    batch: pl.DataFrame, plan: RowPlan, first_row: int, again: pl.Series | None = None
) -> Canonical:
    """Cast, derive, exclude and reject the rows of one batch.

    `again` marks further lines of an order whose total was counted on an earlier row.
    """
    frame, failures, rounded = _typed(batch, plan)
    if not plan.has_ids:
        ids = pl.int_range(first_row + 1, first_row + 1 + frame.height, eager=True)
        frame = frame.with_columns(customer_id=ids.cast(pl.String))
    if plan.person:
        frame = frame.with_columns(customer_id=_known_or_hashed(frame, batch, plan))
    frame = with_extras(frame, again)
    if plan.own_digits:
        frame = in_own_digits(frame, plan.table)
    frame = derived(frame, plan.table, plan.margin_by_product)
    day = DAY.get(plan.table.name)
    if plan.rates and day and "currency" in frame.columns:
        frame, unrated = plan.rates.converted(frame, day)
        if unrated.any():
            failures["currency"] = failures.get("currency", unrated) | unrated
    left_out = rule(frame, plan.table, plan.statuses)
    if plan.exclusions:
        left_out = pl.coalesce(pl.lit(named(batch, plan.exclusions)), left_out)
    if again is not None and not has_plus(frame):
        same = SAME_ORDER if plan.table.name == "payments" else SAME_EVENT
        left_out = pl.when(pl.lit(again)).then(pl.lit(same)).otherwise(left_out)
    broken = _broken(frame, plan, failures)
    bad = pl.any_horizontal(list(broken.values())) if broken else pl.lit(value=False)
    marks = frame.select(left_out.alias("rule"), bad.alias("bad"))
    kept = marks["rule"].is_null() & ~marks["bad"]
    rejected = marks["rule"].is_null() & marks["bad"]
    rows = frame if kept.all() else frame.filter(kept)
    return Canonical(
        rows=_stored(rows, batch if kept.all() else batch.filter(kept), plan),
        rejects=_rejects(batch, plan, frame, broken, rejected),
        n_read=n_rows(frame, plan.table.name),
        n_rejected=n_rows(frame.filter(rejected), plan.table.name) if rejected.any() else 0,
        excluded=excluded(frame, marks["rule"], plan.table),
        currencies=_currencies(rows),
        rounded=rounded,
        typed=frame,
        marks=marks,
        failed=failed(frame, marks["rule"], plan.table),
    )


def _known_or_hashed(frame: pl.DataFrame, batch: pl.DataFrame, plan: RowPlan) -> pl.Series:
    """Return customer ids, and where there is none the hash of the e-mail address."""
    made = hashed(batch[plan.person], "email", plan.secret)
    if "customer_id" not in frame.columns:
        return made
    return frame["customer_id"].zip_with(frame["customer_id"].is_not_null(), made)


def _typed(batch: pl.DataFrame, plan: RowPlan) -> tuple[pl.DataFrame, dict[str, pl.Series], int]:
    """Cast the columns; the second reading of a column fills what the first has not."""
    typed: dict[str, pl.Series] = {}
    failures: dict[str, pl.Series] = {}
    n_rounded = 0
    for reading in plan.readings:
        name = reading.column.name
        values, failed, rounded = cast(batch[reading.name], reading)
        if name in typed:
            failed &= typed[name].is_null()
            values = typed[name].zip_with(typed[name].is_not_null(), values)
        typed[name] = values
        n_rounded += rounded
        if failed.any():
            failures[name] = failures.get(name, failed) | failed
    frame = pl.DataFrame(typed) if typed else batch.select()
    constants = {c: v for c, v in plan.constants.items() if c not in typed}
    return (
        frame.with_columns(pl.lit(value).alias(name) for name, value in constants.items()),
        failures,
        n_rounded,
    )


def stored_columns(table: str, found: frozenset[str], *, with_margin: bool) -> tuple[str, ...]:
    """Return the canonical columns a table has in the store, given those its files have."""
    derived = {
        "subscriptions": {"mrr_amount", "term_months", "plan", "ended_on", "cancel_reason"},
        "payments": {"amount"},
        "cross_section": {"customer_id"},
    }.get(table, set())
    columns = [name for name in STORED[table] if name in found | derived]
    if table == "payments" and "n_delivery" not in found:
        # Which contract a payment is for is asked of deliveries alone.
        columns = [name for name in columns if name != "subscription_id"]
    if table == "payments" and with_margin:
        columns.append("margin_amount")
    return tuple(columns)


def carried(table: str, unused: Sequence[str]) -> tuple[str, ...]:
    """Return which columns of a file that are no canonical ones go with its customers, as text.

    A cross-section has them beside its own: none of them may stand in the place of one of those.
    """
    if table == "cross_section":
        return tuple(name for name in unused if name not in INPUTS[table].names)
    return tuple(unused) if table == "customers" else ()


def dtype(table: Table, column: str) -> pl.DataType:
    """Return the type of a stored column."""
    return pl.Int64() if column == "margin_amount" else INSIDE[table[column].kind]


def _broken(
    frame: pl.DataFrame, plan: RowPlan, failures: Mapping[str, pl.Series]
) -> dict[str, pl.Expr]:
    """Return, by column, which rows break the contract; the reason is found by `_reason`."""
    broken: dict[str, pl.Expr] = {}
    required = [c.name for c in plan.table.columns if c.required] + [
        name for name in ("amount", "mrr_amount") if name in frame.columns
    ]
    columns = {c.name: c for c in (*plan.table.columns, *(r.column for r in plan.readings))}
    for column in columns.values():
        checks: list[pl.Expr] = []
        if column.name in failures and not _is_beside(column.name, frame, plan):
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


def _is_beside(column: str, frame: pl.DataFrame, plan: RowPlan) -> bool:
    """Tell whether no amount of a contract is told by `column`: its units, where no price is."""
    is_contract = plan.table.name == "subscriptions"
    return is_contract and column == "quantity" and "unit_price_amount" not in frame.columns


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
    by_column = {reading.column.name: reading for reading in reversed(plan.readings)}
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
    understood = _UNDERSTOOD.get(column, FUTURE)
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
