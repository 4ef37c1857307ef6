"""What groups of customers are worth: so far, from here on, and those who come next.

One rule: a group's figures are sums, or ratios of sums, of its customers; groups add up to the
book.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from csk.models import contract, repeat
from csk.models.contract import ContractFit, Horizons
from csk.models.newcomers import Newcomer
from csk.models.outlook import Bounds, predicted, tail_share
from csk.models.payback import payback_months
from csk.models.rates import Rate
from csk.models.repeat import RepeatFit
from csk.models.value import Factors, factors

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Worth:
    """A group of customers; money in counts of 1/10,000."""

    group: str
    n: int
    n_alive: int
    realised_amount: int
    """Paid so far."""
    realised_margin_amount: int
    factors: Factors
    """Of the residual LTV of those alive."""
    bounds: Bounds | None
    """Parameter interval of the residual LTV."""
    predicted: Bounds | None
    """Predictive interval of it."""
    total_ltv_amount: int
    tail_share: float | None
    n_expected: float
    """Expected payments, or days with a purchase."""
    p_alive: float | None
    """Mean of those counted as alive; null under contract."""
    cost: Rate
    """What winning customers cost, and how many of whom it is known."""
    newcomer: Newcomer | None = None
    is_margin: bool = False
    """Whether LTV is of margin, so that a cost can be held against it."""

    came: "Came | None" = None
    """What became of a cohort, which is held against its cost instead of new customers."""

    @property
    def held(self) -> float | None:
        """Return the LTV of one customer that is held against the cost of winning one.

        Of a new customer; of a cohort what all who came have brought and will, each.
        """
        if self.came is not None:
            return self.total_ltv_amount / self.n if self.n else None
        return None if self.newcomer is None else self.newcomer.ltv_amount

    @property
    def ltv_cac(self) -> float | None:
        """Return the LTV of a customer over what winning one costs."""
        cost, held = self.cost.value, self.held
        return held / cost if self.is_margin and cost and held is not None else None

    @property
    def payback_months(self) -> int | None:
        """Return the month by whose end a customer has paid for itself; null for not yet."""
        cost = self.cost.value
        sums = self.came.brought if self.came else self.newcomer.brought if self.newcomer else None
        if not (self.is_margin and cost) or sums is None:
            return None
        return payback_months(sums, cost)


@dataclass(frozen=True, slots=True)
class Came:
    """What those who came together have brought so far, those who left included."""

    brought: Floats
    """(months,) margin by the end of each month that all of them have lived through, each; at
    present value, counts of 1/10,000."""


def worth(
    group: str,
    members: pl.DataFrame,
    fit: ContractFit | RepeatFit,
    horizons: Horizons,
    cost: Rate,
) -> Worth:
    """Add up some foreseen customers, those who have left included; new ones are not told here."""
    alive = members.filter("is_alive")
    total, ltv = int(members["total_ltv_amount"].sum()), int(members["ltv_amount"].sum())
    bounds = _bounds(alive, fit, horizons)
    shares = alive["p_alive"] if "p_alive" in alive.columns else None
    return Worth(
        group=group,
        n=members.height,
        n_alive=alive.height,
        realised_amount=int(members["realised_amount"].sum()),
        realised_margin_amount=total - ltv,
        factors=factors(alive),
        bounds=bounds,
        predicted=predicted(members, bounds),
        total_ltv_amount=total,
        tail_share=tail_share(alive),
        n_expected=float(alive["n_expected"].sum()),
        p_alive=None if shares is None or alive.is_empty() else float(shares.sum()) / alive.height,
        cost=cost,
    )


def came(of: Worth, received: pl.DataFrame, n_months: int, horizons: Horizons) -> Came:
    """Return what a cohort has brought, of the money (`month`, `amount`) that it paid.

    `n_months` are those that its last customer has lived through; margin is the cohort's own.
    """
    months = np.arange(n_months)
    paid = dict(received.select("month", "amount").iter_rows())
    share = of.realised_margin_amount / of.realised_amount if of.realised_amount else 0.0
    later = (1.0 + horizons.discount_rate) ** -(months / 12)
    each = np.array([float(paid.get(int(month), 0)) for month in months]) * later
    return Came(np.cumsum(each) * share / max(of.n, 1))


def _bounds(alive: pl.DataFrame, fit: ContractFit | RepeatFit, horizons: Horizons) -> Bounds | None:
    """Return bounds of a sum of LTV; null where none can be told."""
    whole = int(alive["ltv_amount"].sum())
    if not whole:
        return None
    if isinstance(fit, ContractFit):
        shares: tuple[float, float] | None = contract.total_interval(alive, fit, horizons)
    else:
        shares = repeat.total_interval(alive, fit, horizons)
    return None if shares is None else Bounds(shares[0] * whole, shares[1] * whole)
