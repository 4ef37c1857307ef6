"""What a change of a customer's recurring revenue is called.

One rule: a kind is told by what is paid at the two ends of a period, never by what was done
between them, so that a change of plan is no loss.
"""

from typing import Final

import polars as pl

from csk.tables.moments import since_before, since_key
from csk.tables.motion import KINDS, TO_FREE, WAYS, Motion
from csk.tables.runs import run_ends, run_starts
from csk.tables.spells import UNKNOWN


def numbered(changes: pl.LazyFrame, motion: Motion) -> pl.LazyFrame:
    """Return movements with the number of their kind (of `KINDS`) and way (of `WAYS`, from 1)."""
    ends = pl.col("is_first").shift(-1).fill_null(value=True)
    came = (pl.col("before") <= 0) & ((pl.col("after") > 0) | (pl.col("blink_amount") > 0))
    stands = pl.col("after") > 0
    # Running counts over all keys: what lies between two ends of runs is their difference.
    running = changes.with_columns(
        period_on=motion.period(pl.col("changed_on")),
        key_no=pl.col("is_first").cast(pl.Int64).cum_sum(),
        n_came=came.cast(pl.Int64).cum_sum(),
        came_amount=pl.when(came & stands)
        .then("after")
        .when(came)
        .then("blink_amount")
        .otherwise(0)
        .cum_sum(),
    )
    at_ends = (
        running.filter(ends | run_ends(motion.told_by))
        .with_columns(is_first=run_starts("key_no"))
        .with_columns(
            before=pl.when("is_first").then(0).otherwise(pl.col("after").shift(1)),
            had_paid=since_key("n_came") > since_before("n_came"),
            **{
                name: since_before(name)
                for name in ("n_contracts", "plans", "n_came", "came_amount")
            },
        )
        .with_columns(amount=pl.col("after") - pl.col("before"), n=pl.lit(1, dtype=pl.Int64))
    )
    has_pauses = "n_paused" in changes.collect_schema().names()
    at_ends = _with_pauses(at_ends) if has_pauses else at_ends.with_columns(**_NO_PAUSES)
    left = (pl.col("before") > 0) & ~stands & ~pl.col("is_paused")
    stayed_away = (pl.col("before") <= 0) & ~stands & (pl.col("n_came") > 0)
    is_flash = stayed_away & ~pl.col("was_paused")
    kinds = at_ends.with_columns(
        kind_no=_kind(),
        how_no=_how(),
        cause=pl.when(left | pl.col("is_lost")).then(_why()).otherwise(0).cast(pl.Int32),
        is_flash=is_flash,
        flash_amount=pl.when(is_flash).then("came_amount").otherwise(0),
    )
    return _with_lost_pauses(kinds) if has_pauses else kinds


_NO_PAUSES: Final = dict.fromkeys(("is_paused", "was_paused", "is_lost"), pl.lit(value=False))


def _with_pauses(at_ends: pl.LazyFrame) -> pl.LazyFrame:
    """Tell whose pause is one: who paid at an end of a period, and has paused ever since."""
    pays = pl.col("after") > 0
    is_paused = ~pays & (pl.col("n_paused") > 0)
    paid = pl.when(pl.col("is_first")).then(pays).when(~is_paused).then(pays).forward_fill()
    return (
        at_ends.with_columns(
            is_paused=is_paused & paid,
            paid_amount=pl.when(pays).then("after").forward_fill(),
        )
        .with_columns(was_paused=pl.col("is_paused").shift(1).fill_null(value=False))
        .with_columns(was_paused=pl.col("was_paused") & ~pl.col("is_first"))
        .with_columns(is_lost=pl.col("was_paused") & ~pays & ~pl.col("is_paused"))
    )


def _with_lost_pauses(kinds: pl.LazyFrame) -> pl.LazyFrame:
    """Add what takes a pause back and makes it churn, after the row of the same period."""
    rows = kinds.with_row_index("row")
    lost = rows.filter("is_lost").with_columns(
        before="after",
        how_no=pl.lit(0, dtype=pl.Int8),
        is_flash=pl.lit(value=False),
        flash_amount=pl.lit(0, dtype=pl.Int64),
    )
    taken_back = lost.with_columns(
        kind_no=pl.lit(KINDS.index("pause"), dtype=pl.Int8),
        n=pl.lit(-1, dtype=pl.Int64),
        amount="paid_amount",
        cause=pl.lit(0, dtype=pl.Int32),
    )
    left = lost.with_columns(
        kind_no=pl.lit(KINDS.index("churn"), dtype=pl.Int8), amount=-pl.col("paid_amount")
    )
    whole = rows.with_columns(cause=pl.when(~pl.col("is_lost")).then("cause").otherwise(0))
    return pl.concat([whole, taken_back, left]).sort("row", maintain_order=True).drop("row")


def _kind() -> pl.Expr:
    paid, pays = pl.col("before") > 0, pl.col("after") > 0
    number = {kind: pl.lit(at, dtype=pl.Int8) for at, kind in enumerate(KINDS)}
    return (
        pl.when(paid & ~pays & pl.col("is_paused"))
        .then(number["pause"])
        .when(paid & ~pays)
        .then(number["churn"])
        .when(~paid & pays & ~pl.col("had_paid"))
        .then(number["new"])
        .when(~paid & pays & pl.col("was_paused"))
        .then(number["resume"])
        .when(~paid & pays)
        .then(number["reactivation"])
        .when(pl.col("amount") > 0)
        .then(number["expansion"])
        .when(pl.col("amount") < 0)
        .then(number["contraction"])
    )


def _how() -> pl.Expr:
    """Tell how who stayed came to pay another amount, or owes another one."""
    stayed = (pl.col("before") > 0) == (pl.col("after") > 0)
    plan, add_on, price = (pl.lit(at, dtype=pl.Int8) for at in range(1, len(WAYS) + 1))
    return (
        pl.when(~stayed | (pl.col("amount") == 0))
        .then(pl.lit(0, dtype=pl.Int8))
        .when(pl.col("n_contracts") != 0)
        .then(add_on)
        .when(pl.col("plans") != 0)
        .then(plan)
        .otherwise(price)
    )


def _why() -> pl.Expr:
    """Return why a customer left: what is served for nothing, or as the last end tells."""
    told = pl.when(pl.col("cause") > 0).then("cause").otherwise(UNKNOWN)
    return pl.when(pl.col("n_running") > 0).then(TO_FREE).otherwise(told)


def named(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Put words for the numbers of kinds and ways."""
    return rows.with_columns(
        kind=pl.col("kind_no").replace_strict(dict(enumerate(KINDS)), return_dtype=pl.String),
        how=pl.col("how_no").replace_strict(dict(enumerate(("", *WAYS))), return_dtype=pl.String),
    ).drop("kind_no", "how_no")
