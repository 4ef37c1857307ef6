"""Movements of recurring revenue as plain JSON types, for `--report json`.

One rule: money is exact text in major units, rates are unrounded and have their two counts.
"""

from csk.analyses.mrr import Moved, MrrResult, Period
from csk.models.rates import Rate
from csk.reports.reconciliation import exact, reconciled
from csk.settings import Settings


def plain(result: MrrResult, settings: Settings) -> dict[str, object]:
    """Return every period of the whole and of each group."""
    span = result.book.span
    return {
        "as_of": span.as_of.isoformat(),
        "data_from": span.data_from.isoformat(),
        "data_through": span.data_through.isoformat(),
        "warnings": list(span.notes),
        "currency": result.book.currency or None,
        "tax": settings.tax,
        "level": result.motion.level,
        "grace_days": result.motion.grace_days,
        "reconciliation": reconciled(result.book),
        "periods": [_period(one) for one in result.periods],
        "groups": {name: [_period(one) for one in of] for name, of in result.groups.items()},
        "twelve_months": _year(result),
    }


def _period(one: Period) -> dict[str, object]:
    return {
        "starts_on": one.starts_on.isoformat(),
        "ends_on": one.ends_on.isoformat(),
        "is_complete": one.is_complete,
        "n_start": one.n_start,
        "start_amount": exact(one.start_amount),
        "movements": {kind: _moved(moved) for kind, moved in one.moved.items()},
        "churn_by_cause": {cause: _moved(moved) for cause, moved in one.causes.items()},
        "flash": _moved(one.flash),
        "n_end": one.n_end,
        "end_amount": exact(one.end_amount),
        "customer_churn_rate": _rate(Rate(one.moved["churn"].n, one.n_start)),
        "revenue_churn_rate": _rate(Rate(-one.moved["churn"].amount, one.start_amount)),
        "grr": _rate(one.retained.gross),
        "nrr": _rate(one.retained.net),
        "quick_ratio": one.quick_ratio,
    }


def _moved(moved: Moved) -> dict[str, object]:
    return {"n": moved.n, "amount": exact(moved.amount)}


def _rate(rate: Rate) -> dict[str, object]:
    return {
        "value": rate.value,
        "numerator": rate.numerator,
        "denominator": rate.denominator,
    }


def _year(result: MrrResult) -> dict[str, object] | None:
    year = result.year
    if year is None or result.year_from is None:
        return None
    return {
        "from": result.year_from.isoformat(),
        "n": year.n,
        "customer_retention": _rate(year.customers),
        "nrr": _rate(year.net),
        "grr": _rate(year.gross),
        "grr_by_path": _rate(year.gross_by_path) if year.gross_by_path else None,
    }
