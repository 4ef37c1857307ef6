"""Answers as plain JSON types, for `--report json`.

One rule: shares and scores are unrounded, an NPS runs from -1 to 1, money is exact text.
"""

from math import isfinite

from csk.analyses.surveys import Passed, Said, Surveys
from csk.reports.reconciliation import exact, reconciled
from csk.settings import Settings
from csk.stats.scores import Figure


def plain(result: Surveys, settings: Settings) -> dict[str, object]:
    """Return every figure of the answers."""
    span = result.book.span
    return {
        "as_of": span.as_of.isoformat(),
        "data_from": span.data_from.isoformat(),
        "data_through": span.data_through.isoformat(),
        "warnings": list(span.notes),
        "currency": result.book.currency or None,
        "tax": settings.tax,
        "csat_scale": result.scale,
        "reconciliation": reconciled(result.book),
        "from": result.since.isoformat(),
        "to": result.until.isoformat(),
        "whole": _said(result.whole),
        "nps_scores": {str(score): n for score, n in result.scores.items()},
        "periods": [_said(one) for one in result.periods],
        "dimension": result.by or None,
        "groups": [_said(one) for one in result.groups],
        "after_nps": [
            {
                "class": one.group,
                "n": one.n,
                "n_customers": one.n_customers,
                "n_left": one.n_left,
                "left": [
                    {
                        "days": at.days,
                        "share": at.share,
                        "low": at.low,
                        "high": at.high,
                        "n_at_risk": at.n_at_risk,
                    }
                    for at in one.gone
                ],
            }
            for one in result.after
        ],
        "worth_by_last_nps": [
            {
                "class": one.group or None,
                "n": one.n,
                "ltv_amount": exact(one.ltv_amount),
                "value_at_risk": exact(one.value_at_risk),
            }
            for one in result.worth
        ],
        "outside_of_scale": [_passed(one) for one in result.outside],
        "other_kinds": [_passed(one) for one in result.others],
        "n_of_no_kind": result.n_unnamed,
    }


def _said(one: Said) -> dict[str, object]:
    response = one.response
    return {
        "group": one.group or None,
        "starts_on": None if one.starts_on is None else one.starts_on.isoformat(),
        "is_complete": one.is_complete,
        "nps": _figure(one.nps, one.nps_customers)
        | {"n_promoters": one.promoters, "n_detractors": one.detractors},
        "csat": _figure(one.csat, one.csat_customers),
        "csat_mean": _figure(one.csat_mean, one.csat_customers),
        "response_rate": None
        if response is None
        else {
            "value": response.value,
            "numerator": response.numerator,
            "denominator": response.denominator,
        },
    }


def _figure(of: Figure, n_customers: int) -> dict[str, object]:
    value, low, high = (v if isfinite(v) else None for v in of[:3])
    return {"value": value, "low": low, "high": high, "n": of.n, "n_customers": n_customers}


def _passed(one: Passed) -> dict[str, object]:
    return {"kind": one.kind, "n": one.n, "scores": list(one.scores)}
