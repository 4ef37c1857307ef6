"""What is foretold of customers known on a day: the default, and what it must beat.

One rule: a prediction sees `Known` and nothing else, and nothing in it is of the day or later.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from csk.calendar import DAYS_PER_MONTH
from csk.models import contract, repeat
from csk.models.buying import PROCESSES, Fitted, Process, log_gaps_of
from csk.models.contract import Horizons
from csk.stats import bgnbd, gammagamma, mbgnbd
from csk.stats.chances import purchases_ahead

Floats = NDArray[np.float64]

_NORMAL_95: Final = 1.959964
_TAIL: Final = 0.025


@dataclass(frozen=True, slots=True)
class Known:
    """What was known on the morning of `on`, and for which days something is to be foretold."""

    on: date
    months: int
    """Length of the hold-out."""
    ends: tuple[date, ...]
    """Exclusive ends of its steps; the last is that of the hold-out."""
    customers: pl.DataFrame
    """`tables.snapshot` of the day, one row per customer, sorted by id."""
    received: Floats
    """(customers,) revenue in the time as long as the hold-out before `on`, counts of 1/10,000."""
    bought: Floats
    """(customers,) purchases (of contracts: payments) in that time."""
    counts: pl.DataFrame
    """What the default is fitted on: `gap_counts` of a shop, `age_counts` of contracts."""
    churned_share: float | None = None
    """Of contracts: of those there when that time began, the share that was gone when it ended."""
    within_days: int = 90
    silence_share: float = 0.10

    @property
    def days(self) -> int:
        """Return the length of the hold-out in days."""
        return (self.ends[-1] - self.on).days

    @property
    def step_days(self) -> tuple[int, ...]:
        """Return the days from `on` to the end of each step."""
        return tuple((end - self.on).days for end in self.ends)


@dataclass(frozen=True, slots=True)
class Foretold:
    """What is expected of each customer over the hold-out, in the order of `Known.customers`.

    Arrays are (customers,); those `by_step` (steps,), sums over all customers up to each end.
    """

    revenue: Floats
    """Counts of 1/10,000, undiscounted, before margin."""
    purchases: Floats
    revenue_by_step: Floats
    purchases_by_step: Floats
    p_none: Floats | None = None
    """Chance of no purchase; of contracts: of being gone at the end."""
    low: Floats | None = None
    high: Floats | None = None
    """95 % predictive bounds of each customer's purchases."""
    total: tuple[float, float] | None = None
    """95 % bounds of all revenue, for what is not known of the parameters."""
    total_with_chance: tuple[float, float] | None = None
    """The same with what chance adds to known parameters."""


Predict: TypeAlias = Callable[[Known], Foretold]


def last_period(known: Known) -> Foretold:
    """Foretell that each customer brings what it brought in the time before."""
    return _even(known, known.received, known.bought)


def mean(known: Known) -> Foretold:
    """Foretell that each customer brings what one brought on average in the time before."""
    n = len(known.received)
    same = np.ones(n) / max(n, 1)
    return _even(known, same * known.received.sum(), same * known.bought.sum())


def arpa_churn(known: Known) -> Foretold:
    """Foretell ARPA a month while a customer stays, at the monthly churn of the time before.

    The one churn rate of the vendors' formula, cut at the hold-out's end; who is gone brings 0.
    """
    alive = known.customers["is_alive"].to_numpy().astype(np.float64)
    left = min(known.churned_share or 0.0, 1.0)
    stays = (1.0 - left) ** (1.0 / known.months)
    months = np.array(known.step_days) / DAYS_PER_MONTH
    force = -np.log(stays) if stays > 0 else np.inf
    served = months if force <= 0 else -np.expm1(-force * months) / force
    paying = max(alive.sum(), 1.0)
    arpa = float(known.customers["mrr_amount"].to_numpy() @ alive) / paying
    terms = known.customers["term_months"].fill_null(1).clip(lower_bound=1).to_numpy()
    number = float((alive / terms).sum()) / paying
    return Foretold(
        revenue=alive * arpa * served[-1],
        purchases=alive * number * served[-1],
        revenue_by_step=alive.sum() * arpa * served,
        purchases_by_step=alive.sum() * number * served,
        p_none=1.0 - alive * (1.0 - left),
    )


