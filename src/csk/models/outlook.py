"""How sure the LTV of customers is: what lies beyond the log, and how far chance may carry it.

One rule: beyond the log is what falls due at an age, or so long after the first purchase, as too
few were ever watched.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from csk.calendar import plus_months
from csk.models import contract
from csk.models.contract import OTHERS, POOLED, ContractFit, GroupCurve, Horizons
from csk.models.repeat import RepeatFit, mean_spend
from csk.models.value import UNIT
from csk.stats import bgnbd, chances, residual
from csk.stats.gammagamma import GammaGammaFit

ENOUGH_WATCHED: Final = 30
"""Customers watched at an age for it to count as seen."""
FEWEST_TOGETHER: Final = 30
"""Customers alive whose sum is near enough to normal for a predictive interval."""
ENOUGH_EVENTS: Final = 100
"""Ends, or repeat purchases, below which a customer's LTV is flagged `few_events`."""
MOST_BEYOND: Final = 0.5
"""Share of a customer's LTV beyond what was watched above which it is flagged `extrapolated`."""
FLAGS: Final = ("extrapolated", "few_events", "pooled", "at_bound", "no_interval")
_BIN_DAYS: Final = 28
_MOST_TOLD: Final = 20_000
"""Buyers whose chances are told; of more, every k-th."""
_LEAST_SHAPE: Final = 2.0
"""Shape of the tail of spend up to which it has no variance."""
_LONGEST_WAIT: Final = 36_500
_NORMAL_95: Final = 1.959964

Floats = NDArray[np.float64]


class Bounds(NamedTuple):
    """95 % bounds of a sum, in counts."""

    low: float
    high: float


def foreseen(
    customers: pl.DataFrame, fit: ContractFit | RepeatFit, horizons: Horizons
) -> pl.DataFrame:
    """Add what the LTV of valued customers rests on, for those alive; null for the others.

    `tail_share`, the share of `ltv_amount` from beyond what was watched (null where it is 0);
    `variance` of the margin that chance will bring of each (counts, squared; null where it was
    not told, or has none); `next_purchase_on`, the day by which half of buyers like this one, if
    they still are, will have bought again (null under contract); `flags`, those of `FLAGS` that
    hold, by comma (null where none does).
    """
    if isinstance(fit, ContractFit):
        told = _of_contracts(customers, fit, horizons)
        few = [curve.curve for curve in fit.curves if curve.group in (OTHERS, POOLED)]
        pooled, is_at_bound = pl.col("curve").is_in(few), False
    else:
        told = _of_purchases(customers, fit, horizons)
        pooled, is_at_bound = pl.lit(value=False), fit.purchases.is_at_bound
    holds: Mapping[str, pl.Expr] = {
        "extrapolated": pl.col("tail_share") > MOST_BEYOND,
        "few_events": pl.col("n_events") < ENOUGH_EVENTS,
        "pooled": pooled,
        "at_bound": pl.lit(is_at_bound),
        "no_interval": pl.col("ltv_low").is_null(),
    }
    named = [pl.when(is_so).then(pl.lit(name)) for name, is_so in holds.items()]
    text = pl.concat_str(named, separator=",", ignore_nulls=True)
    return told.with_columns(flags=pl.when(pl.col("is_alive") & (text != "")).then(text))


def predicted(members: pl.DataFrame, bounds: Bounds | None) -> Bounds | None:
    """Return the predictive interval of the residual LTV of all of some foreseen customers.

    To `bounds`, for what is not known of the model, comes what chance will do at today's prices;
    the two add in squares. Null where fewer than 30 are alive, or where one cannot be told.
    """
    alive = members.filter("is_alive")
    told = alive["variance"].drop_nulls()
    if bounds is None or told.len() < FEWEST_TOGETHER:
        return None
    whole = float(alive["ltv_amount"].sum())
    chance = _NORMAL_95 * np.sqrt(float(told.sum()) * alive.height / told.len())
    low, high = (float(np.hypot(whole - end, chance)) for end in bounds)
    return Bounds(max(whole - low, 0.0), whole + high)


def tail_share(members: pl.DataFrame) -> float | None:
    """Return the share of the residual LTV of some foreseen customers beyond what was watched."""
    whole = float(members["ltv_amount"].sum())
    beyond = (members["tail_share"] * members["ltv_amount"]).sum()
    return float(beyond) / whole if whole else None


def watched_ticks(curve: GroupCurve) -> int:
    """Return the last age of a curve at which enough customers were watched; -1 for none."""
    enough = np.flatnonzero(curve.observed.at_risk >= ENOUGH_WATCHED)
    return int(curve.observed.age[enough[-1]]) if len(enough) else -1


def _of_contracts(customers: pl.DataFrame, fit: ContractFit, horizons: Horizons) -> pl.DataFrame:
    ahead = contract.cells(customers, fit, horizons)
    monthly = (1.0 + horizons.discount_rate) ** (1 / 12) - 1.0
    told = [
        _of_curve(curve, part, monthly)
        for curve in fit.curves
        if not (part := ahead.filter(pl.col("curve") == curve.curve)).is_empty()
    ]
    key = ["group", "term_months", "spell_started_on", "term_started_on"]
    worth = pl.col("unit_price_amount") * pl.col("margin_share") * UNIT
    return customers.join(
        pl.concat(told).with_columns(is_alive=pl.lit(value=True)),
        on=[*key, "is_alive"],
        how="left",
        nulls_equal=True,
        maintain_order="left",
    ).with_columns(
        variance=pl.col("variance") * worth.pow(2),
        next_purchase_on=pl.lit(None, dtype=pl.Date),
    )


