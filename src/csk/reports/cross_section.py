"""The report of a cross-section: what it tells, and what it cannot."""

import math

from csk.analyses.cross_section import CrossSection
from csk.reports.blocks import (
    Block,
    Curve,
    Figure,
    Figures,
    Grid,
    GridColumn,
    Heading,
    Note,
    Report,
)
from csk.reports.figures import NOTHING, amount, count, number, share
from csk.reports.reconciliation import exact, reconciled, reconciliation
from csk.stats.survival import survival_at
from csk.text import Words

_MONTHS = (1, 3, 6, 12, 24, 48, 72)
_PLAN_MONTHS = (12, 24)


def report(result: CrossSection, say: Words) -> Report:
    """Put a cross-section into words."""
    currency = result.book.currency
    left = say("cross.churned_remark", low=share(result.low), high=share(result.high))
    rate = f"{count(result.n_churned)} = {share(result.n_churned / result.n, 3)}"
    figures = [
        Figure(say("cross.customers"), count(result.n)),
        Figure(say("cross.churned"), rate, left),
    ]
    if result.monthly_amount is not None:
        figures.append(Figure(say("cross.monthly"), amount(result.monthly_amount, currency)))
    if result.total_amount is not None:
        blank = say("cross.blank", n=count(result.n_blank_total)) if result.n_blank_total else ""
        figures.append(Figure(say("cross.total"), amount(result.total_amount, currency), blank))
    curve = result.curve
    blocks: list[Block] = [
        *reconciliation(result.book, say),
        Note(say("cross.can"), "plain"),
        Note(say("cross.cannot"), "warn"),
        Figures(tuple(figures)),
        *_plans(result, say),
        Heading(say("cross.survival")),
        *_survival(result, say),
        Curve(
            title="",
            x_title="",
            x=tuple(map(float, curve.age)),
            y=tuple(map(float, curve.survival)),
            low=tuple(map(float, curve.low)),
            high=tuple(map(float, curve.high)),
            between=say("line.between"),
        ),
    ]
    line = say("cross.line", n=count(result.n))
    return Report(say("cross.title"), line, tuple(blocks), _plain(result))


def _plans(result: CrossSection, say: Words) -> list[Block]:
    if len(result.plans) <= 1:
        return []
    ages = [month for month in _PLAN_MONTHS if month <= int(result.curve.age[-1])]
    rows = tuple(
        (
            plan.plan or NOTHING,
            count(plan.n),
            count(plan.n_churned),
            share(plan.n_churned / plan.n),
            say("cross.interval", low=share(plan.low), high=share(plan.high)),
            *(_known(float(value)) for value in survival_at(plan.curve, ages)),
            number(plan.median_months, 0) if math.isfinite(plan.median_months) else NOTHING,
        )
        for plan in result.plans
    )
    columns = (
        GridColumn(say("cross.plan")),
        *(GridColumn(say(f"cross.{title}"), "right") for title in ("customers", "left", "share")),
        GridColumn(say("cross.level"), "right", priority=1),
        *(GridColumn(say("cross.after", month=str(age)), "right") for age in ages),
        GridColumn(say("cross.median"), "right"),
    )
    return [Grid(say("cross.plans"), columns, rows, caption=say("cross.plans_caption"))]


def _known(value: float) -> str:
    return share(value) if math.isfinite(value) else NOTHING


def _survival(result: CrossSection, say: Words) -> list[Block]:
    last = int(result.curve.age[-1])
    ages = [month for month in _MONTHS if month <= last]
    values = survival_at(result.curve, ages)
    figures = tuple(
        Figure(say("cross.month", month=str(month)), share(float(value), 2))
        for month, value in zip(ages, values, strict=True)
    )
    return [Figures(figures)]


def _plain(result: CrossSection) -> dict[str, object]:
    curve = result.curve
    return {
        "reconciliation": reconciled(result.book),
        "customers": result.n,
        "churned": result.n_churned,
        "churned_share": result.n_churned / result.n,
        "churned_low": result.low,
        "churned_high": result.high,
        "monthly_amount": None if result.monthly_amount is None else exact(result.monthly_amount),
        "total_amount": None if result.total_amount is None else exact(result.total_amount),
        "blank_totals": result.n_blank_total,
        "survival_by_month": [
            {"month": int(age), "survival": float(value), "at_risk": int(n)}
            for age, value, n in zip(curve.age, curve.survival, curve.at_risk, strict=True)
        ],
    }
