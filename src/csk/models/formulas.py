"""The same customers by the formulas that others use, and what lies between those and ours.

One rule: the steps from ours to another formula add up to the difference, exactly.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import polars as pl

from csk.models.contract import Horizons
from csk.models.figures import BookFigures
from csk.models.value import UNIT

RECURLY_RATE: Final = 0.1
"""The discount rate in Recurly's formula, which is added to a monthly churn as it stands."""
_MONTHS: Final = 12
_YEAR_DAYS: Final = 365


@dataclass(frozen=True, slots=True)
class Counted:
    """A yearly churn rate by one way of counting, and what ARPA / churn makes of it."""

    name: str
    """`start`: of those there a year ago; `with_new`: all who left of those and the new ones;
    `all_left`: all who left of those there a year ago."""
    yearly: float
    amount: float | None
    """Margin over the monthly rate that it implies; null where nobody or everybody left."""


@dataclass(frozen=True, slots=True)
class Formulas:
    """LTV per customer alive by each formula; counts of 1/10,000, null where it cannot be had."""

    expected: float
    simple: float | None
    """The product of plain averages of price, margin, frequency and duration."""
    arpa_churn: float | None
    """Margin a month over the monthly churn of those who were there a year ago."""
    recurly: float | None
    """ARPS (1 + d) / (d + churn), of revenue, with d = 10 %."""
    realised: float | None
    """Margin so far, of everybody who ever came."""
    realised_gone: float | None
    """Margin of those who have left, which is all they will ever bring."""
    steps: tuple[tuple[str, float], ...]
    """From `expected` to `arpa_churn`: `discount`, `together` (price, margin, frequency and
    duration go together), `constant` (one churn rate for all ages and customers), `endless`
    (what comes after the horizon); empty where there is no ARPA / churn."""
    counted: tuple[Counted, ...]
    monthly_margin: float | None
    new_share: float | None
    """Of those alive, who came within the last year."""


def formulas(
    customers: pl.DataFrame, figures: BookFigures, horizons: Horizons, data_from: date
) -> Formulas:
    """Return what other formulas say of valued customers, and why.

    Churn is of the year before `as_of`, and not told where its ends were not all seen.
    """
    alive = customers.filter("is_alive")
    n = max(alive.height, 1)
    margin = (customers["total_ltv_amount"] - customers["ltv_amount"]).cast(pl.Float64)
    gone = margin.filter(~customers["is_alive"])
    monthly, revenue = _a_month(figures)
    counted = _counted(customers, horizons, data_from, monthly)
    yearly = counted[0].yearly if counted else None
    rate = None if not yearly or yearly >= 1 else 1 - (1 - yearly) ** (1 / _MONTHS)
    known = None if rate is None or monthly is None else monthly / rate
    return Formulas(
        expected=figures.ltv.mean_ltv,
        simple=figures.simple_ltv,
        arpa_churn=known,
        recurly=None
        if rate is None or revenue is None
        else revenue * (1 + RECURLY_RATE) / (RECURLY_RATE + rate),
        realised=float(margin.sum()) / len(margin) if len(margin) else None,
        realised_gone=float(gone.sum()) / len(gone) if len(gone) else None,
        steps=_steps(figures, known, rate, horizons.ltv_months),
        counted=counted,
        monthly_margin=monthly,
        new_share=float((alive["customer_since_on"] >= _a_year_before(horizons)).sum()) / n,
    )


def _a_year_before(horizons: Horizons) -> date:
    return horizons.as_of - timedelta(days=_YEAR_DAYS)


def _a_month(figures: BookFigures) -> tuple[float | None, float | None]:
    """Return margin and revenue a month of one customer alive, in counts."""
    whole, n = figures.ltv, figures.n_alive
    if not n or whole.unit_price_amount is None or whole.margin_share is None:
        return None, None
    if figures.mrr_amount is not None:
        revenue = figures.mrr_amount / n
    else:
        revenue = whole.unit_price_amount * UNIT * (whole.frequency or 0.0)
    return revenue * whole.margin_share, revenue


def _counted(
    customers: pl.DataFrame, horizons: Horizons, data_from: date, monthly: float | None
) -> tuple[Counted, ...]:
    """Return the churn of the last year as three vendors would count it."""
    then = _a_year_before(horizons)
    if then < data_from:
        return ()
    came, left = customers["customer_since_on"], customers["churned_on"]
    was_there = (came < then) & (left.is_null() | (left >= then))
    left_since = (left >= then).fill_null(value=False)
    start, new = int(was_there.sum()), int((came >= then).sum())
    left_start, left_all = int((was_there & left_since).sum()), int(left_since.sum())
    shares = {
        "start": (left_start, start),
        "with_new": (left_all, start + new),
        "all_left": (left_all, start),
    }
    found = []
    for name, (gone, of) in shares.items():
        yearly = gone / of if of else 0.0
        has_rate = monthly is not None and 0 < yearly < 1
        found.append(
            Counted(
                name,
                yearly,
                monthly / (1 - (1 - yearly) ** (1 / _MONTHS))
                if has_rate and monthly is not None
                else None,
            )
        )
    return tuple(found) if start else ()


def _steps(
    figures: BookFigures, endless: float | None, rate: float | None, months: int
) -> tuple[tuple[str, float], ...]:
    whole = figures.ltv
    if endless is None or rate is None or figures.simple_ltv is None or not whole.discount_factor:
        return ()
    face = whole.mean_ltv / whole.discount_factor
    within = endless * (1 - (1 - rate) ** months)
    places = (whole.mean_ltv, face, figures.simple_ltv, within, endless)
    names = ("discount", "together", "constant", "endless")
    return tuple(
        (name, after - before)
        for name, before, after in zip(names, places[:-1], places[1:], strict=True)
    )
