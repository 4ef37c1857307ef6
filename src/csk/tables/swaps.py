"""Movements by plan: what each plan won and lost, and what customers carried from one to another.

One rule: what a customer carries over is a `swap`, out of the one plan and into the other; what is
left of the change has the kind that it has for the customer. So kinds add up over plans to those
of the whole, and swaps to nothing.
"""

from typing import Final

import polars as pl

from csk.engine.protocol import Tables
from csk.tables.changes import changes
from csk.tables.kinds import named, numbered
from csk.tables.moments import day_of, key_of
from csk.tables.motion import KINDS, SWAP, Motion
from csk.tables.stretches import BLINK, CODES, moves

_COMES: Final = [KINDS.index(kind) for kind in ("new", "reactivation", "resume")]
_GOES: Final = [KINDS.index(kind) for kind in ("churn", "pause")]


def plan_movements(tables: Tables, motion: Motion) -> pl.LazyFrame:
    """Return movements by plan (`group`), several rows for each key and period.

    `period_on`, `kind` (`KINDS`, and `SWAP`), `how` (of a swap `in` or `out`), `cause`, `n` and
    `amount`, `n_flash` and `flash_amount`. A customer is counted at the plan that they pay most
    for, the first by name among equals; where that is another one at the end, `n` of the swap is
    1 there and -1 at the plan that was left. Of several plans that rose, the first by name take
    what was carried over.
    """
    at = ["key_no", motion.told_by]
    whole = numbered(changes(tables, motion), motion)
    is_more = pl.col("is_lost") & (pl.col("amount") != 0) & pl.col("kind_no").is_in(_GOES)
    plans = _levels(tables, motion, at).join(whole.filter(~is_more), on=at, how="inner")
    told = plans.sort(*at, "filled").with_columns(**_homes(at)).with_columns(**_carried(at))
    homes = told.filter("is_first").select(*at, group="moved_plan")
    lost = whole.filter(is_more).join(homes, on=at, how="inner")
    columns = ["group", "period_on", "kind", "how", "cause", "n", "amount"]
    flash = ["n_flash", "flash_amount"]
    return pl.concat(
        [
            named(_kept(told, at)).select(*columns, *flash),
            named(lost.with_columns(n_flash=pl.lit(0, dtype=pl.Int64))).select(*columns, *flash),
            *(part.select(*columns, *flash) for part in _swaps(told)),
        ]
    )


def _levels(tables: Tables, motion: Motion, at: list[str]) -> pl.LazyFrame:
    """Return what each key paid for each of its plans (`filled`) at both ends of its periods."""
    moment = pl.col("moment") // CODES
    is_blink = pl.col("moment") % CODES == BLINK
    moved = (
        moves(tables["subscriptions"], motion)
        .with_columns(
            key_no=key_of(moment),
            changed_on=day_of(moment),
            period_on=motion.period(day_of(moment)),
            change=pl.when(is_blink).then(0).otherwise("change"),
        )
        .group_by(*at, "filled")
        .agg(pl.col("change").sum(), n_contracts=pl.len())
    )
    plans = moved.select("key_no", "filled").unique()
    grid = moved.select(at).unique().join(plans, on="key_no", how="inner")
    return (
        grid.join(moved, on=[*at, "filled"], how="left")
        .with_columns(pl.col("change", "n_contracts").fill_null(0))
        .sort("key_no", "filled", motion.told_by)
        .with_columns(stands=pl.col("change").cum_sum().over("key_no", "filled"))
        .select(
            *at,
            "filled",
            "change",
            "stands",
            stood=pl.col("stands") - pl.col("change"),
            has_moved=pl.col("n_contracts") > 0,
        )
    )


def _homes(at: list[str]) -> dict[str, pl.Expr]:
    """Return the plan at which a key is counted, before and after, and the first that moved."""
    plan, kind = pl.col("filled"), pl.col("kind_no")
    return {
        "is_first": pl.int_range(pl.len()).over(at) == 0,
        "home_before": plan.get(pl.col("stood").arg_max()).over(at),
        "home_after": plan.get(pl.col("stands").arg_max()).over(at),
        "moved_plan": plan.filter(pl.col("has_moved")).first().over(at),
        "comes": kind.is_in(_COMES).fill_null(value=False),
        "goes": kind.is_in(_GOES).fill_null(value=False),
    }


def _carried(at: list[str]) -> dict[str, pl.Expr]:
    """Return what each plan won and lost of what was carried over, plan after plan by name."""
    rise, fall = (part.clip(lower_bound=0) for part in (pl.col("change"), -pl.col("change")))
    both = pl.min_horizontal(rise.sum().over(at), fall.sum().over(at))
    carried = pl.when(pl.col("comes") | pl.col("goes")).then(0).otherwise(both)

    def taken(part: pl.Expr) -> pl.Expr:
        left = carried - (part.cum_sum().over(at) - part)
        return pl.min_horizontal(part, left.clip(lower_bound=0))

    return {"amount_in": taken(rise), "amount_out": taken(fall)}


def _kept(told: pl.LazyFrame, at: list[str]) -> pl.LazyFrame:
    """Return what is no swap: one row for each plan that moved, or where the key is counted."""
    plan, change = pl.col("filled"), pl.col("change")
    rest = change - pl.col("amount_in") + pl.col("amount_out")
    is_first_of_rest = (rest != 0) & ((rest != 0).cum_sum().over(at) == 1)
    is_home = (
        pl.when("comes")
        .then(plan == pl.col("home_after"))
        .when("goes")
        .then(plan == pl.col("home_before"))
        .otherwise(is_first_of_rest)
    )
    is_flash = pl.col("is_flash") & (plan == pl.col("moved_plan"))
    return told.with_columns(
        group="filled",
        amount=rest,
        n=is_home.cast(pl.Int64),
        n_flash=is_flash.cast(pl.Int64),
        flash_amount=pl.when(is_flash).then("flash_amount").otherwise(0),
    ).filter((pl.col("amount") != 0) | (pl.col("n") != 0) | is_flash)


def _swaps(told: pl.LazyFrame) -> list[pl.LazyFrame]:
    """Return what came in and what went out of each plan with customers who stayed."""
    stayed = ~pl.col("comes") & ~pl.col("goes") & (pl.col("before") > 0)
    plan = pl.col("filled")
    has_moved = stayed & (pl.col("home_before") != pl.col("home_after"))
    sides = (
        ("in", pl.col("amount_in"), has_moved & (plan == pl.col("home_after")), 1),
        ("out", -pl.col("amount_out"), has_moved & (plan == pl.col("home_before")), -1),
    )
    nothing = pl.lit(0, dtype=pl.Int64)
    return [
        told.with_columns(
            group="filled",
            kind=pl.lit(SWAP),
            how=pl.lit(how),
            cause=pl.lit(0, dtype=pl.Int32),
            n=is_it.cast(pl.Int64) * sign,
            amount=amount,
            n_flash=nothing,
            flash_amount=nothing,
        ).filter((pl.col("amount") != 0) | (pl.col("n") != 0))
        for how, amount, is_it, sign in sides
    ]
