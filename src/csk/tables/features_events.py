"""What tickets, payments, surveys and touches say of a customer at a landmark.

One rule: what happened on the day of a landmark or later has not happened, a ticket's close too;
nor has what was not known by then, where a row has `known_at`.
"""

from collections.abc import Sequence
from datetime import date
from typing import Final

import polars as pl

from csk.facts.usage import PERIOD_DAYS
from csk.tables.known import Known
from csk.tables.merged import number_of
from csk.tables.windows import (
    ROW,
    borne_on,
    days_since,
    known_on,
    last_before,
    later,
    within,
)

MONTH, QUARTER = 28, 90
"""Days of the windows in which tickets, refunds and touches are counted."""
DUNNING: Final = 35
"""Days of the short window of failed payments: a monthly bill lies in it whenever it is due."""
SEVERE: Final = (
    *("high", "critical", "urgent", "severe", "highest", "blocker", "emergency", "major"),
    *("1", "p1", "s1", "sev1", "sev-1", "p0", "0", "緊急", "重大", "至急", "高"),
)
"""Severities that a team drops its work for, lower case."""


def ticket_counts(tickets: pl.LazyFrame, days: Sequence[date], _: Known) -> pl.LazyFrame:
    """Return, by customer and landmark, `n_opened_28`, `n_opened_90`, `n_open`, `opened_on`.

    `opened_on` is the day of the oldest that is open; `n_severe` of the open where it is told.
    """
    names = tickets.collect_schema().names()
    has = set(names)
    has_severity = "severity" in has
    severe = pl.col("severity").str.strip_chars().str.to_lowercase().is_in(SEVERE)
    closed = pl.col("closed_at") if "closed_at" in has else pl.lit(None)
    cases = tickets.select(
        "customer_id",
        opened_on=pl.col("opened_at").cast(pl.Date),
        known_on=known_on(tickets, "opened_at"),
        closed_on=closed.cast(pl.Date),
        is_severe=severe.fill_null(value=False) if has_severity else pl.lit(value=False),
        n=number_of(names, "tickets").cast(pl.Int32),
    )
    recent = later("opened_on", QUARTER)
    until = pl.when(pl.col("closed_on").is_not_null()).then(
        pl.max_horizontal(recent, pl.col("closed_on"))
    )
    is_open = (pl.col("closed_on") >= pl.col("landmark_on")).fill_null(value=True)
    return (
        borne_on(cases, days, pl.col("known_on"), until)
        .group_by(*ROW)
        .agg(
            n_opened_28=_of(within(MONTH, "opened_on")),
            n_opened_90=_of(within(QUARTER, "opened_on")),
            n_open=_of(is_open),
            opened_on=pl.col("opened_on").filter(is_open).min(),
            **({"n_severe": _of(is_open & pl.col("is_severe"))} if has_severity else {}),
        )
    )


def ticket_features(has: set[str], begun: date, _: Known) -> dict[str, pl.Expr]:
    """Return the features of tickets; of a log shorter than a window the count is scaled up."""
    features = {
        "tickets_28d": _of_window("n_opened_28", MONTH, begun),
        "tickets_90d": _of_window("n_opened_90", QUARTER, begun),
        "tickets_open": pl.col("n_open").fill_null(0),
        "oldest_ticket_days": days_since("opened_on").fill_null(0),
    }
    if "n_severe" in has:
        features["severe_open"] = pl.col("n_severe").fill_null(0)
    return features


def payment_counts(payments: pl.LazyFrame, days: Sequence[date], _: Known) -> pl.LazyFrame:
    """Return, by customer and landmark, `n_refunds` of 90 days and the `last_paid_on`.

    Payments lie by customer and day, as the store keeps them.
    """
    names = payments.collect_schema().names()
    number = pl.col("n_refunds").fill_null(1) if "n_refunds" in names else pl.lit(1, pl.Int64)
    refunds = payments.filter(pl.col("amount") < 0).select("customer_id", "paid_on", n=number)
    recent = later("paid_on", QUARTER)
    given_back = (
        borne_on(refunds, days, pl.col("paid_on"), recent)
        .group_by(*ROW)
        .agg(n_refunds=pl.col("n").sum().cast(pl.Int32))
    )
    paid = payments.filter(pl.col("amount") > 0).select("customer_id", last_paid_on="paid_on")
    return last_before(paid, days, "last_paid_on").join(
        given_back, on=ROW, how="full", coalesce=True
    )


def payment_features(has: set[str], begun: date, _: Known) -> dict[str, pl.Expr]:
    """Return the features of money received and given back."""
    del has
    return {
        "refunds_90d": _of_window("n_refunds", QUARTER, begun),
        "days_since_payment": days_since("last_paid_on"),
    }


