"""Answers of customers: how often each score was given, and what came after.

One rule: an answer is taken as it was given that day; what a customer said later is another one.
"""

import polars as pl

from csk.engine.protocol import Plan, Tables
from csk.tables.groups import grouped
from csk.tables.movements import Motion
from csk.tables.spells import contracts, spells

NPS: pl.Expr = (
    pl.when(pl.col("score") >= 9)  # noqa: PLR2004 # the scale of NPS
    .then(pl.lit("promoter"))
    .when(pl.col("score") >= 7)  # noqa: PLR2004 # likewise
    .then(pl.lit("passive"))
    .otherwise(pl.lit("detractor"))
)
"""Class of an answer from 0 to 10: promoters give 9 or 10, detractors 0 to 6."""


def score_counts(motion: Motion, by: str = "") -> Plan:
    """Return a summary: answers before `as_of` by `group`, `kind`, `period_on` and `cents`.

    `cents` is the score in hundredths, `n` how many gave it.
    """

    def plan(tables: Tables) -> pl.LazyFrame:
        rows = _answers(tables, motion).with_columns(
            period_on=motion.period(pl.col("answered_on")),
            cents=(pl.col("score") * 100).round(0).cast(pl.Int64),
        )
        return (
            grouped(rows, tables, by)
            .group_by("group", "kind", "period_on", "cents")
            .agg(n=pl.len().cast(pl.Int64))
        )

    return plan


def after_answers(motion: Motion) -> Plan:
    """Return a summary: what became of who gave an NPS answer, in days after it.

    By `group` (promoter, passive, detractor) and `age` in days: `n_entered`, `n_left` and
    `n_censored`. Only answers given while under contract count.
    """

    def plan(tables: Tables) -> pl.LazyFrame:
        known = spells(contracts(tables, motion.as_of, motion.grace_days)).select(
            "customer_id", "started_on", "ended_on"
        )
        said = _answers(tables, motion).filter(pl.col("kind") == "nps")
        during = (
            said.select("customer_id", "answered_on", group=NPS)
            .join(known, on="customer_id", how="inner")
            .filter(pl.col("answered_on") >= pl.col("started_on"))
            .filter(
                pl.col("ended_on").is_null() | (pl.col("answered_on") < pl.col("ended_on"))
            )
        )
        end = pl.col("ended_on").fill_null(motion.as_of)
        lasted = during.select(
            "group",
            age=(end - pl.col("answered_on")).dt.total_days(),
            n_left=pl.col("ended_on").is_not_null().cast(pl.Int64),
        )
        counted = lasted.group_by("group", "age").agg(
            n_entered=pl.lit(0, dtype=pl.Int64),
            n_left=pl.col("n_left").sum(),
            n_censored=(1 - pl.col("n_left")).sum(),
        )
        entered = lasted.group_by("group").agg(
            age=pl.lit(0, dtype=pl.Int64),
            n_entered=pl.len().cast(pl.Int64),
            n_left=pl.lit(0, dtype=pl.Int64),
            n_censored=pl.lit(0, dtype=pl.Int64),
        )
        return pl.concat([counted, entered.select(counted.collect_schema().names())])

    return plan


def last_answers(motion: Motion) -> Plan:
    """Return each customer's last NPS answer before `as_of`: `customer_id`, `group`."""

    def plan(tables: Tables) -> pl.LazyFrame:
        said = _answers(tables, motion).filter(pl.col("kind") == "nps")
        return (
            said.sort("customer_id", "answered_on", "score")
            .group_by("customer_id", maintain_order=True)
            .last()
            .select("customer_id", group=NPS)
        )

    return plan


def _answers(tables: Tables, motion: Motion) -> pl.LazyFrame:
    """Return answers before `as_of`, their kind in lower case; where a file has none, it is NPS."""
    names = tables["surveys"].collect_schema().names()
    kind = pl.col("kind").str.to_lowercase() if "kind" in names else pl.lit(None, dtype=pl.String)
    return (
        tables["surveys"]
        .filter(pl.col("answered_on") < motion.as_of)
        .with_columns(kind=kind.fill_null("nps"))
    )
