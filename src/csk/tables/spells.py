"""Spells: the unbroken times of customers with a contract, and what they paid on at `as_of`.

One rule: nothing at or after `as_of` is read; an end that lies there is not yet an end.
"""

from datetime import date

import polars as pl

from csk.engine.protocol import Tables
from csk.tables.ages import age
from csk.tables.runs import run_ends, run_starts

VOLUNTARY, INVOLUNTARY, UNKNOWN = 1, 2, 3
"""Causes of an end; 0 is censored."""

FAR = date(9999, 1, 1)
"""Stands for no end where days are compared."""
_DAYS = 1 << 23
"""More days than any date lies from 1970."""
_INVOLUNTARY = (
    r"(?i)payment|card|not_paid|dunning|unpaid|involuntary|non.?renew.*fail|滞納|未払|決済"
)


def contracts(tables: Tables, as_of: date, grace_days: int = 1) -> pl.LazyFrame:
    """Return the subscription rows known before `as_of`, numbered by spell.

    Columns: those of `subscriptions` and `spell_no` (1, 2, ... per customer), `is_add_on`
    (bought beside a contract in force that is as large), `ended_on` null where the end lies at
    or after `as_of`. A gap of at most `grace_days` does not end a spell. Sorted by customer and
    start.
    """
    rows = (
        tables["subscriptions"]
        .filter(pl.col("started_on") < as_of)
        .with_columns(
            ended_on=pl.when(pl.col("ended_on") < as_of).then("ended_on"),
            mrr_amount=pl.col("mrr_amount").fill_null(0),
        )
        .sort(
            # To the last column that tells two contracts apart: the order of rows must not matter.
            "customer_id",
            "started_on",
            -pl.col("mrr_amount"),
            "plan",
            -pl.col("ended_on").fill_null(FAR).to_physical(),
            "term_months",
            "cancel_reason",
        )
        .with_row_index("row")
    )
    starts = run_starts()
    # A running maximum of customer and day at once: rows lie by customer, so it never reaches back
    # to another one's days.
    customer_no = starts.cast(pl.Int64).cum_sum() * (2 * _DAYS)
    day = pl.col("ended_on").fill_null(FAR).to_physical() + _DAYS
    latest = (customer_no + day).cum_max() % (2 * _DAYS) - _DAYS
    reach = pl.when(~starts).then(latest.shift(1).cast(pl.Int32).cast(pl.Date))
    breaks = starts | (pl.col("started_on") > pl.col("reach").dt.offset_by(f"{grace_days}d"))
    n_breaks = breaks.cast(pl.Int32).cum_sum()
    numbered = rows.with_columns(reach=reach).with_columns(
        spell_no=n_breaks - pl.when(starts).then(n_breaks - 1).forward_fill(),
        overlaps=(pl.col("started_on") < pl.col("reach")).fill_null(value=False),
    )
    add_ons = _add_ons(numbered).with_columns(is_add_on=pl.lit(value=True))
    return (
        numbered.join(add_ons, on="row", how="left", maintain_order="left")
        .with_columns(pl.col("is_add_on").fill_null(value=False))
        .drop("row", "overlaps", "reach")
    )


def _add_ons(contracts: pl.LazyFrame) -> pl.LazyFrame:
    """Return the `row` of contracts that began beside one in force that is as large."""
    beside = contracts.select("customer_id", "row", "ended_on", "mrr_amount")
    later = contracts.filter("overlaps").select("customer_id", "row", "started_on", "mrr_amount")
    ended_on = pl.col("ended_on").fill_null(FAR)
    return (
        later.join(beside, on="customer_id", how="inner", suffix="_beside")
        .filter(
            (pl.col("row_beside") < pl.col("row"))
            & (pl.col("mrr_amount_beside") >= pl.col("mrr_amount"))
            & (ended_on > pl.col("started_on"))
        )
        .select(pl.col("row").unique())
    )


def spells(contracts: pl.LazyFrame) -> pl.LazyFrame:
    """Return one row per customer and spell.

    `started_on`, `ended_on` (null = running at `as_of`), `cause` (0 where running, otherwise
    voluntary, involuntary or unknown, of the contract that ended last).
    """
    last = pl.col("ended_on").fill_null(FAR).arg_max()
    why = cause(pl.col("cancel_reason").get(last))
    return contracts.group_by("customer_id", "spell_no").agg(
        started_on=pl.col("started_on").min(),
        ended_on=pl.when(pl.col("ended_on").is_not_null().all()).then(pl.col("ended_on").max()),
        cause=pl.when(pl.col("ended_on").is_null().any()).then(0).otherwise(why).cast(pl.Int32),
    )


