"""How customers without a contract come back: silence, purchases to come, spend.

One rule: who is gone, and for how long the others stay, is read off the gaps between purchases
(`w(n)`); how often and for how much those buy who stay is BG/NBD and Gamma-Gamma.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from csk.calendar import DAYS_PER_MONTH, plus_months
from csk.errors import ModelError
from csk.models.contract import Horizons
from csk.stats import bgnbd, gammagamma, inactivity

MAX_CELLS: Final = 50_000
"""Distinct (x, t_x, T) above which days are pooled for the fit."""
MAX_SPENDERS: Final = 200_000
"""Buyers on whom spend is fitted; more would not move it by a thousandth."""
INTERVAL_DAYS: Final = 28
"""Customers alike in purchases and, to this many days, in time share their relative interval."""
_NORMAL_95: Final = 1.959964
_FARTHEST: Final = 5.0
"""Move of a log-parameter beyond which the log says nothing of it; 148-fold is far enough."""
_WIDEST: Final = 10.0
"""Log of the widest bound told; money times more would overflow."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class RepeatFit:
    """Silence limits, purchase process and spend of a shop's customers."""

    silence: inactivity.Inactivity
    purchases: bgnbd.BgNbdFit
    spend: gammagamma.SpendFit
    n_events: int
    """Gaps that ended in a purchase."""
    pooled_days: int
    """Days pooled into one for the fit of purchases; 1 = none."""


def fit(
    gaps: pl.DataFrame, snapshot: pl.DataFrame, within_days: int, threshold: float
) -> RepeatFit:
    """Fit on the total of `tables.purchases.gap_counts` and the purchase snapshot.

    ModelError where nobody bought twice or the log is not longer than `within_days`.
    """
    found = inactivity.inactivity(_by_group(gaps), within_days, threshold)
    if found is None:
        raise ModelError(
            "The log is too short, or has too few buyers, to tell silence from leaving.",
            hint=f"It must cover more than {within_days} days after at least 30 purchases; "
            "purchase_within_days in csk.toml changes the days.",
        )
    buyers = snapshot.filter(pl.col("n_purchases") > 0)
    unique = _cells(buyers)
    return RepeatFit(
        silence=found,
        purchases=bgnbd.fit(unique.x, unique.t_x, unique.T, unique.weight),
        spend=spend_of(buyers),
        n_events=int(gaps["n_bought"].sum()),
        pooled_days=int(unique.unit),
    )


def purchases_of(buyers: pl.DataFrame) -> bgnbd.BgNbdFit:
    """Fit BG/NBD to the buyers of a group; ModelError where none of them came back."""
    unique = _cells(buyers)
    return bgnbd.fit(unique.x, unique.t_x, unique.T, unique.weight)


def _cells(buyers: pl.DataFrame) -> bgnbd.Cells:
    x, t_x, T = (buyers[n].to_numpy() for n in ("n_purchases", "recency_days", "age_days"))
    return bgnbd.cells(x - 1, t_x, T, max_cells=MAX_CELLS)


