"""Churn risks as plain JSON types, for `--report json`.

One rule: money is exact text in major units, chances are unrounded numbers, and what could not
be told is null.
"""

from dataclasses import asdict
from datetime import date
from math import isfinite
from typing import Any

from csk.analyses.churn_risk import ChurnRisk
from csk.models.risk.alerts import Night
from csk.models.risk.listing import at_stake, to_look_at
from csk.reports.churn_risk_customers import reasons
from csk.reports.reconciliation import exact, reconciled
from csk.settings import Settings
from csk.text import Words

_MONEY = ("mrr_amount", "ltv_if_retained", "value_at_risk", "net_benefit_amount")


def plain(
    result: ChurnRisk, settings: Settings, top: int, night: Night | None, say: Words
) -> dict[str, object]:
    """Return figures, the customers named, the validation, and what a kept model knows."""
    span, rows = result.book.span, result.customers
    days, longest = sorted(result.horizons.risk_days), result.horizons.retained_days
    sums = at_stake(rows, longest)
    return {
        "as_of": span.as_of.isoformat(),
        "data_from": span.data_from.isoformat(),
        "data_through": span.data_through.isoformat(),
        "is_complete": span.is_complete,
        "warnings": [*span.notes, *result.notes],
        "currency": result.book.currency or None,
        "reconciliation": reconciled(result.book),
        "risk_horizon_days": days,
        "method": result.method,
        "customers": {
            "n": rows.height,
            "control": sums.n_control,
            "pays": sums.n_paying,
        },
        "mrr_amount": _money(sums.mrr_amount),
        "value_at_risk": _money(sums.value_at_risk),
        "net_benefit_amount": _money(sums.net_benefit_amount),
        "expected_to_leave": {f"{d}d": float(rows[f"p_churn_{d}d"].sum() or 0.0) for d in days},
        "contact": settings.contact.model_dump(),
        "model": None if result.model is None else _json(asdict(result.model.facts)),
        "usage_rows": dict(result.early) or None,
        "left_out": []
        if result.model is None
        else _json([o._asdict() for o in result.model.box.dropped]),
        "validation": None if result.validation is None else _json(asdict(result.validation)),
        "night": None if night is None else _night(night),
        "top": [_customer(row, result, say) for row in to_look_at(rows, top, longest)],
    }


def _night(night: Night) -> dict[str, object]:
    return {
        "previous": night.previous.isoformat() if night.previous else None,
        "fitted_as_of": night.fitted_as_of.isoformat(),
        "is_refit": night.is_refit,
        "n_runs": night.n_runs,
        "alerts": [_json(one._asdict()) for one in night.alerts],
        "live": [_json(one._asdict()) for one in night.live],
    }


def _customer(row: dict[str, Any], result: ChurnRisk, say: Words) -> dict[str, object]:
    told = {name: exact(row[name]) for name in _MONEY if row.get(name) is not None}
    return {**_json(row), **told, "reasons": reasons(row, result.book.currency, say)}


def _money(counts: int | None) -> str | None:
    return None if counts is None else exact(counts)


def _json(value: Any) -> Any:  # noqa: ANN401 # whatever a frozen result holds
    """Return a value in plain types: days as text, what is not finite as null."""
    if isinstance(value, dict):
        return {str(name): _json(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_json(one) for one in value]
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and not isfinite(value):
        return None
    return value