def _of_curve(curve: GroupCurve, cells: pl.DataFrame, monthly: float) -> pl.DataFrame:
    here, due, term, end = (
        cells[name].cast(pl.Int64).to_numpy() for name in ("here", "due", "term_ticks", "to_ltv")
    )
    seen = np.minimum(np.maximum(watched_ticks(curve), here), end)
    _, present = residual.expected_payments(
        curve.grid, here, end, due, term, discount_per_month=monthly
    )
    _, inside = residual.expected_payments(
        curve.grid, here, seen, due, term, discount_per_month=monthly
    )
    squares = residual.expected_squares(
        curve.grid, here, end, due, term, discount_per_month=monthly
    )
    return cells.select("group", "term_months", "spell_started_on", "term_started_on").with_columns(
        tail_share=_beyond(inside, present),
        variance=pl.Series(np.maximum(squares - present**2, 0.0)),
    )


def _beyond(inside: Floats, whole: Floats) -> pl.Series:
    share = np.divide(inside, whole, out=np.full(len(whole), np.nan), where=whole > 0)
    return pl.Series(np.clip(1.0 - share, 0.0, 1.0)).fill_nan(None)


def _of_purchases(customers: pl.DataFrame, fit: RepeatFit, horizons: Horizons) -> pl.DataFrame:
    alive = customers.filter("is_alive").select(
        "customer_id", "n_purchases", "recency_days", "age_days", "purchase_amount", "n_expected",
        "n_present", "margin_share",
    )  # fmt: skip
    x, t_x, T = (
        alive[name].cast(pl.Float64).to_numpy()
        for name in ("n_purchases", "recency_days", "age_days")
    )
    end = (plus_months(horizons.as_of, horizons.ltv_months) - horizons.as_of).days
    number = alive["n_expected"].to_numpy()
    ahead = _BIN_DAYS * (np.maximum(_watched_days(customers) - T, 0) // _BIN_DAYS)
    inside = np.zeros(len(x))
    for days in np.unique(np.minimum(ahead, end)):
        rows = np.minimum(ahead, end) == days
        inside[rows] = bgnbd.expected_purchases(
            fit.purchases, x[rows] - 1, t_x[rows], T[rows], float(days)
        )
    wait = _half_by(fit.purchases, x - 1, T)
    told = alive.select("customer_id").with_columns(
        tail_share=_beyond(inside, number),
        variance=_chance(alive, fit, end),
        next_purchase_on=pl.lit(horizons.as_of)
        + pl.duration(
            days=pl.lit(pl.Series(np.ceil(np.minimum(wait, _LONGEST_WAIT)), dtype=pl.Int64))
        ),
    )
    return customers.join(told, on="customer_id", how="left", maintain_order="left").with_columns(
        next_purchase_on=pl.when(
            (pl.col("next_purchase_on") - horizons.as_of).dt.total_days() < _LONGEST_WAIT
        ).then("next_purchase_on")
    )


def _watched_days(customers: pl.DataFrame) -> float:
    """Return the longest time since the first purchase for which enough buyers were watched."""
    ages = np.sort(customers["age_days"].drop_nulls().to_numpy())
    return float(ages[-ENOUGH_WATCHED]) if len(ages) >= ENOUGH_WATCHED else 0.0


def _half_by(purchases: bgnbd.BgNbdFit, x: Floats, T: Floats) -> Floats:
    """Return the days within which half of such buyers, while they are, buy again.

    Purchases come at a rate of Gamma(r + x, alpha + T), so the wait t is passed with probability
    ((alpha + T) / (alpha + T + t)) ** (r + x).
    """
    with np.errstate(over="ignore"):
        return np.asarray((purchases.alpha + T) * np.expm1(np.log(2.0) / (purchases.r + x)))


def _chance(alive: pl.DataFrame, fit: RepeatFit, days: int) -> pl.Series:
    """Return the variance of the margin that purchases will bring, for every k-th buyer.

    Number N and mean spend m of a purchase vary apart; a purchase varies around m by m^2 / p, so
    the variance of money is E[N] E[m^2] / p + E[N^2] E[m^2] - (E[N] E[m])^2. Null without
    Gamma-Gamma, or where E[m^2] is infinite: m is inverse gamma, of shape p n + q.
    """
    spend = fit.spend
    nothing = pl.Series(np.full(alive.height, np.nan)).fill_nan(None)
    if not isinstance(spend, GammaGammaFit) or alive.is_empty():
        return nothing
    rows = np.arange(0, alive.height, -(-alive.height // _MOST_TOLD))
    some = alive[rows]
    n, t_x, T = (
        some[name].cast(pl.Float64).to_numpy()
        for name in ("n_purchases", "recency_days", "age_days")
    )
    shape = spend.p * n + spend.q
    if (shape <= _LEAST_SHAPE).any():
        return nothing
    scale = spend.p * (spend.gamma + n * np.maximum(np.nan_to_num(mean_spend(some)), 0.0))
    first, second = scale / (shape - 1), scale**2 / ((shape - 1) * (shape - 2))
    number = chances.purchases_ahead(fit.purchases, n - 1, t_x, T, days)
    squares = number.variance + number.expected**2
    money = number.expected * second / spend.p + squares * second - (number.expected * first) ** 2
    expected, present = some["n_expected"].to_numpy(), some["n_present"].to_numpy()
    discount = np.divide(present, expected, out=np.ones(len(n)), where=expected > 0)
    values = np.full(alive.height, np.nan)
    values[rows] = money * (discount * some["margin_share"].to_numpy()) ** 2
    return pl.Series(values).fill_nan(None)
