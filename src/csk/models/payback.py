"""What a new customer brings in month by month, and when that has paid for winning them.

One rule: each payment counts with the chance that the customer is still there to make it.
"""

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from csk.calendar import DAYS_PER_MONTH, TICKS_PER_MONTH
from csk.models.contract import ContractFit, Horizons
from csk.models.figures import BookFigures
from csk.models.repeat import RepeatFit
from csk.stats import bgnbd, gammagamma, residual

Floats = NDArray[np.float64]
_MONTHS: Final = 12


def cumulated(
    customers: pl.DataFrame, figures: BookFigures, fit: ContractFit | RepeatFit, horizons: Horizons
) -> Floats | None:
    """Return the expected margin of a new customer by the end of month 1, 2, ... the LTV horizon.

    (months,), counts of 1/10,000, at present value, the first payment included. New customers are
    taken to be of the plans, terms and prices of those alive; null where nobody is. `customers`
    is what `score` and `valued` returned.
    """
    alive = customers.filter("is_alive")
    return None if alive.is_empty() else brought(alive, figures.ltv.margin_share, fit, horizons)


def brought(
    alive: pl.DataFrame,
    margin_share: float | None,
    fit: ContractFit | RepeatFit,
    horizons: Horizons,
) -> Floats | None:
    """Return the same of a new customer like those alive of a group.

    `margin_share` is theirs, which of a shop's purchases holds for a new customer too.
    """
    if isinstance(fit, ContractFit):
        return _of_contracts(alive, fit, horizons)
    return _of_purchases(margin_share, fit, horizons)


def payback_months(cumulated: Floats, cost: float) -> int | None:
    """Return the first month by whose end the margin has reached the cost; null where none has."""
    reached = np.flatnonzero(cumulated >= cost)
    return int(reached[0]) + 1 if len(reached) else None


def _of_contracts(alive: pl.DataFrame, fit: ContractFit, horizons: Horizons) -> Floats | None:
    price = pl.col("mrr_amount") * pl.col("term_months") * pl.col("margin_share")
    groups = (
        alive.sort("customer_id")
        .group_by("curve", maintain_order=True)
        .agg(pl.len().alias("n"), worth=price.sum())
        .sort("curve")
    )
    curves = {curve.curve: curve for curve in fit.curves}
    months = np.arange(1, horizons.ltv_months + 1)
    late = horizons.is_in_arrears
    ends = months * TICKS_PER_MONTH - 1 + late
    start = np.full_like(ends, -1)
    monthly = (1.0 + horizons.discount_rate) ** (1 / _MONTHS) - 1.0
    total, n_told = np.zeros(len(months)), 0
    for number, n, worth in groups.iter_rows():
        curve = curves.get(number)
        if curve is None:
            continue
        n_told += n
        ticks = np.full_like(ends, curve.term_months * TICKS_PER_MONTH)
        _, present = residual.expected_payments(
            curve.grid, start, ends, ticks * late, ticks, discount_per_month=monthly
        )
        total += worth * present
    return total / n_told if n_told else None


def _of_purchases(margin: float | None, fit: RepeatFit, horizons: Horizons) -> Floats | None:
    if margin is None:
        return None
    months = np.arange(1, horizons.ltv_months + 1)
    again = bgnbd.expected_purchases_new(fit.purchases, months * DAYS_PER_MONTH)
    # In the middle of the month in which a purchase is expected.
    later = (1.0 + horizons.discount_rate) ** -((months - 0.5) / _MONTHS)
    number = 1.0 + np.cumsum(np.diff(again, prepend=0.0) * later)
    price = float(gammagamma.expected_value(fit.spend, np.zeros(1), np.zeros(1))[0])
    # A heavy tail of spend has no mean: then nobody can say what the next one brings.
    return number * price * margin if np.isfinite(price) else None