def spend_of(buyers: pl.DataFrame) -> gammagamma.SpendFit:
    """Fit spend on every k-th buyer by id where there are more than `MAX_SPENDERS`."""
    chosen = buyers.gather_every(-(-buyers.height // MAX_SPENDERS)) if buyers.height else buyers
    return gammagamma.spend_fit(chosen["n_purchases"].to_numpy(), mean_spend(chosen))


def mean_spend(buyers: pl.DataFrame) -> Floats:
    """Return the mean net money per purchase day, in counts of 1/10,000; NaN without purchase."""
    days = buyers["n_purchases"].to_numpy().astype(np.float64)
    money = buyers["purchase_amount"].to_numpy().astype(np.float64)
    return np.asarray(np.divide(money, days, out=np.full(len(days), np.nan), where=days > 0))


def _by_group(gaps: pl.DataFrame) -> list[inactivity.GapCounts]:
    groups = []
    for number in range(len(inactivity.GROUPS)):
        states = [i + 1 for i, g in enumerate(inactivity.GROUP_OF_STATE) if g == number]
        of_group = (
            gaps.filter(pl.col("state").is_in(states))
            .group_by("days")
            .agg(pl.col("n_bought", "n_censored").sum())
            .sort("days")
        )
        days = of_group["days"].cast(pl.Int64).to_numpy()
        bought, censored = (of_group[n].to_numpy() for n in ("n_bought", "n_censored"))
        groups.append(inactivity.GapCounts(days, bought, censored))
    return groups


def score(snapshot: pl.DataFrame, fitted: RepeatFit, horizons: Horizons) -> pl.DataFrame:
    """Return the snapshot with what is ahead of each customer from `as_of` on.

    Adds `is_alive` (silence below the limit), `churned_on` (last purchase + limit),
    `p_churn_{H}d`, `duration_months`, `p_alive`, `n_expected`, `n_present`, `n_retained`,
    `unit_price_amount` (counts of 1/10,000, the shrunk spend per purchase day), `share_low`,
    `share_high`, `n_events`, `method`.
    """
    end = (plus_months(horizons.as_of, horizons.ltv_months) - horizons.as_of).days
    has_bought = snapshot["n_purchases"].to_numpy() > 0
    x = np.maximum(snapshot["n_purchases"].to_numpy(), 1)
    t_x, T, silence = (
        snapshot[n].fill_null(0).cast(pl.Int64).to_numpy()
        for n in ("recency_days", "age_days", "silence_days")
    )
    days = sorted({*horizons.risk_days, min(horizons.retained_days, end), end})
    table = inactivity.leaving_table(fitted.silence, days)
    p_churn, stay_days = inactivity.churn_from_silence(table, x, silence)
    limit = table.limit[np.minimum(x, len(table.limit)) - 1]
    is_alive = has_bought & (silence < limit)
    number = np.where(is_alive, bgnbd.expected_purchases(fitted.purchases, x - 1, t_x, T, end), 0.0)
    stays = stay_days[:, days.index(end)]
    present = number * _discount(stays, horizons.discount_rate)
    full = min(horizons.retained_days, end)
    within, leaves = stay_days[:, days.index(full)], p_churn[:, days.index(full)]
    longer = _stay_if_retained(stays, within, leaves, full)
    kept = present * np.divide(longer, stays, out=np.ones_like(stays), where=stays > 0)
    kept = np.minimum(kept, np.maximum(present, _without_end(fitted.purchases, x - 1, T, end)))
    low, high = _interval(fitted, x - 1, t_x, T, end, number)
    price = gammagamma.expected_value(fitted.spend, x * has_bought, mean_spend(snapshot))
    alive = pl.Series(is_alive)
    return snapshot.with_columns(
        is_alive=alive,
        churned_on=pl.when(pl.Series(~is_alive & has_bought)).then(
            pl.col("last_purchase_on") + pl.duration(days=pl.lit(pl.Series(limit)))
        ),
        p_alive=pl.Series(bgnbd.p_alive(fitted.purchases, x - 1, t_x, T) * has_bought),
        duration_months=pl.Series(np.where(is_alive, stays / DAYS_PER_MONTH, 0.0)),
        n_expected=pl.Series(number),
        n_present=pl.Series(present),
        n_retained=pl.Series(kept),
        unit_price_amount=pl.Series(price),
        share_low=pl.Series(low),
        share_high=pl.Series(high),
        n_events=pl.lit(fitted.n_events, dtype=pl.Int64),
        method=pl.lit(f"repeat:bg_nbd+{type(fitted.spend).__name__}"),
        **{
            f"p_churn_{h}d": pl.when(alive).then(pl.Series(p_churn[:, days.index(h)]))
            for h in horizons.risk_days
        },
    )


def _without_end(purchases: bgnbd.BgNbdFit, x: Floats, T: Floats, days: float) -> Floats:
    """Return the purchases of one who never leaves: nobody who is retained makes more."""
    return np.asarray((purchases.r + x) / (purchases.alpha + T) * days)


def _discount(stay_days: Floats, rate: float) -> Floats:
    """Present value of one unit spread evenly over the expected stay, at `rate` a year."""
    force = np.log1p(rate) * stay_days / 365.25
    return np.asarray(np.where(force > 0, -np.expm1(-force) / np.where(force > 0, force, 1.0), 1.0))


def _stay_if_retained(stays: Floats, within: Floats, leaves: Floats, full: int) -> Floats:
    """Return the days expected of those who stay through the first `full` days, the risk horizon.

    These are theirs in full; what comes after is as expected now (`stays` less the days expected
    `within` it), given that they reach it.
    """
    reach = 1.0 - leaves
    later = np.divide(stays - within, reach, out=np.zeros_like(stays), where=reach > 0)
    return np.asarray(full + later)


def total_interval(
    customers: pl.DataFrame, fitted: RepeatFit, horizons: Horizons
) -> tuple[float, float] | None:
    """Return 95 % bounds of the residual LTV of customers together, as shares of its estimate.

    The parameters of BG/NBD move all of them at once: each move is summed before its logarithm is
    taken, so that errors which part customers cancel as they do in the sum. `customers` is the
    result of `score` with `ltv_amount`. Null where there is no covariance, or nothing to add up.
    """
    alive = customers.filter(pl.col("ltv_amount") > 0)
    if alive.is_empty() or not _is_told(fitted.purchases):
        return None
    end = (plus_months(horizons.as_of, horizons.ltv_months) - horizons.as_of).days
    x, t_x, T = (
        alive[n].cast(pl.Int64).to_numpy() for n in ("n_purchases", "recency_days", "age_days")
    )
    amount = alive["ltv_amount"].cast(pl.Float64).to_numpy()
    return interval_of_sum(fitted.purchases, (x - 1, t_x, T), end, amount)


def interval_of_sum(
    purchases: bgnbd.BgNbdFit, points: tuple[Ints, Ints, Ints], days: int, amount: Floats
) -> tuple[float, float]:
    """Return 95 % bounds of a sum of expectations, as shares of it; see `total_interval`.

    `points` are (x, t_x, T) of each customer, `amount` (> 0) what its expectation adds to the sum.
    """
    cells = _coarse(*points)
    now = bgnbd.expected_purchases(purchases, *cells.points, days)
    weight = np.bincount(cells.at, amount)
    each = np.divide(weight, now, out=np.zeros_like(weight), where=now > 0)
    moves = _moves(purchases, cells.points, days)
    squared = sum((np.log(float(up @ each) / float(down @ each)) / 2) ** 2 for up, down in moves)
    spread = float(np.exp(min(_NORMAL_95 * np.sqrt(squared), _WIDEST)))
    return 1.0 / spread, spread


def _interval(
    fitted: RepeatFit, x: Ints, t_x: Ints, T: Ints, days: int, number: Floats
) -> tuple[Floats, Floats]:
    """Return 95 % bounds of expected purchases as shares of them, for what is not known of BG/NBD.

    The parameters are moved by one standard error along each axis of their covariance; the
    moves of the logarithm add in squares (delta method). NaN where there is no covariance.
    """
    if not _is_told(fitted.purchases):
        nothing = np.full(len(number), np.nan)
        return nothing, nothing
    cells = _coarse(x, t_x, T)
    squared = np.zeros(len(cells.points[0]))
    for up, down in _moves(fitted.purchases, cells.points, days):
        squared += (np.log(np.maximum(up, 1e-300) / np.maximum(down, 1e-300)) / 2) ** 2
    spread = np.exp(np.minimum(_NORMAL_95 * np.sqrt(squared), _WIDEST))[cells.at]
    return 1.0 / spread, spread


class _Coarse(NamedTuple):
    """Customers alike in purchases and, to a number of days, in time."""

    points: tuple[Ints, Ints, Ints]
    """(x, t_x, T) of one customer of each kind."""
    at: Ints
    """The kind of each customer."""


def _coarse(x: Ints, t_x: Ints, T: Ints) -> _Coarse:
    coarse, steps = np.asarray(T) // INTERVAL_DAYS, int(np.max(T, initial=0)) // INTERVAL_DAYS + 1
    packed = (np.asarray(x) * steps + np.asarray(t_x) // INTERVAL_DAYS) * steps + coarse
    _, some, at = np.unique(packed, return_index=True, return_inverse=True)
    return _Coarse((x[some], t_x[some], T[some]), at)


def _is_told(purchases: bgnbd.BgNbdFit) -> bool:
    """Whether the fit says how far it may be off."""
    return not purchases.is_at_bound and bool(np.isfinite(purchases.covariance).all())


def _moves(
    purchases: bgnbd.BgNbdFit, points: tuple[Ints, Ints, Ints], days: int
) -> Iterator[tuple[Floats, Floats]]:
    """Yield expected purchases with the parameters moved up and down each axis of their errors."""
    values, axes = np.linalg.eigh(purchases.covariance)
    for value, axis in zip(values, axes.T, strict=True):
        step = np.sqrt(max(value, 0.0)) * axis
        up, down = (
            bgnbd.expected_purchases(_moved(purchases, sign * step), *points, days)
            for sign in (1.0, -1.0)
        )
        yield up, down


def _moved(fitted: bgnbd.BgNbdFit, step: Floats) -> bgnbd.BgNbdFit:
    now = np.log([fitted.r, fitted.alpha, fitted.a, fitted.b])
    r, alpha, a, b = np.exp(now + np.clip(step, -_FARTHEST, _FARTHEST))
    return replace(fitted, r=float(r), alpha=float(alpha), a=float(a), b=float(b))