def _even(known: Known, revenue: Floats, purchases: Floats) -> Foretold:
    passed = np.array(known.step_days) / known.days
    return Foretold(
        revenue=np.asarray(revenue, np.float64),
        purchases=np.asarray(purchases, np.float64),
        revenue_by_step=revenue.sum() * passed,
        purchases_by_step=purchases.sum() * passed,
        p_none=(purchases <= 0).astype(np.float64),
    )


@dataclass(frozen=True, slots=True)
class Bought:
    """A purchase process as a model: it foretells purchases, and the default's spend their price.

    `none(fit, x, t_x, T, days)` is the chance of no purchase within `days`, where there is one.
    """

    process: Process
    none: Callable[[Any, Floats, Floats, Floats, float], Floats] | None = None

    def __call__(self, known: Known) -> Foretold:
        """Fit the process to the customers known, and foretell what each will buy."""
        has_bought, *columns = _recency(known)
        buyers = has_bought > 0
        x, t_x, T = (column[buyers] for column in columns)
        cells = bgnbd.cells(x, t_x, T, max_cells=repeat.MAX_CELLS)
        fitted = Fitted(self.process, self.process.fit(cells, log_gaps_of(known.counts)))
        some, back = _alike(x, t_x, T)
        x, t_x, T = x[some], t_x[some], T[some]
        price = spend_of(known)
        weight, worth = np.bincount(back), np.bincount(back, price[buyers])
        by_step = np.array([fitted.expected_purchases(x, t_x, T, days) for days in known.step_days])
        purchases, p_none = np.zeros(len(buyers)), np.ones(len(buyers))
        purchases[buyers] = by_step[-1][back]
        if self.none is not None:
            p_none[buyers] = self.none(fitted.fit, x, t_x, T, known.days)[back]
        return Foretold(
            revenue=purchases * price,
            purchases=purchases,
            revenue_by_step=by_step @ worth,
            purchases_by_step=by_step @ weight,
            p_none=None if self.none is None else p_none,
        )


