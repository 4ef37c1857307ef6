"""A run as Prometheus reads it from a text file, and as one line of JSON.

One rule: names and labels are a contract; what is not known is left out, never written as 0.
"""

from datetime import UTC, date, datetime, time
from math import isfinite
from typing import Final

from csk.analyses.churn_risk import ChurnRisk
from csk.models.risk.alerts import CONDITIONS, Night
from csk.models.risk.listing import at_stake
from csk.reports.churn_risk import expected
from csk.reports.reconciliation import exact

_HELP: Final = {
    "as_of_timestamp_seconds": "Start of the day as of which was scored, UTC.",
    "data_through_timestamp_seconds": "Last day that the data are complete for, UTC.",
    "model_as_of_timestamp_seconds": "Day before which all lies that the model knows, UTC.",
    "customers": "Customers scored.",
    "expected_leavers": "Customers expected to leave within the days.",
    "value_at_risk": "Value at risk over the longest horizon, major units.",
    "alert": "1 where the condition holds.",
    "live_left_over_foretold": "Customers who left, for each that an earlier run foretold.",
    "live_brier": "Brier score of an earlier run whose labels are known.",
    "live_auc": "AUC of an earlier run whose labels are known.",
    "live_lift_10": "Lift of its first tenth.",
}
_PREFIX: Final = "csk_churn_risk_"


def prometheus(result: ChurnRisk, night: Night | None) -> str:
    """Return a run in the text format of Prometheus, every figure a gauge."""
    span = result.book.span
    found: list[tuple[str, dict[str, str], float | str]] = [
        ("as_of_timestamp_seconds", {}, _seconds(span.as_of)),
        ("data_through_timestamp_seconds", {}, _seconds(span.data_through)),
        ("customers", {}, result.customers.height),
    ]
    if night is not None:
        found.append(("model_as_of_timestamp_seconds", {}, _seconds(night.fitted_as_of)))
    found += [
        ("expected_leavers", {"days": str(days)}, expected(result, days))
        for days in sorted(result.horizons.risk_days)
    ]
    at_risk = _at_risk(result)
    if at_risk is not None:
        found.append(("value_at_risk", {"currency": result.book.currency}, at_risk))
    return "".join(_lines([*found, *_nightly(night)]))


def _nightly(night: Night | None) -> list[tuple[str, dict[str, str], float | str]]:
    if night is None:
        return []
    held = {one.condition for one in night.alerts}
    found: list[tuple[str, dict[str, str], float | str]] = [
        ("alert", {"condition": name}, int(name in held)) for name in CONDITIONS
    ]
    for one in night.live:
        label = {"days": str(one.days)}
        found += [
            ("live_left_over_foretold", label, one.ratio),
            ("live_brier", label, one.brier),
            ("live_auc", label, one.auc),
            ("live_lift_10", label, one.lift_10),
        ]
    return found


def _lines(found: list[tuple[str, dict[str, str], float | str]]) -> list[str]:
    """Return the lines; those of one name stand together under its help."""
    lines = []
    for name, said in _HELP.items():
        told = [(labels, value) for one, labels, value in found if one == name]
        told = [(labels, v) for labels, v in told if isinstance(v, str) or isfinite(v)]
        if told:
            lines += [f"# HELP {_PREFIX}{name} {said}\n", f"# TYPE {_PREFIX}{name} gauge\n"]
        for labels, value in told:
            within = ",".join(f'{key}="{text}"' for key, text in labels.items())
            lines.append(f"{_PREFIX}{name}{'{' + within + '}' if within else ''} {value}\n")
    return lines


def _seconds(day: date) -> int:
    return int(datetime.combine(day, time(), UTC).timestamp())


def _at_risk(result: ChurnRisk) -> str | None:
    sums = at_stake(result.customers, result.horizons.retained_days)
    return None if sums.value_at_risk is None else exact(sums.value_at_risk)


def log_entry(result: ChurnRisk, night: Night | None) -> dict[str, object]:
    """Return what a line of the log says of a finished run, in plain types."""
    return {
        "as_of": result.book.span.as_of.isoformat(),
        "data_through": result.book.span.data_through.isoformat(),
        "method": result.method,
        "customers": result.customers.height,
        "expected_leavers": {
            f"{days}d": round(expected(result, days), 3)
            for days in sorted(result.horizons.risk_days)
        },
        "value_at_risk": _at_risk(result),
        "currency": result.book.currency or None,
        "alerts": [] if night is None else sorted({one.condition for one in night.alerts}),
        "is_refit": night is not None and night.is_refit,
    }
