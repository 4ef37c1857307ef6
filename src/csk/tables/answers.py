"""Answers of customers: how often each score was given, and what came after.

One rule: an answer is taken as it was given that day; what a customer said later is another one.
"""

from datetime import date
from typing import Final

import polars as pl

from csk.engine.protocol import Plan, Tables
from csk.tables.movements import Motion
from csk.tables.movements import grouped as grouped_by_customer
from csk.tables.spells import contracts, spells

NPS_BEST: Final = 10
CSAT_WORST: Final = 1
CENTS: Final = 100
"""Scores are added up in hundredths, as whole numbers."""
_PROMOTERS_FROM, _PASSIVES_FROM = 9, 7

NPS: pl.Expr = (
    pl.when(pl.col("score") >= _PROMOTERS_FROM)
    .then(pl.lit("promoter"))
    .when(pl.col("score") >= _PASSIVES_FROM)
    .then(pl.lit("passive"))
    .otherwise(pl.lit("detractor"))
)
"""Class of an answer from 0 to 10: promoters give 9 or 10, detractors 0 to 6."""
_NET: Final = (pl.col("score") >= _PROMOTERS_FROM).cast(pl.Int64) - (
    pl.col("score") < _PASSIVES_FROM
).cast(pl.Int64)


def score_counts(motion: Motion, since: date | None = None) -> Plan:
    """Return a summary: answers before `as_of` (and from `since` on) by `kind` and `cents`.

    `cents` is the score in hundredths, `n` how many gave it, `n_unnamed` of how many the file
    does not say what was asked. Scores outside of the scale are in it.
    """

    def plan(tables: Tables) -> pl.LazyFrame:
        return (
            _answers(tables, motion, since)
            .group_by("kind", cents=_cents())
            .agg(n=pl.len().cast(pl.Int64), n_unnamed=pl.col("is_unnamed").cast(pl.Int64).sum())
        )

    return plan


def answer_sums(
    motion: Motion,
    scale: int,
    by: str = "",
    window: tuple[date | None, date | None] = (None, None),
    *,
    by_period: bool = False,
) -> Plan:
    """Return a summary of answers on the scale, by `group`, `kind` and, if wanted, `period_on`.

    `kind` is nps (a promoter counts 1, a detractor -1), csat (1 in the two best points) or
    csat_mean (the score in hundredths); the sums are those of `stats.clusters.Clusters`. `by` is
    `plan` (that of the day of the answer) or a column of the customers table.
    """
    since, until = window
    key = ["group", "kind", *(["period_on"] if by_period else [])]

    def plan(tables: Tables) -> pl.LazyFrame:
        said = _on_scale(_answers(tables, motion, since, until), scale)
        rows = _grouped(said, tables, by, motion).with_columns(
            period_on=motion.period(pl.col("answered_on"))
        )
        is_nps, is_csat = pl.col("kind") == "nps", pl.col("kind") == "csat"
        is_top = (pl.col("score") >= scale - 1).cast(pl.Int64)
        values = pl.concat(
            [
                rows.filter(is_nps).with_columns(value=_NET),
                rows.filter(is_csat).with_columns(value=is_top),
                rows.filter(is_csat).with_columns(kind=pl.lit("csat_mean"), value=_cents()),
            ]
        )
        value, n, total = pl.col("value"), pl.col("n"), pl.col("total")
        per_customer = values.group_by(*key, "customer_id").agg(
            n=pl.len().cast(pl.Int64), total=value.sum(), squares=(value * value).sum()
        )
        return per_customer.group_by(*key).agg(
            n=n.sum(),
            n_customers=pl.len().cast(pl.Int64),
            total=total.sum(),
            squares=pl.col("squares").sum(),
            n_squares=(n * n).sum(),
            products=(n * total).sum(),
            total_squares=(total * total).sum(),
        )

    return plan


def presence(motion: Motion, scale: int) -> Plan:
    """Return a summary of who was under contract in each period, and who of them answered.

    By `period_on`: `n_came` (times as a customer begun), `n_gone` (last day served in it) and
    `n_answered` customers who answered anything on its scale while under contract.
    """

    def plan(tables: Tables) -> pl.LazyFrame:
        known = spells(contracts(tables, motion.as_of, motion.grace_days))
        zero = pl.lit(0, dtype=pl.Int64)
        came = known.group_by(period_on=motion.period(pl.col("started_on"))).agg(
            n_came=pl.len().cast(pl.Int64), n_gone=zero, n_answered=zero
        )
        last = pl.col("ended_on").dt.offset_by("-1d")
        gone = (
            known.filter(pl.col("ended_on").is_not_null())
            .group_by(period_on=motion.period(last))
            .agg(n_came=zero, n_gone=pl.len().cast(pl.Int64), n_answered=zero)
        )
        said = _on_scale(_answers(tables, motion), scale)
        answered = (
            _under_contract(said, known)
            .select("customer_id", period_on=motion.period(pl.col("answered_on")))
            .unique()
            .group_by("period_on")
            .agg(n_came=zero, n_gone=zero, n_answered=pl.len().cast(pl.Int64))
        )
        return pl.concat([came, gone, answered])

    return plan


