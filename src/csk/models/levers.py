"""What LTV becomes when a lever is moved: churn, price, margin, frequency.

One rule: churn is moved where it happens, in the hazard of leaving, and everything after it
(months, payments, present value) follows; price, margin and frequency multiply what is left.
"""

from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from csk.calendar import DAYS_PER_MONTH, plus_months
from csk.models import contract
from csk.models.contract import ContractFit, Horizons
from csk.models.repeat import RepeatFit
from csk.models.value import UNIT
from csk.stats import bgnbd, inactivity

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

_MONTHS: Final = 12
MOST_CHURN: Final = 64.0
"""Times today's churn, beyond which no break-even is looked for."""
_CLOSE: Final = 1e-6


class Ahead(NamedTuple):
    """What is ahead of customers: expected payments, months, and payments at present value."""

    number: Floats
    months: Floats
    present: Floats


@dataclass(frozen=True, slots=True)
class Moves:
    """How far each lever is moved; as it stands, nothing moves."""

    churn: float = 1.0
    """Factor of every hazard of leaving; a hazard ends at 1."""
    price: float = 1.0
    """Factor of the unit price."""
    margin: float = 1.0
    """Factor of the margin share."""
    margin_points: float = 0.0
    """Added to the margin share, which ends at 1."""
    frequency: float = 1.0
    """Factor of the payments."""
    purchases: float = 0.0
    """Further payments a year for as long as the customer stays; under contract, further months'
    fees, as a payment of a year's fee is no small step."""


def ahead(
    alive: pl.DataFrame, fit: ContractFit | RepeatFit, horizons: Horizons, churn: float
) -> Ahead:
    """Return what is ahead of valued customers alive when churn is `churn` times today's.

    `alive` is what `score` and `valued` returned of those alive. At 1 it is what stands there,
    to the bit.
    """
    if churn == 1.0:
        names = ("n_expected", "duration_months", "n_present")
        return Ahead(*(alive[name].fill_null(0.0).to_numpy() for name in names))
    if isinstance(fit, ContractFit):
        return _under_contract(alive, fit, horizons, churn)
    return _repeating(alive, fit, horizons, churn)


def worths(alive: pl.DataFrame, future: Ahead, moves: Moves) -> Counts:
    """Return the LTV of each customer with the levers moved, in counts of 1/10,000.

    `future` is `ahead` at `moves.churn`. Where nothing moves it is their LTV as it stands.
    """
    still = alive["n_present"].fill_null(0.0).to_numpy()
    margin = alive["margin_share"].fill_null(0.0).to_numpy()
    share = _share(alive, moves)
    more = _further(alive, future, moves)
    some = future.number > 0
    at_present = np.divide(future.present, future.number, out=np.ones_like(more), where=some)
    present = future.present * moves.frequency + more * at_present
    # Of what stands only shares change, so that nothing moved leaves every count as it is.
    ratio = np.divide(present, still, out=np.ones_like(still), where=still > 0) * moves.price
    ratio = ratio * np.divide(share, margin, out=np.ones_like(margin), where=margin > 0)
    price = alive["unit_price_amount"].fill_null(0.0).to_numpy() * UNIT * moves.price
    found = np.where(
        (still > 0) & (margin > 0),
        alive["ltv_amount"].to_numpy() * ratio,
        present * price * share,
    )
    return np.asarray(np.rint(found).astype(np.int64))


def factor_sums(alive: pl.DataFrame, future: Ahead, moves: Moves) -> tuple[float | None, ...]:
    """Return unit price (major units), margin, frequency and months with the levers moved.

    Ratios of sums, as of `models.value.factors`; null where what they are ratios of is 0.
    """
    price = alive["unit_price_amount"].fill_null(0.0).to_numpy() * moves.price
    margin = _share(alive, moves)
    number = future.number * moves.frequency + _further(alive, future, moves)
    payments, months = float(number.sum()), float(future.months.sum())
    revenue, earned = float((number * price).sum()), float((number * price * margin).sum())
    pairs = ((revenue, payments), (earned, revenue), (payments, months), (months, alive.height))
    return tuple(above / below if below else None for above, below in pairs)


def _further(alive: pl.DataFrame, future: Ahead, moves: Moves) -> Floats:
    """Return further payments; a month's fee is a part of the payment of a longer term."""
    each = moves.purchases * future.months / _MONTHS
    if "term_months" not in alive.columns:
        return np.asarray(each)
    return np.asarray(each / alive["term_months"].fill_null(1).clip(lower_bound=1).to_numpy())


def _share(alive: pl.DataFrame, moves: Moves) -> Floats:
    """Return the margin shares, moved; they end at 1."""
    margin = alive["margin_share"].fill_null(0.0).to_numpy()
    moved = margin * moves.margin + moves.margin_points
    return np.asarray(np.minimum(moved, np.maximum(margin, 1.0)))


def break_even(
    alive: pl.DataFrame, fit: ContractFit | RepeatFit, horizons: Horizons, price: float
) -> float | None:
    """Return how many times today's churn would just eat up what `price` (a factor) brings.

    Of a price cut, to what share churn must fall to pay for it. Null where no churn up to
    `MOST_CHURN` times today's, or none at all, does so.
    """
    base = float(_total(alive, fit, horizons, 1.0))
    if base <= 0 or price <= 0:
        return None
    low, high = (1.0, 2.0) if price >= 1 else (0.0, 1.0)
    while price >= 1 and _total(alive, fit, horizons, high) * price > base:
        low, high = high, high * 2
        if high > MOST_CHURN:
            return None
    if price < 1 and _total(alive, fit, horizons, 0.0) * price < base:
        return None
    return _root(alive, fit, horizons, base / price, (low, high))


