"""What a new customer is worth, of the whole book and of groups that stay and buy in their own way.

One rule: a group is told by its own curve, or its own purchases, where it has enough of them, and
by those of the rest where it has not.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from csk.calendar import DAYS_PER_MONTH, plus_months
from csk.errors import ModelError
from csk.models import contract, repeat
from csk.models.contract import ContractFit, Horizons
from csk.models.payback import brought
from csk.models.repeat import RepeatFit
from csk.models.value import UNIT, Factors
from csk.stats import bgnbd, gammagamma, inactivity

ENOUGH_BUYERS: Final = 300
"""Buyers of a group, below which it is told by the purchases of all."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Newcomer:
    """What one who comes today is expected to bring in, the first payment included."""

    factors: Factors
    """Of as many new customers as there are alive, whose plans, terms and prices they have."""
    brought: Floats
    """(months,) margin by the end of each month at present value, counts of 1/10,000."""
    own_share: float = 1.0
    """Of those alive, how many have the plan's term for which the group tells of itself."""

    @property
    def ltv_amount(self) -> float:
        """Return the LTV of one new customer, in counts of 1/10,000."""
        return float(self.brought[-1])


def newcomer(
    members: pl.DataFrame, fit: ContractFit | RepeatFit, horizons: Horizons, margin: float | None
) -> Newcomer | None:
    """Return what a new customer like the valued `members` alive is worth; null where none is.

    `margin` is the share of theirs.
    """
    alive = members.filter("is_alive")
    sums = None if alive.is_empty() else brought(alive, margin, fit, horizons)
    if sums is None:
        return None
    if isinstance(fit, ContractFit):
        told = _of_contracts(alive, fit, horizons, sums)
    else:
        told = _of_purchases(alive, fit, horizons, (margin or 0.0, sums))
    return Newcomer(told, sums)


def reread(members: pl.DataFrame, fit: ContractFit, group: str) -> tuple[pl.DataFrame, float]:
    """Return valued `members` on the curves of `fit` that are read by `group`, term by term.

    And the share of those alive whose curve is the group's own, not shared with others.
    """
    own = [curve.curve for curve in fit.curves if curve.group == group]
    known = {term: curve for (of, term), curve in fit.reading.items() if of == group}
    read = members.with_columns(
        curve=pl.col("term_months").replace_strict(known, default=None, return_dtype=pl.Int32)
    )
    alive = read.filter("is_alive")
    n_own = int(alive["curve"].is_in(own).sum())
    return read, n_own / alive.height if alive.height else 0.0


def refitted(members: pl.DataFrame, fit: RepeatFit) -> RepeatFit | None:
    """Return how the valued `members` of a shop buy and spend; null where they are too few."""
    buyers = members.filter(pl.col("n_purchases") > 0)
    if buyers.height < ENOUGH_BUYERS:
        return None
    try:
        purchases = repeat.purchases_of(buyers)
    except ModelError:
        return None
    return replace(fit, purchases=purchases, spend=repeat.spend_of(buyers))


def like_all(whole: Newcomer, n: int, margin: float | None) -> Newcomer | None:
    """Return the new customer of a group of a shop that buys as all do, `n` of whom are alive.

    At the group's own `margin`; null where that, or the whole's, is none.
    """
    of = whole.factors
    if margin is None or not of.margin_share or not n:
        return None
    sums = whole.brought * (margin / of.margin_share)
    factors = replace(of, n=n, margin_share=margin, ltv_amount=round(float(sums[-1]) * n))
    return Newcomer(factors, sums, own_share=0.0)


def _of_contracts(
    alive: pl.DataFrame, fit: ContractFit, horizons: Horizons, sums: Floats
) -> Factors:
    paid = pl.col("mrr_amount") * pl.col("term_months")
    groups = (
        alive.sort("customer_id")
        .group_by("curve", maintain_order=True)
        .agg(n=pl.len(), revenue=paid.sum(), worth=(paid * pl.col("margin_share")).sum())
        .sort("curve")
    )
    curves = {curve.curve: curve for curve in fit.curves}
    n, payments, months, revenue, margin = 0, 0.0, 0.0, 0.0, 0.0
    for number, n_of, price, worth in groups.iter_rows():
        if number not in curves:
            continue
        stay, times = contract.new_customer(curves[number], horizons)
        n += n_of
        payments += n_of * times
        months += n_of * stay
        revenue += price * times
        margin += worth * times
    return _ratios(n, (payments, months, revenue, margin), float(sums[-1]) * n)


def _of_purchases(
    alive: pl.DataFrame, fit: RepeatFit, horizons: Horizons, known: tuple[float, Floats]
) -> Factors:
    margin, sums = known
    n, end = alive.height, (plus_months(horizons.as_of, horizons.ltv_months) - horizons.as_of).days
    table = inactivity.leaving_table(fit.silence, [end])
    _, stays = inactivity.churn_from_silence(table, np.ones(1), np.zeros(1))
    again = bgnbd.expected_purchases_new(fit.purchases, horizons.ltv_months * DAYS_PER_MONTH)
    price = float(gammagamma.expected_value(fit.spend, np.zeros(1), np.zeros(1))[0])
    payments = n * (1.0 + float(again))
    months, revenue = n * float(stays[0, 0]) / DAYS_PER_MONTH, payments * price
    return _ratios(n, (payments, months, revenue, revenue * margin), float(sums[-1]) * n)


def _ratios(n: int, expected: tuple[float, float, float, float], present: float) -> Factors:
    payments, months, revenue, margin = expected
    return Factors(
        n=n,
        unit_price_amount=revenue / payments / UNIT if payments else None,
        margin_share=margin / revenue if revenue else None,
        frequency=payments / months if months else None,
        duration_months=months / n if n else None,
        discount_factor=present / margin if margin else None,
        ltv_amount=round(present),
    )