def cause(reason: pl.Expr) -> pl.Expr:
    """Return what a cancel reason means: voluntary, involuntary, or unknown where none is told."""
    return (
        pl.when(reason.is_null())
        .then(UNKNOWN)
        .when(reason.str.contains(_INVOLUNTARY))
        .then(INVOLUNTARY)
        .otherwise(VOLUNTARY)
        .cast(pl.Int32)
    )


def exposures(contracts: pl.LazyFrame, data_from: date, as_of: date) -> pl.LazyFrame:
    """Return the stretches of spells on one contract, with the age at which they are observed.

    `contracts` has a column `group`, and the order that `contracts` gave it. One row per
    customer, spell and stretch between two main contracts that differ in group or term: `group`,
    `term_months`, `entry_age` and `exit_age` in ticks of the spell's age, `cause` (0 = censored:
    group or term changed, or it runs at `as_of`). A stretch is observed from `data_from` on; one
    that was not observed at all is left out. An end on the first day counts as one tick.
    """
    whole = spells(contracts).rename(
        {"started_on": "spell_started_on", "ended_on": "spell_ended_on"}
    )
    is_same = ~(run_ends() | run_ends("spell_no"))
    following = pl.when(is_same).then(pl.col("started_on").shift(-1))
    stretches = (
        _changes(contracts)
        .with_columns(changed_on=following)
        .join(whole, on=["customer_id", "spell_no"], how="inner")
        .filter((pl.col("spell_ended_on") >= data_from).fill_null(value=True))
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
        "term_months",
        entry_age=entry.cast(pl.Int32),
        exit_age=exit_.cast(pl.Int32),
        cause=pl.when(is_last).then("cause").otherwise(0).cast(pl.Int32),
    ).filter(pl.col("exit_age") > pl.col("entry_age"))


def _changes(contracts: pl.LazyFrame) -> pl.LazyFrame:
    """Return the main contracts with which group or term of a spell begin or change.

    A contract of no length changes nothing, unless it is the whole spell.
    """
    is_first = run_starts("customer_id") | run_starts("spell_no")
    is_served = (pl.col("ended_on") > pl.col("started_on")).fill_null(value=True)
    is_other = pl.any_horizontal(
        pl.col(name).ne_missing(pl.col(name).shift(1)) for name in ("group", "term_months")
    )
    main = contracts.filter(~pl.col("is_add_on")).select(
        "customer_id",
        "spell_no",
        "started_on",
        "group",
        pl.col("term_months").fill_null(1).cast(pl.Int32),
        is_kept=is_first | is_served,
    )
    kept = main.filter("is_kept").with_columns(is_kept=is_first | is_other)
    return kept.filter("is_kept").drop("is_kept")


def age_counts(exposures: pl.LazyFrame) -> pl.LazyFrame:
    """Return how many entered, left by cause and were censored at each age of each group.

    Long form, mergeable by addition: key `group`, `term_months`, `age`; columns `n_entered`,
    `n_voluntary`, `n_involuntary`, `n_unknown`, `n_censored`.
    """
    key = ["group", "term_months", "age"]
    names = ("n_entered", "n_voluntary", "n_involuntary", "n_unknown", "n_censored")
    zero = pl.lit(0, dtype=pl.Int64)
    entered = exposures.select(
        "group",
        "term_months",
        pl.col("entry_age").alias("age"),
        n_entered=pl.lit(1, dtype=pl.Int64),
    ).with_columns(zero.alias(name) for name in names[1:])
    causes = {
        "n_voluntary": VOLUNTARY,
        "n_involuntary": INVOLUNTARY,
        "n_unknown": UNKNOWN,
        "n_censored": 0,
    }
    left = exposures.select(
        "group",
        "term_months",
        pl.col("exit_age").alias("age"),
        zero.alias("n_entered"),
        *((pl.col("cause") == cause).cast(pl.Int64).alias(name) for name, cause in causes.items()),
    )
    return pl.concat([entered, left]).group_by(key).agg(pl.col(*names).sum())
