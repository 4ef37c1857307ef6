"""Movements of recurring revenue as plain JSON types, for `--report json`.

One rule: money is exact text in major units, rates are unrounded and have their two counts.
"""

from typing import Final

from csk.analyses.mrr import MrrResult
from csk.definitions import definition
from csk.models.periods import Moved, Period
from csk.models.rates import Rate
from csk.reports.reconciliation import exact, reconciled
from csk.settings import Settings

RATES: Final = (
    "customer_churn_rate",
    "voluntary_churn_rate",
    "involuntary_churn_rate",
    "unknown_churn_rate",
    "revenue_churn_rate",
    "net_revenue_churn_rate",
    "customer_retention_rate",
    "grr",
    "nrr",
    "quick_ratio",
    "upsell_rate",
    "cross_sell_rate",
    "reactivation_rate",
)
"""Metrics told for every period."""


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
        "grain": result.motion.grain,
        "pause": result.motion.pause,
        "preset": result.preset or None,
        "reconciliation": reconciled(result.book),
        "periods": [_period(one, result.preset) for one in result.periods],
        "groups": {
            name: [_period(one, result.preset) for one in of] for name, of in result.groups.items()
        },
        "renewal_eligible": rated("renewal_eligible_churn_rate", result.renewal)
        if result.renewal
        else None,
        "twelve_months": _year(result),
    }


def _period(one: Period, preset: str) -> dict[str, object]:
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
        "rates": {name: rated(name, one.rate(name, preset), preset) for name in RATES},
    }


def _moved(moved: Moved) -> dict[str, object]:
    return {"n": moved.n, "amount": exact(moved.amount)}


def rated(metric_id: str, rate: Rate, preset: str = "") -> dict[str, object]:
    """Return a rate with its two sums, whose definition it follows, and money as exact text."""
    variant = definition(metric_id).under(preset)
    is_money = any(name.startswith("money.") for name in variant.terms)
    return {
        "definition_id": definition(metric_id).definition_id(preset),
        "value": rate.value,
        "numerator": exact(rate.numerator) if is_money else rate.numerator,
        "denominator": exact(rate.denominator)
        if is_money and rate.denominator is not None
        else rate.denominator,
    }


def _year(result: MrrResult) -> dict[str, object] | None:
    year = result.year
    if year is None or result.year_from is None:
        return None
    return {
        "from": result.year_from.isoformat(),
        "n": year.n,
        "customer_retention": rated("customer_retention_rate", year.customers),
        "nrr": rated("nrr", year.net),
        "grr": rated("grr", year.gross),
        "grr_by_path": rated("grr", year.gross_by_path, "path") if year.gross_by_path else None,
    }
