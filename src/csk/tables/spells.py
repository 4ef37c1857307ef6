"""Spells: the unbroken times of customers with a contract, and what they paid on at `as_of`.

One rule: nothing at or after `as_of` is read; an end that lies there is not yet an end.
"""

from datetime import date

import polars as pl

from csk.engine.protocol import Plan, Tables
from csk.tables.ages import age

VOLUNTARY, INVOLUNTARY, UNKNOWN = 1, 2, 3
"""Causes of an end; 0 is censored."""

_FAR = date(9999, 1, 1)
_INVOLUNTARY = r"(?i)payment|card|not_paid|dunning|unpaid|involuntary|non.?renew.*fail|滞納|未払|決済"


def contracts(tables: Tables, as_of: date, grace_days: int = 1) -> pl.LazyFrame:
    """Return the subscription rows known before `as_of`, numbered by spell.

    Columns: those of `subscriptions` and `spell_no` (1, 2, ... per customer), `is_add_on`
    (bought beside a larger running contract), `ended_on` null where the end lies at or after
    `as_of`. A gap of at most `grace_days` does not end a spell. Sorted by customer and start.
    """
    rows = (
        tables["subscriptions"]
        .filter(pl.col("started_on") < as_of)
        .with_columns(
            ended_on=pl.when(pl.col("ended_on") < as_of).then("ended_on"),
            mrr_amount=pl.col("mrr_amount").fill_null(0),
        )
        .sort("customer_id", "started_on", "mrr_amount", "plan", descending=[False, False, True, False])
    )
    reach = pl.col("ended_on").fill_null(_FAR).cum_max().shift(1).over("customer_id")
    largest = pl.col("mrr_amount").cum_max().shift(1).over("customer_id")
    breaks = pl.col("started_on") > reach.dt.offset_by(f"{grace_days}d")
    return rows.with_columns(
        spell_no=(breaks.fill_null(value=True)).cast(pl.Int32).cum_sum().over("customer_id"),
        is_add_on=(
            (pl.col("started_on") < reach) & (pl.col("mrr_amount") <= largest)
        ).fill_null(value=False),
    )


def spells(contracts: pl.LazyFrame) -> pl.LazyFrame:
    """Return one row per customer and spell.

    `started_on`, `ended_on` (null = running at `as_of`), `cause` (0 where running, otherwise
    voluntary, involuntary or unknown, of the contract that ended last).
    """
    last = pl.col("ended_on").fill_null(_FAR).arg_max()
    reason = pl.col("cancel_reason").get(last)
    cause = (
        pl.when(pl.col("ended_on").is_null().any())
        .then(0)
        .when(reason.is_null())
        .then(UNKNOWN)
        .when(reason.str.contains(_INVOLUNTARY))
        .then(INVOLUNTARY)
        .otherwise(VOLUNTARY)
    )
    return contracts.group_by("customer_id", "spell_no").agg(
        started_on=pl.col("started_on").min(),
        ended_on=pl.when(pl.col("ended_on").is_not_null().all()).then(pl.col("ended_on").max()),
        cause=cause.cast(pl.Int32),
    )


def exposures(contracts: pl.LazyFrame, data_from: date, as_of: date) -> pl.LazyFrame:
    """Return the stretches of spells on one contract, with the age at which they are observed.

    `contracts` has a column `group`. One row per customer, spell and stretch between two main
    contracts: `group`, `term_months`, `entry_age` and `exit_age` in ticks of the spell's age,
    `cause` (0 = censored: the contract changed, or runs at `as_of`). A stretch is observed from `data_from` on; one that was not observed
    at all is left out. An end on the first day counts as one tick.
    """
    whole = spells(contracts).rename({"started_on": "spell_started_on", "ended_on": "spell_ended_on"})
    main = contracts.filter(~pl.col("is_add_on")).select(
        "customer_id", "spell_no", "started_on", "group", "term_months"
    )
    following = pl.col("started_on").shift(-1).over("customer_id", "spell_no")
    stretches = main.with_columns(changed_on=following).join(
        whole, on=["customer_id", "spell_no"], how="inner"
    )
    is_last = pl.col("changed_on").is_null()
    start = pl.col("spell_started_on")
    entry = (
        pl.when(pl.max_horizontal("started_on", pl.lit(data_from)) == start)
        .then(0)
        .when(pl.col("started_on") >= data_from)
        .then(age(start, pl.col("started_on")))
        .otherwise(age(start, data_from) - 1)
    )
    exit_ = (
        pl.when(~is_last)
        .then(age(start, pl.col("changed_on")))
        .when(pl.col("spell_ended_on").is_null())
        .then(age(start, as_of) - 1)
        .otherwise(pl.max_horizontal(age(start, pl.col("spell_ended_on")), 1))
    )
    return stretches.select(
        "customer_id",
        "spell_no",
        "group",
        pl.col("term_months").fill_null(1).cast(pl.Int32),
        entry_age=entry.cast(pl.Int32),
        exit_age=exit_.cast(pl.Int32),
        cause=pl.when(is_last).then("cause").otherwise(0).cast(pl.Int32),
    ).filter(pl.col("exit_age") > pl.col("entry_age"))


def age_counts(exposures: pl.LazyFrame) -> pl.LazyFrame:
    """Return how many entered, left by cause and were censored at each age of each group.

    Long form, mergeable by addition: key `group`, `term_months`, `age`; columns `n_entered`,
    `n_voluntary`, `n_involuntary`, `n_unknown`, `n_censored`.
    """
    key = ["group", "term_months", "age"]
    names = ("n_entered", "n_voluntary", "n_involuntary", "n_unknown", "n_censored")
    zero = pl.lit(0, dtype=pl.Int64)
    entered = exposures.select(
        "group", "term_months", pl.col("entry_age").alias("age"), n_entered=pl.lit(1, dtype=pl.Int64)
    ).with_columns(zero.alias(name) for name in names[1:])
    causes = {"n_voluntary": VOLUNTARY, "n_involuntary": INVOLUNTARY, "n_unknown": UNKNOWN, "n_censored": 0}
    left = exposures.select(
        "group",
        "term_months",
        pl.col("exit_age").alias("age"),
        zero.alias("n_entered"),
        *((pl.col("cause") == cause).cast(pl.Int64).alias(name) for name, cause in causes.items()),
    )
    return pl.concat([entered, left]).group_by(key).agg(pl.col(*names).sum())


def ends_by_month(as_of: date, grace_days: int) -> Plan:
    """Return a summary: ended spells by month of their end (`month_on`, `n_ended`)."""

    def plan(tables: Tables) -> pl.LazyFrame:
        ended = spells(contracts(tables, as_of, grace_days)).filter(pl.col("ended_on").is_not_null())
        return ended.group_by(pl.col("ended_on").dt.month_start().alias("month_on")).agg(
            n_ended=pl.len().cast(pl.Int64)
        )

    return plan
