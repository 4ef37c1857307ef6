"""What the customers of a book add up to: the figures beside which each one is read.

One rule: a figure of a group is a ratio of the group's sums, never a mean of ratios.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from csk.models import contract, repeat
from csk.models.contract import ContractFit, Horizons
from csk.models.repeat import RepeatFit
from csk.models.tiers import NAMES, TierPlan
from csk.models.value import UNIT, Factors, factors
from csk.stats.intervals import wilson

_YEAR_DAYS = 365


@dataclass(frozen=True, slots=True)
class NewCustomer:
    """What one who starts today is worth over the horizon, the first payment included."""

    group: str
    term_months: int
    n: int
    """Customers of the group alive today, whose mean price is used."""
    unit_price_amount: float
    frequency: float
    duration_months: float
    margin_share: float
    ltv_amount: float
    """Counts of 1/10,000, undiscounted."""


@dataclass(frozen=True, slots=True)
class BookFigures:
    """Figures of the whole book; money in counts of 1/10,000."""

    n_customers: int
    n_alive: int
    n_churned: int
    mrr_amount: int | None
    realised_amount: int
    ltv: Factors
    ltv_low: float | None
    ltv_high: float | None
    total_ltv_amount: int
    value_at_risk: int
    p_churn: tuple[tuple[int, float], ...]
    """Mean over those alive, by horizon in days."""
    churn_rate: float | None
    """Left in the last 365 days / alive a year ago; null for a book younger than that."""
    churn_low: float | None
    churn_high: float | None
    simple_ltv: float | None
    """The formula on plain averages: mean price x margin x frequency x duration, a customer."""
    arpa_churn_ltv: float | None
    """Margin a month per customer / monthly churn rate: what ARPA / churn says, a customer."""
    new_customers: tuple[NewCustomer, ...]


@dataclass(frozen=True, slots=True)
class TierRow:
    """One service level, or those without one (`none`)."""

    tier: str
    n: int
    ltv_share: float
    factors: Factors
    value_at_risk: int
    spend: int | None
    p_churn: float | None


def book_figures(
    customers: pl.DataFrame, fit: ContractFit | RepeatFit, horizons: Horizons, data_from: date
) -> BookFigures:
    """Add up valued customers; `data_from` is the first day whose ends were seen."""
    alive = customers.filter("is_alive")
    whole = factors(alive)
    low, high = _bounds(customers, fit, horizons)
    n_year, n_left = _churned_last_year(customers, horizons, data_from)
    rate = n_left / n_year if n_year else None
    bounds = wilson(n_left, n_year) if n_year else (None, None)
    is_contract = "mrr_amount" in customers.columns
    return BookFigures(
        n_customers=customers.height,
        n_alive=alive.height,
        n_churned=customers.height - alive.height,
        mrr_amount=int(alive["mrr_amount"].sum()) if is_contract else None,
        realised_amount=int(customers["realised_amount"].sum()),
        ltv=whole,
        ltv_low=None if low is None else low * whole.ltv_amount,
        ltv_high=None if high is None else high * whole.ltv_amount,
        total_ltv_amount=int(customers["total_ltv_amount"].sum()),
        value_at_risk=int(alive["value_at_risk"].sum()),
        p_churn=tuple((h, _mean(alive, f"p_churn_{h}d")) for h in horizons.risk_days),
        churn_rate=rate,
        churn_low=None if bounds[0] is None else float(bounds[0]),
        churn_high=None if bounds[1] is None else float(bounds[1]),
        simple_ltv=_simple(alive),
        arpa_churn_ltv=_arpa_churn(alive, rate, whole),
        new_customers=_new_customers(alive, fit, horizons),
    )


def _mean(rows: pl.DataFrame, column: str) -> float:
    mean = rows[column].mean() if rows.height else None
    return float(mean) if isinstance(mean, float) else 0.0


def _bounds(
    customers: pl.DataFrame, fit: ContractFit | RepeatFit, horizons: Horizons
) -> tuple[float | None, float | None]:
    """Return the bounds of the book's residual LTV as shares of it; null where none can be told."""
    if isinstance(fit, ContractFit):
        return contract.total_interval(customers, fit, horizons)
    return repeat.total_interval(customers, fit, horizons) or (None, None)


