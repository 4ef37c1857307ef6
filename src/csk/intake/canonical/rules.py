"""Rows that are understood and do not count: guests, trials, failed payments, sandbox rows.

One rule: a row is left out by the first rule that holds, and counted with its money.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

from csk.schema import Table
from csk.tables.merged import rows_of

SAME_ORDER: Final = "same_order"
"""Rule for further lines of an order: its total stands on each of them, and counts once."""
SAME_EVENT: Final = "same_event"
"""Rule for an event that was sent twice: its insert id is the same."""
FOOTER: Final = "footer"
"""Rule for lines that a report has below its rows."""

FAILED: Final = "failed"
"""Rule for payments that were tried and did not go through."""
NO_FAILURES: Final = pl.DataFrame(schema={"customer_id": pl.String, "failed_on": pl.Date})

EVENTS: Final = ("mrr_events", "payments", "usage", "tickets", "surveys", "touches")
"""Tables of things that happened; a row of theirs without a customer is nobody's."""


MONEY: Final = {
    "payments": "amount",
    "subscriptions": "mrr_amount",
    "mrr_events": "mrr_change_amount",
}
"""The amount of each table that says what its rows are worth."""


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A rule of a profile or of the user: which values of a column leave a row out."""

    rule: str
    column: str
    """Column of the file."""
    values: frozenset[str] = frozenset()
    """Values that leave the row out, as `spoken` gives them; none = any value does."""
    unless: frozenset[str] = frozenset()
    """Values that keep the row, where all others leave it out."""
    missing: bool = False
    """Whether it is rows without a value that are left out."""
    also: tuple[str, ...] = ()
    """Further columns that must be without a value too."""
    starting: tuple[str, ...] = ()
    """How the values begin that leave the row out."""
    before: str = ""
    """Column with a time, written alike, that `column` must not lie before."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns of the file that it looks at."""
        return (self.column, *self.also, *filter(None, (self.before,)))

    def holds(self) -> pl.Expr:
        """Tell which rows of a batch of the file are left out."""
        value = spoken(pl.col(self.column))
        if self.missing:
            empty = [spoken(pl.col(name)).fill_null("") == "" for name in (self.column, *self.also)]
            return pl.all_horizontal(empty)
        if self.before:
            return (value < spoken(pl.col(self.before))).fill_null(value=False)
        if self.starting:
            begins = [value.str.starts_with(words) for words in self.starting]
            return pl.any_horizontal(begins).fill_null(value=False)
        if self.unless:
            return ~value.is_in(list(self.unless)).fill_null(value=False)
        if self.values:
            return value.is_in(list(self.values)).fill_null(value=False)
        return value.is_not_null() & (value != "")


def spoken(value: pl.Expr) -> pl.Expr:
    """Return text as values of a status are compared: NFKC, trimmed, lower case."""
    return value.cast(pl.String).str.normalize("NFKC").str.strip_chars().str.to_lowercase()


def named(batch: pl.DataFrame, exclusions: Iterable[Exclusion]) -> pl.Series:
    """Return, row by row, the first of these rules that holds; null where none does."""
    rule = pl.lit(None, dtype=pl.String)
    for exclusion in reversed(tuple(exclusions)):
        rule = pl.when(exclusion.holds()).then(pl.lit(exclusion.rule)).otherwise(rule)
    return batch.select(pl.repeat(None, pl.len(), dtype=pl.String).fill_null(rule).alias("rule"))[
        "rule"
    ]


def rule(frame: pl.DataFrame, table: Table, statuses: Mapping[str, str]) -> pl.Expr:
    """Name the rule by which a typed row is left out; null where none applies.

    `statuses` says what values of the status mean.
    """
    name, has = table.name, set(frame.columns)
    rule = pl.lit(None, dtype=pl.String)
    if "status" in has:
        rule = spoken(pl.col("status")).replace_strict(
            dict(statuses), default=None, return_dtype=pl.String
        )
        if name == "payments":
            rule = _refunds_apart(rule, has)
    if name == "subscriptions":
        rule = pl.coalesce(rule, _unpaid(has))
    if name in EVENTS:
        rule = (
            pl.when(pl.col("customer_id").is_null()).then(pl.lit("no_customer_id")).otherwise(rule)
        )
    return rule


def excluded(
    frame: pl.DataFrame, rule: pl.Series, table: Table
) -> tuple[tuple[str, int, int], ...]:
    """Return (rule, rows, money) of the rows that a rule leaves out."""
    if rule.null_count() == len(rule):
        return ()
    money = MONEY.get(table.name)
    amount = (
        frame[money].fill_null(0) if money else pl.repeat(0, len(rule), dtype=pl.Int64, eager=True)
    )
    found = (
        pl.DataFrame({"rule": rule, "amount": amount, "n": rows_of(frame, table.name)})
        .drop_nulls("rule")
        .with_columns(amount=pl.when(pl.col("rule") == SAME_ORDER).then(0).otherwise("amount"))
        .group_by("rule")
        .agg(pl.col("n").sum(), pl.col("amount").sum())
        .sort("rule")
    )
    return tuple((str(r), int(n), int(a)) for r, n, a in found.iter_rows())


def failed(frame: pl.DataFrame, rule: pl.Series, table: Table) -> pl.DataFrame:
    """Return customer and day of the payments that a rule leaves out because they failed."""
    is_failed = (rule == FAILED).fill_null(value=False)
    if table.name != "payments" or "paid_on" not in frame.columns or not is_failed.any():
        return NO_FAILURES
    return frame.filter(is_failed).select("customer_id", failed_on="paid_on").drop_nulls()


def _refunds_apart(rule: pl.Expr, has: set[str]) -> pl.Expr:
    """Keep a refunded payment where its row says the money: negative, or what is left of it.

    Some exports have a negative row of its own for money that went back, some a column of what
    was refunded; where they have neither, the payment did not stay.
    """
    told = pl.col("amount") != 0 if "refunded_amount" in has else pl.col("amount") <= 0
    return pl.when((rule == "refunded") & told).then(None).otherwise(rule)


def _unpaid(has: set[str]) -> pl.Expr:
    """Name contracts that nobody pays for: free, or ended with their trial."""
    free = pl.when(pl.col("mrr_amount") == 0).then(pl.lit("free"))
    if not {"ended_on", "trial_ended_on"} <= has:
        return free.otherwise(None)
    with_trial = pl.col("ended_on") <= pl.col("trial_ended_on")
    return free.when(with_trial).then(pl.lit("trial")).otherwise(None)