def after_answers(motion: Motion, data_from: date) -> Plan:
    """Return a summary: what became of who gave an NPS answer, in days after it.

    By `group` (promoter, passive, detractor) and `age` in days: `n_entered`, `n_left` and
    `n_censored`. Only answers given under contract count, and of those none before `data_from`:
    whoever left before that day is not in the data.
    """

    def plan(tables: Tables) -> pl.LazyFrame:
        end = pl.col("ended_on").fill_null(motion.as_of)
        lasted = _nps_under_contract(tables, motion, data_from).select(
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
        names = ["group", "age", "n_entered", "n_left", "n_censored"]
        return pl.concat([counted.select(names), entered.select(names)])

    return plan


def answers_each(motion: Motion, data_from: date) -> Plan:
    """Return a summary of the answers of `after_answers`, by `group`.

    `n`, `n_customers` and `n_squares` (the sum of each customer's answers, squared).
    """

    def plan(tables: Tables) -> pl.LazyFrame:
        each = (
            _nps_under_contract(tables, motion, data_from)
            .group_by("group", "customer_id")
            .agg(n=pl.len().cast(pl.Int64))
        )
        return each.group_by("group").agg(
            n=pl.col("n").sum(),
            n_customers=pl.len().cast(pl.Int64),
            n_squares=(pl.col("n") * pl.col("n")).sum(),
        )

    return plan


def last_answers(motion: Motion, scale: int) -> Plan:
    """Return each customer's last answers before `as_of`.

    `customer_id`, `answered_on` (of any question) and `group`, the class of the last NPS answer
    (null where there is none).
    """

    def plan(tables: Tables) -> pl.LazyFrame:
        said = _on_scale(_answers(tables, motion), scale)
        is_nps = pl.col("kind") == "nps"
        return (
            said.with_columns(group=pl.when(is_nps).then(NPS))
            .sort("customer_id", "answered_on", "score")
            .group_by("customer_id")
            .agg(pl.col("answered_on").max(), group=pl.col("group").drop_nulls().last())
        )

    return plan


def _answers(
    tables: Tables, motion: Motion, since: date | None = None, until: date | None = None
) -> pl.LazyFrame:
    """Return answers before `as_of`, their kind in lower case; where a file has none, it is NPS."""
    names = tables["surveys"].collect_schema().names()
    kind = pl.col("kind").str.to_lowercase() if "kind" in names else pl.lit(None, dtype=pl.String)
    rows = tables["surveys"].filter(pl.col("answered_on") < motion.as_of)
    if since is not None:
        rows = rows.filter(pl.col("answered_on") >= since)
    if until is not None:
        rows = rows.filter(pl.col("answered_on") < until)
    return rows.select(
        "customer_id",
        "answered_on",
        "score",
        kind=kind.fill_null("nps"),
        is_unnamed=kind.is_null(),
    )


def _on_scale(answers: pl.LazyFrame, scale: int) -> pl.LazyFrame:
    """Return the answers to the two questions that are known, on their scales."""
    score, kind = pl.col("score"), pl.col("kind")
    is_nps = (kind == "nps") & score.is_between(0, NPS_BEST)
    return answers.filter(is_nps | ((kind == "csat") & score.is_between(CSAT_WORST, scale)))


def _cents() -> pl.Expr:
    return (pl.col("score") * CENTS).round(0).cast(pl.Int64, strict=False)


def _under_contract(said: pl.LazyFrame, known: pl.LazyFrame) -> pl.LazyFrame:
    """Return the answers that were given within a spell, with its two ends."""
    return (
        said.join(
            known.select("customer_id", "started_on", "ended_on"), on="customer_id", how="inner"
        )
        .filter(pl.col("answered_on") >= pl.col("started_on"))
        .filter(pl.col("ended_on").is_null() | (pl.col("answered_on") < pl.col("ended_on")))
    )


def _nps_under_contract(tables: Tables, motion: Motion, data_from: date) -> pl.LazyFrame:
    known = spells(contracts(tables, motion.as_of, motion.grace_days))
    said = _answers(tables, motion, data_from).filter(pl.col("kind") == "nps")
    return _under_contract(_on_scale(said, NPS_BEST).with_columns(group=NPS), known)


def _grouped(said: pl.LazyFrame, tables: Tables, by: str, motion: Motion) -> pl.LazyFrame:
    """Add `group`: the plan on the day of the answer, or an attribute of the customer."""
    if by != "plan" or "subscriptions" not in tables:
        return grouped_by_customer(said, tables, by, motion)
    rows = said.with_row_index("row")
    begun = (
        contracts(tables, motion.as_of, motion.grace_days)
        .filter(~pl.col("is_add_on"))
        .select("customer_id", "started_on", "plan")
    )
    plans = (
        rows.select("row", "customer_id", "answered_on")
        .join(begun, on="customer_id", how="inner")
        .filter(pl.col("started_on") <= pl.col("answered_on"))
        .group_by("row")
        .agg(group=pl.col("plan").sort_by("started_on").last())
    )
    return rows.join(plans, on="row", how="left").with_columns(pl.col("group").fill_null(""))
