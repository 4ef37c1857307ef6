"""Stretches of contracts that were served, and the days on which they began and ended.

One rule: rows of a customer lie together and by day, as the store keeps them, so that who went on
from whom is told by neighbours.
"""

from collections.abc import Collection
from typing import Final

import polars as pl

from csk.calendar import DAYS_PER_MONTH
from csk.tables.moments import day_of, key_no, moment
from csk.tables.motion import WEEKS_PER_MONTH, Motion
from csk.tables.spells import FAR, UNKNOWN, cause

CODES: Final = 16
"""What may happen on one day; of the moves of a day, those of the larger code come last."""
BLINK, RISE, PAUSE_BEGINS, PAUSE_OVER, PAUSE_FALL = range(5)
"""A contract that began and ended that day; one that began; a pause and its end by going on; a
contract that stopped for a pause."""
FALL: Final = PAUSE_FALL
"""Plus the cause: a contract that ended."""
PAUSE_LOST: Final = FALL + UNKNOWN
"""Plus the cause: a pause that became an end."""
_HASHES: Final = 1 << 30


def served(subscriptions: pl.LazyFrame, motion: Motion) -> pl.LazyFrame:
    """Return the stretches of contracts that were served before `as_of`.

    An end at or after it is not yet one; who comes back within the days of grace never left.
    Columns of the contracts, `cause` of an end, `filled` (the plan, empty for none), `key_no`.
    """
    return _stretches(_told(subscriptions, motion), motion).filter(~_is_blink())


def moves(subscriptions: pl.LazyFrame, motion: Motion) -> pl.LazyFrame:
    """Return the two ends of every stretch and of every pause, by key, day and code.

    Columns of the key, `filled` (plan), `moment` (of key and day, times `CODES`, plus the code),
    `change` (counts a month; of a blink what it would have been), `plans` (numbers that stand for
    the plan, and add up to nothing where the same plans begin and end).
    """
    told = _told(subscriptions, motion)
    rows = _stretches(told, motion).with_columns(
        plans=(pl.col("filled").hash() % _HASHES).cast(pl.Int64)
    )
    key, blink = motion.key, _is_blink()
    code = pl.when(blink).then(BLINK).otherwise(RISE)
    rises = rows.select(
        *key,
        "filled",
        moment=_coded("started_on", code),
        change="mrr_amount",
        plans=pl.when(blink).then(0).otherwise("plans"),
    )
    falls = rows.filter(pl.col("ended_on").is_not_null() & ~blink).select(
        *key,
        "filled",
        moment=_coded("ended_on", FALL + pl.col("cause")),
        change=-pl.col("mrr_amount"),
        plans=-pl.col("plans"),
    )
    parts = [rises, falls]
    if knows_pauses(told, motion):
        parts += _pauses(told, motion)
    return pl.concat(parts).sort("moment")


def knows_pauses(subscriptions: pl.LazyFrame, motion: Motion) -> bool:
    """Tell whether pauses are movements of their own here."""
    return motion.pause == "movement" and "paused_from" in subscriptions.collect_schema().names()


def _told(subscriptions: pl.LazyFrame, motion: Motion) -> pl.LazyFrame:
    """Return the contracts begun before `as_of` with all that is null filled, in order."""
    names = subscriptions.collect_schema().names()
    rows = subscriptions.filter(pl.col("started_on") < motion.as_of).with_columns(
        cause=cause(pl.col("cancel_reason")),
        filled=pl.col("plan").fill_null(""),
        mrr_amount=_rounded(_normalised(motion, names), motion.minor),
        ended_on=pl.when(pl.col("ended_on") < motion.as_of).then("ended_on"),
    )
    if motion.level == "subscription" and "subscription_id" not in names:
        rows = rows.with_columns(subscription_id=pl.col("customer_id"))
    if motion.level != "customer":
        rows = rows.sort(*motion.key, "started_on")
    return rows.with_columns(key_no=key_no(motion.key))


def _normalised(motion: Motion, names: Collection[str]) -> pl.Expr:
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


