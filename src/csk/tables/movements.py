"""Recurring revenue in motion: what changed on which day, and what that did to each period.

One rule: every contract is one rise on its first day and one fall on its end, in whole counts,
so what stands at any day is the sum of what moved up to it, and no period can lose an amount.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

import polars as pl

from csk.calendar import DAYS_PER_MONTH
from csk.engine.protocol import Plan, Tables
from csk.tables.runs import run_ends
from csk.tables.spells import FAR, cause

LEVELS: Final[Mapping[str, tuple[str, ...]]] = {
    "customer": ("customer_id",),
    "subscription": ("customer_id", "subscription_id"),
    "product": ("customer_id", "plan"),
}
"""What is counted as one: the columns that tell them apart."""

RISES: Final = ("new", "expansion", "reactivation", "resume")
FALLS: Final = ("contraction", "churn", "pause")
KINDS: Final = (*RISES, *FALLS)
"""Kinds of movements; amounts of falls are negative."""

PAUSED: Final = 4
"""Cause of a fall that is a pause, beside those of `spells`."""
COHORT: Final = "cohort"
"""Groups customers by the period of their first contract."""
WEEKS_PER_MONTH: Final = 52 / 12
_MONTHS: Final = 12


@dataclass(frozen=True, slots=True)
class Motion:
    """How movements are told apart: every choice that their figures depend on."""

    as_of: date
    grace_days: int = 1
    """A contract that begins so soon after all others of its customer ended goes on from them."""
    level: str = "customer"
    """One of `LEVELS`."""
    period_months: int = 1
    year_starts: int = 1
    """Month in which the fiscal year begins, 1 to 12."""
    pause: str = "movement"
    """`movement`, `churn`, or `keep`: a pause that changes nothing."""
    grain: str = "period"
    """`period`: from its start to its end; `day`: every day's net change is a movement of its own,
    and customers are counted once for each."""
    week: float = WEEKS_PER_MONTH
    """Weeks that a month counts for a weekly price."""
    day: float = DAYS_PER_MONTH
    """Days that it counts for a daily one."""
    minor: int = 1
    """Counts to a multiple of which the amount of each contract is rounded, half up."""

    @property
    def key(self) -> list[str]:
        """Return the columns that tell apart what is counted as one."""
        return list(LEVELS[self.level])

    @property
    def told_by(self) -> str:
        """Return the column of which each value of a key has one movement."""
        return "period_on" if self.grain == "period" else "changed_on"

    def period(self, day: pl.Expr) -> pl.Expr:
        """Return the first day of the period of `day`."""
        months = day.dt.year().cast(pl.Int32) * _MONTHS + day.dt.month().cast(pl.Int32) - 1
        first = months - (months - (self.year_starts - 1)) % self.period_months
        return pl.date(first // _MONTHS, first % _MONTHS + 1, 1)


def changes(tables: Tables, motion: Motion) -> pl.LazyFrame:
    """Return the net change of each key on each day before `as_of`, in the order of key and day.

    Columns: the key of the level, `changed_on`, `before` and `after` (counts a month), `n_started`
    and `n_ended` (contracts), `cause` of the fall (0 where none fell), `is_swap` (contracts of
    several plans moved).
    """
    key = motion.key
    moved = _moved(tables["subscriptions"], motion)
    return (
        moved.group_by(*key, "changed_on")
        .agg(
            pl.col("change", "n_started", "n_ended").sum(),
            pl.col("cause").max(),
            is_swap=(pl.col("filled").min() != pl.col("filled").max()),
        )
        .sort(*key, "changed_on")
        .with_columns(after=pl.col("change").cum_sum().over(key))
        .with_columns(before=pl.col("after") - pl.col("change"))
        .drop("change")
    )


def movements(changes: pl.LazyFrame, motion: Motion) -> pl.LazyFrame:
    """Return one row for each key and period (by the day: and day) in which something changed.

    `period_on`, `changed_on` (its last), `before` and `after` (counts a month at its two ends),
    `kind` (of `KINDS`; null where both ends are alike), `how` a rise or fall of who stayed came
    about (`plan`, `add_on`, `price`; empty for the others), `cause` of who left, `is_flash` (came
    and left inside the period) with `flash_amount`.
    """
    key = motion.key
    came = (pl.col("before") <= 0) & (pl.col("after") > 0)
    at_ends = (
        changes.with_columns(
            period_on=motion.period(pl.col("changed_on")),
            peak=pl.col("after").cum_max().over(key),
            # Running counts over all keys: what lies between two ends of runs is their difference.
            n_came=came.cast(pl.Int64).cum_sum(),
            came_amount=pl.when(came).then("after").otherwise(0).cum_sum(),
            n_swapped=pl.col("is_swap").cast(pl.Int64).cum_sum(),
            n_begun=pl.col("n_started").cast(pl.Int64).cum_sum(),
            n_gone=pl.col("n_ended").cast(pl.Int64).cum_sum(),
        )
        .filter(pl.any_horizontal(*(run_ends(name) for name in (*key, motion.told_by))))
        .with_columns(
            *(
                pl.col(name) - pl.col(name).shift(1).fill_null(0)
                for name in ("n_came", "came_amount", "n_swapped", "n_begun", "n_gone")
            ),
            before=pl.col("after").shift(1).over(key).fill_null(0),
            cause_before=pl.col("cause").shift(1).over(key).fill_null(0),
            had_paid=(pl.col("peak").shift(1).over(key) > 0).fill_null(value=False),
        )
    )
    stayed_away = (pl.col("before") <= 0) & (pl.col("after") <= 0) & (pl.col("n_came") > 0)
    return at_ends.select(
        *key,
        "period_on",
        "changed_on",
        "before",
        "after",
        "cause",
        kind=_kind(),
        how=_how(),
        is_flash=stayed_away,
        flash_amount=pl.when(stayed_away).then("came_amount").otherwise(0),
    )


def movement_sums(motion: Motion, by: str = "") -> Plan:
    """Return a summary: movements by `group`, `period_on`, `kind`, `how` and `cause`.

    `n` and `amount` (counts, signed), `n_flash` and `flash_amount`. `by` is a column of the
    customers table; without it the one group is empty.
    """

    def plan(tables: Tables) -> pl.LazyFrame:
        rows = grouped(movements(changes(tables, motion), motion), tables, by, motion)
        return rows.group_by("group", "period_on", "kind", "how", "cause").agg(
            n=pl.len().cast(pl.Int64),
            amount=(pl.col("after") - pl.col("before")).sum(),
            n_flash=pl.col("is_flash").cast(pl.Int64).sum(),
            flash_amount=pl.col("flash_amount").sum(),
        )

    return plan


def movement_rows(motion: Motion, start_on: date, end_on: date) -> Plan:
    """Return a plan of the movements of the periods from `start_on` on, before `end_on`.

    Columns of `movements`; who paid the same at both ends is left out, unless who came and left.
    """

    def plan(tables: Tables) -> pl.LazyFrame:
        rows = movements(changes(tables, motion), motion)
        inside = pl.col("period_on").is_between(start_on, end_on, closed="left")
        return rows.filter(inside & (pl.col("kind").is_not_null() | pl.col("is_flash")))

    return plan


def level_sums(motion: Motion, by: str = "") -> Plan:
    """Return a summary that knows no customers: what all contracts add and take in each period.

    `group`, `period_on`, `amount`; it must equal the movements of the period, which is how they
    are checked.
    """

    def plan(tables: Tables) -> pl.LazyFrame:
        rows = _moved(tables["subscriptions"], motion).with_columns(
            period_on=motion.period(pl.col("changed_on"))
        )
        return (
            grouped(rows, tables, by, motion)
            .group_by("group", "period_on")
            .agg(amount=pl.col("change").sum())
        )

    return plan


def states(motion: Motion, start_on: date, end_on: date, by: str = "") -> Plan:
    """Return a summary of who paid at the start of `start_on`, and what they pay by `end_on`.

    By `group`: `n` and `amount` at the start; `n_after`, `amount_after`; `kept_amount` (of each
    the smaller of both), `lowest_amount` (of each the smallest at the end of any period between).
    """

    def plan(tables: Tables) -> pl.LazyFrame:
        rows = movements(changes(tables, motion), motion)
        inside = pl.col("period_on") >= start_on
        ended = pl.col("period_on") < end_on
        per_key = (
            grouped(rows, tables, by, motion)
            .filter(ended)
            .group_by("group", *motion.key)
            .agg(
                amount=pl.col("after").filter(~inside).last(),
                amount_after=pl.col("after").last(),
                lowest_amount=pl.col("after").filter(inside).min(),
            )
            .with_columns(pl.col("amount").fill_null(0))
            .filter(pl.col("amount") > 0)
        )
        after = pl.col("amount_after").clip(lower_bound=0)
        lowest = pl.min_horizontal("amount", "lowest_amount").clip(lower_bound=0)
        return per_key.group_by("group").agg(
            n=pl.len().cast(pl.Int64),
            n_after=(pl.col("amount_after") > 0).cast(pl.Int64).sum(),
            amount=pl.col("amount").sum(),
            amount_after=after.sum(),
            kept_amount=pl.min_horizontal(pl.col("amount"), after).sum(),
            lowest_amount=lowest.sum(),
        )

    return plan


def _moved(subscriptions: pl.LazyFrame, motion: Motion) -> pl.LazyFrame:
    """Return the two ends of every contract: `changed_on`, `change`, and what they are."""
    rows = served(subscriptions, motion)
    key = motion.key
    zero, one = pl.lit(0, dtype=pl.Int32), pl.lit(1, dtype=pl.Int32)
    rises = rows.select(
        *key,
        "filled",
        changed_on=pl.col("started_on"),
        change=pl.col("mrr_amount"),
        n_started=one,
        n_ended=zero,
        cause=zero,
    )
    falls = rows.filter(pl.col("ended_on").is_not_null()).select(
        *key,
        "filled",
        changed_on=pl.col("ended_on"),
        change=-pl.col("mrr_amount"),
        n_started=zero,
        n_ended=one,
        cause="cause",
    )
    return pl.concat([rises, falls])


def served(subscriptions: pl.LazyFrame, motion: Motion) -> pl.LazyFrame:
    """Return the stretches of contracts that were served before `as_of`.

    An end at or after it is not yet one; who comes back within the days of grace never left.
    """
    names = set(subscriptions.collect_schema().names())
    rows = subscriptions.filter(pl.col("started_on") < motion.as_of).with_columns(
        cause=cause(pl.col("cancel_reason")),
        filled=pl.col("plan").fill_null(""),
        mrr_amount=_rounded(_normalised(motion, names), motion.minor),
    )
    if motion.level == "subscription" and "subscription_id" not in names:
        rows = rows.with_columns(subscription_id=pl.col("customer_id"))
    if motion.pause != "keep" and "paused_from" in names:
        rows = _unpaused(rows, motion)
    rows = rows.with_columns(ended_on=pl.when(pl.col("ended_on") < motion.as_of).then("ended_on"))
    key = motion.key
    reach = pl.col("ended_on").fill_null(FAR).cum_max().shift(1).over(key)
    gap = (pl.col("started_on") - reach).dt.total_days()
    bridged = gap.is_between(1, motion.grace_days) & (pl.col("cause_before") != PAUSED)
    return (
        rows.sort(*key, "started_on")
        .with_columns(cause_before=pl.col("cause").shift(1).over(key).fill_null(0))
        .with_columns(started_on=pl.when(bridged).then(reach).otherwise("started_on"))
        .filter((pl.col("ended_on") > pl.col("started_on")).fill_null(value=True))
    )


def _normalised(motion: Motion, names: set[str]) -> pl.Expr:
    """Return amounts a month, with the weeks and days of a month that were chosen."""
    amount = pl.col("mrr_amount").fill_null(0)
    factors = {"week": motion.week / WEEKS_PER_MONTH, "day": motion.day / DAYS_PER_MONTH}
    if "interval" not in names or set(factors.values()) == {1.0}:
        return amount
    factor = pl.col("interval").replace_strict(factors, default=1.0, return_dtype=pl.Float64)
    return pl.when(factor == 1).then(amount).otherwise((amount * factor).round(0).cast(pl.Int64))


def _rounded(amount: pl.Expr, minor: int) -> pl.Expr:
    """Round half up to a multiple of `minor`, in whole numbers."""
    return amount if minor == 1 else (amount + minor // 2) // minor * minor


def _unpaused(rows: pl.LazyFrame, motion: Motion) -> pl.LazyFrame:
    """Cut contracts where they pause: the part before, and the part after if it goes on."""
    begins, ends = pl.col("paused_from"), pl.col("paused_to")
    pauses = (begins > pl.col("started_on")) & (begins < motion.as_of)
    pauses &= begins < pl.col("ended_on").fill_null(FAR)
    pauses = pauses.fill_null(value=False)
    told = pl.lit(PAUSED, dtype=pl.Int32) if motion.pause == "movement" else pl.col("cause")
    whole = rows.filter(~pauses)
    before = rows.filter(pauses).with_columns(ended_on=begins, cause=told)
    after = rows.filter(
        pauses & (ends < motion.as_of) & (ends < pl.col("ended_on").fill_null(FAR))
    ).with_columns(started_on=ends)
    return pl.concat([whole, before, after])


def _kind() -> pl.Expr:
    paid, pays = pl.col("before") > 0, pl.col("after") > 0
    rose = pl.col("after") - pl.col("before")
    return (
        pl.when(paid & ~pays & (pl.col("cause") == PAUSED))
        .then(pl.lit("pause"))
        .when(paid & ~pays)
        .then(pl.lit("churn"))
        .when(~paid & pays & ~pl.col("had_paid"))
        .then(pl.lit("new"))
        .when(~paid & pays & (pl.col("cause_before") == PAUSED))
        .then(pl.lit("resume"))
        .when(~paid & pays)
        .then(pl.lit("reactivation"))
        .when(rose > 0)
        .then(pl.lit("expansion"))
        .when(rose < 0)
        .then(pl.lit("contraction"))
    )


def _how() -> pl.Expr:
    """Tell how who stayed came to pay another amount."""
    begun, gone = pl.col("n_begun") > 0, pl.col("n_gone") > 0
    stayed = (pl.col("before") > 0) & (pl.col("after") > 0)
    return (
        pl.when(~stayed | (pl.col("before") == pl.col("after")))
        .then(pl.lit(""))
        .when(begun ^ gone)
        .then(pl.lit("add_on"))
        .when(pl.col("n_swapped") > 0)
        .then(pl.lit("plan"))
        .otherwise(pl.lit("price"))
    )


def grouped(rows: pl.LazyFrame, tables: Tables, by: str, motion: Motion) -> pl.LazyFrame:
    """Add the `group` of each row's customer; who has none is in the empty one."""
    if not by:
        return rows.with_columns(group=pl.lit(""))
    if by == COHORT:
        first = tables["subscriptions"].group_by("customer_id").agg(pl.col("started_on").min())
        groups = first.select(
            "customer_id", group=motion.period(pl.col("started_on")).dt.to_string("%Y-%m")
        )
    else:
        groups = tables["customers"].select("customer_id", group=pl.col(by).cast(pl.String))
    return rows.join(groups, on="customer_id", how="left", maintain_order="left").with_columns(
        pl.col("group").fill_null("")
    )