def _root(
    alive: pl.DataFrame,
    fit: ContractFit | RepeatFit,
    horizons: Horizons,
    target: float,
    bounds: tuple[float, float],
) -> float:
    """Return the churn at which the LTV of all is `target`: it falls as churn rises.

    False position with the Illinois step, whose bounds always hold the answer.
    """
    (low, high), side = bounds, 0
    over, under = (_total(alive, fit, horizons, at) - target for at in bounds)
    middle = low
    for _ in range(60):
        if high - low <= _CLOSE * high or over <= under:
            break
        middle = low + (high - low) * over / (over - under)
        found = _total(alive, fit, horizons, middle) - target
        if abs(found) <= _CLOSE * target:
            break
        if found > 0:
            low, over, under, side = middle, found, under / 2 if side > 0 else under, 1
        else:
            high, under, over, side = middle, found, over / 2 if side < 0 else over, -1
    return middle


def _total(
    alive: pl.DataFrame, fit: ContractFit | RepeatFit, horizons: Horizons, churn: float
) -> float:
    if isinstance(fit, RepeatFit):
        number, present = _purchases(alive, fit, horizons, churn)
        future = Ahead(number, alive["duration_months"].fill_null(0.0).to_numpy(), present)
    else:
        future = ahead(alive, fit, horizons, churn)
    return float(worths(alive, future, Moves(churn=churn)).sum())


def _under_contract(
    alive: pl.DataFrame, fit: ContractFit, horizons: Horizons, churn: float
) -> Ahead:
    curves = []
    for curve in fit.curves:
        grid = moved_survival(curve.grid, churn)
        curves.append(replace(curve, grid=grid, draws=grid[None]))
    key = ["group", "term_months", "spell_started_on", "term_started_on", "is_alive"]
    scored = contract.score(alive.select(key), replace(fit, curves=tuple(curves)), horizons)
    names = ("n_expected", "duration_months", "n_present")
    return Ahead(*(scored[name].fill_null(0.0).to_numpy() for name in names))


def moved_survival(grid: Floats, churn: float) -> Floats:
    """Return a survival grid (ticks + 1,) with the hazard of every tick times `churn`.

    A renewal that half of them leave loses 45 % of them at 0.9. A hazard ends at 1; 0 keeps all.
    """
    start = grid[:-1]
    stays = np.divide(grid[1:], start, out=np.zeros_like(start), where=start > 0)
    hazard = np.clip((1.0 - stays) * churn, 0.0, 1.0)
    moved: Floats = np.concatenate([grid[:1], grid[0] * np.cumprod(1.0 - hazard)])
    return moved


def _repeating(alive: pl.DataFrame, fit: RepeatFit, horizons: Horizons, churn: float) -> Ahead:
    """Move the chance of leaving after a purchase, and the hazard of falling silent for good.

    Months are those under S^c over those under S, times the months as they stand.
    """
    number, present = _purchases(alive, fit, horizons, churn)
    x, silence = (
        alive[name].fill_null(0).cast(pl.Int64).to_numpy()
        for name in ("n_purchases", "silence_days")
    )
    state = np.clip(x, 1, inactivity.STATES) - 1
    end = _days(horizons)
    longer = alive["duration_months"].fill_null(0.0).to_numpy()
    longer = longer * _stay_ratio(fit, horizons, end, churn)[state, silence]
    # Months run to the horizon at most, however long its months are in days.
    return Ahead(number, np.minimum(longer, end / DAYS_PER_MONTH), present)


def _purchases(
    alive: pl.DataFrame, fit: RepeatFit, horizons: Horizons, churn: float
) -> tuple[Floats, Floats]:
    """Return expected purchases and their present value with the chance p of leaving moved.

    Of a buyer with rate l, E[purchases in t] = (1 - exp(-l p t)) / p, so that c p in place of p
    is the expectation over c t, divided by c: nothing needs to be integrated anew. Purchases
    gained or lost lie at the end of the stay.
    """
    x, t_x, T = (
        alive[name].fill_null(0).cast(pl.Int64).to_numpy()
        for name in ("n_purchases", "recency_days", "age_days")
    )
    again, end = np.maximum(x, 1) - 1, _days(horizons)
    if churn > 0:
        number = bgnbd.expected_purchases(fit.purchases, again, t_x, T, churn * end) / churn
    else:
        rate = (fit.purchases.r + again) / (fit.purchases.alpha + T)
        number = rate * end * bgnbd.p_alive(fit.purchases, again, t_x, T)
    before, present, months = (
        alive[name].fill_null(0.0).to_numpy()
        for name in ("n_expected", "n_present", "duration_months")
    )
    late = (1.0 + horizons.discount_rate) ** (-months / _MONTHS)
    return number, np.clip(present + (number - before) * late, 0.0, number)


def _days(horizons: Horizons) -> int:
    return (plus_months(horizons.as_of, horizons.ltv_months) - horizons.as_of).days


def _stay_ratio(fit: RepeatFit, horizons: Horizons, end: int, churn: float) -> Floats:
    """Return the area under S^c over that under S up to the horizon, by state and silence."""
    grid = np.unique(np.linspace(0, end, horizons.ltv_months + 1).astype(np.int64))
    table = inactivity.leaving_table(fit.silence, grid.tolist())
    stays = 1.0 - table.p_churn
    moved = stays**churn if churn > 0 else np.ones_like(stays)
    area, width = np.zeros((2, *stays.shape[:2])), np.diff(grid)
    for i, curve in enumerate((moved, stays)):
        area[i] = ((curve[..., 1:] + curve[..., :-1]) / 2) @ width
    ratio: Floats = np.divide(area[0], area[1], out=np.ones_like(area[0]), where=area[1] > 0)
    return ratio