def _stretches(told: pl.LazyFrame, motion: Motion) -> pl.LazyFrame:
    """Return served stretches, and contracts that ended on the day on which they began."""
    may_go_on = pl.lit(value=True)
    if motion.pause != "keep" and "paused_from" in told.collect_schema().names():
        told, may_go_on = _unpaused(told, motion), ~pl.col("is_resumed")
    began, number = moment(pl.col("key_no"), pl.col("started_on")), pl.col("key_no")
    over = moment(number, pl.col("ended_on").fill_null(FAR))
    # The end of all that began on an earlier day: contracts of one day go on together.
    reached = pl.when(_is_blink()).then(0).otherwise(over).cum_max().shift(1).fill_null(0)
    reach = pl.when((began != began.shift(1)).fill_null(value=True)).then(reached).forward_fill()
    goes_on = (began - reach).is_between(1, motion.grace_days) & may_go_on & ~_is_blink()
    return told.with_columns(
        started_on=pl.when(goes_on).then(day_of(reach)).otherwise("started_on")
    )


def _is_blink() -> pl.Expr:
    return (pl.col("ended_on") <= pl.col("started_on")).fill_null(value=False)


def _coded(day: str, code: pl.Expr) -> pl.Expr:
    return moment(pl.col("key_no"), pl.col(day)) * CODES + code


def _pauses_now(motion: Motion) -> pl.Expr:
    """Tell which contracts paused while they were served, before `as_of`."""
    begins = pl.col("paused_from")
    inside = (begins > pl.col("started_on")) & (begins < motion.as_of)
    inside &= begins < pl.col("ended_on").fill_null(FAR)
    inside &= begins <= pl.col("paused_to").fill_null(FAR)
    return inside.fill_null(value=False)


def _unpaused(told: pl.LazyFrame, motion: Motion) -> pl.LazyFrame:
    """Cut contracts where they pause: the part before, and the part after if it goes on."""
    pauses, back = _pauses_now(motion), pl.col("paused_to")
    stops = pl.lit(0, dtype=pl.Int32) if motion.pause == "movement" else pl.col("cause")
    whole = told.filter(~pauses).with_columns(is_resumed=pl.lit(value=False))
    before = told.filter(pauses).with_columns(
        ended_on="paused_from", cause=stops, is_resumed=pl.lit(value=False)
    )
    goes_on = pauses & (back < motion.as_of) & (back < pl.col("ended_on").fill_null(FAR))
    after = told.filter(goes_on).with_columns(
        started_on="paused_to", is_resumed=back > pl.col("paused_from")
    )
    parts = pl.concat([whole, before, after])
    return parts.sort(moment(pl.col("key_no"), pl.col("started_on")))


def _pauses(told: pl.LazyFrame, motion: Motion) -> list[pl.LazyFrame]:
    """Return the two ends of each pause of a contract that is paid for."""
    rows = told.filter(_pauses_now(motion) & (pl.col("mrr_amount") > 0))
    nothing = {"change": pl.lit(0, dtype=pl.Int64), "plans": pl.lit(0, dtype=pl.Int64)}
    given_up_on = pl.col("paused_from").dt.offset_by(f"{motion.pause_days}d")
    over_on = pl.min_horizontal("paused_to", "ended_on", given_up_on)
    goes_on = (pl.col("paused_to") == over_on) & (over_on < pl.col("ended_on").fill_null(FAR))
    lost = pl.when(goes_on.fill_null(value=False)).then(PAUSE_OVER)
    ends = rows.with_columns(ended_on=over_on, cause=lost.otherwise(PAUSE_LOST + pl.col("cause")))
    key = [*motion.key, "filled"]
    return [
        rows.select(*key, moment=_coded("paused_from", pl.lit(PAUSE_BEGINS)), **nothing),
        ends.filter(pl.col("ended_on") < motion.as_of).select(
            *key, moment=_coded("ended_on", pl.col("cause")), **nothing
        ),
    ]
