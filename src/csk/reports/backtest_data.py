"""A backtest as plain JSON types, for `--report json`.

One rule: money is exact text in major units, everything else a number or null.
"""

from math import isfinite

from csk.analyses.backtest import Backtest
from csk.models.tracking import Tracking
from csk.models.verdicts import Bounds, Judged, Origin, Standing
from csk.reports.reconciliation import exact, reconciled
from csk.settings import Settings
from csk.stats.holdout import Coverage, Errors, Slice, ZeroClass


def plain(result: Backtest, settings: Settings) -> dict[str, object]:
    """Return every figure of a backtest."""
    span = result.book.span
    return {
        "as_of": span.as_of.isoformat(),
        "data_from": span.data_from.isoformat(),
        "data_through": span.data_through.isoformat(),
        "warnings": list(span.notes),
        "currency": result.book.currency or None,
        "tax": settings.tax,
        "basis": result.basis,
        "reconciliation": reconciled(result.book),
        "holdout_months": result.months,
        "origins_asked": result.asked,
        "refused": [{"from": day.isoformat(), "why": why} for day, why in result.refused],
        "best": result.best.model,
        "is_default_best": result.best.model == result.default.model,
        "winners": dict(result.winners),
        "models": [_standing(one) for one in result.standings],
        "origins": [_origin(one) for one in result.origins],
    }


def _standing(one: Standing) -> dict[str, object]:
    return {
        "model": one.model,
        "excess": _finite(one.excess),
        **_measures(one),
    }


def _origin(one: Origin) -> dict[str, object]:
    return {
        "from": one.on.isoformat(),
        "to": one.end.isoformat(),
        "customers": one.n,
        "best_top_share": _finite(one.best_top_share),
        "models": [
            {
                "model": of.model,
                **_measures(of),
                "total": _bounds(of.total),
                "total_with_chance": _bounds(of.total_with_chance),
                "revenue": _tracking(of.revenue, is_money=True),
                "purchases_by_step": _tracking(of.number, is_money=False),
            }
            for of in one.models
        ],
    }


def _measures(of: Standing | Judged) -> dict[str, object]:
    return {
        "money": _errors(of.money, is_money=True),
        "purchases": _errors(of.purchases, is_money=False),
        "gini": _finite(of.gini),
        "top_share": _finite(of.top_share),
        "deciles": [_slice(one) for one in of.deciles],
        "zero_class": _zero(of.zero),
        "coverage": _covered(of.covered),
    }


def _errors(of: Errors, *, is_money: bool) -> dict[str, object]:
    return {
        "n": of.n,
        "foretold": _told(of.predicted, is_money=is_money),
        "came": _told(of.actual, is_money=is_money),
        "mae": _told(of.mae, is_money=is_money),
        "rmse": _told(of.rmse, is_money=is_money),
        "bias": _finite(of.bias),
    }


def _slice(one: Slice) -> dict[str, object]:
    return {
        "foretold": _told(one.predicted, is_money=True),
        "came": _told(one.actual, is_money=True),
    }


def _zero(of: ZeroClass | None) -> dict[str, object] | None:
    return None if of is None else {"n": of.n, "expected": of.expected, "actual": of.actual}


def _covered(of: Coverage | None) -> dict[str, object] | None:
    return None if of is None else dict(of._asdict())


def _bounds(of: Bounds | None) -> dict[str, object] | None:
    if of is None:
        return None
    return {
        "low": _told(of.low, is_money=True),
        "high": _told(of.high, is_money=True),
        "is_inside": of.is_inside,
    }


def _tracking(of: Tracking, *, is_money: bool) -> list[dict[str, object]]:
    return [
        {
            "to": end.isoformat(),
            "expected": _told(expected, is_money=is_money),
            "actual": _told(actual, is_money=is_money),
        }
        for end, expected, actual in zip(of.ends, of.expected, of.actual, strict=True)
    ]


def _told(value: float, *, is_money: bool) -> object:
    if not isfinite(value):
        return None
    return exact(round(value)) if is_money else value


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None
