"""What changed on which day, for each customer.

One rule: what stands at any day is the sum of what moved up to it, told by neighbours in rows that
lie by key and day.
"""

from typing import Final

import polars as pl

from csk.engine.protocol import Tables
from csk.tables.moments import day_of, since_before, since_key, starts
from csk.tables.motion import Motion
from csk.tables.stretches import (
    BLINK,
    CODES,
    FALL,
    PAUSE_BEGINS,
    PAUSE_FALL,
    PAUSE_LOST,
    PAUSE_OVER,
    RISE,
    knows_pauses,
    moves,
)

_TOTALS: Final = ("change", "blink_amount", "n_contracts", "n_running", "n_paused", "plans")


def changes(tables: Tables, motion: Motion) -> pl.LazyFrame:
    """Return the net change of each key on each day before `as_of`, in the order of key and day.

    Columns: the key of the level, `changed_on`, `before` and `after` (counts a month), `is_first`
    of its key, `n_running` and `n_paused` (contracts after it), `n_contracts` (paid ones, running
    total over all rows), `plans` (likewise, numbers of their plans), `blink_amount` (of contracts
    that began and ended that day), `cause` of the last fall to nothing up to this day.
    """
    moved, key = moves(tables["subscriptions"], motion), motion.key
    day = pl.col("moment") // CODES
    at_ends = moved.select(
        *key,
        "moment",
        *(total.cum_sum().alias(name) for name, total in zip(_TOTALS, _totals(), strict=True)),
        is_last=(day != day.shift(-1)).fill_null(value=True),
    ).filter("is_last")
    per_day = (
        at_ends.with_columns(is_first=starts(day), day_no=day)
        .with_columns(
            change=since_before("change"),
            blink_amount=since_before("blink_amount"),
            n_lost=since_before("n_paused"),
            after=since_key("change"),
            n_running=since_key("n_running"),
            n_paused=since_key("n_paused"),
        )
        .with_columns(before=pl.col("after") - pl.col("change"))
    )
    stands = pl.col("after") > 0
    fell = ~stands & ((pl.col("before") > 0) | (pl.col("n_lost") < 0))
    paused = ["n_paused"] if knows_pauses(tables["subscriptions"], motion) else []
    return per_day.select(
        *key,
        "before",
        "after",
        "is_first",
        "n_running",
        *paused,
        "n_contracts",
        "plans",
        "blink_amount",
        changed_on=day_of(pl.col("day_no")),
        cause=pl.when(fell).then(_cause()).forward_fill().fill_null(0),
    )


def _totals() -> tuple[pl.Expr, ...]:
    """Return what each move adds to `_TOTALS`."""
    code, change = pl.col("moment") % CODES, pl.col("change")
    blinks, rises, falls = code == BLINK, code == RISE, code >= PAUSE_FALL
    begins = (rises & (change > 0)).cast(pl.Int64) - (falls & (change < 0)).cast(pl.Int64)
    is_end = (code >= PAUSE_FALL) & (code <= PAUSE_LOST)
    is_free = (change == 0) & ~blinks
    free = (rises & is_free).cast(pl.Int64) - (is_end & is_free).cast(pl.Int64)
    pauses = (code == PAUSE_BEGINS).cast(pl.Int64)
    pauses -= ((code == PAUSE_OVER) | (code > PAUSE_LOST)).cast(pl.Int64)
    return (
        pl.when(blinks).then(0).otherwise(change),
        pl.when(blinks & (change > 0)).then(change).otherwise(0),
        begins,
        begins + free,
        pauses,
        pl.when(begins == 0).then(0).otherwise("plans"),
    )


def _cause() -> pl.Expr:
    """Return the cause of the day's last move; 0 where nothing ended."""
    code = (pl.col("moment") % CODES).cast(pl.Int32)
    lost = pl.when(code > PAUSE_LOST).then(code - PAUSE_LOST)
    return lost.when((code > FALL) & (code <= PAUSE_LOST)).then(code - FALL).otherwise(0)
