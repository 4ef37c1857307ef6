"""Usage as plain JSON types, for `--report json`.

One rule: money is exact text in major units, shares and rates are unrounded numbers.
"""

from math import isfinite

from csk.analyses.usage import UsageTrends, Used, worst
from csk.models.adoption import FeatureHazard
from csk.models.onboarding import Onboarding
from csk.models.usage_trends import FALSE_ALARMS
from csk.reports.reconciliation import exact, reconciled
from csk.settings import Settings

_NAMED = (
    *("usage_28d", "usage_previous_28d", "usage_baseline_28d"),
    *("change_rate", "change_low", "change_high"),
)


def plain(result: UsageTrends, settings: Settings, top: int) -> dict[str, object]:
    """Return the book, its groups, the falling customers, features and milestones."""
    span, edges = result.book.span, result.edges
    return {
        "as_of": span.as_of.isoformat(),
        "data_from": span.data_from.isoformat(),
        "data_through": span.data_through.isoformat(),
        "warnings": list(span.notes),
        "currency": result.book.currency or None,
        "tax": settings.tax,
        "reconciliation": reconciled(result.book),
        "usage_from": result.usage_from.isoformat(),
        "usage_through": result.usage_through.isoformat(),
        "rows_before_contract": edges.n_before,
        "rows_between_contracts": edges.n_after,
        "rows_without_contract": edges.n_stranger,
        "false_alarm_rate": FALSE_ALARMS,
        "severity_shares": list(settings.usage.severity_shares),
        "weekdays": list(result.week.worth),
        "book": _used(result.whole),
        "dimension": result.by or None,
        "groups": [_used(one) for one in result.groups],
        "falling": [_fall(row) for row in worst(result, top)],
        "entitled": {plan: list(names) for plan, names in sorted(result.entitled.items())},
        "features": [
            {
                "feature": one.feature,
                "n_entitled": one.n_entitled,
                "n_using": one.n_using,
                "mrr_unused_amount": exact(one.mrr_unused_amount),
            }
            for one in result.features
        ],
        "n_landmarks": result.n_landmarks,
        "hazards": [_hazard(one) for one in result.hazards],
        "milestones": [_milestone(one) for one in result.onboarding],
    }


def _used(one: Used) -> dict[str, object]:
    return {
        "group": one.group or None,
        "n": one.n,
        "n_silent": one.n_silent,
        "n_new": one.n_new,
        "usage_28d": one.usage_28d,
        "usage_previous_28d": one.usage_previous_28d,
        "n_falling": one.n_falling,
        "n_falling_recently": one.n_recent,
        "by_severity": dict(one.by_severity),
        "mrr_amount": exact(one.mrr_amount),
        "mrr_falling_amount": exact(one.mrr_falling_amount),
    }


def _fall(row: dict[str, object]) -> dict[str, object]:
    lost, mrr = row["lost_amount"], row["mrr_amount"]
    return {
        "customer_id": row["customer_id"],
        "plan": row["plan"],
        **{name: row[name] for name in _NAMED},
        "changed_on": str(row["changed_on"]),
        "severity": row["severity"],
        "days_since_last_use": row["days_since_last_use"],
        "unused_features": row["unused_features"],
        "mrr_amount": exact(mrr) if isinstance(mrr, int) else None,
        "at_stake_amount": exact(lost) if isinstance(lost, int) and mrr is not None else None,
        "p_value": row["p_value"],
    }


def _hazard(one: FeatureHazard) -> dict[str, object]:
    ratio = one.ratio
    return {
        "feature": one.feature,
        "n_with": one.n_with,
        "left_with": one.left_with,
        "n_without": one.n_without,
        "left_without": one.left_without,
        "ratio": _known(ratio.value),
        "low": _known(ratio.low),
        "high": _known(ratio.high),
        "p_value": _known(ratio.p_value),
        "p_adjusted": _known(one.p_adjusted),
    }


def _milestone(one: Onboarding) -> dict[str, object]:
    return {
        "name": one.name,
        "feature": one.milestone.feature or None,
        "count": one.milestone.count,
        "within_days": one.milestone.within_days,
        "n": one.n,
        "n_watched": one.n_watched,
        "share": _known(one.share),
        "low": _known(one.low),
        "high": _known(one.high),
        "median_days": one.median_days,
        "p_value": _known(one.p_value),
        "after": [
            {
                "is_done": side.is_done,
                "n": side.n,
                "n_left": side.n_left,
                "stays": [
                    {"days": at.days, "share": at.share, "low": at.low, "high": at.high}
                    for at in side.stays
                ],
            }
            for side in one.sides
        ],
    }


def _known(value: float) -> float | None:
    return value if isfinite(value) else None