def failure_counts(failures: pl.LazyFrame, days: Sequence[date], _: Known) -> pl.LazyFrame:
    """Return, by customer and landmark, days with a failed payment: `n_failed_35`, `n_failed_90`.

    Tries of one day are one, and so is what stands in two exports.
    """
    tries = failures.select("customer_id", "failed_on").unique()
    recent = later("failed_on", QUARTER)
    return (
        borne_on(tries, days, pl.col("failed_on"), recent)
        .group_by(*ROW)
        .agg(
            n_failed_35=_n(within(DUNNING, "failed_on")),
            n_failed_90=pl.len().cast(pl.Int32),
        )
    )


def failure_features(has: set[str], begun: date, _: Known) -> dict[str, pl.Expr]:
    """Return the features of failed payments."""
    del has
    return {
        "failed_payments_35d": _of_window("n_failed_35", DUNNING, begun),
        "failed_payments_90d": _of_window("n_failed_90", QUARTER, begun),
    }


def survey_counts(surveys: pl.LazyFrame, days: Sequence[date], _: Known) -> pl.LazyFrame:
    """Return, by customer and landmark, the last score of NPS and of CSAT, and their days.

    `nps`, `nps_on`, `csat`, `csat_on`; of several answers of a day the lowest. Where no file says
    what was asked, no answer is one of these.
    """
    kind = pl.lit(None, dtype=pl.String)
    if "kind" in surveys.collect_schema().names():
        kind = pl.col("kind").str.strip_chars().str.to_lowercase()
    told = surveys.with_columns(kind=kind, known_on=known_on(surveys, "answered_on"))
    told = told.filter(pl.col("score").is_not_null())
    has_known = "known_at" in surveys.collect_schema().names()
    parts = []
    for name in ("nps", "csat"):
        answers = (
            told.filter(pl.col("kind") == name)
            .group_by("customer_id", "answered_on", *(["known_on"] if has_known else []))
            .agg(pl.col("score").min())
            # Of a day's answers that are known on different days the lowest takes the place.
            .sort("customer_id", "answered_on", "score", descending=[False, False, True])
            .select(
                "customer_id",
                pl.col("answered_on").alias(f"{name}_on"),
                pl.col("score").alias(name),
                *(["known_on"] if has_known else []),
            )
        )
        known = "known_on" if has_known else None
        parts.append(last_before(answers, days, f"{name}_on", known))
    return parts[0].join(parts[1], on=ROW, how="full", coalesce=True)


def survey_features(has: set[str], begun: date, _: Known) -> dict[str, pl.Expr]:
    """Return the last answers and how old they are; null where there was none."""
    del has, begun
    return {
        "last_nps": pl.col("nps"),
        "nps_age_days": days_since("nps_on"),
        "last_csat": pl.col("csat"),
        "csat_age_days": days_since("csat_on"),
    }


def touch_counts(touches: pl.LazyFrame, days: Sequence[date], _: Known) -> pl.LazyFrame:
    """Return, by customer and landmark, `n_touches` of 90 days and the last day, `touched_on`.

    Who was kept as a control was not touched.
    """
    done = touches
    if "action" in touches.collect_schema().names():
        done = touches.filter((pl.col("action") != "none").fill_null(value=True))
    recent = later("touched_on", QUARTER)
    told = done.select("customer_id", "touched_on", known_on=known_on(done, "touched_on"))
    return (
        borne_on(told, days, pl.col("known_on"), recent)
        .group_by(*ROW)
        .agg(n_touches=pl.len().cast(pl.Int32), touched_on=pl.col("touched_on").max())
    )


def touch_features(has: set[str], begun: date, _: Known) -> dict[str, pl.Expr]:
    """Return the features of what we did."""
    del has
    return {
        "touches_90d": _of_window("n_touches", QUARTER, begun),
        "days_since_touch": days_since("touched_on"),
    }


def _n(condition: pl.Expr) -> pl.Expr:
    return condition.cast(pl.Int32).sum()


def _of(condition: pl.Expr) -> pl.Expr:
    """Add up what the rows stand for of which the condition holds."""
    return pl.when(condition).then("n").otherwise(0).sum()


def _of_window(name: str, window: int, begun: date) -> pl.Expr:
    """Return a count of some days, of a log that is younger what it would be of them all."""
    seen = days_since(pl.lit(begun)).clip(min(window, PERIOD_DAYS), window)
    return pl.col(name).fill_null(0) * window / seen
