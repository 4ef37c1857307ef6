"""Key figures as plain JSON types, for `--report json`.

One rule: the same rows as the table for machines, and the page that is made of them.
"""

from csk.analyses.kpi import NEEDS, Kpis, Line, in_unit
from csk.models.measures import Measured
from csk.reports.reconciliation import exact, reconciled
from csk.settings import Settings


def plain(result: Kpis, settings: Settings) -> dict[str, object]:
    """Return the page: every metric with what it is held against, and the classes of customers."""
    span, now = result.book.span, result.standing
    return {
        "as_of": span.as_of.isoformat(),
        "data_from": span.data_from.isoformat(),
        "data_through": span.data_through.isoformat(),
        "warnings": list(span.notes),
        "currency": result.book.currency or None,
        "tax": settings.tax,
        "ltv_basis": now.basis if now else None,
        "ltv_horizon_months": settings.ltv_horizon,
        "discount_rate": settings.discount_rate,
        "reconciliation": reconciled(result.book),
        "period_on": result.latest_on.isoformat(),
        "stands_on": result.stands_on.isoformat(),
        "dimension": result.by or None,
        "metrics": [_line(line) for line in result.lines],
        "abc": [{"class": one.name, "n": one.n, "amount": exact(one.amount)} for one in result.abc],
        "deciles": [
            {"decile": int(one.name), "n": one.n, "amount": exact(one.amount)}
            for one in result.deciles
        ],
        "lacking": {key: list(NEEDS[key]) for key in result.lacking},
    }


def _line(line: Line) -> dict[str, object]:
    now, elsewhere = line.now, line.benchmark
    return {
        "metric_id": now.metric_id,
        "unit": now.metric.unit,
        "period_on": now.period_on.isoformat(),
        "value": _told(now, now.value),
        "low": _told(now, now.low),
        "high": _told(now, now.high),
        "n": now.n,
        "before": None if line.before is None else _told(now, line.before.value),
        "year_ago": None if line.year_ago is None else _told(now, line.year_ago.value),
        "target": _told(now, line.target),
        "is_met": line.is_met,
        "benchmark": None
        if elsewhere is None
        else {
            "value": _told(now, in_unit(now.metric_id, elsewhere.value)),
            "low": _end(now, elsewhere.low),
            "high": _end(now, elsewhere.high),
            "source": elsewhere.source,
            "as_of": elsewhere.as_of.isoformat() if elsewhere.as_of else None,
        },
    }


def _end(now: Measured, value: float | None) -> object:
    return None if value is None else _told(now, in_unit(now.metric_id, value))


def _told(of: Measured, value: float | None) -> object:
    """Return money as exact text, everything else as a number."""
    if value is None:
        return None
    return exact(round(value)) if of.metric.unit == "money" else value
