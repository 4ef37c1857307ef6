"""A wide table brought down to its days: rows of the same table, each adding up several.

One rule: these facts are closed. Facts of facts are the facts, facts of parts add up to those of
the whole, and what is asked of a table has the same answer of its days. Integers and dates only,
so that any engine gives the same bits in any order.
"""

from collections.abc import Collection, Sequence
from typing import Final

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoLazyFrameT

from csk.facts.usage import thousandths

_APART: Final = ("currency", "status", "product_id", "subscription_id", "n_delivery")
"""What rules look at row by row: payments that differ in it are never added up."""
_NO_AMOUNT: Final = 2
"""Stands for the sign of an amount that is not there."""
_KIND: Final = "csk_kind"
_CHANGE: Final = ("customer_id", "subscription_id", "changed_on", "plan", "currency")
_CASE_DAYS: Final = ("opened_at", "closed_at", "known_at")


def payment_days(payments: IntoLazyFrameT, also: Sequence[str] = ()) -> IntoLazyFrameT:
    """Add up the payments of a customer on one day, apart by the sign of what was kept.

    `payments` has `customer_id`, `paid_on` and `amount` (Int64, 1/10,000); `refunded_amount` and
    `margin_amount` are added up where it has them. One row per customer, day and sign (refunds,
    what was free, and payments are looked at apart), and per value of currency, status, product,
    contract, delivery and of the columns `also`. `n_payments` and `n_refunds` are what it adds
    up. Rows without a customer, a day or an amount are added up among themselves. Unordered.
    """
    rows = nw.from_native(payments)
    has = rows.collect_schema().names()
    net = _net(has)
    sign = nw.when(net > 0).then(1).otherwise(nw.when(net < 0).then(-1).otherwise(0))
    kind = nw.when(net.is_null()).then(_NO_AMOUNT).otherwise(sign)
    key = _key(("customer_id", "paid_on", *_APART), has, also)
    money = [name for name in ("amount", "refunded_amount", "margin_amount") if name in has]
    went_back = [nw.col("refunded_amount").abs()] if "refunded_amount" in has else []
    counts = payment_counts(has, net < 0)
    days = (
        rows.with_columns(kind.cast(nw.Int64).alias(_KIND), *counts, *went_back)
        .group_by(*key, _KIND)
        .agg(
            *(nw.col(name).fill_null(0).sum() for name in money),
            nw.col("n_payments", "n_refunds").sum(),
        )
    )
    amount = nw.when(nw.col(_KIND) != _NO_AMOUNT).then(nw.col("amount")).alias("amount")
    return days.with_columns(amount).drop(_KIND).to_native()


def payment_counts(has: Collection[str], is_refund: nw.Expr) -> list[nw.Expr]:
    """Return `n_payments` and `n_refunds` of each row: what it says that it adds up, else itself.

    `has` are the columns of the table. What says neither is one payment, unless it is a refund.
    """
    alone = {
        "n_payments": nw.when(is_refund).then(0).otherwise(1),
        "n_refunds": nw.when(is_refund).then(1).otherwise(0),
    }
    return [_said_or(name, value.cast(nw.Int64), has) for name, value in alone.items()]


def event_count(has: Collection[str]) -> nw.Expr:
    """Return `n_events` of each row of usage: what it says that it adds up, else one."""
    return _one_or_said("n_events", has)


def usage_in_days(usage: IntoLazyFrameT, also: Sequence[str] = ()) -> IntoLazyFrameT:
    """Add up what was done with one feature on one day, apart where it took something back.

    `usage` has `customer_id`, `used_at` (an instant), `feature`; `user_id` tells people apart
    where it has it. One row per key and day, and per value of the columns `also`: `used_at` the
    first moment of the day, `quantity` the sum in thousandths, Int64 (an event without one counts
    1), `n_events` what it adds up. Unordered.
    """
    rows = nw.from_native(usage)
    has = rows.collect_schema().names()
    key = _key(("customer_id", "user_id", "used_at", "feature"), has, also)
    takes_back = nw.when(nw.col("quantity") < 0).then(1).otherwise(0)
    return (
        rows.with_columns(
            nw.col("used_at").dt.truncate("1d"),
            thousandths(rows.collect_schema()).cast(nw.Int64).alias("quantity"),
            event_count(has),
        )
        .with_columns(takes_back.cast(nw.Int64).alias(_KIND))
        .group_by(*key, _KIND)
        .agg(nw.col("quantity", "n_events").sum())
        .drop(_KIND)
        .to_native()
    )


def change_days(changes: IntoLazyFrameT, also: Sequence[str] = ()) -> IntoLazyFrameT:
    """Add up the changes of one contract on one day, by plan and currency.

    `changes` has `customer_id`, `changed_on` and `mrr_change_amount` (Int64, 1/10,000), and
    perhaps `subscription_id`, `plan` and `currency`. One row per key, and per value of the columns
    `also`; `n_changes` is what it adds up. Changes without an amount are added up among
    themselves. What rose and fell by the same on one day is a row of 0. Unordered.
    """
    rows = nw.from_native(changes)
    has = rows.collect_schema().names()
    amount = nw.col("mrr_change_amount")
    is_told = nw.when(amount.is_null()).then(0).otherwise(1)
    days = (
        rows.with_columns(is_told.cast(nw.Int64).alias(_KIND), _one_or_said("n_changes", has))
        .group_by(*_key(_CHANGE, has, also), _KIND)
        .agg(amount.fill_null(0).sum(), nw.col("n_changes").sum())
    )
    told = nw.when(nw.col(_KIND) == 1).then(amount).alias("mrr_change_amount")
    return days.with_columns(told).drop(_KIND).to_native()


def ticket_days(tickets: IntoLazyFrameT, also: Sequence[str] = ()) -> IntoLazyFrameT:
    """Count the cases of a customer that are alike in their days and severity.

    `tickets` has `customer_id` and `opened_at`, and perhaps `closed_at`, `known_at` (instants) and
    `severity`. One row per key, and per value of the columns `also`, each instant the first moment
    of its day; `n_tickets` is what it adds up. Unordered.
    """
    rows = nw.from_native(tickets)
    has = rows.collect_schema().names()
    days = [nw.col(name).dt.truncate("1d") for name in _CASE_DAYS if name in has]
    return (
        rows.with_columns(*days, _one_or_said("n_tickets", has))
        .group_by(*_key(("customer_id", *_CASE_DAYS, "severity"), has, also))
        .agg(nw.col("n_tickets").sum())
        .to_native()
    )


def _key(names: Sequence[str], has: Collection[str], also: Sequence[str]) -> list[str]:
    """Return those of the columns that a table has, each once, and then `also`."""
    return list(dict.fromkeys((*(name for name in names if name in has), *also)))


def _net(has: Collection[str]) -> nw.Expr:
    """Return what was kept of a payment; null where no amount tells."""
    if "refunded_amount" not in has:
        return nw.col("amount")
    back = nw.col("refunded_amount").abs().fill_null(0)
    refund_alone = nw.when(back > 0).then(0 - back)
    return nw.when(nw.col("amount").is_null()).then(refund_alone).otherwise(nw.col("amount") - back)


def _one_or_said(name: str, has: Collection[str]) -> nw.Expr:
    return _said_or(name, nw.lit(1).cast(nw.Int64), has)


def _said_or(name: str, value: nw.Expr, has: Collection[str]) -> nw.Expr:
    if name not in has:
        return value.alias(name)
    said = nw.col(name)
    return nw.when(said.is_null()).then(value).otherwise(said).cast(nw.Int64).alias(name)