def _churned_last_year(
    customers: pl.DataFrame, horizons: Horizons, data_from: date
) -> tuple[int, int]:
    """Return how many were customers a year before `as_of`, and how many of them have left.

    Nobody, where ends of that year were not all seen.
    """
    then = horizons.as_of - timedelta(days=_YEAR_DAYS)
    if then < data_from:
        return 0, 0
    left = pl.col("churned_on")
    there = customers.filter(
        (pl.col("customer_since_on") < then) & (left.is_null() | (left >= then))
    )
    return there.height, int((~there["is_alive"]).sum())


def _simple(alive: pl.DataFrame) -> float | None:
    names = ("unit_price_amount", "margin_share", "frequency", "duration_months")
    means = [alive[name].mean() for name in names]
    product = 1.0
    for mean in means:
        if not isinstance(mean, float):
            return None
        product *= mean
    return product * UNIT


def _arpa_churn(alive: pl.DataFrame, yearly: float | None, whole: Factors) -> float | None:
    """Margin a month per customer, over the monthly churn rate that a year's rate implies."""
    if not yearly or yearly >= 1 or not whole.unit_price_amount or not whole.duration_months:
        return None
    monthly = 1 - (1 - yearly) ** (1 / 12)
    if "mrr_amount" in alive.columns:
        arpa = int(alive["mrr_amount"].sum()) / alive.height
    else:
        arpa = whole.unit_price_amount * UNIT * (whole.frequency or 0.0)
    return float(arpa * (whole.margin_share or 0.0) / monthly)


def _new_customers(
    alive: pl.DataFrame, fit: ContractFit | RepeatFit, horizons: Horizons
) -> tuple[NewCustomer, ...]:
    if not isinstance(fit, ContractFit):
        return ()
    rows = []
    names = {curve.curve: curve for curve in fit.curves}
    paid = pl.col("mrr_amount") * pl.col("term_months")
    groups = alive.group_by("curve", "term_months").agg(
        n=pl.len(),
        amount=paid.sum(),
        margin_amount=(paid * pl.col("margin_share")).round(0).cast(pl.Int64).sum(),
    )
    order = groups.sort("n", "curve", "term_months", descending=True)
    for number, term, n, amount, earned in order.iter_rows():
        curve = names.get(number)
        if curve is None or not n:
            continue
        months, payments = contract.new_customer(curve, horizons)
        price, margin = amount / n, earned / amount if amount else 0.0
        rows.append(
            NewCustomer(
                group=curve.group,
                term_months=int(term),
                n=n,
                unit_price_amount=price / UNIT,
                frequency=payments / months if months else 0.0,
                duration_months=months,
                margin_share=margin,
                ltv_amount=price * payments * margin,
            )
        )
    return tuple(rows)


def tier_rows(customers: pl.DataFrame, plan: TierPlan, risk: str) -> tuple[TierRow, ...]:
    """Return one row per service level, and one for those without."""
    total = int(customers["ltv_amount"].sum())
    costs = dict(plan.costs)
    rows = []
    for name in (*NAMES, None):
        chosen = pl.col("tier").is_null() if name is None else pl.col("tier") == name
        members = customers.filter(chosen)
        if name is None and members.is_empty():
            continue
        ltv = int(members["ltv_amount"].sum())
        alive = members.filter("is_alive")
        rows.append(
            TierRow(
                tier=name or "none",
                n=members.height,
                ltv_share=ltv / total if total else 0.0,
                factors=factors(alive),
                value_at_risk=int(members["value_at_risk"].sum()),
                spend=costs[name] * members.height if name in costs else None,
                p_churn=_mean(alive, risk) if alive.height else None,
            )
        )
    return tuple(rows)