def _alike(x: Floats, t_x: Floats, T: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return one row of each distinct (x, t_x, T) in whole days, and to which each row belongs."""
    longest = int(np.max(T, initial=0)) + 1
    packed = (x.astype(np.int64) * longest + t_x.astype(np.int64)) * longest + T.astype(np.int64)
    _, some, back = np.unique(packed, return_index=True, return_inverse=True)
    return some, back


def spend_of(known: Known) -> Floats:
    """Return what each customer of a shop is expected to pay a purchase, in counts of 1/10,000."""
    buyers = known.customers["n_purchases"].to_numpy()
    averages = repeat.mean_spend(known.customers)
    some = buyers > 0
    fitted = gammagamma.spend_fit(buyers[some], averages[some])
    return gammagamma.expected_value(fitted, buyers, averages)


def shop_default(known: Known) -> Foretold:
    """Foretell as `csk segment` does for shops: silence limits, BG/NBD, Gamma-Gamma."""
    fitted = repeat.fit(known.counts, known.customers, known.within_days, known.silence_share)
    horizons = Horizons(known.on, (known.days,), known.months)
    scored = repeat.score(known.customers, fitted, horizons)
    number, price = (_column(scored, name) for name in ("n_expected", "unit_price_amount"))
    _, x, t_x, T = _recency(known)
    here = _column(scored, "is_alive")
    by_step = [
        bgnbd.expected_purchases(fitted.purchases, x, t_x, T, days) * here
        for days in known.step_days
    ]
    whole = number * price
    low, high = (_column(scored, name) for name in ("share_low", "share_high"))
    chances = purchases_ahead(fitted.purchases, x, t_x, T, known.days)
    revenue = float(whole.sum())
    total = (float(whole @ low), float(whole @ high)) if np.isfinite(low).all() else None
    spread = float(np.sqrt((here * chances.variance * price**2).sum()))
    return Foretold(
        revenue=whole,
        purchases=number,
        revenue_by_step=np.array([expected @ price for expected in by_step]),
        purchases_by_step=np.array([expected.sum() for expected in by_step]),
        p_none=1.0 - here * (1.0 - chances.none),
        low=here * chances.low,
        high=here * chances.high,
        total=total,
        total_with_chance=None if total is None else _widened(revenue, total, spread),
    )


def contract_default(known: Known) -> Foretold:
    """Foretell as `csk segment` does for contracts: one survival curve per plan and term."""
    fitted = contract.fit(known.counts, known.months + 1 + known.days // 28)
    scored = [
        contract.score(known.customers, fitted, Horizons(known.on, (known.days,), month))
        for month in range(1, known.months + 1)
    ]
    number = np.array([_column(frame, "n_expected") for frame in scored])
    last = scored[-1]
    terms = last["term_months"].clip(lower_bound=1).to_numpy()
    price = np.nan_to_num(last["mrr_amount"].to_numpy().astype(np.float64) * terms)
    revenue = number[-1] * price
    rows = last.with_columns(ltv_amount=pl.Series(np.rint(revenue).astype(np.int64)))
    horizons = Horizons(known.on, (known.days,), known.months)
    low, high = contract.total_interval(rows, fitted, horizons)
    whole = float(revenue.sum())
    # Payments come once a month at most, so a month's expectation is the chance of one more.
    chances = np.diff(number, axis=0, prepend=0.0)
    rank = np.cumsum(chances > 0, axis=0)
    variance = ((2 * rank - 1) * chances).sum(axis=0) - number[-1] ** 2
    spread = float(np.sqrt((np.maximum(variance, 0.0) * price**2).sum()))
    total = (low * whole, high * whole)
    alive = _column(last, "is_alive")
    return Foretold(
        revenue=revenue,
        purchases=number[-1],
        revenue_by_step=number @ price,
        purchases_by_step=number.sum(axis=1),
        p_none=1.0 - alive * (1.0 - _column(last, f"p_churn_{known.days}d")),
        low=(chances > 1.0 - _TAIL).sum(axis=0).astype(np.float64),
        high=((chances >= _TAIL) & (chances > 0)).sum(axis=0).astype(np.float64),
        total=total,
        total_with_chance=_widened(whole, total, spread),
    )


def _widened(whole: float, total: tuple[float, float], spread: float) -> tuple[float, float]:
    """Widen bounds by the chance that is left when parameters are known; both add in squares."""
    chance = _NORMAL_95 * spread
    low, high = (np.hypot(whole - end, chance) for end in total)
    return max(whole - float(low), 0.0), whole + float(high)


def bg_nbd_none(fitted: bgnbd.BgNbdFit, x: Floats, t_x: Floats, T: Floats, days: float) -> Floats:
    """Return the chance of no purchase within `days` in BG/NBD."""
    silent = ((fitted.alpha + T) / (fitted.alpha + T + days)) ** (fitted.r + x)
    return np.asarray(1.0 - bgnbd.p_alive(fitted, x, t_x, T) * (1.0 - silent))


_NONE: Final[Mapping[str, Callable[[Any, Floats, Floats, Floats, float], Floats]]] = {
    "bg_nbd": bg_nbd_none,
    "mbg_nbd": mbgnbd.p_none,
    "mbg_cnbd_k": mbgnbd.p_none,
}
SHOP: Final[Mapping[str, Predict]] = {
    "default": shop_default,
    **{one.name: Bought(one, _NONE.get(one.name)) for one in PROCESSES},
    "last_period": last_period,
    "mean": mean,
}
"""Models of a shop by name, the present default first."""
CONTRACTS: Final[Mapping[str, Predict]] = {
    "default": contract_default,
    "arpa_churn": arpa_churn,
    "last_period": last_period,
    "mean": mean,
}
"""Models of contracts by name, the present default first."""


def _recency(known: Known) -> tuple[Floats, Floats, Floats, Floats]:
    """Return who ever bought (1 or 0), repeat purchases, recency and age in days."""
    rows = known.customers
    n = rows["n_purchases"].to_numpy()
    t_x, T = (
        rows[name].fill_null(0).cast(pl.Float64).to_numpy() for name in ("recency_days", "age_days")
    )
    return (n > 0).astype(np.float64), np.maximum(n - 1, 0).astype(np.float64), t_x, T


def _column(rows: pl.DataFrame, name: str) -> Floats:
    """Return a column as numbers; nothing known counts as 0."""
    return rows[name].cast(pl.Float64).fill_null(0.0).to_numpy()
